"""How the members voted: one line, which unfolds to a table."""

from collections import Counter

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from bachview.core.classes import ClassSet
from bachview.core.units import percent_text
from bachview.ui.look.swatches import class_swatch
from bachview.ui.look.widgets import tabular
from bachview.ui.panels.cursor_reading import CursorReading
from bachview.ui.panels.folds import Fold

_ROW_PX = 20


class Votes(Fold):
    """The members' votes for the cell under the cursor."""

    def __init__(self, parent: QWidget) -> None:
        self._table = _table()
        super().__init__("votes", "", self._table, parent, is_section=False)
        self._classes: ClassSet | None = None
        # The table's items, row by row; the table owns them.
        self._cells: list[tuple[QTableWidgetItem, QTableWidgetItem, QTableWidgetItem]] = []

    def show_ensemble(self, classes: ClassSet, members: tuple[str, ...]) -> None:
        """Set the members that have rows."""
        self._classes = classes
        self._table.setRowCount(len(members))
        self._cells.clear()
        for row, name in enumerate(members):
            items = QTableWidgetItem(name), QTableWidgetItem("–"), QTableWidgetItem("")
            items[2].setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for column, item in enumerate(items):
                item.setToolTip(name)
                self._table.setItem(row, column, item)
            self._cells.append(items)
        self._table.setFixedHeight(_ROW_PX * len(members))
        self.show_reading(None)

    def show_reading(self, reading: CursorReading | None) -> None:
        """Show the votes for a cell; None while the cursor is off the slide."""
        patch_result = reading.patch_result if reading else None
        if patch_result is None or self._classes is None:
            reason = reading.reason if reading else ""
            self._say(f"No votes: {reason}" if reason else f"Votes of {len(self._cells)} members")
            for row in range(len(self._cells)):
                self._show(row, None, "–", "")
            return
        tops = [int(votes.argmax()) for votes in patch_result.members]
        self._say(summary_of([self._classes[top].name for top in tops]))
        for row, (votes, top) in enumerate(zip(patch_result.members, tops, strict=True)):
            picture = QIcon(class_swatch(self._classes[top], self.devicePixelRatioF()))
            self._show(row, picture, self._classes[top].name, percent_text(float(votes[top])))

    def _say(self, text: str) -> None:
        self.header.show_title(text)
        self.header.setToolTip(f"{text}.\nPress to show or hide the vote of each member.")

    def _show(self, row: int, picture: QIcon | None, name: str, probability: str) -> None:
        _member, vote, share = self._cells[row]
        vote.setIcon(picture or QIcon())
        vote.setText(name)
        share.setText(probability)

    @property
    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """The rows of the table: member, class, probability."""
        return tuple((a.text(), b.text(), c.text()) for a, b, c in self._cells)


def summary_of(votes: list[str]) -> str:
    """E.g. ``7 of 9 say In situ, 2 Invasive``; of equally many, first the one that came first."""
    (first, count), *others = Counter(votes).most_common()
    says = "says" if count == 1 else "say"
    return ", ".join([f"{count} of {len(votes)} {says} {first}", *(f"{n} {c}" for c, n in others)])


def _table() -> QTableWidget:
    table = QTableWidget(0, 3)
    table.setObjectName("votes")
    table.setFrameShape(QFrame.Shape.NoFrame)
    table.setFont(tabular(table.font()))
    table.setHorizontalHeaderLabels(["Member", "Class", "Probability"])
    table.horizontalHeader().hide()  # the rows need no heading
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(_ROW_PX)
    table.setShowGrid(False)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    header = table.horizontalHeader()
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
    table.setAccessibleName("Votes of the members")
    return table
