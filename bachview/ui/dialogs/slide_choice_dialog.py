"""The slides of a folder that holds several, of which the user opens some."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, Qt, Signal
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
from bachview.slide.choices import SlideChoice
from bachview.ui.look.widgets import dialog_column, heading, muted, plain

_COLUMNS = ("Slide", "Size", "Date", "File")


class SlideChoiceDialog(QDialog):
    """For `modal.ask`. Of several slides none is selected beforehand. GUI thread only.

    Signals
    -------
    chosen(list[Path]) : the files to open.
    """

    chosen = Signal(object)

    def __init__(
        self, what: str, choices: Sequence[SlideChoice], parent: QWidget | None = None
    ) -> None:
        """Offer `choices`.

        Parameters
        ----------
        what : what was opened instead of a slide, a sentence without its full stop.
        """
        super().__init__(parent)
        self.setWindowTitle("Choose slides")
        self._choices = tuple(choices)
        self.table = QTableWidget(len(choices), len(_COLUMNS), self)
        self.table.setAccessibleName("Slides in the folder")
        self.table.setHorizontalHeaderLabels(list(_COLUMNS))
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTabKeyNavigation(False)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for row, choice in enumerate(choices):
            texts = (choice.title or "–", choice.size_text, choice.date, printable(choice.place))
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(row, column, item)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.open_button = buttons.addButton("Open", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column_box = dialog_column(self)
        title = plain(heading(printable(what), self))
        title.setWordWrap(True)
        column_box.addWidget(title)
        column_box.addWidget(muted("Select one, or several with Ctrl or Shift.", self))
        column_box.addWidget(self.table, 1)
        column_box.addWidget(buttons)
        self.table.itemSelectionChanged.connect(self._on_selected)
        self.table.itemActivated.connect(lambda _: self.accept())  # double click, Enter
        self.resize(760, 340)
        self._on_selected()
        if len(choices) == 1:
            # Not selectRow(), which heeds the keys that are held: of the shortcut that led here.
            self.table.selectionModel().select(
                self.table.model().index(0, 0),
                QItemSelectionModel.SelectionFlag.ClearAndSelect
                | QItemSelectionModel.SelectionFlag.Rows,
            )
            self.open_button.setFocus()
        else:  # a table with the focus would frame its first row as if it were selected
            buttons.button(QDialogButtonBox.StandardButton.Cancel).setFocus()

    @property
    def selected(self) -> list[Path]:
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self._choices[row].path for row in rows]

    def accept(self) -> None:
        """Open what is selected; without that, stay."""
        selected = self.selected
        if selected:
            super().accept()
            self.chosen.emit(selected)

    def _on_selected(self) -> None:
        count = len(self.selected)
        self.open_button.setText(f"Open {count:,} slides" if count > 1 else "Open")
        self.open_button.setEnabled(count > 0)
        self.open_button.setToolTip("" if count else "Select a slide first")
