"""Freezes a growing prediction into layers that can be painted on any thread."""

from bachview.core.predictions import Prediction
from bachview.core.uncertainty import Thresholds
from bachview.ui.view.painting import Layer
from bachview.ui.view.painting_overlay import MarksLayer, OverlayLayer
from bachview.viewing.overlay import (
    Marks,
    OverlayPicture,
    OverlayRenderer,
    OverlayStyle,
    display_codes,
)
from bachview.viewing.viewport import Viewport


class OverlaySource:
    """The prediction that a view shows, and how. GUI thread.

    Attributes
    ----------
    style : the user's choices.
    is_visible : whether anything of it is shown.
    """

    def __init__(self) -> None:
        self.style = OverlayStyle()
        self.is_visible = True
        self._prediction: Prediction | None = None
        self._thresholds = Thresholds(0.0, 1.0)
        self._renderer: OverlayRenderer | None = None
        self._made_of: tuple[object, ...] | None = None
        self._layers: tuple[Layer, ...] = ()

    def set_prediction(self, prediction: Prediction | None, thresholds: Thresholds | None) -> None:
        """Show another prediction, or none."""
        self._prediction = prediction
        self._thresholds = thresholds or Thresholds(0.0, 1.0)
        self._renderer = None if prediction is None else OverlayRenderer(prediction)
        self._made_of, self._layers = None, ()

    def layers(self, viewport: Viewport) -> tuple[Layer, ...]:
        """Layers that cover at least `viewport`; the same object if nothing changed."""
        if self._renderer is None or self._prediction is None or not self.is_visible:
            return ()
        picture = self._renderer.picture(self.style, self._thresholds, viewport.region)
        if picture is None:
            return ()
        made_of = (picture, self.style.marks, viewport.pixel_ratio)
        if self._made_of is None or not _is_same(made_of, self._made_of):
            self._made_of = made_of
            layers: list[Layer] = [OverlayLayer(picture)]
            if self.style.marks is not Marks.NONE:
                layers.append(self._marks(self._prediction, picture, viewport.pixel_ratio))
            self._layers = tuple(layers)
        return self._layers

    def _marks(
        self, prediction: Prediction, picture: OverlayPicture, pixel_ratio: float
    ) -> MarksLayer:
        codes = display_codes(prediction, self.style, self._thresholds, picture.cells)
        letters = tuple(c.letter for c in prediction.classes)
        return MarksLayer(codes, picture.region, letters, self.style.marks, pixel_ratio)


def _is_same(now: tuple[object, ...], before: tuple[object, ...]) -> bool:
    """Compare pictures by identity, as arrays do not compare to one bool."""
    return now[0] is before[0] and now[1:] == before[1:]
