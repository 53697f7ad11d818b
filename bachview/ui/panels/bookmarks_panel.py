"""The bookmarks of the slide: views with a name, to come back to."""

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from bachview.core.units import count_text
from bachview.marks.bookmark import Bookmark
from bachview.ui.look.widgets import panel_column
from bachview.ui.panels.panel import Panel

#: Largest size of a thumbnail, device-independent px.
THUMBNAIL = QSize(72, 54)
_ID = Qt.ItemDataRole.UserRole
#: As many are seen without scrolling.
_MOST_ROWS = 4
#: Keys that are shortcuts of commands elsewhere.
_KEYS = frozenset({Qt.Key.Key_Delete, Qt.Key.Key_F2})
_TIP = "Double-click or Enter to go there, F2 to rename, Delete to delete"


class BookmarksPanel(Panel):
    """A list with thumbnails, the oldest first. GUI thread only.

    Signals
    -------
    chosen(str) : id of the bookmark to go to.
    renamed(str, str) : its id and the new name.
    deleteRequested(str) : its id.
    shownChanged : there are bookmarks now, or none any more.
    left : the keyboard goes back to the slide.
    """

    name, title = "bookmarks", "Bookmarks"
    chosen = Signal(str)
    renamed = Signal(str, str)
    deleteRequested = Signal(str)
    shownChanged = Signal()
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = _List(self)
        self.list.setAccessibleName("Bookmarks of the slide")
        self.list.setToolTip(_TIP)
        self.list.setIconSize(THUMBNAIL)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setEditTriggers(QListWidget.EditTrigger.EditKeyPressed)
        self.list.itemActivated.connect(lambda item: self.chosen.emit(item.data(_ID)))
        self.list.itemChanged.connect(self._on_edited)
        self.list.deleted.connect(lambda index: self.deleteRequested.emit(index.data(_ID)))
        self.list.left.connect(self.left)
        panel_column(self).addWidget(self.list)
        self._shown: tuple[Bookmark, ...] = ()
        self.show_bookmarks(())

    @property
    def has_bookmarks(self) -> bool:
        """Whether there is something to show."""
        return bool(self._shown)

    def show_bookmarks(self, bookmarks: Iterable[Bookmark]) -> None:
        """Show these and no others."""
        shown = tuple(sorted(bookmarks, key=lambda each: each.created))
        had_some, selected = self.has_bookmarks, self._selected_id
        self._shown = shown
        self.list.blockSignals(True)
        self.list.clear()
        for each in shown:
            item = QListWidgetItem(each.name)
            item.setData(_ID, each.id)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            picture = QPixmap()
            if each.thumbnail and picture.loadFromData(each.thumbnail):
                item.setIcon(QIcon(picture))
            x, y = count_text(round(each.center.x)), count_text(round(each.center.y))
            item.setToolTip(f"{each.name}, at {x}, {y} px.\n{_TIP}")
            item.setSizeHint(QSize(0, THUMBNAIL.height() + 8))
            self.list.addItem(item)
            if each.id == selected:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)
        rows = max(1, min(len(shown), _MOST_ROWS))
        frame = 2 * self.list.frameWidth()
        self.list.setFixedHeight(rows * (THUMBNAIL.height() + 8) + frame)
        if had_some != self.has_bookmarks:
            self.shownChanged.emit()

    @property
    def _selected_id(self) -> str | None:
        rows = self.list.selectionModel().selectedRows()
        return str(rows[0].data(_ID)) if rows else None

    def _on_edited(self, item: QListWidgetItem) -> None:
        bookmark = next((each for each in self._shown if each.id == item.data(_ID)), None)
        if bookmark is None:
            return
        name = item.text().strip()
        if not name:  # a bookmark has a name
            self.list.blockSignals(True)
            item.setText(bookmark.name)
            self.list.blockSignals(False)
        elif name != bookmark.name:
            self.renamed.emit(bookmark.id, name)


class _List(QListWidget):
    """Takes the keys that mean something else for annotations."""

    deleted = Signal(object)
    left = Signal()

    def event(self, event: QEvent) -> bool:
        """Before the window's commands get them."""
        if event.type() == QEvent.Type.ShortcutOverride and _key_of(event) in _KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = _key_of(event)
        if key == Qt.Key.Key_Delete:
            for index in self.selectionModel().selectedRows():
                self.deleted.emit(index)
        elif key == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


def _key_of(event: QEvent) -> int | None:
    return event.key() if isinstance(event, QKeyEvent) else None
