"""Rendering for the self-test: the same code that draws the slide view at rest."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bachview.core.pyramid import Pyramid, TileKey
from bachview.ui.view.painting import Layer, pixels_of, render
from bachview.ui.view.painting_overlay import OverlayLayer
from bachview.viewing.overlay import OverlayPicture
from bachview.viewing.viewport import Viewport

Pixels = npt.NDArray[np.uint8]


def render_pixels(
    viewport: Viewport,
    pyramid: Pyramid,
    get_tile: Callable[[TileKey], Pixels | None],
    overlay: OverlayPicture | None,
) -> Pixels:
    """Implements `bachview.selftest.renderer.Renderer`. Any thread."""
    layers: tuple[Layer, ...] = () if overlay is None else (OverlayLayer(overlay),)
    image = render(viewport, pyramid, get_tile, layers=layers)
    return pixels_of(image).copy()
