"""Model against reader: how many of the corrected cells are of which class for either."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableWidgetItem, QWidget

from bachview.core.units import count_text
from bachview.marks.corrected_cells import Agreement
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.tables import plain_table
from bachview.ui.look.widgets import muted
from bachview.ui.session.correcting import Correcting

_REMARK = (
    "A row for what the model says, a column for what you say; equal answers are bold. Cells are "
    "not corrected by chance, so this does not say how often the model is right."
)
_ALL = "All cells"


class AgreementDialog(LaidOutDialog):
    """Follows the corrections of a slide. GUI thread only."""

    def __init__(self, title: str, correcting: Correcting, parent: QWidget | None = None) -> None:
        super().__init__(
            "Model and reader", parent, title=f"Corrections of {title}", size=(640, 470)
        )
        self.summary = muted("", self)
        self.table = plain_table(("",), self, stretched=0)
        self.table.setAccessibleName("Number of cells by class of model and reader")
        self.add_close()
        self.content.addWidget(self.summary)
        self.content.addWidget(self.table, 1)
        self.content.addWidget(muted(_REMARK, self))
        self._correcting = correcting
        correcting.changed.connect(self.renew)
        self.renew()

    def renew(self, _: object = None) -> None:
        """Compare anew."""
        self._show(self._correcting.agreement)

    def _show(self, found: Agreement | None) -> None:
        self.table.setVisible(found is not None)
        if found is None:
            self.summary.setText("No cell of the prediction that is shown is corrected.")
            return
        self.summary.setText(f"{found.text}.")
        names = [("Model", *(f"You: {name}" for name in found.classes), _ALL)]
        self.table.setColumnCount(len(names[0]))
        self.table.setHorizontalHeaderLabels(list(names[0]))
        rows = [
            *zip(found.classes, found.counts, strict=True),
            *((state.shown, counts) for state, counts in found.without_class),
        ]
        sums = tuple(map(sum, zip(*(counts for _, counts in rows), strict=True)))
        self.table.setRowCount(len(rows) + 1)
        for number, (name, counts) in enumerate((*rows, (_ALL, sums))):
            self._put(number, 0, name)
            is_class = number < len(found.classes)
            for column, count in enumerate(counts):
                self._put(number, column + 1, count_text(count), bold=is_class and number == column)
            self._put(number, len(counts) + 1, count_text(sum(counts)))

    def _put(self, row: int, column: int, text: str, *, bold: bool = False) -> None:
        item = QTableWidgetItem(text)
        if column:
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        font = item.font()
        font.setBold(bold)
        item.setFont(font)
        self.table.setItem(row, column, item)
