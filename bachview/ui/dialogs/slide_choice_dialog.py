"""The slides of a folder that holds several, of which the user opens some."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, Signal
from PySide6.QtWidgets import QDialogButtonBox, QTableWidgetItem, QWidget

from bachview.core.units import count_text
from bachview.file_names import printable
from bachview.slide.choices import SlideChoice
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.tables import plain_table
from bachview.ui.look.widgets import muted

_COLUMNS = ("Slide", "Size", "Date", "File")


class SlideChoiceDialog(LaidOutDialog):
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
        super().__init__("Choose slides", parent, title=printable(what), size=(760, 340))
        self._choices = tuple(choices)
        self.table = plain_table(_COLUMNS, self, stretched=0)
        self.table.setRowCount(len(choices))
        self.table.setAccessibleName("Slides in the folder")
        for row, choice in enumerate(choices):
            texts = (choice.title or "–", choice.size_text, choice.date, printable(choice.place))
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(row, column, item)
        cancel = self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self.open_button = self.buttons.addButton("Open", QDialogButtonBox.ButtonRole.AcceptRole)
        self.open_button.setDefault(True)
        self.content.addWidget(muted("Select one, or several with Ctrl or Shift.", self))
        self.content.addWidget(self.table, 1)
        self.table.itemSelectionChanged.connect(self._on_selected)
        self.table.itemActivated.connect(lambda _: self.accept())  # double click, Enter
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
            cancel.setFocus()

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
        self.open_button.setText(f"Open {count_text(count)} slides" if count > 1 else "Open")
        self.open_button.setEnabled(count > 0)
        self.open_button.setToolTip("" if count else "Select a slide first")
