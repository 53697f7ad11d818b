"""What is drawn of the cells that a reader has corrected: one layer over the slide."""

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.core.geometry import Region
from bachview.marks.corrected_cells import CorrectedCells
from bachview.ui.view.painting import Layer
from bachview.ui.view.painting_textures import CorrectionLayer
from bachview.viewing.viewport import Viewport


class CorrectionSource:
    """The corrections that a view shows. GUI thread."""

    def __init__(self) -> None:
        self._codes: npt.NDArray[np.uint8] | None = None
        self._covered = self._clip = Region(0, 0, 0, 0)
        self._colors: tuple[tuple[int, int, int], ...] = ()
        self._made_of: tuple[float, float] | None = None
        self._layers: tuple[Layer, ...] = ()

    def set_corrected(self, corrected: CorrectedCells | None, classes: ClassSet) -> None:
        """Show these cells in the colours of their classes; None for none."""
        self._codes, self._made_of, self._layers = None, None, ()
        if corrected is None or not len(corrected):
            return
        grid = corrected.grid
        self._codes = (corrected.on_grid() + 1).astype(np.uint8)
        width, height = grid.columns * grid.stride_x, grid.rows * grid.stride_y
        self._covered = Region(grid.region.x, grid.region.y, width, height)
        self._clip = grid.region
        self._colors = tuple(one.color for one in classes)

    def layers(self, viewport: Viewport) -> tuple[Layer, ...]:
        """Layers that cover `viewport`; the same objects if nothing changed."""
        if self._codes is None or not self._covered.intersects(viewport.region):
            return ()
        made_of = viewport.pixel_ratio, viewport.device_downsample
        if made_of != self._made_of:
            self._made_of = made_of
            self._layers = (
                CorrectionLayer(
                    self._codes,
                    self._covered,
                    self._clip,
                    frozenset(range(1, len(self._colors) + 1)),
                    1.0,
                    *made_of,
                    self._colors,
                ),
            )
        return self._layers
