"""Where a part of the slide is drawn, and what of its image."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QTransform

from bachview.ui.view.whole_px import Span, first_px, span

#: How far turned tiles overlap, device px.
_LAP_PX = 1 / 32

#: Target in px of the painter, and source in px of the image.
Place = tuple[QRectF, QRectF]


class UprightPlaces:
    """Places in a plane that is upright or turned by 180°.

    Parameters
    ----------
    along : of the plane; negative where it is turned.
    downsample : level-0 px per plane px.

    Attributes
    ----------
    transform : to be combined with the painter's; None when upright.
    """

    def __init__(self, along: float, downsample: float) -> None:
        self.transform = None if along > 0 else QTransform.fromScale(-1, -1)
        self._downsample = downsample
        self._spans: dict[tuple[float, float, float, float], Span | None] = {}

    def of(self, x: float, y: float, width: float, height: float, source: QRectF) -> Place | None:
        """Where to draw a level-0 part that `source` shows; None if no px has its centre in it."""
        across = self._span(x, width, source.x(), source.width())
        down = self._span(y, height, source.y(), source.height())
        if across is None or down is None:
            return None
        left, columns, source_x, source_width = across
        top, rows, source_y, source_height = down
        return (
            QRectF(left, top, columns, rows),
            QRectF(source_x, source_y, source_width, source_height),
        )

    def _span(
        self, begin: float, length: float, source: float, source_length: float
    ) -> Span | None:
        """Along one axis: the same for all tiles of a row or column."""
        key = begin, length, source, source_length
        if key not in self._spans:
            step = self._downsample
            self._spans[key] = span(
                first_px(begin, step), first_px(begin + length, step), source, source_length
            )
        return self._spans[key]


class TurnedPlaces:
    """Places in a plane that is turned otherwise, of which Qt decides what each px shows.

    Parameters
    ----------
    transform : plane px from level-0 px.
    downsample : level-0 px per plane px.

    Attributes
    ----------
    transform : to be combined with the painter's.
    """

    def __init__(self, transform: QTransform, downsample: float) -> None:
        self.transform = transform
        self._lap = _LAP_PX * downsample

    def of(self, x: float, y: float, width: float, height: float, source: QRectF) -> Place:
        """Where to draw a level-0 part that `source` shows."""
        # Qt leaves out a px whose centre both tiles just miss, as it rounds the rotated edges of
        # each tile separately.
        lap = self._lap
        return QRectF(x, y, width, height).adjusted(-lap, -lap, lap, lap), source
