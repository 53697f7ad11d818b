"""The prediction under the cursor and how the members voted."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from bachview.core.classes import ClassSet
from bachview.core.units import percent_text
from bachview.ui.look.swatches import class_swatch
from bachview.ui.look.widgets import panel_column
from bachview.ui.panels.bars import ProbabilityBars
from bachview.ui.panels.cursor_reading import CursorReading
from bachview.ui.panels.panel import Panel
from bachview.ui.session.bundles import BundleSummary

_ROW_PX = 20
_NOTHING = "Move the cursor over classified tissue."


class CursorPanel(Panel):
    """Class probabilities, the members' votes, uncertainty, size of the field.

    Signals
    -------
    activationMapToggled : whether to show the class activation map.
    """

    name, title = "cursor", "At the cursor"
    activationMapToggled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes: ClassSet | None = None
        self._members: tuple[str, ...] = ()
        # The table's items, row by row; the table owns them.
        self._cells: list[tuple[QTableWidgetItem, QTableWidgetItem, QTableWidgetItem]] = []
        self._statement = QLabel(_NOTHING, self)
        # Always one line: the rows below must not jump while the cursor moves.
        self._statement.setWordWrap(False)
        self._statement.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._bars = ProbabilityBars(self)
        self._bars.setToolTip("Probability of each class: the weighted mean of the members' votes.")
        self._votes = self._make_votes()
        self._entropy = QLabel("–", self)
        self._disagreement = QLabel("–", self)
        self._field = QLabel("–", self)
        self._map = QCheckBox("Activation &map", self)
        self._map.setToolTip(
            "Class activation map: clear where the tissue contributed most to the class,\n"
            "veiled where it contributed little, averaged over the CNNs and scaled by its\n"
            "largest value. Shortcut: C"
        )
        self._map.toggled.connect(self.activationMapToggled)

        numbers = QHBoxLayout()
        numbers.setSpacing(6)
        for text, value, tip in (
            (
                "Entropy",
                self._entropy,
                "0: the ensemble is certain. 1: all classes equally likely.",
            ),
            (
                "Disagreement",
                self._disagreement,
                "Share of pairs of members that predict different classes. 0: all agree.",
            ),
        ):
            numbers.addWidget(_named(text, tip, self))
            numbers.addWidget(value)
            value.setToolTip(tip)
            numbers.addStretch(1)
        tip = (
            "The square that the models saw. It is outlined on the slide with a dashed line,\n"
            "and in it, with a solid one, the cell that the answer is of."
        )
        self._field.setToolTip(tip)
        field = QHBoxLayout()
        field.setSpacing(6)
        field.addWidget(_named("Classified field", tip, self))
        field.addWidget(self._field)
        field.addStretch(1)
        field.addWidget(self._map)

        column = panel_column(self)
        column.addWidget(self._statement)
        column.addWidget(self._bars)
        column.addWidget(self._votes)
        column.addLayout(numbers)
        column.addLayout(field)

    def _make_votes(self) -> QTableWidget:
        table = QTableWidget(0, 3, self)
        table.setHorizontalHeaderLabels(["Member", "Class", "Prob."])
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

    def show_bundle(self, bundle: BundleSummary) -> None:
        """Rows for the classes and members of the bundle."""
        self.show_ensemble(bundle.classes, bundle.member_names)

    def show_ensemble(self, classes: ClassSet, members: tuple[str, ...]) -> None:
        """Set the classes and members that have rows."""
        if classes == self._classes and members == self._members:
            return
        self._classes, self._members = classes, members
        self._bars.show_classes(classes)
        self._votes.setRowCount(len(members))
        self._votes.setToolTip(f"Prediction of each of the {len(members)} members for this cell.")
        self._cells.clear()
        for row, name in enumerate(members):
            items = QTableWidgetItem(name), QTableWidgetItem("–"), QTableWidgetItem("")
            items[2].setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for column, item in enumerate(items):
                item.setToolTip(name)
                self._votes.setItem(row, column, item)
            self._cells.append(items)
        self._votes.setFixedHeight(_ROW_PX * len(members) + 4)

    def show_reading(self, reading: CursorReading | None) -> None:
        """Show a cell; None while the cursor is off the slide."""
        self._statement.setText(reading.statement if reading else _NOTHING)
        self._statement.setToolTip(self._statement.text())
        self._field.setText((reading and reading.field_text) or "–")
        patch_result = reading.patch_result if reading else None
        if patch_result is None or self._classes is None:
            self._bars.show_values(None)
            self._entropy.setText("–")
            self._disagreement.setText("–")
            for row in range(len(self._cells)):
                self._show_vote(row, None, "–", "")
            return
        self._bars.show_values(patch_result.probabilities.tolist())
        self._entropy.setText(f"{patch_result.entropy:.2f}")
        self._disagreement.setText(f"{patch_result.disagreement:.2f}")
        for row, votes in enumerate(patch_result.members):
            top = int(votes.argmax())
            picture = QIcon(class_swatch(self._classes[top], self.devicePixelRatioF()))
            self._show_vote(row, picture, self._classes[top].name, percent_text(float(votes[top])))

    def _show_vote(self, row: int, picture: QIcon | None, name: str, probability: str) -> None:
        _member, vote, share = self._cells[row]
        vote.setIcon(picture or QIcon())
        vote.setText(name)
        share.setText(probability)

    @property
    def statement(self) -> str:
        """The sentence that is shown."""
        return self._statement.text()

    @property
    def votes(self) -> tuple[tuple[str, str, str], ...]:
        """The rows of the table: member, class, probability."""
        return tuple((a.text(), b.text(), c.text()) for a, b, c in self._cells)

    @property
    def wants_map(self) -> bool:
        """Whether the class activation map is switched on."""
        return self._map.isChecked()

    def set_wants_map(self, wanted: bool) -> None:  # a Qt slot
        """Switch the class activation map on or off."""
        self._map.setChecked(wanted)


def _named(text: str, tip: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setObjectName("muted")
    label.setToolTip(tip)
    return label
