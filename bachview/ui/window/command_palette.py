"""The command palette: every action of the program by its name, with its shortcut."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QAction,
    QColor,
    QFontMetrics,
    QHideEvent,
    QIcon,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QMainWindow,
    QMenu,
    QMenuBar,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from bachview.ui.look.spacing import APART, EDGE, NEAR, TIGHT
from bachview.ui.look.theme import Theme
from bachview.ui.look.widgets import muted
from bachview.ui.window.command_search import CommandWords, found
from bachview.ui.window.commands import Command, Commands, deletes, keys_of, plain, words_of

#: At the usual font, px.
_WIDTH = 640
_MOST_ROWS = 9
_MOST_RECENT = 5
_MOVES = {
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_PageDown: _MOST_ROWS - 1,
    Qt.Key.Key_PageUp: 1 - _MOST_ROWS,
}
_ENTRY = Qt.ItemDataRole.UserRole
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Entry(CommandWords):
    """An action as the palette shows it.

    Attributes
    ----------
    state : ``on`` or ``off`` of what can be switched; empty for what is done.
    is_allowed : whether it can be chosen now.
    """

    action: QAction
    state: str
    is_allowed: bool

    @property
    def line(self) -> str:
        """What stands below the name."""
        return " – ".join(filter(None, (self.menu, self.about)))


def entries_of(bar: QMenuBar, commands: Commands) -> list[Entry]:
    """What can be chosen in the menus, in their order, then what is in none of them."""
    places: dict[QAction, str] = {}
    for action, place in _actions_of(bar):
        places.setdefault(action, place)
    for command in commands.all:
        places.setdefault(command, "")
    return [_entry(action, place) for action, place in places.items() if action.isVisible()]


def _actions_of(bar: QMenuBar) -> Iterator[tuple[QAction, str]]:
    def walk(menu: QMenu, above: str) -> Iterator[tuple[QAction, str]]:
        place = " › ".join(filter(None, (above, plain(menu.title()))))
        for action in menu.actions():
            # Not QAction.menu(), whose wrapper may delete the menu with it.
            inner = menus.get(action)
            if inner is not None:
                yield from walk(inner, place)
            elif not action.isSeparator():
                yield action, place

    menus = {menu.menuAction(): menu for menu in bar.findChildren(QMenu)}
    for top in bar.actions():
        if top in menus:
            yield from walk(menus[top], "")


def _entry(action: QAction, place: str) -> Entry:
    is_allowed = action.isEnabled()
    about = action.tip if isinstance(action, Command) else ""
    if not is_allowed:
        text = action.toolTip()
        about = text if text != plain(action.text()) else ""
    state = ("on" if action.isChecked() else "off") if action.isCheckable() else ""
    return Entry(
        words_of(action),
        place,
        keys_of(action),
        about,
        deletes(action),
        action,
        state,
        is_allowed,
    )


class CommandPalette(QFrame):
    """A field and the actions that fit what is typed there, over the window. GUI thread only.

    Signals
    -------
    left : it was closed; the keyboard goes back to the slide.
    """

    left = Signal()

    def __init__(
        self,
        window: QMainWindow,
        commands: Commands,
        theme: Theme,
        fill: Callable[[], object],
    ) -> None:
        """`fill` : brings the menus up to date that are filled when they open."""
        super().__init__(window)
        self.setObjectName("card")
        self.setAutoFillBackground(True)
        self.setAccessibleName("Find a command")
        self._window, self._commands, self._fill = window, commands, fill
        self._recent: list[Command] = []
        self._all: list[Entry] = []
        self.wanted = QLineEdit(self)
        self.wanted.setPlaceholderText("Find a command")
        self.wanted.setAccessibleName("Words of the command")
        self.wanted.setClearButtonEnabled(True)
        self._model = _Entries(self)
        self.list = QListView(self)
        self.list.setObjectName("onCard")
        self.list.setAccessibleName("Commands")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.setUniformItemSizes(True)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setModel(self._model)
        self._delegate = _Delegate(theme, self.list)
        self.list.setItemDelegate(self._delegate)
        self._nothing = muted("No command has these words.", self)
        column = QVBoxLayout(self)
        column.setContentsMargins(NEAR, NEAR, NEAR, NEAR)
        column.setSpacing(NEAR)
        column.addWidget(self.wanted)
        column.addWidget(self.list, 1)
        column.addWidget(self._nothing)
        self.hide()
        self.wanted.installEventFilter(self)
        window.installEventFilter(self)
        self.wanted.textChanged.connect(self._find)
        self.list.clicked.connect(self._run)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is listed, the first at the top."""
        return tuple(self._model.entries)

    def toggle(self) -> None:
        """Open it with the keyboard in it, or close it."""
        if not self.isHidden():
            self.leave()
            return
        self._fill()
        self._all = entries_of(self._window.menuBar(), self._commands)
        self.wanted.clear()
        self._find("")
        self.show()
        self.raise_()
        self.wanted.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def leave(self) -> None:
        """Close it."""
        if not self.isHidden():
            self.hide()
            self.left.emit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        application = QCoreApplication.instance()
        if application is not None:
            application.installEventFilter(self)  # for clicks beside it

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        application = QCoreApplication.instance()
        if application is not None:
            application.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self.wanted:
            if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
                return self._on_key(event)
            if kind == QEvent.Type.FocusOut and not self.wanted.hasFocus():
                self._on_focus_out()
        elif watched is self._window and kind == QEvent.Type.Resize and not self.isHidden():
            self._arrange()
        elif kind == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            is_beside = not self.rect().contains(
                self.mapFromGlobal(event.globalPosition().toPoint())
            )
            if isinstance(watched, QWidget) and watched.window() is self._window and is_beside:
                self.leave()
        return False

    def _on_focus_out(self) -> None:
        """Not for the menu of the field, which is a window of its own."""
        now = self._window.focusWidget()
        if now is not self.wanted or not self._window.isActiveWindow():
            self.leave()

    def _on_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self.leave()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self.list.currentIndex())
        elif key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            pass  # there is nothing else to go to
        elif key in _MOVES:
            rows = self._model.rowCount()
            row = self.list.currentIndex().row() + _MOVES[key]
            if abs(_MOVES[key]) == 1:
                row %= max(1, rows)
            self._choose(min(max(row, 0), rows - 1))
        else:
            return False
        return True

    def _find(self, query: str) -> None:
        order = {command: n for n, command in enumerate(self._recent)}
        last = len(order)
        by_use = sorted(
            self._all,
            key=lambda e: order.get(e.action, last) if isinstance(e.action, Command) else last,
        )
        self._model.show_entries(found(query, by_use))
        is_empty = self._model.rowCount() == 0
        self._nothing.setVisible(is_empty)
        self.list.setVisible(not is_empty)
        self._choose(0)
        self._arrange()

    def _choose(self, row: int) -> None:
        index = self._model.index(row)
        self.list.setCurrentIndex(index)
        if index.isValid():
            self.list.scrollTo(index)

    def _run(self, index: _Index) -> None:
        entry: Entry | None = index.data(_ENTRY) if index.isValid() else None
        if entry is None or not entry.is_allowed:
            return  # its row says why
        self.leave()  # first, as what is chosen may want the keyboard
        action = entry.action
        if isinstance(action, Command):
            others = [each for each in self._recent if each is not action]
            self._recent = [action, *others][:_MOST_RECENT]
        action.trigger()

    def _arrange(self) -> None:
        """In the middle, a little below the menus, as high as there are rows and room."""
        room = self._window.rect().adjusted(EDGE, 0, -EDGE, -EDGE)
        top = self._window.menuBar().geometry().bottom() + EDGE
        width = min(room.width(), round(_WIDTH * max(1.0, self.fontMetrics().height() / 16)))
        rows = min(_MOST_ROWS, self._model.rowCount())
        margins = 3 * NEAR + 2
        height = self.wanted.sizeHint().height() + margins
        row = self._delegate.height(self.list)
        height += rows * row if rows else self._nothing.sizeHint().height()
        left = room.left() + (room.width() - width) // 2
        self.setGeometry(left, top, width, min(height, room.bottom() - top))


