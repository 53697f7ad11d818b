"""The stored pyramid and the display pyramid laid over it.

The slide's own levels have whatever downsamples the scanner chose (1, 4.0001, 16.003, or
only 1). The viewer's *display pyramid* has exact powers of two: display level k shows
2**k level-0 px per tile pixel. A display tile is read from the largest stored level that
is not coarser and resampled once, in the reader thread. Seams and drift from uneven
downsamples cannot occur, since tiles meet at whole level-0 pixels by construction.
"""

import itertools
import math
from dataclasses import dataclass

from bachview.core.geometry import Point, Region, Size

#: Relative slack when downsamples are compared: 2.0005 and 4.0001 occur in real files, and
#: a level at 15.999 serves a request for 16.
DOWNSAMPLE_TOLERANCE = 0.01

TILE_PX = 512


@dataclass(frozen=True, slots=True)
class Level:
    """One stored level.

    Attributes
    ----------
    index : 0 is the largest.
    width, height : px of this level.
    downsample : true level-0 px per px of this level, both axes, float.
    """

    index: int
    width: int
    height: int
    downsample: float


@dataclass(frozen=True, slots=True)
class Pyramid:
    """The stored levels, finest first, and the scanned area.

    Attributes
    ----------
    levels : at least one; downsamples strictly increasing.
    bounds : the scanned area in level-0 px (MRXS slides state one that is smaller than
        level 0); the whole of level 0 where the slide states none.
    """

    levels: tuple[Level, ...]
    bounds: Region

    def __post_init__(self) -> None:
        if not self.levels:
            raise ValueError("a pyramid needs at least one level")
        downsamples = [level.downsample for level in self.levels]
        if any(b <= a for a, b in itertools.pairwise(downsamples)):
            raise ValueError(f"downsamples do not increase: {downsamples}")

    @property
    def size(self) -> Size:
        """Level-0 size in px."""
        return Size(self.levels[0].width, self.levels[0].height)

    @property
    def extent(self) -> Region:
        """The whole of level 0."""
        return Region(0, 0, self.levels[0].width, self.levels[0].height)

    def level_for(self, downsample: float) -> Level:
        """Coarsest stored level that is not coarser than `downsample` (within tolerance).

        Level 0 where none is.
        """
        limit = downsample * (1 + DOWNSAMPLE_TOLERANCE)
        return max(
            (level for level in self.levels if level.downsample <= limit),
            key=lambda level: level.downsample,
            default=self.levels[0],
        )

    @property
    def top_display_level(self) -> int:
        """The coarsest display level: the whole slide fits in one tile."""
        longest = max(self.size.width, self.size.height)
        return max(0, math.ceil(math.log2(longest / TILE_PX)))


@dataclass(frozen=True, slots=True, order=True)
class TileKey:
    """A tile of the display grid. Integers, because float downsamples are ambiguous keys.

    Attributes
    ----------
    level : display level k; one tile pixel is 2**k level-0 px.
    column, row : place in that level's grid of `TILE_PX` squares, from the level-0 origin.
    """

    level: int
    column: int
    row: int

    @property
    def downsample(self) -> int:
        """Level-0 px per tile px; exact."""
        return 1 << self.level

    @property
    def region(self) -> Region:
        """The full square that the tile covers in level-0 px; may reach past the slide."""
        side = TILE_PX << self.level
        return Region(self.column * side, self.row * side, side, side)

    @property
    def parent(self) -> "TileKey":
        """The tile of the next coarser level that covers this one."""
        return TileKey(self.level + 1, self.column >> 1, self.row >> 1)


def display_level_for(pyramid: Pyramid, downsample: float) -> int:
    """Display level to draw at `downsample` level-0 px per *device* px.

    The finest needed: 2**k <= downsample, so that tiles are shrunk by less than two and never
    magnified beyond level 0.
    """
    if downsample <= 1:
        return 0
    wanted = math.floor(math.log2(downsample * (1 + DOWNSAMPLE_TOLERANCE)))
    return min(wanted, pyramid.top_display_level)


def covering_tiles(pyramid: Pyramid, level: int, region: Region, center: Point) -> list[TileKey]:
    """Tiles of display `level` that cover `region`, those nearest to `center` first.

    Only tiles that lie on the slide. `region` and `center` are level-0.
    """
    part = region.intersection(pyramid.extent)
    if part.is_empty:
        return []
    side = TILE_PX << level
    columns = range(int(part.x // side), math.ceil(part.right / side))
    rows = range(int(part.y // side), math.ceil(part.bottom / side))
    # Plain numbers, as this runs for hundreds of tiles during movement.
    across = [(column, ((column + 0.5) * side - center.x) ** 2) for column in columns]
    down = [(row, ((row + 0.5) * side - center.y) ** 2) for row in rows]
    near = sorted((dx + dy, column, row) for row, dy in down for column, dx in across)
    return [TileKey(level, column, row) for _, column, row in near]
