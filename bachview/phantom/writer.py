"""The phantom slide: a drawn pyramid of histology-like tissue with known classes.

It serves as demo, self-test and test slide at any size up to 100,000 x 100,000 px. The tissue
consists of square blocks of texture that fit together (`phantom_textures`), cut out along organic
outlines (`phantom_scene`). The file is written depth first: a tile of level n + 1 is the box mean
of the 4 x 4 tiles below it, so that each level is an exact reduction of level 0, and memory stays
at a few tiles per level. A tile entirely within one kind of tissue, or on bare glass, is encoded
once and its bytes are shared by all equal tiles.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region
from bachview.core.stains import STAIN_COLORS
from bachview.errors import ExportError, UsageError
from bachview.files import atomic_file, file_group
from bachview.jobs.tokens import CancelToken
from bachview.phantom.scene import draw_scene
from bachview.phantom.textures import BLOCK_PX, GLASS, VARIANTS, block
from bachview.phantom.tiff import TILE_PX, Stored, TileFile
from bachview.phantom.truth import PhantomTruth, Shape, truth_path

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "SIZE_LIMITS",
    "STAIN_COLORS",
    "PhantomTruth",
    "truth_path",
    "write_phantom",
]

#: Minimum and maximum width and height, px.
SIZE_LIMITS = (512, 100_000)

_FACTOR = 4
_QUALITY = 82
# The top level is at most this large, like a scanner's overview.
_TOP_PX = 2048
# Outlines are softened over this many pixels, so a tile depends on its surroundings.
_HALO_PX = 4
_SOFTNESS_PX = 1.2
_DESCRIPTION = "bachview phantom: drawn, not scanned; shows no patient"

# Colour and opacity of marks on the glass.
_MARKS = {
    "blue ink": ((38, 58, 150), 0.86),
    "black ink": ((32, 30, 36), 0.90),
    "edge": ((168, 170, 172), 0.75),
    "dust": ((96, 88, 80), 0.70),
}

RGB = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A shape as seen by a tile; `is_whole` if it covers the tile and its surroundings."""

    shape: Shape
    is_whole: bool

    @property
    def is_opaque(self) -> bool:
        return self.shape.material not in _MARKS


