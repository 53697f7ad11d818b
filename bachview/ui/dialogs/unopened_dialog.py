"""The files that could not be opened, each with its reason."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from bachview.file_names import printable
from bachview.ui.look.widgets import dialog_column, heading
from bachview.ui.session.recent import RecentFiles

_NOTHING_RECENT = "Select files that are in the list of recent slides"


class UnopenedDialog(QDialog):
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
        super().__init__(parent)
        self.setWindowTitle("Files that could not be opened")
        self._recent, self._paths = recent, tuple(reasons)
        self._text = "\n".join(
            f"{printable(str(path))}\t{reason}" for path, reason in reasons.items()
        )
        self.table = table = QTableWidget(len(reasons), 2, self)
        table.setAccessibleName("Files that could not be opened")
        table.setHorizontalHeaderLabels(["File", "Why"])
        table.verticalHeader().hide()
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        for row, (path, reason) in enumerate(reasons.items()):
            name = QTableWidgetItem(printable(path.name))
            name.setToolTip(printable(str(path)))
            table.setItem(row, 0, name)
            table.setItem(row, 1, QTableWidgetItem(reason))
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.resizeSection(0, 200)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        action = QDialogButtonBox.ButtonRole.ActionRole
        self.again = buttons.addButton("Try again", action)
        self.copy = buttons.addButton("Copy", action)
        self.copy.setToolTip("Copy all names and reasons as text")
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        self.remove = buttons.addButton("Remove from list", action)
        column = dialog_column(self)
        column.addWidget(heading(title, self))
        column.addWidget(table, 1)
        column.addWidget(buttons)
        close.setDefault(True)
        buttons.rejected.connect(self.reject)
        self.again.clicked.connect(self._on_again)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._text))
        self.remove.clicked.connect(self._on_remove)
        table.itemSelectionChanged.connect(self._on_selected)
        recent.changed.connect(self._on_selected)
        self._on_selected()
        self.resize(760, 380)

    @property
    def _selected_recent(self) -> list[Path]:
        rows = (index.row() for index in self.table.selectionModel().selectedRows())
        return [self._paths[row] for row in rows if self._paths[row] in self._recent.paths]

    def _on_selected(self) -> None:
        found = bool(self._selected_recent)
        self.remove.setEnabled(found)
        self.remove.setToolTip("No longer list them as recent" if found else _NOTHING_RECENT)

    def _on_remove(self) -> None:
        for path in self._selected_recent:
            self._recent.remove(path)

    def _on_again(self) -> None:
        self.close()
        self.againRequested.emit()
