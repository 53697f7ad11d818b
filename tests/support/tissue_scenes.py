"""Drawn slides of tissue whose true outline is known, for measuring the tissue mask.

A scene is light that passes glass, tissue and whatever else lies on it (Beer-Lambert: densities
add up), as a camera sees it. Tissue has eosin that varies over several lengths, nuclei of
haematoxylin, and white gaps narrower than a fat cell, which belong to it. What lies on the glass
takes the tissue under it away from the truth if it cannot be seen any more (ink), and not if it
can (folds, shadows).
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

from bachview.core.pixel_size import PixelSize
from bachview.slide.tissue import find_tissue
from tests.support.slides import ArraySlide

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
RGB = npt.NDArray[np.uint8]


def _floats(*values: float) -> Floats:
    return np.array(values, np.float32)


_HAEMATOXYLIN, _EOSIN = _floats(0.65, 0.70, 0.29), _floats(0.07, 0.99, 0.11)
_MUCUS = _floats(0.55, 0.60, 0.30)
_WHITE = (244, 243, 245)


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a scene is painted on while it is drawn.

    Attributes
    ----------
    light : (rows, columns, 3) float32, what reaches the camera, 0..255.
    truth : (rows, columns) bool, where tissue is.
    mpp : um per pixel.
    rng : for whatever is by chance.
    """

    light: Floats
    truth: Mask
    mpp: float
    rng: np.random.Generator

    def px(self, um: float) -> int:
        return max(1, round(um / self.mpp))

    def drawn(self, paint: Callable[[ImageDraw.ImageDraw, int, int], object]) -> Mask:
        """(rows, columns) bool: what `paint` draws with fill=1, given the width and height."""
        height, width = self.truth.shape
        picture = Image.new("1", (width, height))
        paint(ImageDraw.Draw(picture), width, height)
        return np.asarray(picture, dtype=np.bool_)

    def noise(self, length_um: float) -> Floats:
        """(rows, columns) float32 of mean 0 and standard deviation 1, even over `length_um`."""
        step = max(1, self.px(length_um) // 3)
        shape = [n // step + 3 for n in self.truth.shape]
        small = ndimage.gaussian_filter(self.rng.standard_normal(shape, np.float32), 1.5)
        small /= small.std()
        size = (shape[1] * step, shape[0] * step)
        large = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))
        height, width = self.truth.shape
        return large[:height, :width]


Step = Callable[[Canvas], None]
Shape = Callable[[Canvas], Mask]


@dataclass(frozen=True, slots=True)
class Scene:
    """A slide to be drawn.

    Attributes
    ----------
    shape : the outline of the tissue.
    glass : its RGB.
    stain : factor of all stain; 1 is usual.
    before, after : what is done to the canvas before and after the tissue is painted.
    width_um, mpp : of the slide, which is three quarters as high.
    kind : "usual", "fat" or "mucus".
    jpeg : quality that it is stored with, or None.
    """

    shape: Shape
    glass: tuple[int, int, int] = _WHITE
    stain: float = 1.0
    after: tuple[Step, ...] = ()
    width_um: float = 4000
    mpp: float = 4.0
    kind: str = "usual"
    jpeg: int | None = 85


# Outlines


def disc(canvas: Canvas) -> Mask:
    return canvas.drawn(
        lambda d, w, h: d.ellipse((w / 2 - h / 3, h / 6, w / 2 + h / 3, h * 5 / 6), fill=1)
    )


def ring(canvas: Canvas) -> Mask:
    def paint(d: ImageDraw.ImageDraw, w: int, h: int) -> None:
        d.ellipse((w / 2 - 0.4 * h, 0.1 * h, w / 2 + 0.4 * h, 0.9 * h), fill=1)
        d.ellipse((w / 2 - 0.24 * h, 0.26 * h, w / 2 + 0.24 * h, 0.74 * h), fill=0)

    return canvas.drawn(paint)


