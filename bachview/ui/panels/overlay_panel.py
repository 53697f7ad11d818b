"""How the prediction is drawn: mode, opacity, threshold, marks, classes on and off."""

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QWidget,
)

from bachview.core.cell_state import CellState
from bachview.core.classes import ClassSet
from bachview.core.uncertainty import Thresholds
from bachview.ui.look.widgets import line, muted, panel_column
from bachview.ui.panels.legend import STATES, ColorBar, Legend
from bachview.ui.panels.overlay_amounts import Amounts, AmountsOf
from bachview.ui.panels.panel import Panel
from bachview.ui.session.bundles import BundleSummary
from bachview.ui.session.settings import SettingsFile
from bachview.viewing.overlay import Marks, OverlayMode, OverlayStyle

_MODES = (
    (OverlayMode.CLASS, "Most likely class"),
    (OverlayMode.DISAGREEMENT, "Disagreement of the members"),
    (OverlayMode.ENTROPY, "Entropy"),
)
_MARKS = ((Marks.NONE, "None"), (Marks.LETTERS, "Letters"), (Marks.HATCHING, "Hatching"))


class OverlayPanel(Panel):
    """Controls and legend of the overlay.

    Signals
    -------
    styleChanged(OverlayStyle) : the overlay is to be drawn in this style.
    amountsOfChanged(AmountsOf) : the legend is to show areas of this.
    """

    name, title = "overlay", "Overlay"
    styleChanged = Signal(object)
    amountsOfChanged = Signal(object)

    def __init__(self, settings: SettingsFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._classes: ClassSet | None = None
        self._visible = QCheckBox("&Show overlay", self)
        self._visible.setChecked(True)
        self._visible.setToolTip("Show or hide the prediction (O)")
        self._mode = QComboBox(self)
        self._mode.setToolTip("What the colour of a cell shows")
        self._mode.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._mode.setMinimumContentsLength(16)
        self._opacity, self._opacity_text = self._slider(
            settings.now.overlay_opacity,
            "How much the colours cover the tissue ([ and ])",
        )
        self._threshold, self._threshold_text = self._slider(0, "")
        self._marks = QComboBox(self)
        for mark, text in _MARKS:
            self._marks.addItem(text, mark)
        self._amounts_of = QComboBox(self)
        self._amounts_of.setToolTip("What areas and shares of the legend are of")
        self._amounts_of.setAccessibleName("Areas of")
        for of in (AmountsOf.SLIDE, AmountsOf.VIEW):
            self._amounts_of.addItem(of.shown, of)
        for combo in (self._mode, self._marks, self._amounts_of):
            combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._marks.setToolTip("Letters or hatching on the cells, for colour-blind readers")
        self._marks.setCurrentIndex(self._marks.findData(settings.now.overlay_marks))
        self._bar = ColorBar(self)
        self._legend = Legend(self)
        self._legend.show_heading(self.amounts_of.heading)
        self._coverage = muted("", self)
        self._measured = muted("", self)
        self._measured.setToolTip("Stated by the model; see its model card (Help, About)")
        self._measured.hide()

        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(5)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Co&lour by", self._mode)
        form.addRow(self._label("O&pacity", self._opacity), _row(self._opacity, self._opacity_text))
        form.addRow(
            self._label("Hide &below", self._threshold),
            _row(self._threshold, self._threshold_text),
        )
        form.addRow("Mar&ks", self._marks)
        column = panel_column(self)
        column.addWidget(self._visible)
        column.addLayout(form)
        column.addWidget(self._bar)
        column.addWidget(line(self))
        areas = QFormLayout()
        areas.setHorizontalSpacing(12)
        areas.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        areas.addRow(self._label("&Areas of", self._amounts_of), self._amounts_of)
        column.addLayout(areas)
        column.addWidget(self._legend)
        column.addWidget(self._coverage)
        column.addWidget(self._measured)
        column.addStretch(1)
        self._fill_modes()
        for signal in (
            self._visible.toggled,
            self._mode.currentIndexChanged,
            self._opacity.valueChanged,
            self._threshold.valueChanged,
            self._marks.currentIndexChanged,
            self._legend.changed,
        ):
            signal.connect(self._on_changed)
        self._amounts_of.currentIndexChanged.connect(self._on_amounts_of)
        self._on_changed()

    def _slider(self, value: float, tip: str) -> tuple[QSlider, QLabel]:
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setRange(0, 100)
        slider.setPageStep(10)
        slider.setValue(round(100 * value))
        slider.setToolTip(tip)
        text = QLabel(self)
        text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        text.setMinimumWidth(text.fontMetrics().horizontalAdvance("100 %"))
        return slider, text

    def _label(self, text: str, buddy: QWidget) -> QLabel:
        label = QLabel(text, self)
        label.setBuddy(buddy)
        return label

    def _fill_modes(self) -> None:
        """Modes, with one entry for the probability of each class."""
        chosen = self._mode.currentData()
        self._mode.blockSignals(True)
        self._mode.clear()
        self._mode.addItem(_MODES[0][1], (_MODES[0][0].value, 0))
        for index, tissue_class in enumerate(self._classes or ()):
            self._mode.addItem(
                f"Probability of {tissue_class.name}", (OverlayMode.PROBABILITY.value, index)
            )
        for mode, text in _MODES[1:]:
            self._mode.addItem(text, (mode.value, 0))
        place = self._mode.findData(chosen)
        self._mode.setCurrentIndex(max(0, place))
        self._mode.blockSignals(False)

    @property
    def style_now(self) -> OverlayStyle:
        """The chosen style; fully transparent if the overlay is switched off."""
        mode, class_index = self._mode.currentData() or (OverlayMode.CLASS.value, 0)
        style = OverlayStyle(
            OverlayMode(mode),
            int(class_index),
            self._opacity.value() / 100,
            self._threshold.value() / 100,
            self._legend.hidden_classes,
            self._legend.is_shown(CellState.UNCERTAIN),
            self._legend.is_shown(CellState.PENDING),
            Marks(self._marks.currentData()),
        )
        return style if self._visible.isChecked() else replace(style, opacity=0.0, marks=Marks.NONE)

    @property
    def legend(self) -> Legend:
        return self._legend

    @property
    def is_overlay_shown(self) -> bool:
        return self._visible.isChecked()

    def set_overlay_shown(self, shown: bool) -> None:  # a Qt slot
        self._visible.setChecked(shown)

    def change_opacity(self, by: float) -> None:
        self._opacity.setValue(self._opacity.value() + round(100 * by))

    def show_bundle(self, bundle: BundleSummary) -> None:
        """Rows and modes for the classes of the bundle, and how often it was right."""
        self.show_classes(bundle.classes, bundle.thresholds)
        self.show_measured(bundle.measured)
        self._legend.explain(CellState.OUTSIDE, bundle.unseen or STATES[CellState.OUTSIDE])
        self._legend.set_unknown(frozenset({CellState.OUTSIDE} if bundle.unseen else ()))

    def show_classes(self, classes: ClassSet, thresholds: Thresholds) -> None:
        """Create rows and modes for the classes of a bundle or a prediction."""
        if classes != self._classes:
            self._classes = classes
            self._legend.show_classes(classes)
            self._fill_modes()
            self._on_changed()
        self._legend.explain(
            CellState.UNCERTAIN,
            f"No class is shown: the most likely class is below {100 * thresholds.confidence:.0f} "
            "%,"
            f"\nor the disagreement of the members is above {thresholds.disagreement:.2f}."
            "\nBoth limits come with the model.",
        )

    def show_measured(self, sentence: str) -> None:
        """Show how often the bundle was right; an empty text hides it."""
        self._measured.setText(sentence)
        self._measured.setVisible(bool(sentence))

    @property
    def amounts_of(self) -> AmountsOf:
        """What the areas of the legend are to be of."""
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
        """Fill in the legend's areas, and say what they are of."""
        self._legend.show_amounts(amounts.rows)
        self._coverage.setText(amounts.coverage)

    def _on_amounts_of(self) -> None:
        self._legend.show_heading(self.amounts_of.heading)
        self.amountsOfChanged.emit(self.amounts_of)

    def _on_changed(self) -> None:
        style = self.style_now
        self._opacity_text.setText(f"{self._opacity.value()} %")
        mode, _ = self._mode.currentData() or (OverlayMode.CLASS.value, 0)
        if mode in (OverlayMode.CLASS, OverlayMode.PROBABILITY):
            self._threshold_text.setText(f"{self._threshold.value()} %")
            what = "of its top class" if mode == OverlayMode.CLASS else "of this class"
            self._threshold.setToolTip(f"Cells whose probability {what} is lower are not coloured")
        else:
            self._threshold_text.setText(f"{self._threshold.value() / 100:.2f}")
            self._threshold.setToolTip("Cells below this value are not coloured")
        self._bar.show_mode(OverlayMode(mode))
        self._settings.now = replace(
            self._settings.now,
            overlay_opacity=self._opacity.value() / 100,
            overlay_marks=Marks(self._marks.currentData()),
        )
        self.styleChanged.emit(style)


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget)
    return row
