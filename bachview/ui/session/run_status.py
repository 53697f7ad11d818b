"""The status of a run, as the panels show it."""

from dataclasses import dataclass
from enum import StrEnum

from bachview.core.units import duration_text, rate_text, whole_percent_text
from bachview.jobs.progress import Progress


class RunState(StrEnum):
    """The states of the classification of one slide."""

    IDLE = "idle"
    WAITING = "waiting"
    LOADING = "loading"
    PREPARING = "preparing"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    DONE = "done"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    #: Another process is at it; this one does not follow its progress.
    ELSEWHERE = "elsewhere"
    #: The slide is not what the model was trained on; nothing was classified.
    REFUSED = "refused"


ACTIVE = frozenset(
    {
        RunState.WAITING,
        RunState.LOADING,
        RunState.PREPARING,
        RunState.RUNNING,
        RunState.PAUSED,
        RunState.STOPPING,
    }
)

#: Why no run can be started while one goes on.
RUNNING = "Off, because this slide is being classified"
_NO_RUN = "Off, because this slide is not being classified"
_STOPPING = "Off, because the run is being stopped"
_NOT_BEGUN = "Off, because the run has not begun yet"

_WITH_RATE = frozenset({RunState.RUNNING, RunState.DONE})

_TITLES = {
    RunState.IDLE: "Not classified yet",
    RunState.WAITING: "Waiting to start",
    RunState.LOADING: "Loading the model",
    RunState.PREPARING: "Looking for tissue",
    RunState.RUNNING: "Classifying",
    RunState.PAUSED: "Paused",
    RunState.STOPPING: "Stopping",
    RunState.DONE: "Finished",
    RunState.CANCELLED: "Not finished; finished cells are kept",
    RunState.INTERRUPTED: "Interrupted; finished cells are kept",
    RunState.FAILED: "Stopped by an error",
    RunState.ELSEWHERE: "Another window or program is classifying it",
    RunState.REFUSED: "Nothing was classified",
}
if _TITLES.keys() != set(RunState):
    raise AssertionError("a state without a title")


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A snapshot of a run.

    Attributes
    ----------
    progress : None while the number of cells is unknown.
    device, precision : what computes; empty while unknown.
    bundle_name : empty before the first run.
    scope : what is classified: the slide, or a region of it.
    message : why it failed or was refused, or what is to be said of its end; otherwise empty.
    """

    state: RunState = RunState.IDLE
    progress: Progress | None = None
    device: str = ""
    precision: str = ""
    bundle_name: str = ""
    scope: str = ""
    message: str = ""

    @property
    def is_active(self) -> bool:
        """Whether there is something to cancel."""
        return self.state in ACTIVE

    @property
    def no_pause(self) -> str:
        """Why the run can be neither paused nor resumed; empty if it can."""
        if self.state in (RunState.RUNNING, RunState.PAUSED):
            return ""
        return self.no_cancel or _NOT_BEGUN

    @property
    def no_cancel(self) -> str:
        """Why there is nothing to cancel; empty if there is."""
        if not self.is_active:
            return _NO_RUN
        return _STOPPING if self.state is RunState.STOPPING else ""

    @property
    def title(self) -> str:
        return _TITLES[self.state]

    @property
    def rate_text(self) -> str:
        """E.g. ``64 cells/s``, after the end, the mean; empty while unknown."""
        if self.progress is None or self.progress.rate <= 0 or self.state not in _WITH_RATE:
            return ""
        rate = self.progress.rate
        return rate_text(rate, "cells")

    @property
    def remaining_text(self) -> str:
        """E.g. ``3 min 20 s left``; empty while unknown."""
        if not self.rate_text or self.progress is None or self.state is not RunState.RUNNING:
            return ""
        return f"{duration_text(self.progress.remaining_s)} left"

    @property
    def summary(self) -> str:
        """One line for the status bar; empty if there is nothing to show."""
        if not self.is_active:
            return ""
        parts = [self.title]
        if self.progress is not None and self.progress.total:
            parts.append(whole_percent_text(self.progress.done / self.progress.total))
        parts += [text for text in (self.rate_text, self.remaining_text) if text]
        return " · ".join(parts)
