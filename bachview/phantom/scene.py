"""The layout of a phantom slide: organic outlines at any size."""

import numpy as np

from bachview.core.geometry import Point, Region
from bachview.phantom.truth import PhantomTruth, Shape

#: Distance of a rectangle inside an area from its outline, level-0 px.
_MARGIN_PX = 6.0

_Place = tuple[float, float, float, float]

# Centre and radii as shares of the slide's width and height.
_TISSUE: tuple[tuple[str, _Place], ...] = (
    ("stroma", (0.345, 0.515, 0.300, 0.415)),
    ("stroma", (0.805, 0.340, 0.140, 0.250)),
    ("fat", (0.815, 0.795, 0.120, 0.110)),
)
_FAT: tuple[_Place, ...] = (
    (0.105, 0.545, 0.045, 0.130),
    (0.365, 0.180, 0.090, 0.050),
    (0.875, 0.475, 0.048, 0.070),
)
_AREAS: tuple[tuple[str, _Place], ...] = (
    ("Normal", (0.228, 0.360, 0.098, 0.130)),
    ("Benign", (0.478, 0.365, 0.104, 0.134)),
    ("InSitu", (0.236, 0.712, 0.104, 0.134)),
    ("Invasive", (0.478, 0.705, 0.104, 0.140)),
    ("Normal", (0.775, 0.245, 0.066, 0.095)),
    ("Invasive", (0.770, 0.455, 0.036, 0.050)),
    ("InSitu", (0.352, 0.535, 0.030, 0.032)),
)
_HOLES: tuple[_Place, ...] = ((0.352, 0.405, 0.010, 0.040), (0.357, 0.855, 0.008, 0.030))


def draw_scene(width: int, height: int, mpp: float, seed: int) -> PhantomTruth:
    """Lay out a slide of this size (level-0 px). The same arguments give the same scene."""
    rng = np.random.default_rng(seed)

    def blob(material: str, place: _Place, roughness: float) -> Shape:
        x, y, radius_x, radius_y = place
        center = Point(x * width, y * height)
        return _blob(rng, material, center, (radius_x * width, radius_y * height), roughness)

    tissue = tuple(blob(material, place, 0.10) for material, place in _TISSUE)
    fat = tuple(blob("fat", place, 0.16) for place in _FAT)
    areas = tuple(blob(key, place, 0.08) for key, place in _AREAS)
    holes = tuple(blob("glass", place, 0.30) for place in _HOLES)
    regions = tuple((area.material, _inside(area)) for area in areas)
    return PhantomTruth(
        width,
        height,
        mpp,
        seed,
        areas=areas,
        regions=regions,
        tissue=(*tissue, *fat),
        holes=holes,
        marks=_marks(rng, width, height),
    )


def _blob(
    rng: np.random.Generator,
    material: str,
    center: Point,
    radii: tuple[float, float],
    roughness: float,
) -> Shape:
    """A star-shaped outline: an ellipse with indentations at every scale."""
    corners = int(np.clip(sum(radii) * np.pi / 12, 48, 3000))
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = np.ones(corners)
    for wave in range(2, min(corners // 3, 400)):
        size = roughness * rng.normal() / wave**1.15
        radius += size * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.6, 1.25)
    x = center.x + radii[0] * radius * np.cos(angle)
    y = center.y + radii[1] * radius * np.sin(angle)
    return Shape(material, np.stack([x, y], axis=1).round(1))


def _stroke(material: str, points: list[tuple[float, float]], thickness: float) -> Shape:
    """The outline of a thick line."""
    line = np.array(points, np.float64)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * (thickness / 2)
    return Shape(material, np.concatenate([line + across, (line - across)[::-1]]).round(1))


def _marks(rng: np.random.Generator, width: int, height: int) -> tuple[Shape, ...]:
    """Pen, coverslip edge, dust: on the glass, outside the tissue."""
    short = min(width, height)
    turn = np.linspace(-1.0, 1.25, 90)
    pen = _stroke(
        "blue ink",
        [
            (
                width * (0.805 + 0.168 * np.cos(a * np.pi)),
                height * (0.34 + 0.305 * np.sin(a * np.pi)),
            )
            for a in np.linspace(-0.95, -0.05, 90)
        ],
        short * 0.012,
    )
    tick = _stroke(
        "black ink",
        [(width * (0.655 + 0.035 * t), height * (0.90 - 0.03 * t + 0.012 * t * t)) for t in turn],
        short * 0.009,
    )
    edge = _stroke(
        "edge",
        [(width * 0.982, 0.0), (width * 0.984, height / 2), (width * 0.983, height)],
        max(4.0, short * 0.0012),
    )
    dust = tuple(
        _blob(
            rng,
            "dust",
            Point(width * rng.uniform(0.655, 0.675), height * rng.uniform(0.05, 0.8)),
            (min(rng.uniform(6, 22), short * 0.01), min(rng.uniform(6, 22), short * 0.01)),
            0.3,
        )
        for _ in range(12)
    )
    return (pen, tick, edge, *dust)


def _inside(shape: Shape) -> Region:
    """A large rectangle around the centre that the outline does not touch."""
    bounds = shape.bounds
    for share in np.arange(0.80, 0.05, -0.02):
        region = Region.around(bounds.center, bounds.width * share, bounds.height * share)
        if shape.contains(bounds.center) and not shape.has_edge_in(region.expanded(_MARGIN_PX)):
            left, top = np.ceil(region.x), np.ceil(region.y)
            return Region.between(
                float(left),
                float(top),
                float(np.floor(region.right)),
                float(np.floor(region.bottom)),
            )
    raise ValueError("the outline contains no rectangle")
