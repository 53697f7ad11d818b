"""What the tissue of a phantom looks like: square blocks that fit together.

Each block is drawn once: a ground of fibres that runs on across blocks, and on it the
structures of its material, none of which crosses the block's border. Then the mean colour
around every pixel is pulled to the material's stain, so that a patch anywhere well inside a
region has that stain as its mean, however its glands happen to lie.
"""

import functools
import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from bachview.core.stains import STAINS

RGB = npt.NDArray[np.uint8]
_Floats = npt.NDArray[np.float32]
_Color = tuple[int, int, int]

BLOCK_PX = 1024
VARIANTS = 3

GLASS = (243, 241, 244)
_BASE: dict[str, _Color] = {**STAINS, "stroma": (242, 208, 224), "fat": (241, 228, 236)}
_MATERIALS = tuple(_BASE)

#: Side of the square over which the mean is held: a patch of 64 um at 0.5 um/px.
_MEAN_PX = 128
_COARSE = 8
_EDGE_PX = 10
_WHITE: _Color = (250, 247, 250)
_NUCLEUS: _Color = (92, 58, 128)
#: How strongly the fibres show, grey levels; 6 where not stated.
_STRANDS = {"fat": 2.0, "stroma": 9.0}


@functools.lru_cache(maxsize=64)
def block(material: str, variant: int) -> RGB:
    """A (BLOCK_PX, BLOCK_PX, 3) uint8 RGB picture; the caller does not write to it."""
    rng = np.random.default_rng([_MATERIALS.index(material), variant])
    base = _BASE[material]
    ground = np.clip(np.array(base, np.float32) + _fibres() * _STRANDS.get(material, 6.0), 0, 255)
    picture = Image.fromarray(ground.astype(np.uint8))
    _DRAWINGS[material](ImageDraw.Draw(picture), rng, base)
    drawn = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.7)), dtype=np.float32)
    for _ in range(2):  # clipping at black and white takes some of the correction away
        drawn = np.clip(drawn - _local_mean(drawn) + np.array(base, np.float32), 0, 255)
    result: RGB = drawn.round().astype(np.uint8)
    result.setflags(write=False)
    return result


@functools.cache
def _fibres() -> _Floats:
    """(BLOCK_PX, BLOCK_PX, 1) float32 of unit strength: light and dark wavy strands.

    Periodic noise, stretched along one direction by filtering its spectrum, so that blocks
    meet without a seam. The same in all variants.
    """
    rng = np.random.default_rng(7)
    frequency = np.fft.fftfreq(BLOCK_PX) * BLOCK_PX
    along, across = np.meshgrid(frequency, frequency)
    band = np.exp(-((along / 14) ** 2)) * np.exp(-(((np.abs(across) - 30) / 26) ** 2))
    strands = np.fft.ifft2(np.fft.fft2(rng.normal(size=(BLOCK_PX, BLOCK_PX))) * band).real
    x = np.arange(BLOCK_PX)
    wave = np.round(22 * np.sin(2 * math.pi * x / BLOCK_PX * 2)).astype(int)
    bent = strands[(x[:, None] + wave[None, :]) % BLOCK_PX, x[None, :]]
    return np.asarray(bent / bent.std(), dtype=np.float32)[..., None]


