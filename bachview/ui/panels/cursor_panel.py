"""The prediction under the cursor and how the members voted."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QWidget

from bachview.core.classes import ClassSet
from bachview.core.units import value_text
from bachview.ui.look.spacing import NEAR, TIGHT
from bachview.ui.look.widgets import ElidedLabel, panel_column, tabular
from bachview.ui.panels.bars import ProbabilityBars
from bachview.ui.panels.cursor_reading import CursorReading
from bachview.ui.panels.panel import Panel
from bachview.ui.panels.votes import Votes
from bachview.ui.session.bundles import BundleSummary

_NOTHING = "Move the cursor over classified tissue."
_FIELD_TIP = (
    "The square that the models saw. It is outlined on the slide with a dashed line,\n"
    "and in it, with a solid one, the cell that the answer is of."
)


class CursorPanel(Panel):
    """Class probabilities, the members' votes, uncertainty, size of the field.

    Every text has its place, filled or not: nothing jumps while the cursor moves.

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
        self._statement = ElidedLabel(_NOTHING, self)
        self._bars = ProbabilityBars(self)
        self._bars.setToolTip("Probability of each class: the weighted mean of the members' votes.")
        self._votes = Votes(self)
        self._entropy = QLabel("–", self)
        self._disagreement = QLabel("–", self)
        for figure in (self._entropy, self._disagreement):
            figure.setFont(tabular(figure.font()))
        self._field = ElidedLabel("–", self, _FIELD_TIP)
        self._map = QCheckBox("Activation &map", self)
        self._map.setToolTip(
            "Class activation map: clear where the tissue contributed most to the class,\n"
            "veiled where it contributed little, averaged over the CNNs and scaled by its\n"
            "largest value. Shortcut: C"
        )
        self._map.toggled.connect(self.activationMapToggled)

        numbers = QGridLayout()
        numbers.setHorizontalSpacing(NEAR)
        numbers.setVerticalSpacing(TIGHT)
        numbers.setColumnStretch(1, 1)
        for place, (text, value, tip) in enumerate(
            (
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
            )
        ):
            numbers.addWidget(_named(text, tip, self), 0, 2 * place)
            numbers.addWidget(value, 0, 2 * place + 1)
            value.setToolTip(tip)
        numbers.addWidget(_named("Field", _FIELD_TIP, self), 1, 0)
        numbers.addWidget(self._field, 1, 1, 1, 3)
        switch = QHBoxLayout()
        switch.setSpacing(NEAR)
        switch.addWidget(self._map)
        switch.addStretch(1)

        column = panel_column(self)
        column.addWidget(self._statement)
        column.addWidget(self._bars)
        column.addWidget(self._votes)
        column.addLayout(numbers)
        column.addLayout(switch)

    def show_bundle(self, bundle: BundleSummary) -> None:
        """Rows for the classes and members of the bundle."""
        self.show_ensemble(bundle.classes, bundle.member_names)

    def show_ensemble(self, classes: ClassSet, members: tuple[str, ...]) -> None:
        """Set the classes and members that have rows."""
        if classes == self._classes and members == self._members:
            return
        self._classes, self._members = classes, members
        self._bars.show_classes(classes)
        self._votes.show_ensemble(classes, members)

    def show_reading(self, reading: CursorReading | None) -> None:
        """Show a cell; None while the cursor is off the slide."""
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold if reading else QFont.Weight.Normal)
        self._statement.setFont(font)
        self._statement.show_text(reading.statement if reading else _NOTHING)
        self._field.show_text((reading and reading.field_text) or "–")
        self._votes.show_reading(reading)
        patch_result = reading.patch_result if reading else None
        if patch_result is None or self._classes is None:
            self._bars.show_values(None)
            self._entropy.setText("–")
            self._disagreement.setText("–")
            return
        self._bars.show_values(patch_result.probabilities.tolist())
        self._entropy.setText(value_text(patch_result.entropy))
        self._disagreement.setText(value_text(patch_result.disagreement))

    @property
    def statement(self) -> str:
        """The sentence that is shown."""
        return self._statement.whole

    @property
    def votes(self) -> tuple[tuple[str, str, str], ...]:
        """The vote of each member: its name, class, probability."""
        return self._votes.rows

    @property
    def votes_text(self) -> str:
        """The line about all votes."""
        return self._votes.header.text()

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
