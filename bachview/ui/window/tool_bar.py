"""The tool bar: groups of buttons, of which those that do not fit are in a menu at its end."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QWidget,
)

from bachview.ui.look.icons import icon
from bachview.ui.look.theme import Theme
from bachview.ui.window.classify_commands import ClassifyCommands
from bachview.ui.window.file_commands import FileCommands
from bachview.ui.window.view_commands import ViewCommands

_ICON_PX = 20


@dataclass(frozen=True, slots=True)
class _Group:
    """Buttons that belong together.

    Attributes
    ----------
    rank : in a narrow window the group with the highest goes first; 0 stays.
    parts : the actions by which the bar shows it: the line before it, and the buttons.
    """

    commands: tuple[QAction, ...]
    rank: int
    buttons: QWidget
    parts: tuple[QAction, ...]

    @property
    def width(self) -> int:
        """Room that it takes, with the line before it, also while it is hidden."""
        return self.buttons.sizeHint().width() + (_LINE_PX if len(self.parts) > 1 else 0)

    def show(self, *, on: bool) -> None:
        for part in self.parts:
            part.setVisible(on)


#: A line between groups, with its margins as in the style sheet.
_LINE_PX = 9
#: The margins of the bar and the button at its end, with some reserve.
_REST_PX = 56


class ToolBar(QToolBar):
    """Shows as many groups as fit. GUI thread only.

    Qt itself would drop the last buttons of a bar that is too long, the most important among them.
    """

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__("Tools", parent)
        self.setObjectName("tools")
        self.setMovable(False)
        self.setIconSize(QSize(_ICON_PX, _ICON_PX))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._theme = theme
        self._groups: list[_Group] = []
        self._is_at_right = False
        self._more = QToolButton(self)
        self._more.setToolTip("More tools")
        self._more.setAccessibleName("More tools")
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._more.setObjectName("more")
        self._menu = QMenu(self._more)
        self._menu.setToolTipsVisible(True)
        self._more.setMenu(self._menu)
        self._more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._more_part: QAction | None = None
        theme.changed.connect(self._tint)
        self._tint()

    def add_group(self, rank: int, commands: Sequence[QAction], *more: QToolButton) -> None:
        """Add buttons for `commands`, and the buttons `more` before them."""
        buttons = QWidget(self)
        row = QHBoxLayout(buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for button in more:
            row.addWidget(button)
        for command in commands:
            row.addWidget(_button(command, buttons))
        line = (self.addSeparator(),) if self._groups and not self._is_at_right else ()
        # What a button of its own does is in its menu.
        own = [each.defaultAction() for each in more if each.defaultAction() is not None]
        parts = (*line, self.addWidget(buttons))
        self._groups.append(_Group((*own, *commands), rank, buttons, parts))

    def add_space(self) -> None:
        """What comes now is at the right."""
        space = QWidget(self)
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(space)
        self._is_at_right = True

    def end(self) -> None:
        """All groups are there: add the button for those that do not fit."""
        self._more_part = self.addWidget(self._more)
        self._arrange(self.width())

    @property
    def hidden(self) -> tuple[QAction, ...]:
        """Commands that are only in the menu at the end."""
        return tuple(action for action in self._menu.actions() if not action.isSeparator())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange(event.size().width())
        super().resizeEvent(event)

    def minimumSizeHint(self) -> QSize:
        """Any width: the window may be narrower than all buttons."""
        return QSize(_REST_PX, super().minimumSizeHint().height())

    def _arrange(self, width: int) -> None:
        if self._more_part is None:
            return
        room = width - _REST_PX
        left = list(self._groups)
        for group in sorted(self._groups, key=lambda each: -each.rank):
            if sum(each.width for each in left) <= room or not group.rank:
                break
            left.remove(group)
        for group in self._groups:
            group.show(on=group in left)
        self._menu.clear()
        for group in self._groups:
            if group not in left:
                self._menu.addSeparator()
                self._menu.addActions(list(group.commands))
        self._more_part.setVisible(len(left) < len(self._groups))

    def _tint(self) -> None:
        self._more.setIcon(icon("more", self._theme.colors))


def _button(command: QAction, parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setDefaultAction(command)
    button.setIconSize(QSize(_ICON_PX, _ICON_PX))
    button.setAutoRaise(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(command.text().replace("&", ""))
    return button


def make_tool_bar(
    window: QMainWindow,
    file: FileCommands,
    view: ViewCommands,
    classify: ClassifyCommands,
    theme: Theme,
) -> ToolBar:
    """Create the tool bar: open, zoom, rotate, show, classify."""
    bar = ToolBar(theme, window)
    start = _button(classify.whole_slide, bar)
    start.setObjectName("primary")
    classify.whole_slide.setIconText("Classify")
    start.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    start.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
    menu = QMenu(start)
    menu.addActions(list(classify.starts))
    start.setMenu(menu)
    bar.add_group(0, [file.open])
    bar.add_group(0, [view.fit])
    bar.add_group(2, view.magnifications)
    bar.add_group(5, view.downsamples)
    bar.add_group(6, [view.rotate_left, view.rotate_right])
    bar.add_group(1, [view.overlay, view.activation_map])
    bar.add_group(0, [classify.pause, classify.cancel], start)
    bar.add_group(4, [classify.export_results])
    bar.add_space()
    bar.add_group(7, [view.panel, view.full_screen])
    bar.end()
    window.addToolBar(bar)
    return bar