def write_phantom(
    path: Path,
    *,
    width: int,
    height: int,
    mpp: float = 0.5,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    token: CancelToken | None = None,
) -> PhantomTruth:
    """Write a phantom slide and its truth; any thread.

    The file appears under its name only when it is complete.

    Parameters
    ----------
    path : the TIFF to be written; ``.truth.json`` goes beside it.
    width, height : level-0 size, px, within `SIZE_LIMITS`.
    mpp : um/px of level 0.
    seed : random seed of the scene.
    progress : called with (level-0 tiles done, level-0 tiles in all).
    token : checked between tiles.

    Raises
    ------
    UsageError
        The size or mpp is out of range.
    ExportError
        The file cannot be written.
    Cancelled
        The token was cancelled; nothing is left behind.
    """
    low, high = SIZE_LIMITS
    if not (low <= width <= high and low <= height <= high):
        raise UsageError(f"A phantom slide must be {low:,} to {high:,} px wide and high.")
    if not 0.1 <= mpp <= 4:
        raise UsageError("A phantom slide must have 0.1 to 4 µm/px.")
    truth = draw_scene(width, height, mpp, seed)
    if not path.parent.is_dir():
        raise ExportError(
            f"{path.name} cannot be written: there is no folder {path.parent}; "
            "choose a writable folder with enough space."
        )
    # The truth of another slide must not remain beside this one.
    with file_group(path) as group:
        with atomic_file(path, group=group) as stream:
            sizes = [(width, height)]
            while max(sizes[-1]) > _TOP_PX:
                sizes.append((sizes[-1][0] // _FACTOR, sizes[-1][1] // _FACTOR))
            file = TileFile(stream, sizes)
            _Writer(file, truth, progress or (lambda done, total: None), token).write()
            file.finish(mpp=mpp, description=_DESCRIPTION)
        truth.save(path, group)
    return truth


class _Writer:
    """One walk over the slide. One thread."""

    def __init__(
        self,
        file: TileFile,
        truth: PhantomTruth,
        progress: Callable[[int, int], None],
        token: CancelToken | None,
    ) -> None:
        self._file = file
        self._levels = file.levels
        self._seed = truth.seed
        self._layers = [
            _Layer(shape, False)
            for shape in (*truth.tissue, *truth.areas, *truth.holes, *truth.marks)
        ]
        self._progress = progress
        self._token = token
        self._done = 0
        columns, rows = file.grid(0)
        self._total = columns * rows
        # Repeated pictures: the position of their bytes, and their reduction on the next level.
        self._known: dict[tuple[object, ...], tuple[Stored, RGB]] = {}

    def write(self) -> None:
        """Write every tile of every level."""
        top = self._levels - 1
        columns, rows = self._reach(top)
        for row in range(rows):
            for column in range(columns):
                self._tile(top, column, row, self._layers)

    def _reach(self, level: int) -> tuple[int, int]:
        """Columns and rows above level-0 tiles.

        One more than the level has if its size was rounded down to whole tiles.
        """
        columns, rows = self._file.grid(0)
        return -(-columns // _FACTOR**level), -(-rows // _FACTOR**level)

    def _tile(self, level: int, column: int, row: int, layers: Sequence[_Layer]) -> RGB:
        """Write a tile and all below it; return its reduction for the next level.

        Returns
        -------
        (TILE_PX / _FACTOR, TILE_PX / _FACTOR, 3) uint8 RGB.
        """
        side = TILE_PX * _FACTOR**level
        square = Region(column * side, row * side, side, side)
        layers = _seen(layers, square)
        key = self._key(level, column, row, layers)
        known = self._known.get(key) if key else None
        if known is None or level:
            # Below a known tile everything is known, but must be assigned.
            picture = self._compose(level, column, row, layers, square)
        if known is None:
            stored = self._file.store(picture, quality=_QUALITY)
            known = stored, _reduced(picture)
            if key:
                self._known[key] = known
        columns, rows = self._file.grid(level)
        if column < columns and row < rows:
            self._file.place(level, column, row, known[0])
        if level == 0:
            self._advance()
        return known[1]

    def _advance(self) -> None:
        self._done += 1
        if self._done % 256 == 0 or self._done == self._total:
            self._progress(self._done, self._total)
        if self._token is not None and self._done % 16 == 0:
            self._token.check()

    def _key(
        self, level: int, column: int, row: int, layers: Sequence[_Layer]
    ) -> tuple[object, ...] | None:
        """The key of the tile's picture if it is repeated; otherwise None."""
        if not layers:
            return ("glass", level)
        (first, *others) = layers
        if others or not (first.is_whole and first.is_opaque):
            return None
        material = first.shape.material
        if material == "glass":
            return ("glass", level)
        side = TILE_PX * _FACTOR**level
        if side > BLOCK_PX:
            return None
        each = BLOCK_PX // side
        variant = self._variant(column // each, row // each)
        return (material, level, variant, column % each, row % each)

    def _variant(self, block_column: int, block_row: int) -> int:
        """Which block is at this place: a hash, so that no pattern is visible."""
        mixed = (block_column * 73856093) ^ (block_row * 19349663) ^ (self._seed * 83492791)
        mixed = (mixed ^ (mixed >> 13)) * 0x5BD1E995 & 0xFFFFFFFF
        return (mixed >> 15) % VARIANTS

    def _compose(
        self, level: int, column: int, row: int, layers: Sequence[_Layer], square: Region
    ) -> RGB:
        if level == 0:
            return self._painted(layers, square)
        picture = np.full((TILE_PX, TILE_PX, 3), GLASS, np.uint8)
        part = TILE_PX // _FACTOR
        columns, rows = self._reach(level - 1)
        for y in range(min(_FACTOR, rows - row * _FACTOR)):
            for x in range(min(_FACTOR, columns - column * _FACTOR)):
                picture[y * part : (y + 1) * part, x * part : (x + 1) * part] = self._tile(
                    level - 1, column * _FACTOR + x, row * _FACTOR + y, layers
                )
        return picture

    def _painted(self, layers: Sequence[_Layer], square: Region) -> RGB:
        """Level-0 pixels of one tile: the layers from the lowest to the highest."""
        from PIL import Image

        canvas = Image.new("RGB", (TILE_PX, TILE_PX), GLASS)
        for layer in layers:
            material = layer.shape.material
            mask = None if layer.is_whole else _mask(layer.shape, square)
            if layer.is_opaque:
                canvas.paste(Image.fromarray(self._texture(material, square)), (0, 0), mask)
                continue
            color, opacity = _MARKS[material]
            mask = mask or Image.new("L", canvas.size, 255)
            canvas.paste(color, (0, 0), mask.point([round(v * opacity) for v in range(256)]))
        return np.asarray(canvas)

    def _texture(self, material: str, square: Region) -> RGB:
        if material == "glass":
            return np.full((TILE_PX, TILE_PX, 3), GLASS, np.uint8)
        x, y = int(square.x), int(square.y)
        picture = block(material, self._variant(x // BLOCK_PX, y // BLOCK_PX))
        left, top = x % BLOCK_PX, y % BLOCK_PX
        return picture[top : top + TILE_PX, left : left + TILE_PX]


def _seen(layers: Sequence[_Layer], square: Region) -> list[_Layer]:
    """The visible layers in `square`, lowest first."""
    around = square.expanded(_HALO_PX)
    seen: list[_Layer] = []
    for layer in layers:
        if not layer.is_whole:
            if layer.shape.has_edge_in(around):
                seen.append(layer)
                continue
            if not layer.shape.contains(square.center):
                continue
            layer = _Layer(layer.shape, True)
        if layer.is_opaque:
            seen.clear()
        seen.append(layer)
    return seen


def _mask(shape: Shape, square: Region) -> "Image.Image":
    """(TILE_PX, TILE_PX) "L" picture: 255 inside the outline, softened across it."""
    from PIL import Image, ImageDraw, ImageFilter

    side = TILE_PX + 2 * _HALO_PX
    # Pillow counts from pixel centres, the level-0 frame from corners.
    shift = np.array([square.x, square.y]) - _HALO_PX + 0.5
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).polygon([(x, y) for x, y in shape.outline - shift], fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(_SOFTNESS_PX))
    return mask.crop((_HALO_PX, _HALO_PX, _HALO_PX + TILE_PX, _HALO_PX + TILE_PX))


def _reduced(picture: RGB) -> RGB:
    """Box mean by `_FACTOR` in both axes."""
    from PIL import Image

    return np.asarray(Image.fromarray(picture).reduce(_FACTOR))
