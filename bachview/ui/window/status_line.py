"""The status bar: cursor position, magnification, progress of the run."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QStatusBar, QWidget

from bachview.core.geometry import Point
from bachview.core.pixel_size import PixelSize
from bachview.core.units import count_text, length_text, magnification_text
from bachview.ui.session.run_status import RunStatus
from bachview.ui.window.stack_control import StackControl

_STEPS = 1000
_BAR_PX = 120
#: Most slides are open before anybody would want to stop opening them.
_STOP_AFTER_MS = 1_500
#: Longer names are elided in the middle.
_STOP_NAME_PX = 240


def position_text(point: Point | None, pixel_size: PixelSize) -> str:
    """A level-0 point in px, and in micrometres if the pixel size is known."""
    if point is None:
        return ""
    text = f"{count_text(point.x)}, {count_text(point.y)} px"
    if pixel_size.is_plausible and pixel_size.mpp_x and pixel_size.mpp_y:
        x, y = point.x * pixel_size.mpp_x, point.y * pixel_size.mpp_y
        text += f"  ·  {_um(x)}, {_um(y)}"
    return text


def _um(length_um: float) -> str:
    """Whole micrometres: this is the cursor position, not a measurement."""
    return f"{count_text(length_um)} µm" if abs(length_um) < 100_000 else length_text(length_um)


class _Figures(QLabel):
    """Numbers that change all the time: aligned at the right, in room that never shrinks."""

    def __init__(self, longest: str, parent: QWidget) -> None:
        """`longest` : a text that is hardly ever longer."""
        super().__init__(longest, parent)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._keep_room()
        self.clear()

    def setText(self, text: str) -> None:
        super().setText(text)
        self._keep_room()

    def _keep_room(self) -> None:
        self.setMinimumWidth(max(self.minimumWidth(), self.sizeHint().width()))


class StatusLine(QStatusBar):
    """Fixed positions, so that nothing jumps while the cursor moves.

    Attributes
    ----------
    stack : chooses among several pictures of the current slide.

    Signals
    -------
    stopRequested(Path) : stop opening this slide.
    """

    stopRequested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._run = QLabel(self)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(_BAR_PX)
        self._position = _Figures("100,000, 100,000 px  ·  50,000 µm, 50,000 µm", self)
        self._magnification = _Figures("0.123x", self)
        self._opening: Path | None = None
        self._stop = QPushButton(self)
        self._stop.clicked.connect(lambda: self.stopRequested.emit(self._opening))
        self._stop_later = QTimer(self, singleShot=True, interval=_STOP_AFTER_MS)
        self._stop_later.timeout.connect(self._stop.show)
        self._position.setToolTip("Cursor on the slide: pixels of the full resolution, µm")
        self._magnification.setToolTip("Nominal magnification on this screen")
        self.addWidget(self._bar)
        self.addWidget(self._run, 1)
        self.addPermanentWidget(self._stop)
        self._stop.hide()
        self.stack = StackControl(self)
        self.addPermanentWidget(self.stack)
        self.stack.hide()
        self.addPermanentWidget(self._position)
        self.addPermanentWidget(self._magnification)
        self.show_run(RunStatus())

    def show_opening(self, paths: Sequence[Path]) -> None:
        """Show how many slides are being opened and, after a while, a button to stop the first.

        The button disappears before it names the next one: a second click must not stop that too.
        """
        first = paths[0] if paths else None
        if first != self._opening:
            self._opening = first
            self._stop_later.stop()
            self._stop.hide()
        if first is None:
            self.clearMessage()
            return
        self.showMessage("Opening…" if len(paths) == 1 else f"Opening {len(paths)} slides…")
        if not self._stop.isVisible() and not self._stop_later.isActive():
            name = self.fontMetrics().elidedText(
                first.name, Qt.TextElideMode.ElideMiddle, _STOP_NAME_PX
            )
            self._stop.setText(f"Stop opening {name.replace('&', '&&')}")
            self._stop.setToolTip(str(first))
            self._stop_later.start()

    def show_position(self, point: Point | None, pixel_size: PixelSize) -> None:
        """Show the place under the cursor."""
        self._position.setText(position_text(point, pixel_size))

    def show_magnification(self, times: float | None, remark: str = "") -> None:
        """Show the magnification of the current slide; None if it is unknown.

        `remark` : says that the pixel size, and so the position in µm too, is the user's word.
        """
        self._magnification.setText("" if times is None else magnification_text(times) + remark)

    def show_run(self, status: RunStatus) -> None:
        """Show progress, rate and remaining time of the current slide's run."""
        self._run.setText(status.summary)
        self._bar.setVisible(status.is_active)
        if status.progress is None or not status.progress.total:
            self._bar.setRange(0, 0)
            return
        self._bar.setRange(0, _STEPS)
        self._bar.setValue(round(_STEPS * status.progress.done / status.progress.total))

    @property
    def texts(self) -> tuple[str, str, str]:
        """(run, position, magnification) as shown."""
        return self._run.text(), self._position.text(), self._magnification.text()