class _Entries(QAbstractListModel):
    """The entries that fit."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []

    def show_entries(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.entries)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(filter(None, (entry.text, entry.state, entry.shown_keys, entry.line)))
        return entry if role == _ENTRY else None


class _Delegate(QStyledItemDelegate):
    """Paints a row: icon, name, state and keys; below, where it is and what it does."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def height(self, widget: QWidget) -> int:
        """Of a row: two lines."""
        return 2 * widget.fontMetrics().height() + 2 * TIGHT + 2

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        view: QWidget = option.widget
        return QSize(0, self.height(view))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        entry: Entry = index.data(_ENTRY)
        colors, rect = self._theme.colors, QRect(option.rect)
        state: QStyle.StateFlag = option.state
        is_current = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        if is_current:
            painter.fillRect(rect, QColor(colors.selected))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(colors.hover))
        metrics = QFontMetrics(option.font)
        line = metrics.height()
        inner = rect.adjusted(NEAR, TIGHT, -NEAR, -TIGHT)
        side = line + 2
        picture = QRect(inner.left(), inner.top(), side, side)
        mode = QIcon.Mode.Normal if entry.is_allowed else QIcon.Mode.Disabled
        entry.action.icon().paint(painter, picture, mode=mode)
        words = inner.adjusted(side + NEAR, 0, 0, 0)
        ink = QColor(colors.text if entry.is_allowed else colors.disabled)
        quiet = QColor(colors.muted if entry.is_allowed else colors.disabled)
        first = QRect(words.left(), words.top(), words.width(), line)
        painter.setPen(quiet)
        middle = Qt.AlignmentFlag.AlignVCenter
        for text in filter(None, (entry.shown_keys, entry.state)):
            painter.drawText(first, middle | Qt.AlignmentFlag.AlignRight, text)
            first.setRight(first.right() - metrics.horizontalAdvance(text) - APART)
        painter.setPen(ink)
        elide = Qt.TextElideMode.ElideRight
        painter.drawText(first, middle, metrics.elidedText(entry.text, elide, first.width()))
        # A reason is read, also where the command is not to be chosen.
        painter.setPen(QColor(colors.muted))
        second = QRect(words.left(), words.top() + line + 2, words.width(), line)
        painter.drawText(second, middle, metrics.elidedText(entry.line, elide, second.width()))
        painter.restore()
