"""The tissue as one bar, divided by class."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QHelpEvent,
    QImage,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from bachview.core.units import percent_text
from bachview.ui.look.contrast import ink_on
from bachview.ui.look.spacing import RADIUS, TIGHT

_HEIGHT_PX = 20
#: What is there is seen, however little.
_LEAST_PX = 2.0


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the tissue.

    Attributes
    ----------
    share : 0..1.
    color : of a class; None for a state.
    letter : of a class; empty for a state.
    texture : of a state, to be repeated; None for a class.
    """

    name: str
    share: float
    color: tuple[int, int, int] | None = None
    letter: str = ""
    texture: QImage | None = None


class ShareBar(QWidget):
    """Shares side by side, in the order in which they are listed; empty while none are known."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shares: tuple[Share, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Shares of the tissue")

    @property
    def shares(self) -> tuple[Share, ...]:
        """Those that are shown, without what there is nothing of."""
        return self._shares

    def show_shares(self, shares: Sequence[Share]) -> None:
        """Divide the bar; shares that do not add up to all leave the rest empty."""
        self._shares = tuple(share for share in shares if share.share > 0)
        self.setAccessibleDescription(
            ", ".join(f"{share.name} {percent_text(share.share)}" for share in self._shares)
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, _HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        """Any width: the figures stand below."""
        return QSize(0, _HEIGHT_PX)

    def places(self) -> list[tuple[Share, QRectF]]:
        """The shares with where they lie."""
        # What is too thin to be seen is widened at the cost of the others.
        widths = [share.share * self.width() for share in self._shares]
        thin = sum(_LEAST_PX - width for width in widths if width < _LEAST_PX)
        wide = sum(width for width in widths if width >= _LEAST_PX)
        scale = max(0.0, wide - thin) / wide if wide else 0.0
        places, left = [], 0.0
        for share, width in zip(self._shares, widths, strict=True):
            shown = _LEAST_PX if width < _LEAST_PX else width * scale
            places.append((share, QRectF(left, 0, shown, self.height())))
            left += shown
        return places

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), RADIUS, RADIUS)
        painter.setClipPath(outline)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Midlight))
        for share, place in self.places():
            _draw(painter, share, place)
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Name the part under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            at = event.pos().x()
            here = [s for s, place in self.places() if place.left() <= at < place.right()]
            text = f"{here[0].name}: {percent_text(here[0].share)}" if here else ""
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)


def _draw(painter: QPainter, share: Share, place: QRectF) -> None:
    # A gap between neighbours, for readers who cannot tell their colours apart.
    if place.width() > 2 * _LEAST_PX:
        place = place.adjusted(0, 0, -1, 0)
    if share.color is not None:
        painter.fillRect(place, QColor(*share.color))
    elif share.texture is not None:
        painter.fillRect(place, QColor("#ffffff"))
        painter.fillRect(place, QBrush(share.texture))
    if not share.letter or share.color is None:
        return
    font = QFont(painter.font())
    font.setBold(True)
    painter.setFont(font)
    if painter.fontMetrics().horizontalAdvance(share.letter) + 2 * TIGHT <= place.width():
        painter.setPen(ink_on(QColor(*share.color)))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, share.letter)
