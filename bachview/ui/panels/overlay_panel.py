"""How the prediction is drawn: mode, opacity, threshold, marks."""

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
from bachview.core.units import value_text
from bachview.ui.look.spacing import APART, NEAR, TIGHT
from bachview.ui.look.widgets import muted, panel_column
from bachview.ui.panels.legend import Legend
from bachview.ui.panels.panel import Panel
from bachview.ui.session.bundles import BundleSummary
from bachview.ui.session.settings import SettingsFile
from bachview.viewing.overlay import Drawing, Marks, OverlayMode, OverlayStyle

_MODES = (
    (OverlayMode.CLASS, "Most likely class"),
    (OverlayMode.DISAGREEMENT, "Disagreement"),
    (OverlayMode.ENTROPY, "Entropy"),
)
_DRAWINGS = (
    (Drawing.AUTO, "Automatic"),
    (Drawing.TINT, "Tint"),
    (Drawing.CONTOURS, "Contours"),
    (Drawing.BOTH, "Tint and contours"),
)
#: Room for the handle, which is higher than the groove.
_SLIDER_PX = 20
_MARKS = ((Marks.NONE, "None"), (Marks.LETTERS, "Letters"), (Marks.HATCHING, "Hatching"))


class OverlayPanel(Panel):
    """Controls of the overlay.

    Signals
    -------
    styleChanged(OverlayStyle) : the overlay is to be drawn in this style.
    """

    name, title = "overlay", "Overlay"
    styleChanged = Signal(object)

    def __init__(
        self, settings: SettingsFile, legend: Legend, parent: QWidget | None = None
    ) -> None:
        """`legend` : its boxes say which classes and states are drawn."""
        super().__init__(parent)
        self._settings, self._legend = settings, legend
        self._classes: ClassSet | None = None
        self._visible = QCheckBox("&Show overlay", self)
        self._visible.setChecked(True)
        self._visible.setToolTip(
            "Show or hide the prediction (O; while Space is held, the other way round)"
        )
        self._corrections = QCheckBox("Sho&w corrections", self)
        self._corrections.setChecked(True)
        self._corrections.setToolTip(
            "Stripe the cells that you have corrected in the colour of your class (Shift+O)"
        )
        self._corrections.hide()
        self._mode = QComboBox(self)
        self._mode.setToolTip("What the colour of a cell shows")
        self._drawing = QComboBox(self)
        for drawing, text in _DRAWINGS:
            self._drawing.addItem(text, drawing)
        self._drawing.setToolTip(
            "Automatic: the tissue is tinted at overview, and classes are outlined from about 5x "
            "on.\nProbabilities, disagreement and entropy are always a tint."
        )
        self._drawing.setCurrentIndex(self._drawing.findData(settings.now.overlay_drawing))
        self._opacity, self._opacity_text = self._slider(
            settings.now.overlay_opacity,
            "How much the colours cover the tissue ([ and ])",
        )
        self._threshold, self._threshold_text = self._slider(0, "")
        self._marks = QComboBox(self)
        for mark, text in _MARKS:
            self._marks.addItem(text, mark)
        for combo in (self._mode, self._drawing, self._marks):
            combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            combo.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            combo.setMinimumContentsLength(9)
        self._marks.setToolTip("Letters or hatching on the cells, for colour-blind readers")
        self._marks.setCurrentIndex(self._marks.findData(settings.now.overlay_marks))
        self._uncounted = muted("Only the picture changes: areas count all cells.", self)
        form = QFormLayout()
        form.setHorizontalSpacing(APART)
        form.setVerticalSpacing(TIGHT)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Co&lour by", self._mode)
        form.addRow("&Drawing", self._drawing)
        form.addRow(self._label("O&pacity", self._opacity), _row(self._opacity, self._opacity_text))
        form.addRow(
            self._label("Hide &below", self._threshold),
            _row(self._threshold, self._threshold_text),
        )
        form.addRow(self._uncounted)
        form.addRow("Mar&ks", self._marks)
        column = panel_column(self)
        column.addWidget(self._visible)
        column.addWidget(self._corrections)
        column.addLayout(form)
        self._fill_modes()
        for signal in (
            self._visible.toggled,
            self._corrections.toggled,
            self._mode.currentIndexChanged,
            self._drawing.currentIndexChanged,
            self._opacity.valueChanged,
            self._threshold.valueChanged,
            self._marks.currentIndexChanged,
            self._legend.changed,
        ):
            signal.connect(self._on_changed)
        self._on_changed()

    def _slider(self, value: float, tip: str) -> tuple[QSlider, QLabel]:
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setMinimumHeight(_SLIDER_PX)
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
        mode, class_index = self._mode.currentData() or (OverlayMode.CLASS.value, 0)
        self._mode.blockSignals(True)
        self._mode.clear()
        self._mode.addItem(_MODES[0][1], (_MODES[0][0].value, 0))
        for index, tissue_class in enumerate(self._classes or ()):
            self._mode.addItem(
                f"Probability of {tissue_class.name}", (OverlayMode.PROBABILITY.value, index)
            )
        for number, text in _MODES[1:]:
            self._mode.addItem(text, (number.value, 0))
        self.show_mode(OverlayMode(mode), class_index)
        self._mode.blockSignals(False)

    def show_mode(self, mode: OverlayMode, class_index: int = 0) -> None:
        """Choose what the colours show, as the user does; classes where that is not offered."""
        wanted = (mode.value, class_index)
        # Qt does not compare tuples.
        places = [n for n in range(self._mode.count()) if tuple(self._mode.itemData(n)) == wanted]
        self._mode.setCurrentIndex(places[0] if places else 0)

    @property
    def style_now(self) -> OverlayStyle:
        """The chosen style."""
        mode, class_index = self._mode.currentData() or (OverlayMode.CLASS.value, 0)
        return OverlayStyle(
            OverlayMode(mode),
            int(class_index),
            self._opacity.value() / 100,
            self._threshold.value() / 100,
            self._legend.hidden_classes,
            self._legend.is_shown(CellState.UNCERTAIN),
            self._legend.is_shown(CellState.PENDING),
            Marks(self._marks.currentData()),
            Drawing(self._drawing.currentData()),
            self._visible.isChecked(),
            self._corrections.isChecked(),
        )

    @property
    def is_overlay_shown(self) -> bool:
        return self._visible.isChecked()

    def set_overlay_shown(self, shown: bool) -> None:  # a Qt slot
        self._visible.setChecked(shown)

    def set_corrections_shown(self, shown: bool) -> None:  # a Qt slot
        self._corrections.setChecked(shown)

    def offer_corrections(self, *, on: bool) -> None:
        """Whether there are corrections that can be shown or hidden."""
        self._corrections.setVisible(on)

    @property
    def opacity(self) -> float:
        """How much the colours cover the tissue, 0..1; also while the overlay is hidden."""
        return self._opacity.value() / 100

    def change_opacity(self, by: float) -> None:
        self._opacity.setValue(self._opacity.value() + round(100 * by))

    def show_bundle(self, bundle: BundleSummary) -> None:
        """Modes for the classes of the bundle."""
        self.show_classes(bundle.classes)

    def show_classes(self, classes: ClassSet) -> None:
        """Create modes for the classes of a bundle or a prediction."""
        if classes != self._classes:
            self._classes = classes
            self._fill_modes()
            self._on_changed()

    def _on_changed(self) -> None:
        style = self.style_now
        self._opacity_text.setText(f"{self._opacity.value()} %")
        self._uncounted.setVisible(self._threshold.value() > 0)
        mode, _ = self._mode.currentData() or (OverlayMode.CLASS.value, 0)
        self._drawing.setEnabled(mode == OverlayMode.CLASS)
        if mode in (OverlayMode.CLASS, OverlayMode.PROBABILITY):
            self._threshold_text.setText(f"{self._threshold.value()} %")
            what = "of its top class" if mode == OverlayMode.CLASS else "of this class"
            self._threshold.setToolTip(f"Cells whose probability {what} is lower are not coloured")
        else:
            self._threshold_text.setText(value_text(self._threshold.value() / 100))
            self._threshold.setToolTip("Cells below this value are not coloured")
        self._settings.now = replace(
            self._settings.now,
            overlay_opacity=self._opacity.value() / 100,
            overlay_marks=Marks(self._marks.currentData()),
            overlay_drawing=Drawing(self._drawing.currentData()),
        )
        self.styleChanged.emit(style)


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(NEAR)
    for widget in widgets:
        row.addWidget(widget)
    return row
