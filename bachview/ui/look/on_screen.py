"""Windows and dialogs are never larger than the screen, nor beyond its edges.

Screens are small where the system magnifies: 1280 × 720 at 200 % leaves 640 × 360 to lay out in.
And they go: a monitor is unplugged, a laptop is taken off its desk.
"""

from collections.abc import Sequence

from PySide6.QtCore import QObject, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QMainWindow,
    QScrollArea,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from bachview.ui.look.spacing import EDGE, NEAR

#: No window of ours needs more than this, whatever lies in it.
LEAST_SIZE = QSize(480, 300)
#: Until the system has moved windows itself after a change of screens.
_SETTLED_MS = 700
_LARGEST = (1 << 24) - 1  # Qt's QWIDGETSIZE_MAX


def room_of(screen: QScreen) -> QRect:
    """Where the inside of a window can be: below task bars and a title bar."""
    title = QApplication.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
    return screen.availableGeometry().adjusted(0, title, 0, 0)


def rooms() -> list[QRect]:
    """The rooms of all screens, the primary one first."""
    primary = QGuiApplication.primaryScreen()
    others = [screen for screen in QGuiApplication.screens() if screen is not primary]
    return [room_of(screen) for screen in (primary, *others)]


def placed(wanted: QRect, among: Sequence[QRect]) -> QRect:
    """`wanted` if all of it can be seen, or else moved, and shrunk if need be, into one room.

    Parameters
    ----------
    among : rooms that do not overlap, the first for windows that are in none.
    """
    seen = [wanted.intersected(room) for room in among]
    areas = [part.width() * part.height() if part.isValid() else 0 for part in seen]
    if sum(areas) >= wanted.width() * wanted.height():
        return wanted
    room = among[areas.index(max(areas))]
    size = wanted.size().boundedTo(room.size())
    x = min(max(wanted.x(), room.left()), room.right() + 1 - size.width())
    y = min(max(wanted.y(), room.top()), room.bottom() + 1 - size.height())
    if max(areas) == 0:  # its screen has gone: where it was there means nothing here
        x = room.left() + (room.width() - size.width()) // 2
        y = room.top() + (room.height() - size.height()) // 3
    return QRect(x, y, size.width(), size.height())


def fit_dialog(dialog: QDialog) -> None:
    """Make a dialog that is about to be shown fit its screen; what does not fit scrolls."""
    dialog.ensurePolished()
    parent = dialog.parentWidget()
    room = room_of((parent or dialog).screen()).size()
    least = dialog.minimumSizeHint().expandedTo(dialog.minimumSize())
    if least.boundedTo(room) != least:
        _scroll(dialog)
        least += QSize(dialog.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent), 0)
    has_size = dialog.testAttribute(Qt.WidgetAttribute.WA_Resized)
    size = (dialog.size() if has_size else dialog.sizeHint()).expandedTo(least)
    if size.boundedTo(room) != size:
        dialog.resize(size.boundedTo(room))


def _scroll(dialog: QDialog) -> None:
    """Let all but the buttons scroll."""
    column = dialog.layout()
    if column is None:
        return
    boxes = [box for box in dialog.findChildren(QDialogButtonBox) if column.indexOf(box) >= 0]
    for box in boxes:
        column.removeWidget(box)
    content = QWidget(dialog)
    column.setSizeConstraint(QVBoxLayout.SizeConstraint.SetDefaultConstraint)
    content.setLayout(column)
    area = QScrollArea(dialog)
    area.setObjectName("panel")
    area.setWidgetResizable(True)
    area.setWidget(content)
    outer = QVBoxLayout(dialog)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.setSpacing(0)
    outer.addWidget(area, 1)
    below = QVBoxLayout()
    below.setContentsMargins(EDGE, NEAR, EDGE, NEAR)
    for box in boxes:
        below.addWidget(box)
    outer.addLayout(below)
    dialog.setMinimumSize(0, 0)
    dialog.setMaximumSize(_LARGEST, _LARGEST)


class ScreenWatch(QObject):
    """Brings windows back that were on a screen which has gone. GUI thread only."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._later = QTimer(self, singleShot=True, interval=_SETTLED_MS)
        self._later.timeout.connect(bring_back)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.screenRemoved.connect(self._later.start)
            application.primaryScreenChanged.connect(self._later.start)


def bring_back() -> None:
    """Move every window that is not wholly on a screen onto one."""
    for window in QApplication.topLevelWidgets():
        if not isinstance(window, QDialog | QMainWindow) or not window.isVisible():
            continue
        if not (window.isMaximized() or window.isFullScreen() or window.isMinimized()):
            wanted = placed(window.geometry(), rooms())
            if wanted != window.geometry():
                window.setGeometry(wanted)
