"""How many cells the reader has corrected, and what the model says of them, in one line."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from bachview.marks.corrected_cells import Agreement
from bachview.ui.look.spacing import TIGHT
from bachview.ui.look.widgets import muted


class CorrectionsLine(QWidget):
    """Hidden while nothing is corrected. GUI thread only.

    Signals
    -------
    tableRequested : model and reader are to be compared.
    """

    tableRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = muted("", self)
        self._table = QPushButton("Model and reader…", self)
        self._table.setToolTip("Compare what the model says of these cells with what you say")
        self._table.clicked.connect(self.tableRequested)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(TIGHT)
        column.addWidget(self._text)
        column.addWidget(self._table)
        self.hide()

    @property
    def text(self) -> str:
        """What is said; empty while nothing is corrected."""
        return "" if self.isHidden() else self._text.text()

    def show_agreement(self, found: Agreement | None) -> None:
        self.setVisible(found is not None)
        if found is not None:
            self._text.setText(f"{found.text}.")
            self._table.setVisible(bool(found.total))
