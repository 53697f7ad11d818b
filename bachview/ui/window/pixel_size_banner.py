"""Asks for the pixel size if the file does not state a plausible one, or to correct it."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from bachview.core.pixel_size import PLAUSIBLE_MPP, Origin, PixelSize
from bachview.core.units import count_text, magnification, magnification_text, significant_text
from bachview.ui.look.icons import icon
from bachview.ui.look.number_edit import NumberEdit
from bachview.ui.look.spacing import APART, NEAR
from bachview.ui.look.theme import Theme
from bachview.ui.look.widgets import WrappedLabel, allow

_PLAUSIBLE = " to ".join(map(significant_text, PLAUSIBLE_MPP))
_LONGEST_UM = 100_000.0
_FIELD_PX = 136
#: Under the text, beside the icon.
_INDENT = 20 + NEAR
_NO_SIZE = f"Type a pixel size first, {_PLAUSIBLE} µm"
_NO_LENGTH = "Type the length of the line first; it must make a plausible pixel size"
_UNKNOWN = "You can view it, but classification, lengths and magnification need the pixel size."
_CORRECTED = (
    "Lengths and magnification follow a new value at once; results for this value are kept, but "
    "not shown with another."
)


def _row(*widgets: QWidget) -> QHBoxLayout:
    """Controls in a line, below the text; no higher than they are while they are hidden."""
    row = QHBoxLayout()
    row.setContentsMargins(_INDENT, 0, 0, 0)
    row.setSpacing(NEAR)
    for widget in widgets:
        row.addWidget(widget, 1 if isinstance(widget, QLabel) and widget.wordWrap() else 0)
    row.addStretch(0)
    return row


class PixelSizeBanner(QFrame):
    """Takes a typed value, or a line drawn along a known length. Viewing is not blocked.

    Nothing is filled in that the user has not stated: a value that waits for a click would be
    taken for a finding.

    Signals
    -------
    calibrated(PixelSize) : the user stated the pixel size, or wants that of the file again.
    rulerRequested(bool) : the user wants to start or stop drawing a line on the slide.
    cancelled : the pixel size in use stays.
    """

    calibrated = Signal(object)
    rulerRequested = Signal(bool)
    cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._theme = theme
        self._length_l0: float | None = None
        #: What the user stated before, as it stands in the field, and exactly.
        self._stated: tuple[str, PixelSize] | None = None
        self._of_file: PixelSize | None = None
        self._picture = QLabel(self)
        self._text = WrappedLabel("", self)
        self._mpp = NumberEdit(*PLAUSIBLE_MPP, self)
        self._mpp.setPlaceholderText("e.g. 0.25 at 40x")
        self._mpp.setAccessibleName("Micrometres per pixel")
        self._mpp.setFixedWidth(_FIELD_PX)
        self._apply = QPushButton("Use this value", self)
        self._use_file = QPushButton("Use the file's value", self)
        self._cancel = QPushButton("Cancel", self)
        self._ruler = QPushButton("Measure on the slide…", self)
        self._ruler.setCheckable(True)
        self._ruler.setToolTip(
            "Draw a line along something of known length, such as a scale bar or a stage "
            "micrometer."
        )
        self._length_text = QLabel(self)
        self._length = NumberEdit(0.1, _LONGEST_UM, self)
        self._length.setPlaceholderText("e.g. 100")
        self._length.setAccessibleName("Length of the drawn line in micrometres")
        self._length.setFixedWidth(_FIELD_PX)
        self._length_unit = QLabel("µm long", self)
        self._use_length = QPushButton("Use this length", self)
        self._meaning = WrappedLabel("", self)

        top = QHBoxLayout()
        top.setSpacing(NEAR)
        top.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(self._text, 1)
        unit = QLabel("µm per pixel", self)
        of_line = self._length_text, self._length, self._length_unit, self._use_length
        column = QVBoxLayout(self)
        column.setContentsMargins(APART, NEAR, APART, NEAR)
        column.setSpacing(NEAR)
        column.addLayout(top)
        column.addLayout(_row(self._mpp, unit, self._apply))
        column.addLayout(_row(self._ruler, self._use_file, self._cancel))
        column.addLayout(_row(*of_line))
        column.addLayout(_row(self._meaning))

        self._of_line = of_line
        self._apply.clicked.connect(self._on_apply)
        self._use_file.clicked.connect(lambda: self.calibrated.emit(self._of_file))
        self._cancel.clicked.connect(self._on_cancel)
        self._mpp.returnPressed.connect(self._on_apply)
        self._mpp.textChanged.connect(self._show_meaning)
        self._ruler.toggled.connect(self._on_ruler)
        self._use_length.clicked.connect(self._on_use_length)
        self._length.returnPressed.connect(self._on_use_length)
        self._length.textChanged.connect(self._show_meaning)
        theme.changed.connect(self._tint)
        self._tint()
        self._offer(is_correction=False)
        self._show_length(None)

    def show_pixel_size(self, pixel_size: PixelSize) -> None:
        """Appear if the pixel size is not plausible, disappear if it is."""
        if pixel_size.mpp_x is None or pixel_size.mpp_y is None:
            found = "This file does not state its pixel size."
        else:
            found = (
                f"This file states a pixel size of {pixel_size.text}; slides have {_PLAUSIBLE} µm."
            )
        self._text.setText(f"{found} {_UNKNOWN}")
        self._stated = None
        self._mpp.clear()
        self._offer(is_correction=False)
        self.setVisible(not pixel_size.is_plausible)

    def ask_again(self, known: PixelSize, of_file: PixelSize) -> None:
        """Appear to correct the plausible pixel size in use; `of_file` is what the file states."""
        self._of_file = of_file
        self._stated = None
        self._mpp.clear()
        if known.origin is Origin.USER and known.mpp_x is not None:
            # His own statement, so it may stand in the field.
            self._stated = significant_text(known.mpp_x, 4), known
            self._mpp.setText(self._stated[0])
            found = f"You stated {known.text} per pixel."
        else:
            found = f"The file states {known.text} per pixel."
        self._text.setText(f"{found} {_CORRECTED}")
        self._offer(is_correction=True, knows_file=known != of_file and of_file.is_plausible)
        self.show()
        self._mpp.setFocus()
        self._mpp.selectAll()

    def ask_now(self) -> None:
        """Put the keyboard into the field; the banner is shown."""
        self._mpp.setFocus()

    def show_ruler_mode(self, on: bool) -> None:  # a Qt slot
        """Follow the ruler, which was switched on or off elsewhere."""
        self._ruler.setChecked(on)

    def show_drawn(self, length_l0: float) -> None:
        """A line of `length_l0` level-0 px was drawn: ask how long it is."""
        self._show_length(length_l0 if length_l0 > 0 else None)
        self._length.setFocus()
        self._length.selectAll()

    def _offer(self, *, is_correction: bool, knows_file: bool = False) -> None:
        self._cancel.setVisible(is_correction)
        self._use_file.setVisible(knows_file)
        self._show_meaning()

    def _show_length(self, length_l0: float | None) -> None:
        self._length_l0 = length_l0
        for widget in self._of_line:
            widget.setVisible(length_l0 is not None)
        if length_l0 is not None:
            self._length_text.setText(f"{count_text(length_l0)} px are")
        self._show_meaning()

    @property
    def _typed(self) -> PixelSize | None:
        """What the field states; None while that is nothing plausible."""
        # A measured value stands there rounded; if it is left unchanged, the exact one is used.
        if self._stated is not None and self._mpp.text() == self._stated[0]:
            return self._stated[1]
        return None if self._mpp.value is None else PixelSize.typed(self._mpp.value)

    @property
    def _measured(self) -> PixelSize | None:
        """What the drawn line makes, plausible or not; None while its length is unknown."""
        if self._length.value is None or not self._length_l0:
            return None
        return PixelSize.typed(self._length.value / self._length_l0)

    def _show_meaning(self) -> None:
        """Tell what the fields are understood as, or why they are not."""
        measured = self._measured
        allow(self._apply, "" if self._typed is not None else _NO_SIZE)
        is_measured = measured is not None and measured.is_plausible
        allow(self._use_length, "" if is_measured else _NO_LENGTH)
        if self._length_l0 and self._length.text():
            text = self._length.complaint
            if measured is not None:
                text = _meaning_of(measured)
        else:
            text = self._mpp.complaint
            if self._mpp.text() and self._typed is not None:
                text = _meaning_of(self._typed)
        self._meaning.setText(text)
        self._meaning.setVisible(bool(text))

    def _on_apply(self) -> None:
        if self._typed is not None:
            self.calibrated.emit(self._typed)

    def _on_cancel(self) -> None:
        self._ruler.setChecked(False)
        self.hide()
        self.cancelled.emit()

    def _on_ruler(self, checked: bool) -> None:  # a Qt slot
        if not checked:
            self._show_length(None)
        self.rulerRequested.emit(checked)

    def _on_use_length(self) -> None:
        measured = self._measured
        if measured is not None and measured.is_plausible:
            self._ruler.setChecked(False)
            self.calibrated.emit(measured)

    def _tint(self) -> None:
        colors = self._theme.colors
        picture = icon("ruler", colors, ink=colors.notice_text)
        self._picture.setPixmap(picture.pixmap(QSize(20, 20)))


def _meaning_of(pixel_size: PixelSize) -> str:
    if pixel_size.mpp is None:
        return (
            f"That makes {pixel_size.text} per pixel, outside {_PLAUSIBLE}: check the line and "
            "its length."
        )
    times = magnification_text(magnification(pixel_size.mpp, 1))
    return f"{pixel_size.text} per pixel: one pixel of the slide on one of the screen is {times}."