def strips(canvas: Canvas) -> Mask:
    def paint(d: ImageDraw.ImageDraw, w: int, h: int) -> None:
        for y in (0.2, 0.5, 0.8):
            d.line((0.1 * w, y * h, 0.9 * w, (y - 0.06) * h), fill=1, width=canvas.px(180))

    return canvas.drawn(paint)


def cores(canvas: Canvas) -> Mask:
    """Core needle biopsies: about a millimetre wide on a large slide, wavy, broken."""

    def paint(d: ImageDraw.ImageDraw, w: int, h: int) -> None:
        for row, y in enumerate((0.25, 0.55, 0.82)):
            wave = [
                (x * w, (y + 0.03 * np.sin(9 * x + row)) * h) for x in np.linspace(0.08, 0.92, 60)
            ]
            for part in (wave[:25], wave[27:44], wave[46:]):
                d.line(part, fill=1, width=max(1, int(0.09 * h)), joint="curve")

    return canvas.drawn(paint)


def fragments(canvas: Canvas) -> Mask:
    """Pieces of 100 to 400 um, apart from each other."""

    def paint(d: ImageDraw.ImageDraw, w: int, h: int) -> None:
        sizes = (100, 120, 150, 200, 300, 400)
        for row in range(4):
            for column in range(6):
                side = canvas.px(sizes[(row + column) % 6])
                x, y = (column + 0.5) * w / 6, (row + 0.5) * h / 4
                d.ellipse((x - side / 2, y - side / 2, x + side / 2, y + side / 2), fill=1)

    return canvas.drawn(paint)


def everywhere(canvas: Canvas) -> Mask:
    return np.ones_like(canvas.truth)


def nowhere(canvas: Canvas) -> Mask:
    return np.zeros_like(canvas.truth)


# Tissue


def _paint_tissue(canvas: Canvas, kind: str, stain: float) -> None:
    coarse, fine = canvas.noise(120), canvas.noise(15)
    eosin = 0.22 * np.exp(0.35 * coarse + 0.25 * fine)
    if kind == "mucus":
        mucus = 0.07 * np.exp(0.25 * coarse + 0.2 * fine)
        density = mucus[..., None] * _MUCUS
    else:
        crowd = np.clip(0.12 + 0.06 * canvas.noise(200), 0.02, 0.3)
        if canvas.mpp <= 4:  # single nuclei are seen
            nuclei = (
                canvas.rng.random(canvas.truth.shape, np.float32) < crowd * (canvas.mpp / 7) ** 2
            )
            across = canvas.px(7)
            nuclei = ndimage.maximum_filter(nuclei, across)
            haematoxylin = 0.7 * ndimage.uniform_filter(nuclei.astype(np.float32), 2)
        else:
            haematoxylin = 0.7 * crowd * (1 + 0.2 * fine)
        gaps = canvas.noise(30) > 1.6
        eosin = np.where(gaps, 0.02, eosin)
        haematoxylin = np.where(gaps, 0, haematoxylin)
        if kind == "fat":
            fat = canvas.noise(300) > 0
            walls = np.abs(canvas.noise(45)) < 0.25
            eosin = np.where(fat, np.where(walls, 0.12, 0.004), eosin)
            haematoxylin = np.where(fat, 0, haematoxylin)
        density = eosin[..., None] * _EOSIN + haematoxylin[..., None] * _HAEMATOXYLIN
    edge = ndimage.gaussian_filter(canvas.truth.astype(np.float32), 2 / canvas.mpp)
    canvas.light[...] *= 10 ** (-stain * density * edge[..., None])


# What else lies on the glass, and how it is lit


def _cover(canvas: Canvas, where: Mask, color: tuple[int, int, int], *, hides: bool) -> None:
    """Lay something of `color` (as seen on white glass) over `where`."""
    density = np.log10(_floats(*_WHITE) / np.maximum(_floats(*color), 1)).clip(0)
    amount = ndimage.gaussian_filter(where.astype(np.float32), 6 / canvas.mpp)
    amount *= 1 + np.float32(0.08) * canvas.noise(150)
    canvas.light[...] *= 10 ** (-amount[..., None] * density)
    if hides:
        canvas.truth[where] = False


