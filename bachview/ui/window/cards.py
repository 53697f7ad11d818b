"""Places what is said about a slide over its view, without moving the slide."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QWidget

from bachview.ui.look.spacing import NEAR
from bachview.ui.look.widgets import height_for

_MOST_PX = 620
#: Narrower than this beside the minimap, the cards go below it, px.
_LEAST_PX = 360

_CHANGES = frozenset(
    {
        QEvent.Type.Resize,
        QEvent.Type.Move,
        QEvent.Type.ShowToParent,
        QEvent.Type.HideToParent,
        QEvent.Type.LayoutRequest,
    }
)


class Cards(QObject):
    """One below the other, below the chip and beside the minimap. GUI thread only.

    Signals
    -------
    arranged : they have their places; see `bottom`.
    """

    arranged = Signal()

    def __init__(
        self, view: QWidget, chip: QWidget, minimap: QWidget, cards: Sequence[QWidget]
    ) -> None:
        """`view` and `cards` have the same parent."""
        super().__init__(view)
        self._view, self._chip, self._minimap, self._cards = view, chip, minimap, cards
        self._is_arranging = False
        self._bottom = 0
        for widget in (view, chip, minimap, *cards):
            widget.installEventFilter(self)
        self._arrange()

    @property
    def bottom(self) -> int:
        """Below this nothing lies at the top of the view, px."""
        return self._bottom

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _CHANGES:
            self._arrange()
        return False

    def _arrange(self) -> None:
        if self._is_arranging:  # the cards report that they were placed
            return
        self._is_arranging = True
        view, margin = self._view, self._chip.x()
        top, room = self._chip.geometry().bottom() + 1 + NEAR, view.width() - 2 * margin
        if not self._minimap.isHidden():
            beside = self._minimap.x() - 2 * margin
            if beside >= _LEAST_PX:
                room = beside
            else:
                top = max(top, self._minimap.geometry().bottom() + 1 + NEAR)
        corner, width = view.geometry().topLeft(), min(room, _MOST_PX)
        for card in self._cards:
            if not card.isHidden():
                height = height_for(card, width)
                card.setGeometry(corner.x() + margin, corner.y() + top, width, height)
                card.raise_()
                top += height + NEAR
        shown = [each for each in (self._chip, self._minimap) if not each.isHidden()]
        self._bottom = max(top, *(each.geometry().bottom() + 1 + NEAR for each in shown), 0)
        self._is_arranging = False
        self.arranged.emit()
