"""Marks on the commands that bring a view to where it is already: fit, magnifications."""

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from bachview.ui.view.slide_view import SlideView

IsThere = Callable[[SlideView], bool]


class ViewMarks(QObject):
    """Keeps the commands checked that would change nothing in one view. GUI thread only."""

    def __init__(self, places: dict[QAction, IsThere], parent: QObject) -> None:
        super().__init__(parent)
        self._places = places
        self._view: SlideView | None = None
        for command in places:
            command.setCheckable(True)
            # Qt has changed its mark already, whether or not the view is there now.
            command.triggered.connect(self.renew)

    def follow(self, view: SlideView | None) -> None:
        """Mark where this view is, now and whenever it moves."""
        before, self._view = self._view, view
        if before is not None:
            before.viewportChanged.disconnect(self.renew)
            before.fittedChanged.disconnect(self.renew)
        if view is not None:
            view.viewportChanged.connect(self.renew)
            view.fittedChanged.connect(self.renew)
        self.renew()

    def renew(self, _: object = None) -> None:
        """Mark where the view is now."""
        view = self._view
        for command, is_there in self._places.items():
            command.setChecked(view is not None and is_there(view))


def at_magnification(times: float) -> IsThere:
    """Whether a view has this magnification."""
    return lambda view: view.is_at_magnification(times)


def at_downsample(downsample: float) -> IsThere:
    """Whether a view has this many level-0 px per device px."""
    return lambda view: view.is_at_downsample(downsample)
