"""Asks for the pixel size if the file does not state a plausible one."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from bachview.core.pixel_size import PLAUSIBLE_MPP, PixelSize
from bachview.ui.look.icons import icon
from bachview.ui.look.theme import Theme
from bachview.ui.look.widgets import WrappedLabel

_LONGEST_UM = 100_000.0


class PixelSizeBanner(QFrame):
    """Takes a typed value, or a line drawn along a known length. Viewing is not blocked.

    Signals
    -------
    calibrated(Calibration) : the user stated the pixel size.
    rulerRequested(bool) : the user wants to start or stop drawing a line on the slide.
    """

    calibrated = Signal(object)
    rulerRequested = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._theme = theme
        self._length_l0: float | None = None
        self._stated_mpp: float | None = None
        self._picture = QLabel(self)
        self._text = WrappedLabel("", self)
        self._mpp = self._spin_box(*PLAUSIBLE_MPP, 0.5, 4, " µm per pixel")
        self._mpp.setAccessibleName("Micrometres per pixel")
        self._mpp.setToolTip("Scanners: about 0.25 at 40x, 0.5 at 20x.")
        self._apply = QPushButton("Use this value", self)
        self._ruler = QPushButton("Measure on the slide…", self)
        self._ruler.setCheckable(True)
        self._ruler.setToolTip(
            "Draw a line along something of known length, such as a scale bar or a stage "
            "micrometer."
        )
        self._length_text = QLabel(self)
        self._length = self._spin_box(1, _LONGEST_UM, 100, 1, " µm")
        self._length.setAccessibleName("Length of the drawn line")
        self._use_length = QPushButton("Use this length", self)

        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(self._text, 1)
        controls = QHBoxLayout()
        controls.setContentsMargins(30, 0, 0, 0)
        controls.setSpacing(8)
        controls.addWidget(self._mpp)
        controls.addWidget(self._apply)
        controls.addSpacing(12)
        for widget in (self._ruler, self._length_text, self._length, self._use_length):
            controls.addWidget(widget)
        controls.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 9)
        column.setSpacing(7)
        column.addLayout(top)
        column.addLayout(controls)

        self._apply.clicked.connect(self._on_apply)
        self._mpp.lineEdit().returnPressed.connect(self._on_apply)
        self._ruler.toggled.connect(self._on_ruler)
        self._use_length.clicked.connect(self._on_use_length)
        self._length.lineEdit().returnPressed.connect(self._on_use_length)
        theme.changed.connect(self._tint)
        self._tint()
        self._show_length(None)

    def _spin_box(
        self, low: float, high: float, value: float, decimals: int, suffix: str
    ) -> QDoubleSpinBox:
        box = QDoubleSpinBox(self)
        box.setDecimals(decimals)
        box.setRange(low, high)
        box.setValue(value)
        box.setSuffix(suffix)
        box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        return box

    def show_pixel_size(self, pixel_size: PixelSize) -> None:
        """Appear if the pixel size is not plausible, disappear if it is."""
        if pixel_size.mpp_x is None or pixel_size.mpp_y is None:
            found = "This file does not state its pixel size."
        else:
            found = (
                f"This file states a pixel size of {pixel_size.mpp_x:.4g} × "
                f"{pixel_size.mpp_y:.4g} µm; slides have {PLAUSIBLE_MPP[0]:g} to "
                f"{PLAUSIBLE_MPP[1]:g} µm."
            )
        self._text.setText(
            f"{found} You can view it, but classification, lengths and magnification need the "
            "pixel size."
        )
        self.setVisible(not pixel_size.is_plausible)

    def ask_again(self, stated_mpp: float) -> None:
        """Appear again, to correct what the user stated."""
        self._stated_mpp = stated_mpp
        self._mpp.setValue(stated_mpp)
        self._text.setText(
            f"You stated {stated_mpp:.4g} µm per pixel. Lengths and magnification follow a new "
            "value at once; results for this value are kept, but not shown with another."
        )
        self.show()
        self._mpp.setFocus()
        self._mpp.selectAll()

    def show_ruler_mode(self, on: bool) -> None:  # a Qt slot
        """Follow the ruler, which was switched on or off elsewhere."""
        self._ruler.setChecked(on)

    def show_drawn(self, length_l0: float) -> None:
        """A line of `length_l0` level-0 px was drawn: ask how long it is."""
        self._show_length(length_l0 if length_l0 > 0 else None)
        self._length.setFocus()
        self._length.selectAll()

    def _show_length(self, length_l0: float | None) -> None:
        self._length_l0 = length_l0
        for widget in (self._length_text, self._length, self._use_length):
            widget.setVisible(length_l0 is not None)
        if length_l0 is not None:
            self._length_text.setText(f"{length_l0:,.0f} px are")

    def _on_apply(self) -> None:
        self._mpp.interpretText()
        value, stated = self._mpp.value(), self._stated_mpp
        # The box shows a measured value rounded; if it is left unchanged, the exact value is used.
        if stated is not None and abs(value - stated) < 0.5 * 10 ** -self._mpp.decimals():
            value = stated
        self.calibrated.emit(PixelSize.typed(value))

    def _on_ruler(self, checked: bool) -> None:  # a Qt slot
        if not checked:
            self._show_length(None)
        self.rulerRequested.emit(checked)

    def _on_use_length(self) -> None:
        if not self._length_l0:
            return
        self._length.interpretText()
        pixel_size = PixelSize.typed(self._length.value() / self._length_l0)
        if pixel_size.is_plausible:
            self._ruler.setChecked(False)
            self.calibrated.emit(pixel_size)
        else:
            low, high = PLAUSIBLE_MPP
            self._text.setText(
                f"That makes {self._length.value() / self._length_l0:.3g} µm per pixel, outside "
                f"{low:g} to {high:g}: check the line and its length."
            )

    def _tint(self) -> None:
        colors = self._theme.colors
        picture = icon("ruler", colors, ink=colors.notice_text)
        self._picture.setPixmap(picture.pixmap(QSize(20, 20)))
