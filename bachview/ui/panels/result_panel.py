"""What was found: areas of the classes and of what has no class, and what they are of."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from bachview.core.cell_state import CellState
from bachview.core.classes import ClassSet
from bachview.core.uncertainty import Thresholds
from bachview.core.units import value_text, whole_percent_text
from bachview.ui.look.spacing import NEAR
from bachview.ui.look.widgets import muted, panel_column, plain
from bachview.ui.panels.corrections import CorrectionsLine
from bachview.ui.panels.jobs_panel import START_TIP
from bachview.ui.panels.legend import STATES, Legend
from bachview.ui.panels.overlay_amounts import MOVING, Amounts, AmountsOf
from bachview.ui.panels.panel import Panel
from bachview.ui.panels.value_key import ValueKey
from bachview.ui.session.bundles import BundleSummary
from bachview.ui.session.run_status import RunState, RunStatus
from bachview.viewing.overlay import OverlayMode, OverlayStyle

_NO_SLIDE = "Open a slide to classify it."
_IDLE = "Classify the slide to see how much of its tissue belongs to each class."
_STARTED = "The first results appear in a few seconds."


class ResultPanel(Panel):
    """The legend with areas, or, without a prediction, what to do for one.

    Signals
    -------
    amountsOfChanged(AmountsOf) : areas of this are to be shown.
    startRequested : the slide is to be classified.
    """

    name, title = "result", "Result"
    amountsOfChanged = Signal(object)
    startRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._has_slide = False
        self._status, self._obstacle = RunStatus(), ""
        self._model = plain(muted("", self))
        self._advice = muted("", self)
        self._start = QPushButton("Classify slide", self)
        self._start.setObjectName("primary")
        self._start.clicked.connect(self.startRequested)
        self._found = QWidget(self)
        self._classes: ClassSet | None = None
        self._amounts_of = QComboBox(self._found)
        self._amounts_of.setToolTip("What areas and shares are of")
        self._amounts_of.setAccessibleName("Of tissue in")
        self._amounts_of.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._amounts_of.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._amounts_of.setMinimumContentsLength(10)
        for of in (AmountsOf.SLIDE, AmountsOf.VIEW):
            self._amounts_of.addItem(of.shown, of)
        self._key = ValueKey(self._found)
        self._key.hide()
        self._legend = Legend(self._found)
        self._coverage = muted("", self._found)
        #: Of the slide, whatever the areas are of.
        self.corrections = CorrectionsLine(self)
        self._measured = muted("", self)
        self._measured.setToolTip("Stated by the model; see its model card (Help, Model card)")
        self._measured.hide()
        column = QVBoxLayout(self._found)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(NEAR)
        areas = QFormLayout()
        areas.setHorizontalSpacing(NEAR)
        areas.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        areas.addRow("Of &tissue in", self._amounts_of)
        column.addLayout(areas)
        column.addWidget(self._key)
        column.addWidget(self._legend)
        column.addWidget(self._coverage)
        whole = panel_column(self)
        for widget in (self._advice, self._start, self._found, self.corrections):
            whole.addWidget(widget)
        for widget in (self._model, self._measured):
            whole.addWidget(widget)
        self._amounts_of.currentIndexChanged.connect(
            lambda: self.amountsOfChanged.emit(self.amounts_of)
        )
        self._key.allWanted.connect(self._legend.show_all_classes)
        self.show_contents(has_slide=False, has_prediction=False)

    @property
    def legend(self) -> Legend:
        return self._legend

    @property
    def key(self) -> ValueKey:
        """In place of the classes where the overlay shows a number."""
        return self._key

    @property
    def advice(self) -> str:
        """What to do for a prediction; empty if there is one."""
        return self._advice.text() if self._found.isHidden() else ""

    def show_contents(self, *, has_slide: bool, has_prediction: bool) -> None:
        self._has_slide = has_slide
        self._found.setVisible(has_prediction)
        self._advice.setVisible(not has_prediction)
        self._show_advice()

    def show_status(self, status: RunStatus) -> None:
        self._status = status
        self._show_advice()

    def show_obstacle(self, obstacle: str) -> None:
        self._obstacle = obstacle
        self._show_advice()

    def _show_advice(self) -> None:
        if not self._has_slide:
            advice = _NO_SLIDE
        elif self._status.is_active:
            advice = _STARTED
        elif self._obstacle:
            advice = self._obstacle
        elif self._status.state is RunState.IDLE:
            advice = _IDLE
        else:
            advice = f"{self._status.title}."
        self._advice.setText(advice)
        can_start = self._has_slide and not self._status.is_active
        self._start.setVisible(can_start and self._found.isHidden())
        self._start.setEnabled(can_start and not self._obstacle)
        self._start.setToolTip(self._obstacle or START_TIP)

    def show_bundle(self, bundle: BundleSummary) -> None:
        """Rows for the classes of the bundle, and how often it was right."""
        self.show_classes(bundle.classes, bundle.thresholds)
        self._model.setText(f"Model: {bundle.name}")
        self.show_measured(bundle.measured)
        self._legend.explain(CellState.OUTSIDE, bundle.unseen or STATES[CellState.OUTSIDE])
        self._legend.set_unknown(frozenset({CellState.OUTSIDE} if bundle.unseen else ()))

    def show_classes(self, classes: ClassSet, thresholds: Thresholds) -> None:
        """Create rows for the classes of a bundle or a prediction."""
        self._classes = classes
        self._legend.show_classes(classes)
        self._legend.explain(
            CellState.UNCERTAIN,
            "No class is shown: the most likely class is below "
            f"{whole_percent_text(thresholds.confidence)},"
            f"\nor the disagreement of the members is above {value_text(thresholds.disagreement)}."
            "\nBoth limits come with the model.",
        )

    def show_style(self, style: OverlayStyle) -> None:
        """Explain the colours of this style."""
        is_value = style.mode is not OverlayMode.CLASS
        self._legend.show_bar_and_classes(on=not is_value)
        self._key.setVisible(is_value)
        if is_value and self._classes is not None:
            self._key.show_style(style, self._classes)

    def show_measured(self, sentence: str) -> None:
        """Show how often the bundle was right; an empty text hides it."""
        self._measured.setText(sentence)
        self._measured.setVisible(bool(sentence))

    @property
    def amounts_of(self) -> AmountsOf:
        """What the areas are to be of."""
        return AmountsOf(self._amounts_of.currentData())

    def show_amounts_of(self, of: AmountsOf) -> None:
        """Choose what the areas are of, as the user does; one that is not offered is ignored."""
        self._amounts_of.setCurrentIndex(self._amounts_of.findData(of))

    def offer_region(self, *, on: bool) -> None:
        """Whether areas of the region last classified can be asked for; if not, the slide's are."""
        place = self._amounts_of.findData(AmountsOf.REGION)
        if on and place < 0:
            self._amounts_of.addItem(AmountsOf.REGION.shown, AmountsOf.REGION)
        elif not on and place >= 0:
            if self.amounts_of is AmountsOf.REGION:
                self.show_amounts_of(AmountsOf.SLIDE)
            self._amounts_of.removeItem(self._amounts_of.findData(AmountsOf.REGION))

    @property
    def coverage(self) -> str:
        """What the areas are of and how much of it was judged, as shown."""
        return self._coverage.text()

    def show_amounts(self, amounts: Amounts) -> None:
        """Fill in the areas, and say what they are of."""
        self._legend.show_amounts(amounts.rows)
        before = self._coverage.minimumHeight()
        self._coverage.setText(amounts.coverage)
        if amounts is MOVING:  # what lies below must not jump while the view moves
            self._coverage.setMinimumHeight(max(before, self._coverage.minimumHeight()))
