"""The files that could not be opened, each with its reason."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHeaderView, QTableWidgetItem, QWidget

from bachview.file_names import printable
from bachview.ui.dialogs.layout import LaidOutDialog, scaled
from bachview.ui.look.tables import plain_table
from bachview.ui.look.widgets import allow
from bachview.ui.session.recent import RecentFiles

_NOTHING_RECENT = "Select files that are in the list of recent slides"


class UnopenedDialog(LaidOutDialog):
    """A table; what is selected can be removed from the list of recent slides.

    Signals
    -------
    againRequested : all of them are to be tried once more.
    """

    againRequested = Signal()

    def __init__(
        self,
        title: str,
        reasons: Mapping[Path, str],
        recent: RecentFiles,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Files that could not be opened", parent, title=title, size=(760, 380))
        self._recent, self._paths = recent, tuple(reasons)
        self._text = "\n".join(
            f"{printable(str(path))}\t{reason}" for path, reason in reasons.items()
        )
        self.table = table = plain_table(("File", "Why"), self, stretched=1)
        table.setRowCount(len(reasons))
        table.setAccessibleName("Files that could not be opened")
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(0, scaled(self, 200, 0).width())
        for row, (path, reason) in enumerate(reasons.items()):
            name = QTableWidgetItem(printable(path.name))
            name.setToolTip(printable(str(path)))
            table.setItem(row, 0, name)
            table.setItem(row, 1, QTableWidgetItem(reason))
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.add_close()
        self.again = self.add_action("Try again")
        self.copy = self.add_action("Copy", "Copy all names and reasons as text")
        self.remove = self.add_action("Remove from list")
        self.content.addWidget(table, 1)
        self.again.clicked.connect(self._on_again)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._text))
        self.remove.clicked.connect(self._on_remove)
        table.itemSelectionChanged.connect(self._on_selected)
        recent.changed.connect(self._on_selected)
        self._on_selected()

    @property
    def _selected_recent(self) -> list[Path]:
        rows = (index.row() for index in self.table.selectionModel().selectedRows())
        return [self._paths[row] for row in rows if self._paths[row] in self._recent.paths]

    def _on_selected(self) -> None:
        found = bool(self._selected_recent)
        allow(self.remove, "" if found else _NOTHING_RECENT, "No longer list them as recent")

    def _on_remove(self) -> None:
        for path in self._selected_recent:
            self._recent.remove(path)

    def _on_again(self) -> None:
        self.close()
        self.againRequested.emit()
