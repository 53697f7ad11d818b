"""Display tiles without lanes and caches."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from bachview.core.pyramid import TileKey
from bachview.slide.tiles.display_tiles import read_display_tile
from bachview.ui.view.painting import TileImages, image_of
from tests.support.slides import ArraySlide

Pixels = npt.NDArray[np.uint8]


class Tiles:
    """The display tiles of a slide in memory."""

    def __init__(self, slide: ArraySlide, *, without: Callable[[TileKey], bool] | None = None):
        self.slide = slide
        self.without = without or (lambda _: False)
        self.tiles: dict[TileKey, Pixels] = {}

    def get(self, key: TileKey) -> Pixels | None:
        if self.without(key):
            return None
        if key not in self.tiles:
            self.tiles[key] = read_display_tile(self.slide, key)
        return self.tiles[key]

    def images(self) -> TileImages:
        def image(key: TileKey) -> QImage | None:
            tile = self.get(key)
            return None if tile is None else image_of(tile)

        return TileImages(self.slide.metadata.pyramid, image)
