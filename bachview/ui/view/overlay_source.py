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
from bachview.ui.view.letter_source import LetterSource
from bachview.ui.view.painting import Layer
from bachview.ui.view.painting_overlay import LettersLayer, OverlayLayer
from bachview.ui.view.painting_textures import TextureLayer
from bachview.viewing.contours import Blocks, level_for
from bachview.viewing.letters import Letter
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
        self._letters: LetterSource | None = None
        self._marked: tuple[OverlayPicture, npt.NDArray[np.uint8]] | None = None
        self._made_of: tuple[object, ...] | None = None
        self._layers: tuple[Layer, ...] = ()

    @property
    def prediction(self) -> Prediction | None:
        """The one that is shown."""
        return self._prediction

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
        return all(source.is_idle for source in (self._contours, self._letters) if source)

    def close(self, timeout_s: float = 1.0) -> bool:
        """End the threads that make contours and letters; False if one did not end in time."""
        sources = [source for source in (self._contours, self._letters) if source is not None]
        self._contours = self._letters = self._marked = None
        ended = [source.close(timeout_s / 2) for source in sources]
        return all(ended)

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
        outline = contour_strength(style, magnification)
        strength = tint_strength(style, magnification)
        codes = self._marked_codes(self._prediction, picture)
        letters = self._wanted_letters(picture, codes, viewport)
        made_of = (
            *(picture, contours, codes, letters, outline, strength),
            *(style.marks, viewport.pixel_ratio, viewport.device_downsample),
        )
        if self._made_of is None or not _is_same(made_of, self._made_of):
            self._made_of = made_of
            self._layers = (
                OverlayLayer(picture, strength, None if contours is None else contours.covered),
                self._textures(picture, picture.codes, _STATES, viewport),
                *_outlines(contours, outline),
                *self._marks(picture, codes, letters, viewport),
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

    def _marked_codes(
        self, prediction: Prediction, picture: OverlayPicture
    ) -> npt.NDArray[np.uint8] | None:
        """What marks are drawn of; None without marks."""
        style = self.style
        if style.marks is Marks.NONE or style.mode is OverlayMode.CLASS:
            return None if style.marks is Marks.NONE else picture.codes
        marked = self._marked
        if marked is None or marked[0] is not picture:
            codes = display_codes(prediction, style, self._thresholds, picture.cells)
            marked = self._marked = picture, codes
        return marked[1]

    def _wanted_letters(
        self,
        picture: OverlayPicture,
        codes: npt.NDArray[np.uint8] | None,
        viewport: Viewport,
    ) -> tuple[Letter, ...]:
        """The letters that are there by now; others are on their way."""
        if codes is None or self._prediction is None or self.style.marks is not Marks.LETTERS:
            return ()
        if self._letters is None:
            self._letters = LetterSource(self._prediction.grid, self._on_change)
        self._letters.want(codes, picture.cells, viewport)
        return self._letters.letters

    def _marks(
        self,
        picture: OverlayPicture,
        codes: npt.NDArray[np.uint8] | None,
        letters: tuple[Letter, ...],
        viewport: Viewport,
    ) -> tuple[Layer, ...]:
        if codes is None or self._prediction is None:
            return ()
        classes = self._prediction.classes
        if self.style.marks is Marks.LETTERS:
            of_classes = tuple(c.letter for c in classes)
            return (LettersLayer(letters, of_classes, viewport.pixel_ratio),)
        hatched = frozenset(range(FIRST, FIRST + len(classes)))
        if self.style.mode is not OverlayMode.CLASS:
            hatched |= _STATES
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
    return all(n is b for n, b in zip(now[:3], before[:3], strict=True)) and now[3:] == before[3:]
