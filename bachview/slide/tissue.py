"""Tissue detection: stain that behaves like haematoxylin and eosin.

Method
------
Light that passes through stain obeys the Beer-Lambert law, so each pixel is converted to optical
density relative to the slide's own glass (Ruifrok and Johnston, "Quantification of histochemical
staining by color deconvolution", Anal Quant Cytol Histol 23:291-299, 2001). Both H (0.65, 0.70,
0.29) and E (0.07, 0.99, 0.11), and any mixture of them, absorb green most. Ink, glass, shadows and
padding do not: grey and black absorb all three alike, blue and green ink absorb red most, red ink
absorbs blue nearly as much as green, orange ink and brown dust absorb blue most. Hence

    stain = OD_green - min(OD_red, OD_blue)

decides, provided that neither red nor blue exceeds green and, in strong colours, blue stays well
below it. Violet ink has the hue of stain and is known by being even.
Pixels of clear stain seed the mask, and faint stain connected to them is added (hysteresis;
Canny, IEEE PAMI 8:679-698, 1986): thin walls of fat cells and pale stroma are connected, noise on
the glass is not. Then gaps as wide as a fat cell are closed, small holes are filled and specks
removed. A threshold from the histogram alone (Otsu) is not used: it splits a field that is all
tissue, and on a slide with pale tissue it selects the pen marks.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Level
from bachview.core.tissue_cells import TissueCells
from bachview.errors import PixelSizeError, SlideReadError
from bachview.jobs.tokens import CancelToken
from bachview.slide.dark_field import DARK_FIELD_SHARE, dark_share
from bachview.slide.field_moves import field_moves
from bachview.slide.glass import White, density_tables, measured_white
from bachview.slide.patch_moves import patch_moves
from bachview.slide.reader import RGB, SlideReader

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

#: Pixel of the mask, um: a few cells wide.
MASK_MPP = 8.0
#: A stored level coarser by up to this factor is used as it is, rather than reading up to sixteen
#: times as many pixels of the next finer one: the first colours have to wait for the mask.
_LEVEL_FACTOR = 1.5
#: A mask has at most about this many pixels, which get larger for slides beyond 27 x 27 mm.
_MOST_PX = 12_000_000
#: A small slide gets a finer mask, of at least this many pixels on its longer side.
_LEAST_SIDE_PX = 192

#: Light and stain of a whole slide are measured on about this many pixels of the small picture.
_ENOUGH_PX = 1_500_000

#: A slide plainly shows its glass if at least this share of it can be glass.
_PLAIN_SHARE = 0.1

_CLEAR_STAIN = 0.035
_FAINT_STAIN = 0.014
#: Tissue can have no pixel of clear stain: then the mean stain over a square of this side counts,
#: um.
_AREA_UM, _AREA_STAIN = 120, 0.016
#: Red may exceed green by this factor and offset: dark haematoxylin comes close to 1.
_RED_FACTOR, _RED_OFFSET = 1.12, 0.012
#: Blue may exceed green by this factor and offset: what exceeds it is brown, orange or yellow, as
#: dust, pigment and ink are.
_BLUE_FACTOR, _BLUE_OFFSET = 1.05, 0.02
#: What is grey to within so many grey levels, on glass that is tinted by more than so many, did
#: not let the glass through: surroundings, padding, opaque edges. From this density on,
_GREY, _TINTED, _GREY_DENSITY = 6, 10, 0.12
#: From this density on, a colour with blue at this share of green is red ink. Red blood cells come
#: close, but never over the width of a pen mark.
_INK_DENSITY, _INK_BLUE_SHARE = 0.35, 0.78

#: Violet and pink ink have the hue of H&E, but are even, as dense tissue hardly ever is: from this
#: density on, with blue below this share of green (of haematoxylin 0.41, so plum ink is not told),
#: over squares of this side, um, whose grey levels deviate by less than this, 0..255. In photos of
#: breast tissue at 8 um/px, the least deviation over such a square is 6.4.
_EVEN_DENSITY, _EVEN_BLUE_SHARE = 0.3, 0.4
_EVEN_UM, _EVEN_LEVELS = 60.0, 3.0
#: Width of the rim, where ink mixes with glass and looks like faint stain, um.
_RIM_UM = 12.0

#: Width of a fat cell, um.
_CLOSE_UM = 80.0
#: Up to this radius, dilating with a disc is faster and takes less memory.
_SMALL_DISC_PX = 6
#: Holes and specks up to these areas, and up to these shares of a small slide, on which nothing
#: else would be left.
_FILL_MM2, _FILL_SHARE = 0.15, 0.1
_SPECK_MM2, _SPECK_SHARE = 0.005, 0.02

#: Source px read at once.
_STRIPE_PX = 8_000_000
#: What cannot be read is narrowed down to blocks of these sides, px of the level: what is marked
#: beyond the damage counts as tissue, and glass there would be classified.
_BLOCKS_PX = (512, 64)


@dataclass(frozen=True, slots=True)
class TissueMask:
    """The tissue mask.

    Attributes
    ----------
    mask : (rows, columns) bool. Parts that cannot be read count as tissue, so that a run reports
        them as failed rather than skipping them.
    region : what the mask covers, level-0 px.
    mpp : um per mask pixel.
    """

    mask: Mask
    region: Region
    mpp: float

    @property
    def area_mm2(self) -> float:
        return float(self.mask.sum()) * (self.mpp / 1000) ** 2

    def fraction(self, grid: PatchGrid) -> Floats:
        """(rows, columns) float32: the share of each cell of `grid` that is tissue.

        Of a cell that reaches past the mask, the share of what lies within it counts: otherwise
        tissue at the edge of a slide would be left out.
        """
        height, width = self.mask.shape
        sums = np.zeros((height + 1, width + 1), np.float64)
        sums[1:, 1:] = self.mask.cumsum(axis=0, dtype=np.int64).cumsum(axis=1)
        rows = grid.region.y + np.arange(grid.rows + 1) * grid.stride_y
        columns = grid.region.x + np.arange(grid.columns + 1) * grid.stride_x
        y = np.clip((rows - self.region.y) / self.region.height * height, 0, height)
        x = np.clip((columns - self.region.x) / self.region.width * width, 0, width)
        # The running sum is linear inside a mask pixel, so interpolating it is exact.
        at_rows = _interpolated(sums, y)
        corners = _interpolated(at_rows.T, x).T
        covered = np.diff(np.diff(corners, axis=0), axis=1)
        within = np.outer(np.diff(y), np.diff(x))
        share = covered / np.maximum(within, 1e-9)
        return np.asarray(np.where(within > 1e-9, share, 0).clip(0, 1), dtype=np.float32)

    def tissue_cells(
        self, grid: PatchGrid, least: float = 0.25, token: CancelToken | None = None
    ) -> TissueCells:
        """Cells of which at least a share `least` is tissue, with their fields moved onto it.

        Raises
        ------
        Cancelled
            `token` asked for it.
        """
        shares = self.fraction(grid)
        cells = np.asarray(shares >= least, dtype=np.bool_)
        if grid.cells_per_side > 1:
            return TissueCells(cells, patch_moves(shares, cells, grid))
        check = token.check if token is not None else _go_on
        return TissueCells(cells, field_moves(self.mask, self.region, grid, cells, least, check))


def _interpolated(values: npt.NDArray[np.float64], places: Floats) -> npt.NDArray[np.float64]:
    """Rows of `values` at the fractional row numbers `places`, linearly."""
    lower = np.minimum(np.floor(places).astype(np.intp), len(values) - 2)
    weight = (places - lower)[:, None]
    return np.asarray(values[lower] * (1 - weight) + values[lower + 1] * weight)


@dataclass(frozen=True, slots=True)
class SmallPicture:
    """A whole slide as the tissue mask sees it.

    Attributes
    ----------
    colours : (rows, columns, 3) uint8 RGB, without colour management.
    unread : (rows, columns) bool, what could not be read.
    region : what it shows, level-0 px.
    mpp : um per pixel.
    """

    colours: RGB
    unread: Mask
    region: Region
    mpp: float

    @property
    def step(self) -> int:
        """Every so many-th pixel of it is enough to measure light and stain of the whole."""
        return max(1, math.ceil(math.sqrt(self.unread.size / _ENOUGH_PX)))

    @property
    def area_mm2(self) -> float:
        return self.unread.size * (self.mpp / 1000) ** 2


def find_tissue(
    reader: SlideReader,
    pixel_size: PixelSize,
    token: CancelToken | None = None,
    *,
    white: White | None = None,
) -> TissueMask:
    """Find the tissue of a slide. Any thread; reads in stripes of bounded memory.

    Parameters
    ----------
    white : RGB of bare glass unless the slide plainly shows another; None: measured on the slide,
        if it has some glass.

    Raises
    ------
    PixelSizeError
        The pixel size is unknown.
    Cancelled
        `token` asked for it.
    """
    return tissue_of(read_small(reader, pixel_size, token), token, white=white)


def read_small(
    reader: SlideReader, pixel_size: PixelSize, token: CancelToken | None = None
) -> SmallPicture:
    """Read a slide at the mask's resolution. Any thread; in stripes of bounded memory.

    Raises
    ------
    PixelSizeError
        The pixel size is unknown.
    Cancelled
        `token` asked for it.
    """
    if pixel_size.mpp is None or pixel_size.mpp_x is None or pixel_size.mpp_y is None:
        raise PixelSizeError("The pixel size is unknown: state the µm per pixel first.")
    pyramid = reader.metadata.pyramid
    bounds = pyramid.bounds
    longest_um = max(bounds.width * pixel_size.mpp_x, bounds.height * pixel_size.mpp_y)
    area_um2 = bounds.width * pixel_size.mpp_x * bounds.height * pixel_size.mpp_y
    wanted = max(min(MASK_MPP, longest_um / _LEAST_SIDE_PX), math.sqrt(area_um2 / _MOST_PX))
    level = pyramid.level_for(wanted * _LEVEL_FACTOR / pixel_size.mpp)
    mpp = max(wanted, level.downsample * pixel_size.mpp)
    columns = max(1, round(bounds.width * pixel_size.mpp_x / mpp))
    rows = max(1, round(bounds.height * pixel_size.mpp_y / mpp))
    colours = np.empty((rows, columns, 3), np.uint8)
    unread = np.zeros((rows, columns), np.bool_)
    stripe = max(
        1,
        int(
            _STRIPE_PX / (bounds.width / level.downsample) * rows / bounds.height * level.downsample
        ),
    )
    for top in range(0, rows, stripe):
        if token is not None:
            token.check()
        part = slice(top, min(top + stripe, rows))
        colours[part], unread[part] = _read_stripe(
            reader, level, bounds, part, (rows, columns), token.check if token else _go_on
        )
    return SmallPicture(colours, unread, bounds, mpp)


def tissue_of(
    small: SmallPicture,
    token: CancelToken | None = None,
    *,
    white: White | None = None,
) -> TissueMask:
    """As `find_tissue`, of a slide that was read. What shines in the dark is no stain.

    Raises
    ------
    Cancelled
        `token` asked for it.
    """
    check = token.check if token is not None else _go_on
    if dark_share(small.colours[:: small.step, :: small.step]) > DARK_FIELD_SHARE:
        mask = np.zeros_like(small.unread)
    else:
        mask = stained(small.colours, small.mpp, check=check, white=white)
    return TissueMask(mask | small.unread, small.region, small.mpp)


def _read_stripe(
    reader: SlideReader,
    level: Level,
    bounds: Region,
    part: slice,
    shape: tuple[int, int],
    check: Callable[[], object],
) -> tuple[RGB, Mask]:
    """Mask rows `part` as colours (h, w, 3), and which of them could not be read (h, w)."""
    rows, columns = shape
    scale = level.downsample
    start, end = bounds.x / scale, bounds.right / scale
    left, width = math.floor(start), max(1, math.ceil(end) - math.floor(start))
    step = bounds.height / scale / rows
    first, last = bounds.y / scale + part.start * step, bounds.y / scale + part.stop * step
    top, height = math.floor(first), max(1, math.ceil(last) - math.floor(first))
    size = (columns, part.stop - part.start)
    box = (start - left, first - top, min(end - left, float(width)), min(last - top, float(height)))
    broken = np.zeros((height, width), np.uint8)
    try:
        pixels = reader.read(level.index, left, top, width, height)
    except SlideReadError:
        pixels = _read_blocks(reader, level, (left, top, width, height), broken, check)
    colours = Image.fromarray(pixels).resize(size, Image.Resampling.BOX, box=box)
    if not broken.any():
        return np.asarray(colours), np.zeros(size[::-1], np.bool_)
    damage = Image.fromarray(broken).resize(size, Image.Resampling.BOX, box=box)
    return np.asarray(colours), np.asarray(damage) > 0


def _read_blocks(
    reader: SlideReader,
    level: Level,
    place: tuple[int, int, int, int],
    broken: npt.NDArray[np.uint8],
    check: Callable[[], object],
    sides: tuple[int, ...] = _BLOCKS_PX,
) -> RGB:
    """Read block by block what cannot be read as a whole.

    Parameters
    ----------
    place : (left, top, width, height), px of the level.
    broken : (height, width) uint8; what cannot be read is set to 255.
    sides : of the blocks, px, from large to small.
    """
    left, top, width, height = place
    pixels = np.full((height, width, 3), 255, np.uint8)
    side, *smaller = sides
    unread: list[tuple[int, int, int, int]] = []
    starts = [(x, y) for y in range(0, height, side) for x in range(0, width, side)]
    for x, y in starts:
        check()
        w, h = min(side, width - x), min(side, height - y)
        try:
            pixels[y : y + h, x : x + w] = reader.read(level.index, left + x, top + y, w, h)
        except SlideReadError:
            unread.append((x, y, w, h))
    # Where no block can be read, the file is gone, and smaller ones will not be there either.
    narrowed = smaller and (len(unread) < len(starts) or len(starts) == 1)
    for x, y, w, h in unread:
        part = np.s_[y : y + h, x : x + w]
        if narrowed:
            crop = (left + x, top + y, w, h)
            pixels[part] = _read_blocks(reader, level, crop, broken[part], check, tuple(smaller))
        else:
            broken[part] = 255
    return pixels


def _go_on() -> None:
    """Do nothing: nobody asks to stop."""


def stained(
    picture: RGB,
    mpp: float,
    *,
    check: Callable[[], object] = _go_on,
    white: White | None = None,
) -> Mask:
    """(rows, columns) bool: where `picture` shows stained tissue; see the module's method.

    Parameters
    ----------
    picture : (rows, columns, 3) uint8 RGB at `mpp` um/px.
    check : called between steps, which take some tenths of a second each at
        `_MOST_PX`; may raise to stop.
    white : as in `find_tissue`.
    """
    from scipy import ndimage

    glass = measured_white(picture, white, _PLAIN_SHARE) if white else measured_white(picture)
    stain, ink, violet = _stain_and_ink(picture, glass)
    check()
    ink |= _even(picture, violet, mpp)
    check()
    ink = ndimage.binary_dilation(ink, iterations=max(1, round(_RIM_UM / mpp)))
    faint = (stain > _FAINT_STAIN) & ~ink
    clear = (stain > _CLEAR_STAIN) & ~ink
    # At least two neighbours: single coloured pixels are noise of the sensor or of JPEG.
    clear &= ndimage.uniform_filter(clear.astype(np.float32), 3) > 0.3
    check()
    # Pale fat is clear nowhere, but evenly faint over an area in which noise averages out.
    clear |= faint & (ndimage.uniform_filter(stain * faint, round(_AREA_UM / mpp)) > _AREA_STAIN)
    check()
    parts, count = ndimage.label(faint, np.ones((3, 3)))
    check()
    seeded = np.zeros(count + 1, np.bool_)
    seeded[np.unique(parts[clear])] = True
    seeded[0] = False
    mask = seeded[parts]
    check()
    closed = _closed(mask, max(1, round(_CLOSE_UM / 2 / mpp)), check)
    check()
    closed = _without_small(~closed, _FILL_MM2, _FILL_SHARE, mpp)
    check()
    return _without_small(~closed, _SPECK_MM2, _SPECK_SHARE, mpp)


def _stain_and_ink(picture: RGB, white: White) -> tuple[Floats, Mask, Mask]:
    """(rows, columns) float32 stain, bool where the colour is ink, and where it may be violet ink.

    Processed in stripes, as three densities of a whole slide would be the largest arrays.
    """
    tables = density_tables(white)
    stain = np.empty(picture.shape[:2], np.float32)
    ink, violet = (np.empty(picture.shape[:2], np.bool_) for _ in range(2))
    step = max(1, _STRIPE_PX // 8 // picture.shape[1])
    for top in range(0, len(picture), step):
        part = slice(top, top + step)
        red, green, blue = (tables[c][picture[part, :, c]] for c in range(3))
        np.subtract(green, np.minimum(red, blue), out=stain[part])
        ink[part] = (red > _RED_FACTOR * green + _RED_OFFSET) | (
            (green > _INK_DENSITY) & (blue > _INK_BLUE_SHARE * green)
        )
        violet[part] = (green > _EVEN_DENSITY) & (blue < _EVEN_BLUE_SHARE * green)
        stain[part][blue > _BLUE_FACTOR * green + _BLUE_OFFSET] = 0
        if max(white) - min(white) > _TINTED:
            r, g, b = (picture[part, :, channel] for channel in range(3))
            grey = np.maximum(np.maximum(r, g), b) - np.minimum(np.minimum(r, g), b) <= _GREY
            stain[part][grey & (green > _GREY_DENSITY)] = 0
    return stain, ink, violet


def _even(picture: RGB, violet: Mask, mpp: float) -> Mask:
    """(rows, columns) bool: the parts of `violet` that are as even as ink, with their rims."""
    from scipy import ndimage

    side = 1 + 2 * max(1, round(_EVEN_UM / 2 / mpp))
    even = np.asarray(ndimage.minimum_filter(violet, side), dtype=np.bool_)
    if not even.any():
        return even
    grey = picture[..., 0].astype(np.float32)
    grey += picture[..., 1]
    grey += picture[..., 2]
    grey /= 3
    mean = ndimage.uniform_filter(grey, side)
    np.square(grey, out=grey)
    even &= ndimage.uniform_filter(grey, side) - mean * mean < _EVEN_LEVELS**2
    even = _without_small(even, _SPECK_MM2, _SPECK_SHARE, mpp)
    rim = max(1, round(_RIM_UM / mpp))
    return np.asarray(ndimage.maximum_filter(even, side + 2 * rim), dtype=np.bool_)


def _closed(mask: Mask, radius: int, check: Callable[[], object]) -> Mask:
    """`mask` and the gaps in it that a disc of `radius` px does not fit into."""
    from scipy import ndimage

    padded = np.pad(mask, radius)
    if radius <= _SMALL_DISC_PX:
        y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
        disc = x * x + y * y <= radius * radius
        padded = ndimage.binary_dilation(padded, disc)
        check()
        padded = ndimage.binary_erosion(padded, disc)
    else:
        # The same by distances, whose cost does not grow with the disc (for the finer masks of
        # small slides). Without any tissue there is no distance to it.
        grown = ndimage.distance_transform_edt(~padded) <= radius if padded.any() else padded
        padded = ndimage.distance_transform_edt(np.pad(grown, 1))[1:-1, 1:-1] > radius
    return np.asarray(padded[radius:-radius, radius:-radius] | mask, dtype=np.bool_)


def _without_small(mask: Mask, least_mm2: float, least_share: float, mpp: float) -> Mask:
    """`mask` less its connected parts below `least_mm2`, unless they are all there is."""
    from scipy import ndimage

    parts, count = ndimage.label(mask)
    if not count:
        return mask
    least_px = min(least_mm2 * 1e6 / mpp**2, least_share * mask.size)
    areas = np.bincount(parts.ravel())
    keep = areas >= least_px
    keep[0] = False
    return np.asarray(keep[parts], dtype=np.bool_)
