"""What is drawn of a prediction over a slide: tint, contours, textures and marks as layers."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import Prediction
from bachview.core.uncertainty import Thresholds
from bachview.ui.view.contour_source import ContourSource, DrawnContours
from bachview.ui.view.painting import Layer
from bachview.ui.view.painting_overlay import LettersLayer, OverlayLayer
from bachview.ui.view.painting_textures import TextureLayer
from bachview.viewing.contours import Blocks, level_for
from bachview.viewing.overlay import (
    OverlayPicture,
    OverlayRenderer,
    OverlayStyle,
    display_codes,
)
from bachview.viewing.reduced_overlay import reduced_overlay
from bachview.viewing.style import FIRST, Marks, OverlayMode, contour_strength, tint_strength
from bachview.viewing.textures import STATE_KINDS
from bachview.viewing.viewport import Viewport

#: Display codes of states, of which a texture is drawn whatever the style.
_STATES = frozenset(int(kind) for kind in STATE_KINDS.values())

#: Contours are made when a view zoomed in by this factor would show some.
_SOON = 1.5


class OverlaySource:
    """The prediction that a view shows, and how. GUI thread; the owner closes it.

    Attributes
    ----------
    style : the user's choices.
    is_flipped : shown if the style says that it is not, and the other way round.
    pixel_size : of the slide; the magnification decides how classes are drawn.
    """

    def __init__(self, on_change: Callable[[], object] = lambda: None) -> None:
        """`on_change` : called when contours that were not there yet can be drawn."""
        self.style = OverlayStyle()
        self.is_flipped = False
        self.pixel_size = PixelSize.unknown()
        self._on_change = on_change
        self._prediction: Prediction | None = None
        self._thresholds = Thresholds(0.0, 1.0)
        self._renderer: OverlayRenderer | None = None
        self._contours: ContourSource | None = None
        self._made_of: tuple[object, ...] | None = None
        self._layers: tuple[Layer, ...] = ()

    def set_prediction(self, prediction: Prediction | None, thresholds: Thresholds | None) -> None:
        """Show another prediction, or none."""
        self._prediction = prediction
        self._thresholds = thresholds or Thresholds(0.0, 1.0)
        self._renderer = None if prediction is None else OverlayRenderer(prediction)
        self._made_of, self._layers = None, ()
        self.close(0)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is being made."""
        return self._contours is None or self._contours.is_idle

    def close(self, timeout_s: float = 1.0) -> bool:
        """End the thread that makes contours; False if it did not end in time."""
        source, self._contours = self._contours, None
        return source is None or source.close(timeout_s)

    def overview(self, px_l0: float) -> Layer | None:
        """A layer for a small picture of the whole slide; None if nothing is shown.

        Parameters
        ----------
        px_l0 : level-0 px per px of that picture.
        """
        if self._prediction is None or not self.style.is_shown or not self.style.opacity:
            return None
        return OverlayLayer(reduced_overlay(self._prediction, self.style, self._thresholds, px_l0))

    def layers(self, viewport: Viewport) -> tuple[Layer, ...]:
        """Layers that cover at least `viewport`; the same object if nothing changed."""
        if self._renderer is None or self._prediction is None:
            return ()
        if self.style.is_shown == self.is_flipped:
            return ()
        style, grid = self.style, self._prediction.grid
        magnification = viewport.magnification(self.pixel_size)
        soon = None if magnification is None else magnification * _SOON
        region, blocks = viewport.region, None
        if contour_strength(style, soon) > 0 and grid.region.intersects(region):
            level = level_for(grid, viewport.device_downsample, viewport.pixel_ratio)
            blocks = Blocks.around(region, grid, level)
            region = _around(region, blocks.needs(grid))
        picture = self._renderer.picture(style, self._thresholds, region)
        if picture is None:
            return ()
        contours = None if blocks is None else self._wanted(picture, blocks, viewport)
        outline = contour_strength(style, magnification) * min(1.0, 2 * style.opacity)
        strength = tint_strength(style, magnification)
        made_of = (
            *(picture, contours, outline, strength),
            *(style.marks, viewport.pixel_ratio, viewport.device_downsample),
        )
        if self._made_of is None or not _is_same(made_of, self._made_of):
            self._made_of = made_of
            self._layers = (
                OverlayLayer(picture, strength, None if contours is None else contours.covered),
                self._textures(picture, picture.codes, _STATES, viewport),
                *_outlines(contours, outline),
                *self._marks(self._prediction, picture, viewport),
            )
        return self._layers

    def _wanted(
        self, picture: OverlayPicture, blocks: Blocks, viewport: Viewport
    ) -> DrawnContours | None:
        """The contours that are there by now; others are on their way."""
        if self._contours is None:
            if self._prediction is None:
                return None
            grid, classes = self._prediction.grid, self._prediction.classes
            self._contours = ContourSource(grid, classes, self._on_change)
        self._contours.want(
            picture, blocks, downsample=viewport.device_downsample, ratio=viewport.pixel_ratio
        )
        return self._contours.contours

    def _textures(
        self,
        picture: OverlayPicture,
        codes: npt.NDArray[np.uint8],
        drawn: frozenset[int],
        viewport: Viewport,
    ) -> TextureLayer:
        return TextureLayer(
            codes,
            picture.region,
            picture.clip,
            drawn,
            self.style.opacity,
            viewport.pixel_ratio,
            viewport.device_downsample,
        )

    def _marks(
        self, prediction: Prediction, picture: OverlayPicture, viewport: Viewport
    ) -> tuple[Layer, ...]:
        style = self.style
        if style.marks is Marks.NONE:
            return ()
        codes = display_codes(prediction, style, self._thresholds, picture.cells)
        if style.marks is Marks.LETTERS:
            letters = tuple(c.letter for c in prediction.classes)
            return (LettersLayer(codes, picture.region, letters, viewport.pixel_ratio),)
        classes = frozenset(range(FIRST, FIRST + len(prediction.classes)))
        hatched = _STATES | classes if style.mode is not OverlayMode.CLASS else classes
        return (self._textures(picture, codes, hatched, viewport),)


def _outlines(contours: DrawnContours | None, opacity: float) -> tuple[Layer, ...]:
    if contours is None or not opacity:
        return ()
    return (replace(contours.layer, opacity=opacity),)


def _around(one: Region, other: Region) -> Region:
    """The smallest region with both."""
    return Region.between(
        min(one.x, other.x),
        min(one.y, other.y),
        max(one.right, other.right),
        max(one.bottom, other.bottom),
    )


def _is_same(now: tuple[object, ...], before: tuple[object, ...]) -> bool:
    """Compare what is made of arrays by identity, as arrays do not compare to one bool."""
    return all(n is b for n, b in zip(now[:2], before[:2], strict=True)) and now[2:] == before[2:]
