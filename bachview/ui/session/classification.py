"""Controls the run of one slide: start, pause, resume, cancel, and its reports."""

from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import PatchResults
from bachview.core.scope import scope_text
from bachview.core.units import count_text
from bachview.errors import BachviewError, UnsuitableSlideError
from bachview.jobs.progress import Progress
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideReader
from bachview.store.log import Outcome
from bachview.ui.bridge import Bridge
from bachview.ui.session.bundles import BundleSummary
from bachview.ui.session.ensemble_service import EnsembleChoice, EnsembleService
from bachview.ui.session.run_status import RunState, RunStatus
from bachview.ui.session.slide_results import SavedResults, SlideResults

if TYPE_CHECKING:
    from bachview.inference.run import RunStart, RunSummary
    from bachview.models.ensemble import Ensemble

_FAULT = "An error in the program stopped the run; finished cells are kept."
_FAILED_EARLIER = "An error stopped the last run; finished cells are kept."

#: What a run that left something undone looks like afterwards.
_UNFINISHED: dict[Outcome | None, RunState] = {
    Outcome.RUNNING: RunState.ELSEWHERE,
    Outcome.FAILED: RunState.FAILED,
    Outcome.INTERRUPTED: RunState.INTERRUPTED,
}


class Classification(QObject):
    """The run of one slide; at most one at a time. GUI thread only.

    Signals
    -------
    statusChanged(RunStatus) : state, progress or device changed.
    started(RunStart) : the prediction so far is available; the receiver owns it from now on.
    grew(PatchResults) : finished patches, already saved.
    noticed(str) : a sentence that is not an error (results cannot be kept).
    failed(str) : an error stopped the run; finished cells are kept.
    refused(tuple[str, ...]) : the check of the slide speaks against it; nothing was classified.
    """

    statusChanged = Signal(object)
    started = Signal(object)
    grew = Signal(object)
    noticed = Signal(str)
    failed = Signal(str)
    refused = Signal(object)

    def __init__(
        self,
        reader: SlideReader,
        results: SlideResults,
        service: EnsembleService,
        bridge: Bridge,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._reader = reader
        self._results = results
        self._service = service
        self._bridge = bridge
        self._token = CancelToken()
        self._future: Future[RunSummary] | None = None
        self._status = RunStatus()
        self._is_detached = False
        # Read by the run's threads; a frozen value is replaced, never changed.
        self._view: Region | None = None

    @property
    def status(self) -> RunStatus:
        return self._status

    @property
    def view(self) -> Region | None:
        """The visible region, level-0 px. Any thread."""
        return self._view

    def set_view(self, region: Region) -> None:
        """The visible region, whose patches come next."""
        self._view = region

    def start(
        self,
        bundle: BundleSummary,
        pixel_size: PixelSize,
        *,
        device: str,
        region: Region | None = None,
        retry_failed: bool = False,
        anyway: bool = False,
    ) -> None:
        """Classify what is missing of the slide, or of `region` (level-0 px).

        After `detach` nothing is started: a question may be answered after its slide was closed.

        Raises
        ------
        PixelSizeError, UsageError
            See `inference.plan.make_plan` and `scanned_part`.
        """
        from bachview.inference.plan import make_plan, scanned_part

        if self._status.is_active or self._is_detached:
            return
        plan = make_plan(self._reader.metadata, pixel_size, bundle)
        asked = None if region is None else scanned_part(self._reader.metadata, region)
        token = self._token = CancelToken()
        reader, results, bridge = self._reader, self._results, self._bridge

        def run(ensemble: "Ensemble", token: CancelToken) -> "RunSummary":
            from bachview.inference.run import classify

            bridge.call(self._on_loaded, token, ensemble.info.device, ensemble.info.precision)
            store, notice = results.opened_or_temporary()
            if notice:
                bridge.call(self._on_notice, token, notice)
            return classify(
                reader,
                ensemble,
                plan,
                store,
                token,
                region=asked,
                view=lambda: self._view,
                on_start=lambda start: bridge.call(self._on_start, token, start),
                on_results=lambda found, progress: bridge.call(
                    self._on_results, token, found, progress
                ),
                retry_failed=retry_failed,
                anyway=anyway,
            )

        scope = scope_text(asked, pixel_size)
        first = RunState.WAITING if self._service.has_runs else RunState.LOADING
        self._set(RunStatus(first, bundle_name=bundle.name, scope=scope))
        choice = EnsembleChoice(bundle.path, bundle.sha256, device)
        future = self._future = self._service.submit(
            choice, run, token, on_turn=lambda: bridge.call(self._on_turn, token)
        )
        bridge.watch(
            future, self._on_done, self._on_error, on_finished=self._on_finished, topic=self
        )

    def show_saved(self, saved: "SavedResults | None") -> None:
        """Report the last run of an earlier session; None if there is none."""
        if self._status.is_active:
            return
        if saved is None:
            self._set(RunStatus())
            return
        record = saved.record
        is_done = saved.progress.done >= saved.progress.total
        state = RunState.DONE if is_done else _UNFINISHED.get(saved.outcome, RunState.CANCELLED)
        self._set(
            RunStatus(
                state,
                saved.progress,
                record.provenance.device,
                record.provenance.precision,
                record.key.bundle_name,
                scope_text(saved.region, saved.pixel_size),
                _FAILED_EARLIER if state is RunState.FAILED else "",
            )
        )

    def pause(self) -> None:
        """Pause at the next batch."""
        if self._status.state is RunState.RUNNING:
            self._token.pause()
            self._change(state=RunState.PAUSED)

    def resume(self) -> None:
        if self._status.state is RunState.PAUSED:
            self._token.resume()
            self._change(state=RunState.RUNNING)

    def cancel(self) -> None:
        """Stop; finished patches are kept."""
        if not self._status.is_active:
            return
        self._token.cancel()
        if self._status.state in (RunState.WAITING, RunState.LOADING):
            # It may be queued for an hour, and loading may take seconds; as nothing has started, it
            # ends now.
            if self._future is not None:
                self._future.cancel()
            self._change(state=RunState.CANCELLED)
        else:
            self._change(state=RunState.STOPPING)

    def detach(self) -> "Future[RunSummary] | None":
        """Cancel and ignore all further reports: the object may be deleted.

        Returns
        -------
        The run's future, which is done when its thread no longer uses slide and store; None if no
        thread uses them.
        """
        self._is_detached = True
        self._token.cancel()
        self._token = CancelToken()
        self._bridge.forget(self)
        if self._future is not None and self._future.cancel():
            return None  # it has not started, so there is nothing to wait for
        return self._future

    def _is_stale(self, token: CancelToken) -> bool:
        return token is not self._token or not self._status.is_active

    def _on_notice(self, token: CancelToken, notice: str) -> None:
        if token is self._token:
            self.noticed.emit(notice)

    def _on_turn(self, token: CancelToken) -> None:
        if not self._is_stale(token) and not token.is_cancelled:
            self._change(state=RunState.LOADING)

    def _on_loaded(self, token: CancelToken, device: str, precision: str) -> None:
        if self._is_stale(token):
            return
        state = RunState.STOPPING if token.is_cancelled else RunState.PREPARING
        self._change(state=state, device=device, precision=precision)

    def _on_start(self, token: CancelToken, start: "RunStart") -> None:
        if self._is_stale(token):
            return
        state = RunState.STOPPING if token.is_cancelled else RunState.RUNNING
        self._change(state=state, progress=Progress(start.restored, start.total, 0.0))
        self.started.emit(start)

    def _on_results(self, token: CancelToken, found: PatchResults, progress: Progress) -> None:
        if token is not self._token:
            return
        self.grew.emit(found)
        self._change(progress=progress)

    def _on_finished(self) -> None:
        """The run has ended; `_on_done` or `_on_error` follows at once."""
        if self._token.is_cancelled:
            self._change(state=RunState.CANCELLED)
            return
        error = self._future.exception() if self._future is not None else None
        if error is not None and not isinstance(error, BachviewError):
            # A bug: the bridge raises it next, and the dialog shows its traceback.
            self._change(state=RunState.FAILED, message=_FAULT)

    def _on_done(self, summary: "RunSummary") -> None:
        total = Progress(summary.done + summary.failed, summary.total, summary.cells_per_second)
        self._change(state=RunState.DONE, progress=total, message=_done_text(summary))

    def _on_error(self, error: BachviewError) -> None:
        if isinstance(error, UnsuitableSlideError):
            self._change(state=RunState.REFUSED, message=" ".join(error.sentences))
            self.refused.emit(error.sentences)
            return
        self._change(state=RunState.FAILED, message=str(error))
        self.failed.emit(str(error))

    def _change(self, **changes: object) -> None:
        self._set(replace(self._status, **changes))  # type: ignore[arg-type]

    def _set(self, status: RunStatus) -> None:
        self._status = status
        self.statusChanged.emit(status)


def _done_text(summary: "RunSummary") -> str:
    if not summary.total:
        return "Nothing here was recognised as H&E tissue."
    if not summary.new and not summary.failed:
        return "All of it had been classified before."
    if summary.failed:
        return (
            f"{count_text(summary.failed)} cells could not be read; they are marked on the slide."
        )
    return ""
