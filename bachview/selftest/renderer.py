"""What the self-test needs of the window: a finished picture, without using Qt."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bachview.core.pyramid import Pyramid, TileKey
from bachview.viewing.overlay import OverlayPicture
from bachview.viewing.viewport import Viewport

Pixels = npt.NDArray[np.uint8]


class Renderer(Protocol):
    """Draws like the slide view at rest."""

    def __call__(
        self,
        viewport: Viewport,
        pyramid: Pyramid,
        get_tile: Callable[[TileKey], Pixels | None],
        overlay: OverlayPicture | None,
    ) -> Pixels:
        """The picture of `viewport`, (H, W, 4) uint8 BGRX, of `Viewport.device_size`."""
        ...