def ink(color: tuple[int, int, int]) -> Step:
    """A stroke over bare glass, and one that goes a little way into the tissue."""

    def step(canvas: Canvas) -> None:
        def paint(d: ImageDraw.ImageDraw, w: int, h: int) -> None:
            wide = max(3, int(0.08 * h))
            d.line((0.03 * w, 0.1 * h, 0.1 * w, 0.9 * h), fill=1, width=wide)
            curve = [(x * w, (0.93 - 0.3 * (x - 0.5) ** 2) * h) for x in np.linspace(0.3, 0.95, 30)]
            d.line(curve, fill=1, width=wide, joint="curve")
            d.line((0.7 * w, 0.5 * h, 0.97 * w, 0.4 * h), fill=1, width=wide // 2)

        _cover(canvas, canvas.drawn(paint), color, hides=True)

    return step


def lines(canvas: Canvas) -> None:
    """The edges of a coverslip: a dark and a bright line at two sides."""
    for color, at in (((120, 120, 122), 0.04), ((255, 255, 255), 0.06)):
        where = canvas.drawn(
            lambda d, w, h, at=at: (  # type: ignore[misc]
                d.line((at * w, 0, at * w, h), fill=1, width=canvas.px(20)),
                d.line((0, at * h, w, (at + 0.01) * h), fill=1, width=canvas.px(20)),
            )
        )
        if color[0] == 255:
            canvas.light[where] = np.minimum(canvas.light[where] * 1.06, 255)
        else:
            _cover(canvas, where, color, hides=False)


def bubbles(canvas: Canvas) -> None:
    """Air: dark rims, a slightly brighter inside, also over tissue."""
    for x, y, radius in ((0.12, 0.2, 0.08), (0.88, 0.75, 0.1), (0.62, 0.4, 0.06)):
        rim = canvas.drawn(
            lambda d, w, h, x=x, y=y, radius=radius: d.ellipse(  # type: ignore[misc]
                (x * w - radius * h, y * h - radius * h, x * w + radius * h, y * h + radius * h),
                outline=1,
                width=canvas.px(25),
            )
        )
        _cover(canvas, rim, (70, 70, 72), hides=False)


def folds(canvas: Canvas) -> None:
    """Tissue that lies double along two lines."""

    def paint(d: ImageDraw.ImageDraw, w: int, h: int) -> None:
        d.line((0.4 * w, 0.2 * h, 0.6 * w, 0.8 * h), fill=1, width=canvas.px(60))
        d.line((0.3 * w, 0.6 * h, 0.7 * w, 0.45 * h), fill=1, width=canvas.px(40))

    _cover(canvas, canvas.drawn(paint) & canvas.truth, (130, 60, 130), hides=False)


def dust(canvas: Canvas) -> None:
    """Specks and fibres: black, grey, brown and pale brown."""
    for color, count in (
        ((40, 38, 36), 40),
        ((150, 148, 146), 40),
        ((120, 90, 60), 25),
        ((205, 185, 150), 25),
    ):
        places = canvas.rng.random((count, 3), np.float32)

        def paint(d: ImageDraw.ImageDraw, w: int, h: int, places: Floats = places) -> None:
            for x, y, size in places:
                r = canvas.px(8 + 30 * size) / 2
                d.ellipse((x * w - r, y * h - r, x * w + r, y * h + r), fill=1)

        _cover(canvas, canvas.drawn(paint), color, hides=False)


def vignette(canvas: Canvas) -> None:
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in canvas.truth.shape)
    canvas.light[...] *= (1 - 0.22 * (y[:, None] ** 2 + x**2))[..., None]


def slope(canvas: Canvas) -> None:
    canvas.light[...] *= np.linspace(1.0, 0.65, canvas.truth.shape[1])[:, None].astype(np.float32)


