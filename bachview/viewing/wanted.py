"""The display tiles that a viewport needs, and the order in which they are fetched."""

from collections.abc import Callable
from dataclasses import dataclass

from bachview.core.geometry import Region
from bachview.core.pyramid import Pyramid, TileKey, covering_tiles, display_level_for
from bachview.viewing.viewport import Viewport

#: The coarsest levels, up to this many tiles in total, are always wanted, wherever the viewport is:
#: with them in the cache no place of the slide can be blank.
TOP_TILES = 21

#: 512 << 24 is more px than any slide has.
_MAX_LEVEL = 24


@dataclass(frozen=True, slots=True)
class WantedTiles:
    """A frozen request.

    Attributes
    ----------
    level : the display level that the viewport is drawn from.
    tiles : visible tiles of that level, nearest to the centre first.
    standins : coarser tiles that keep the view from being blank, coarsest first: the top of the
        pyramid for the whole slide, and the surroundings of the viewport two levels up.
    prefetch : probably needed next: one level up and the surrounding tiles.
    """

    level: int
    tiles: tuple[TileKey, ...]
    standins: tuple[TileKey, ...]
    prefetch: tuple[TileKey, ...]

    @property
    def in_order(self) -> tuple[TileKey, ...]:
        """All of them, without repetition, in the order to fetch them."""
        return tuple(dict.fromkeys((*self.standins, *self.tiles, *self.prefetch)))


def wanted_tiles(viewport: Viewport, pyramid: Pyramid) -> WantedTiles:
    """The tiles that `viewport` needs of a slide. Counts device pixels."""
    level = display_level_for(pyramid, viewport.device_downsample)
    center, region = viewport.center, viewport.region
    tiles = covering_tiles(pyramid, level, region, center)
    if viewport.rotation_deg % 90:  # otherwise the region is the viewport, and all are visible
        tiles = [k for k in tiles if viewport.shows(k.region.intersection(pyramid.extent))]
    around = _grown(region, 0.5)
    standins = _top_tiles(pyramid, level)
    if level + 2 < pyramid.top_display_level:
        standins += covering_tiles(pyramid, level + 2, around, center)
    prefetch = covering_tiles(pyramid, level, _grown(region, 0.25), center)
    if level + 1 < pyramid.top_display_level:
        prefetch = covering_tiles(pyramid, level + 1, around, center) + prefetch
    seen = {*tiles, *standins}
    return WantedTiles(
        level,
        tuple(tiles),
        tuple(dict.fromkeys(standins)),
        tuple(key for key in prefetch if key not in seen),
    )


def _top_tiles(pyramid: Pyramid, level: int) -> list[TileKey]:
    """Every tile of the coarsest levels, coarsest first, while they are few."""
    found: list[TileKey] = []
    for top in range(pyramid.top_display_level, level, -1):
        tiles = covering_tiles(pyramid, top, pyramid.extent, pyramid.extent.center)
        if len(found) + len(tiles) > TOP_TILES:
            break
        found += tiles
    return found


def _grown(region: Region, share: float) -> Region:
    return region.expanded(share * min(region.width, region.height))


def standin(key: TileKey, get: Callable[[TileKey], object | None]) -> TileKey | None:
    """The finest coarser tile that `get` has, to be shown instead of `key`."""
    while key.level < _MAX_LEVEL:
        key = key.parent
        if get(key) is not None:
            return key
    return None
