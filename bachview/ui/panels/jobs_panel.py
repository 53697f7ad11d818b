"""The run of the current slide: progress, speed and device."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QGridLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QWidget,
)

from bachview.ui.look.widgets import heading, panel_column, plain
from bachview.ui.panels.panel import Panel
from bachview.ui.session.run_status import RunState, RunStatus

_STEPS = 1000
_TIPS = {
    "Cells": "Of what the last run was asked for",
    "Scope": "What the last run was asked for; the results of the slide stay",
}
_START_TIP = "Classify the whole slide, the visible part first (Ctrl+R)"
_GO_ON_TIP = "Go on with what the last run was asked for; what is done is kept"
_START_TEXTS = {RunState.CANCELLED: "Continue", RunState.INTERRUPTED: "Resume"}


class JobsPanel(Panel):
    """State, progress, rate, remaining time, device, and buttons to control the run.

    Signals
    -------
    startRequested, pauseRequested, cancelRequested : a button was pressed; the second one also
        resumes.
    """

    name, title = "run", "Classification"
    startRequested = Signal()
    pauseRequested = Signal()
    cancelRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._status = RunStatus()
        self._can_start, self._obstacle = False, ""
        self._title = heading("", self)
        self._title.setWordWrap(True)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._message = plain(QLabel(self))
        self._message.setWordWrap(True)
        self._values = {
            name: plain(QLabel("–", self))
            for name in ("Cells", "Speed", "Remaining", "Device", "Model", "Scope")
        }
        form = QFormLayout()
        form.setHorizontalSpacing(14)
        form.setVerticalSpacing(4)
        for name, value in self._values.items():
            label = QLabel(name, self)
            label.setObjectName("muted")
            for half in (label, value):
                half.setToolTip(_TIPS.get(name, ""))
            value.setWordWrap(True)
            form.addRow(label, value)
        self._start = QPushButton("Classify slide", self)
        self._start.setObjectName("primary")
        self._pause = QPushButton("Pause", self)
        self._cancel = QPushButton("Cancel", self)
        self._pause.setToolTip("Pause the run; nothing is lost (Ctrl+P)")
        self._cancel.setToolTip("Stop; finished cells are kept and a later run resumes (Ctrl+.)")
        self._start.clicked.connect(self.startRequested)
        self._pause.clicked.connect(self.pauseRequested)
        self._cancel.clicked.connect(self.cancelRequested)
        buttons = QGridLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._start, 0, 0, 1, 2)
        buttons.addWidget(self._pause, 1, 0)
        buttons.addWidget(self._cancel, 1, 1)
        column = panel_column(self)
        column.addWidget(self._title)
        column.addWidget(self._bar)
        column.addWidget(self._message)
        column.addLayout(form)
        column.addSpacing(4)
        column.addLayout(buttons)
        self.show_status(RunStatus())

    @property
    def status(self) -> RunStatus:
        return self._status

    def show_obstacle(self, obstacle: str) -> None:
        """Let the run be started, or say why it cannot."""
        self._can_start, self._obstacle = not obstacle, obstacle
        self.show_status(self._status)

    def show_status(self, status: RunStatus) -> None:
        self._status = status
        self._title.setText(status.title)
        self._message.setText(status.message)
        self._message.setVisible(bool(status.message))
        progress = status.progress
        show_progress(self._bar, status)
        texts = {
            "Cells": f"{progress.done:,} of {progress.total:,}" if progress else "",
            "Speed": status.rate_text,
            "Remaining": status.remaining_text.removesuffix(" left"),
            "Device": " · ".join(t for t in (status.device, status.precision) if t),
            "Model": status.bundle_name,
            "Scope": status.scope,
        }
        for name, text in texts.items():
            self._values[name].setText(text or "–")
        paused = status.state is RunState.PAUSED
        self._start.setEnabled(self._can_start and not status.is_active)
        self._start.setText(_START_TEXTS.get(status.state, "Classify slide"))
        goes_on = status.state in _START_TEXTS
        self._start.setToolTip(self._obstacle or (_GO_ON_TIP if goes_on else _START_TIP))
        self._pause.setText("Resume" if paused else "Pause")
        self._pause.setEnabled(paused or status.state is RunState.RUNNING)
        self._cancel.setEnabled(status.is_active and status.state is not RunState.STOPPING)


def show_progress(bar: QProgressBar, status: RunStatus) -> None:
    """How much of what the run was asked for is done; busy while that is not known."""
    if status.state in (RunState.LOADING, RunState.PREPARING, RunState.WAITING):
        bar.setRange(0, 0)
        return
    progress = status.progress
    bar.setRange(0, _STEPS)
    done = progress.done / progress.total if progress and progress.total else 0
    bar.setValue(round(_STEPS * done))