def colour_slope(canvas: Canvas) -> None:
    """Light that is bluish at the left and yellowish at the right."""
    along = np.linspace(-1, 1, canvas.truth.shape[1], dtype=np.float32)[:, None]
    canvas.light[...] *= 1 + along * _floats(0.0, -0.01, -0.05)


def stitched(canvas: Canvas) -> None:
    """Tiles of a scanner that differ in brightness."""
    side = canvas.px(500)
    for top in range(0, canvas.truth.shape[0], side):
        for left in range(0, canvas.truth.shape[1], side):
            canvas.light[top : top + side, left : left + side] *= canvas.rng.uniform(0.9, 1.02)


def surround(color: tuple[int, int, int], share: float = 0.12) -> Step:
    """What a scanner writes where it did not scan: a margin of one colour, and an empty corner."""

    def step(canvas: Canvas) -> None:
        height, width = canvas.truth.shape
        outside = np.ones_like(canvas.truth)
        margin = int(share * height)
        outside[margin : height - margin, margin : width - margin] = False
        outside[: height // 4, : width // 4] = True
        canvas.light[outside] = color
        canvas.truth[outside] = False

    return step


TINTS = {
    "clean white": _WHITE,
    "grey-white": (225, 225, 226),
    "bluish": (222, 232, 248),
    "greenish": (226, 244, 228),
    "pinkish": (248, 234, 238),
    "yellow": (240, 232, 200),
    "strongly yellowed": (226, 206, 152),
    "brownish": (205, 182, 150),
    "orange tint": (244, 222, 196),
    "dim grey": (168, 168, 170),
}
INKS = {
    "black": (28, 28, 32),
    "blue": (40, 60, 150),
    "green": (30, 130, 80),
    "red": (200, 30, 40),
    "purple": (95, 40, 150),
    "orange": (240, 130, 30),
    "yellow": (245, 225, 60),
    "pale blue": (120, 150, 215),
}
_SHAPES = {
    "disc": disc,
    "ring": ring,
    "strips": strips,
    "cores": cores,
    "fragments": fragments,
}
_SMALL = {"width_um": 512.0, "mpp": 0.5}
_FINE = {"width_um": 2400.0, "mpp": 2.0}
_LARGE = {"width_um": 9000.0, "mpp": 8.0}


def _scenes() -> Iterator[tuple[str, Scene]]:
    for name, shape in _SHAPES.items():
        yield f"{name}, white glass", Scene(shape)
    for tint, glass in TINTS.items():
        yield f"disc, {tint}", Scene(disc, glass)
        yield f"fragments, {tint}", Scene(fragments, glass)
        yield f"disc, {tint}, 0.5 µm", replace(Scene(disc, glass), **_SMALL)  # type: ignore[arg-type]
        yield f"cores, {tint}, 8 µm", replace(Scene(cores, glass), **_LARGE)  # type: ignore[arg-type]
        yield f"no tissue, {tint}", Scene(nowhere, glass)
        yield f"pale disc, {tint}", Scene(disc, glass, stain=0.3)
        yield f"ring, {tint}, 2 µm", replace(Scene(ring, glass), **_FINE)  # type: ignore[arg-type]
    for kind in ("fat", "mucus"):
        yield f"{kind}, white glass", Scene(disc, kind=kind)
        yield f"{kind}, yellow", Scene(disc, TINTS["yellow"], kind=kind)
        yield f"{kind}, bluish", Scene(disc, TINTS["bluish"], kind=kind)
    for stain, name in ((0.2, "very pale"), (2.2, "very dark"), (3.5, "black with stain")):
        yield f"{name} stain", Scene(disc, stain=stain)
        yield f"{name} stain, strips", Scene(strips, stain=stain)
    yield "tissue everywhere", Scene(everywhere)
    yield "tissue everywhere, pale", Scene(everywhere, stain=0.35)
    yield "tissue everywhere, 0.5 µm", replace(Scene(everywhere), **_SMALL)  # type: ignore[arg-type]
    for step in (vignette, slope, colour_slope, stitched, lines, bubbles, folds, dust):
        name = step.__name__.replace("_", " ")
        yield name, Scene(disc, after=(step,))
        yield f"{name}, yellow", Scene(ring, TINTS["yellow"], after=(step,))
        yield f"{name}, no tissue", Scene(nowhere, TINTS["grey-white"], after=(step,))
    for color, name in (
        ((0, 0, 0), "black"),
        ((128, 128, 128), "grey"),
        ((255, 255, 255), "pure white"),
        ((210, 210, 210), "light grey"),
        ((40, 40, 40), "dark grey"),
    ):
        for tint in ("clean white", "yellow", "pinkish", "greenish", "bluish"):
            yield f"{name} around, {tint}", Scene(disc, TINTS[tint], after=(surround(color),))
    for name, color in INKS.items():
        yield f"{name} ink", Scene(disc, after=(ink(color),))
        yield f"{name} ink, yellow glass", Scene(disc, TINTS["yellow"], after=(ink(color),))
        yield f"{name} ink, no tissue", Scene(nowhere, after=(ink(color),))
        yield (
            f"{name} ink, cores, 8 µm",
            replace(Scene(cores, after=(ink(color),)), **_LARGE),  # type: ignore[arg-type]
        )
    yield "strong JPEG", Scene(fragments, TINTS["yellow"], jpeg=40)
    yield "without JPEG", Scene(disc, TINTS["bluish"], jpeg=None)
    yield (
        "everything at once",
        Scene(
            disc,
            TINTS["yellow"],
            after=(vignette, lines, bubbles, dust, ink(INKS["blue"]), surround((0, 0, 0), 0.04)),
        ),
    )


SCENES: dict[str, Scene] = dict(_scenes())


def draw(scene: Scene, seed: int = 0) -> tuple[RGB, Mask]:
    """(rows, columns, 3) uint8 RGB of the slide, and (rows, columns) bool of its tissue."""
    width = round(scene.width_um / scene.mpp)
    height = width * 3 // 4
    light = np.empty((height, width, 3), np.float32)
    light[...] = scene.glass
    canvas = Canvas(
        light, np.zeros((height, width), np.bool_), scene.mpp, np.random.default_rng(seed)
    )
    canvas.truth[...] = scene.shape(canvas)
    if canvas.truth.any():
        _paint_tissue(canvas, scene.kind, scene.stain)
    for step in scene.after:
        step(canvas)
    scanned = canvas.light.min(axis=2) < 255
    grain = 2.0 * canvas.rng.standard_normal(light.shape, np.float32)
    light += grain * scanned[..., None]
    picture = light.clip(0, 255).round().astype(np.uint8)
    if scene.jpeg is not None:
        stored = io.BytesIO()
        Image.fromarray(picture).save(stored, "JPEG", quality=scene.jpeg)
        picture = np.asarray(Image.open(stored))
    return picture, canvas.truth


@dataclass(frozen=True, slots=True)
class Measured:
    """How the mask of a scene agrees with its truth.

    Attributes
    ----------
    area, true_area : mm2.
    overlap : intersection over union. Without any tissue in truth, what is called glass.
    """

    area: float
    true_area: float
    overlap: float


def measured(scene: Scene, seed: int = 0) -> Measured:
    """Find the tissue of a scene, and compare."""
    picture, truth = draw(scene, seed)
    found = find_tissue(ArraySlide(picture, mpp=scene.mpp, factors=()), PixelSize.typed(scene.mpp))
    size = found.mask.shape[::-1]
    share = Image.fromarray(truth.astype(np.float32)).resize(size, Image.Resampling.BOX)
    true = np.asarray(share) >= 0.5
    both, either = (found.mask & true).sum(), (found.mask | true).sum()
    overlap = float(both / either) if true.any() else float(1 - found.mask.mean())
    pixel = (found.mpp / 1000) ** 2
    return Measured(float(found.mask.sum() * pixel), float(true.sum() * pixel), overlap)
