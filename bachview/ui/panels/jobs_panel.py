"""The run of the current slide: cells, speed and device."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from bachview.core.units import count_text
from bachview.ui.look.spacing import APART, NEAR, TIGHT
from bachview.ui.look.widgets import WrappedLabel, allow, panel_column, plain, tabular
from bachview.ui.panels.panel import Panel
from bachview.ui.session.run_status import RUNNING, RunState, RunStatus

_TIPS = {
    "Cells": "Of what the last run was asked for",
    "Scope": "What the last run was asked for; the results of the slide stay",
}
_AT_WORK = frozenset({RunState.RUNNING, RunState.PAUSED, RunState.STOPPING})
#: Known only when a run has gone on for a while.
_MEASURED = frozenset({"Cells", "Speed", "Remaining"})
START_TIP = "Classify the whole slide, the visible part first (Ctrl+R)"
_GO_ON_TIP = "Go on with what the last run was asked for; what is done is kept"
_PAUSE_TIP = "Pause the run; nothing is lost (Ctrl+P)"
_RESUME_TIP = "Resume the run (Ctrl+P)"
_CANCEL_TIP = "Stop; finished cells are kept and a later run resumes (Ctrl+.)"
_START_TEXTS = {RunState.CANCELLED: "Continue", RunState.INTERRUPTED: "Resume"}


class JobsPanel(Panel):
    """State, cells, speed, remaining time, device, and buttons to control the run.

    Its progress stands above all sections.

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
        self._title = WrappedLabel("", self)
        self._message = plain(WrappedLabel("", self))
        self._values = {
            name: plain(WrappedLabel("", self))
            for name in ("Cells", "Speed", "Remaining", "Device", "Model", "Scope")
        }
        form = QFormLayout()
        form.setHorizontalSpacing(APART)
        form.setVerticalSpacing(TIGHT)
        for name, value in self._values.items():
            label = QLabel(name, self)
            label.setObjectName("muted")
            for half in (label, value):
                half.setToolTip(_TIPS.get(name, ""))
            value.setFont(tabular(value.font()))
            form.addRow(label, value)
        self._form = form
        self._start = QPushButton("Classify slide", self)
        self._start.setObjectName("primary")
        self._pause = QPushButton("Pause", self)
        self._cancel = QPushButton("Cancel", self)
        self._start.clicked.connect(self.startRequested)
        self._pause.clicked.connect(self.pauseRequested)
        self._cancel.clicked.connect(self.cancelRequested)
        buttons = QHBoxLayout()
        buttons.setSpacing(NEAR)
        for button in (self._start, self._pause, self._cancel):
            buttons.addWidget(button)
        column = panel_column(self)
        column.addWidget(self._title)
        column.addWidget(self._message)
        column.addLayout(form)
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
        self._title.setVisible(not status.is_active)  # it stands above all sections
        self._message.setText(status.message)
        self._message.setVisible(bool(status.message))
        progress = status.progress
        texts = {
            "Cells": f"{count_text(progress.done)} of {count_text(progress.total)}"
            if progress
            else "",
            "Speed": status.rate_text,
            "Remaining": status.remaining_text.removesuffix(" left"),
            "Device": " · ".join(t for t in (status.device, status.precision) if t),
            "Model": status.bundle_name,
            "Scope": status.scope,
        }
        for name, text in texts.items():
            # A row that will be filled keeps its place.
            waits = status.state in _AT_WORK and name in _MEASURED
            self._values[name].setText(text or "–")
            self._form.setRowVisible(self._values[name], bool(text) or waits)
        paused = status.state is RunState.PAUSED
        self._start.setVisible(not status.is_active)
        self._pause.setVisible(status.is_active)
        self._cancel.setVisible(status.is_active)
        self._start.setEnabled(self._can_start and not status.is_active)
        self._start.setText(_START_TEXTS.get(status.state, "Classify slide"))
        goes_on = status.state in _START_TEXTS
        why_not = RUNNING if status.is_active else self._obstacle
        self._start.setToolTip(why_not or (_GO_ON_TIP if goes_on else START_TIP))
        self._pause.setText("Resume" if paused else "Pause")
        allow(self._pause, status.no_pause, _RESUME_TIP if paused else _PAUSE_TIP)
        allow(self._cancel, status.no_cancel, _CANCEL_TIP)