def _local_mean(picture: _Floats) -> _Floats:
    """Mean over squares of `_MEAN_PX`, wrapping at the borders; same shape.

    Computed on a picture reduced by `_COARSE`, since a mean over 128 px varies slowly.
    """
    from scipy import ndimage

    small = BLOCK_PX // _COARSE
    means = picture.reshape(small, _COARSE, small, _COARSE, 3).mean(axis=(1, 3))
    means = ndimage.uniform_filter(
        means, (_MEAN_PX // _COARSE, _MEAN_PX // _COARSE, 1), mode="wrap"
    )
    padded = np.pad(means, ((1, 1), (1, 1), (0, 0)), mode="wrap")
    box = (1, 1, small + 1, small + 1)
    channels = [
        np.asarray(
            Image.fromarray(padded[..., channel].astype(np.float32)).resize(
                (BLOCK_PX, BLOCK_PX), Image.Resampling.BILINEAR, box=box
            )
        )
        for channel in range(3)
    ]
    return np.stack(channels, axis=2)


def _places(
    rng: np.random.Generator, radius: float, spacing: float, tries: int
) -> list[tuple[float, float]]:
    """Centres at least `spacing` apart, whose circles of `radius` stay inside the block."""
    low, high = radius + _EDGE_PX, BLOCK_PX - radius - _EDGE_PX
    kept = np.empty((0, 2))
    for point in rng.uniform(low, high, (tries, 2)):
        if not len(kept) or ((kept - point) ** 2).sum(axis=1).min() >= spacing**2:
            kept = np.vstack([kept, point])
    return [(float(x), float(y)) for x, y in kept]


def _tinted(base: _Color, other: _Color, share: float) -> _Color:
    red, green, blue = (round(b + (o - b) * share) for b, o in zip(base, other, strict=True))
    return red, green, blue


def _outline(
    rng: np.random.Generator, x: float, y: float, radius: float, roughness: float
) -> list[tuple[float, float]]:
    """A closed wobbly curve around (x, y) that stays within `radius`."""
    angles = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    wobble = np.zeros(len(angles))
    for order in (2, 3, 5):
        wobble += np.cos(order * angles + rng.uniform(0, 2 * math.pi)) / order
    reach = radius * (1 - roughness * (0.5 + 0.5 * wobble))
    return [(x + r * math.cos(a), y + r * math.sin(a)) for r, a in zip(reach, angles, strict=True)]


def _nucleus(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    center: tuple[float, float],
    size: tuple[float, float],
    color: _Color,
) -> None:
    """An oval, turned anyhow, with a paler middle."""
    (x, y), (long, short) = center, size
    turn = rng.uniform(0, math.pi)
    around = np.linspace(0, 2 * math.pi, 16, endpoint=False)
    ring = [
        (
            x + long * math.cos(a) * math.cos(turn) - short * math.sin(a) * math.sin(turn),
            y + long * math.cos(a) * math.sin(turn) + short * math.sin(a) * math.cos(turn),
        )
        for a in around
    ]
    draw.polygon(ring, fill=color)
    inner = [(x + (px - x) * 0.5, y + (py - y) * 0.5) for px, py in ring]
    draw.polygon(inner, fill=_tinted(color, _WHITE, 0.14))


def _spindles(draw: ImageDraw.ImageDraw, rng: np.random.Generator, base: _Color) -> None:
    """The thin nuclei of connective tissue."""
    for x, y in _places(rng, 10, 62, 260):
        _nucleus(draw, rng, (x, y), (9, 3), _tinted(base, _NUCLEUS, 0.75))


def _stroma(draw: ImageDraw.ImageDraw, rng: np.random.Generator, base: _Color) -> None:
    _spindles(draw, rng, base)


def _fat(draw: ImageDraw.ImageDraw, rng: np.random.Generator, base: _Color) -> None:
    """Empty round cells, thin walls, a nucleus pressed against some."""
    wall = _tinted(base, (214, 150, 186), 0.8)
    for x, y in _places(rng, 62, 112, 900):
        draw.polygon(_outline(rng, x, y, 62, 0.12), fill=_WHITE, outline=wall, width=4)
        if rng.uniform() < 0.35:
            _nucleus(draw, rng, (x + 52, y), (7, 3), _tinted(base, _NUCLEUS, 0.7))


def _gland(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    place: tuple[float, float, float],
    base: _Color,
    lumen: float,
) -> None:
    """A ring of cells around a lumen of the share `lumen` of its radius."""
    x, y, radius = place
    outline = _outline(rng, x, y, radius, 0.16)
    draw.polygon(outline, fill=_tinted(base, _NUCLEUS, 0.22))
    inner = [(x + (px - x) * lumen, y + (py - y) * lumen) for px, py in outline]
    draw.polygon(inner, fill=_WHITE)
    middle = radius * (1 + lumen) / 2 * 0.93
    for angle in np.arange(0, 2 * math.pi, 15 / middle):
        center = (x + middle * math.cos(angle), y + middle * math.sin(angle))
        _nucleus(draw, rng, center, (6.5, 5), _tinted(base, _NUCLEUS, 0.85))


def _normal(draw: ImageDraw.ImageDraw, rng: np.random.Generator, base: _Color) -> None:
    """Small round acini, well apart, in connective tissue."""
    _spindles(draw, rng, base)
    for x, y in _places(rng, 36, 112, 500):
        _gland(draw, rng, (x, y, 36), base, 0.42)


def _benign(draw: ImageDraw.ImageDraw, rng: np.random.Generator, base: _Color) -> None:
    """Crowded wide glands."""
    for x, y in _places(rng, 56, 116, 900):
        _gland(draw, rng, (x, y, 56), base, 0.58)


def _in_situ(draw: ImageDraw.ImageDraw, rng: np.random.Generator, base: _Color) -> None:
    """Ducts full of cells behind an unbroken rim."""
    _spindles(draw, rng, base)
    for x, y in _places(rng, 98, 202, 700):
        draw.polygon(
            _outline(rng, x, y, 98, 0.10),
            fill=_tinted(base, _NUCLEUS, 0.12),
            outline=_tinted(base, (84, 30, 84), 0.8),
            width=6,
        )
        for dx, dy in rng.uniform(-86, 86, (260, 2)):
            if math.hypot(dx, dy) < 80:
                color = _tinted(base, _NUCLEUS, float(rng.uniform(0.45, 0.8)))
                _nucleus(draw, rng, (x + dx, y + dy), (7.5, 6), color)
        draw.polygon(_outline(rng, x, y, 20, 0.3), fill=_tinted(base, (236, 190, 214), 0.8))


def _invasive(draw: ImageDraw.ImageDraw, rng: np.random.Generator, base: _Color) -> None:
    """Ragged nests and single large dark cells, no rim, strands between."""
    pale = _tinted(base, (226, 150, 196), 0.55)
    for x, y in _places(rng, 30, 58, 1200):
        draw.polygon(_outline(rng, x, y, 30, 0.55), fill=pale)
    for x, y in _places(rng, 10, 17, 5200):
        color = _tinted(base, (40, 14, 74), float(rng.uniform(0.3, 0.9)))
        _nucleus(draw, rng, (x, y), (float(rng.uniform(7, 11)), float(rng.uniform(5, 8))), color)


_DRAWINGS = {
    "stroma": _stroma,
    "fat": _fat,
    "Normal": _normal,
    "Benign": _benign,
    "InSitu": _in_situ,
    "Invasive": _invasive,
}
assert set(_DRAWINGS) == set(_BASE)  # noqa: S101  # a table that covers its set
