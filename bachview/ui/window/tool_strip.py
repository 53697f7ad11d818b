"""The tools beside the slide, in as many columns as the height asks for."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QAction, QIcon, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QWidget

from bachview.ui.look.spacing import NEAR, TIGHT
from bachview.ui.look.swatches import SIDE_PX, color_swatch
from bachview.ui.session.annotation_classes import AnnotationClasses
from bachview.ui.window.commands import call

_ICON_PX = 20
_CELL_PX = _ICON_PX + 2 * TIGHT + 2
_UNKNOWN_PX = 10_000
NO_CLASS = "No class"


class ToolStrip(QWidget):
    """A narrow column of buttons; in a low window it becomes several. GUI thread only."""

    def __init__(
        self,
        groups: Sequence[Sequence[QAction]],
        classes: AnnotationClasses,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("toolStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Ignored)
        self.setAccessibleName("Tools for annotations")
        self._groups = [[self._button(action) for action in group] for group in groups]
        self.class_button = ClassButton(classes, self)
        self._groups.append([self.class_button])
        self._lines: list[int] = []
        self._arrange(_UNKNOWN_PX)  # as narrow as it can be until the height is known

    def minimumSizeHint(self) -> QSize:
        """Any height."""
        return QSize(self.width(), 0)

    def sizeHint(self) -> QSize:
        return QSize(self.width(), 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(event.size().height())

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setIconSize(QSize(_ICON_PX, _ICON_PX))
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(action.text().replace("&", ""))
        return button

    def _arrange(self, height: int) -> None:
        """Groups with lines between them in one column, or all without lines, maybe in several."""
        buttons = [button for group in self._groups for button in group]
        whole = len(buttons) * _CELL_PX + (len(self._groups) - 1) * NEAR + 2 * TIGHT
        self._lines = []
        rows, has_lines = len(buttons), height >= whole
        if not has_lines:
            rows = max(1, (height - 2 * TIGHT) // _CELL_PX)
        columns = -(-len(buttons) // rows)
        rows = -(-len(buttons) // columns)
        at = QPoint(TIGHT, TIGHT)
        for number, group in enumerate(self._groups):
            if number and has_lines:
                self._lines.append(at.y() + NEAR // 2)
                at.setY(at.y() + NEAR)
            for button in group:
                button.setGeometry(at.x(), at.y(), _CELL_PX, _CELL_PX)
                at.setY(at.y() + _CELL_PX)
                if columns > 1 and at.y() >= TIGHT + rows * _CELL_PX:
                    at = QPoint(at.x() + _CELL_PX, TIGHT)
        self.setFixedWidth(columns * _CELL_PX + 2 * TIGHT)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Lines between the groups."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        for y in self._lines:
            painter.drawLine(NEAR, y, self.width() - NEAR, y)
        painter.end()


class ClassButton(QToolButton):
    """The class that new annotations get; a click opens the list of classes."""

    def __init__(self, classes: AnnotationClasses, parent: QWidget) -> None:
        super().__init__(parent)
        self._classes = classes
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setIconSize(QSize(SIDE_PX, SIDE_PX))
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setObjectName("more")
        menu = QMenu(self)
        menu.aboutToShow.connect(self.fill)
        self.setMenu(menu)
        classes.changed.connect(self._show_present)
        classes.presentChanged.connect(self._show_present)
        self._show_present()

    def fill(self) -> None:
        """List the classes as they are now."""
        list_classes(self.menu(), self._classes)

    def _show_present(self) -> None:
        present = self._classes.present
        name = NO_CLASS.lower() if present is None else present.name
        self.setIcon(self._swatch(None if present is None else present.color))
        self.setToolTip(f"Class of new annotations: {name}")
        self.setAccessibleName(f"Class of new annotations: {name}")

    def _swatch(self, color: tuple[int, int, int] | None) -> QIcon:
        return QIcon(color_swatch(color, self.devicePixelRatioF()))


def list_classes(menu: QMenu, classes: AnnotationClasses) -> None:
    """Fill a menu that chooses the class of new annotations."""
    present, ratio = classes.present, menu.devicePixelRatioF()
    menu.clear()
    for each in (None, *classes.all):
        name = NO_CLASS if each is None else each.name
        swatch = color_swatch(None if each is None else each.color, ratio)
        action = menu.addAction(QIcon(swatch), name.replace("&", "&&"))
        call("Class of new annotations: {}", action)
        action.setCheckable(True)
        action.setChecked(each == present)
        chosen = None if each is None else each.name
        action.triggered.connect(lambda _=False, name=chosen: classes.choose(name))
