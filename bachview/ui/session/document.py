"""One open slide: its reader, pixel size, results and run. Drawing is done elsewhere."""

from collections.abc import Callable
from concurrent import futures
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.uncertainty import Thresholds
from bachview.errors import BachviewError
from bachview.file_names import printable
from bachview.jobs.memory import give_back_memory
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideMetadata, SlideReader
from bachview.slide.tiles.display_tiles import ColourTransform
from bachview.store.provenance import now_text
from bachview.store.records import GridRecord
from bachview.ui.session.bundles import BundleSummary
from bachview.ui.session.classification import Classification
from bachview.ui.session.exporting import ExportSource
from bachview.ui.session.marks_session import MarksSession
from bachview.ui.session.opening import OpenedSlide
from bachview.ui.session.run_status import RunState
from bachview.ui.session.services import Services
from bachview.ui.session.slide_memory import SlideMemory
from bachview.ui.session.slide_results import (
    SavedResults,
    SlideResults,
    others_text,
    read_saved,
)

if TYPE_CHECKING:
    from bachview.inference.run import RunStart
    from bachview.viewing.viewport import Viewport

#: How long a closed slide is kept for a run that has been cancelled, s.
_LET_GO_S = 5.0

_LOOKING = "Looking for results…"
_UNREADABLE = "The saved results could not be read"


class Document(QObject):
    """GUI thread only; the window closes it.

    Signals
    -------
    pixelSizeChanged : the user stated a different pixel size.
    predictionChanged : another prediction is shown, or none.
    predictionGrew : the prediction has new patches.
    savedChanged : there are saved results of the slide, or no longer.
    refusalChanged : the slide was refused, or no longer is.
    othersFound(str) : nothing is shown, but the slide has other results; see `others_text`.
    interrupted : the last run of the saved results was killed before it had finished.
    noticed(str), failed(str) : a sentence for the user.
    mustWait(str) : a sentence about what is not possible before the run has ended.
    """

    pixelSizeChanged = Signal()
    predictionChanged = Signal()
    predictionGrew = Signal()
    refusalChanged = Signal()
    savedChanged = Signal()
    othersFound = Signal(str)
    interrupted = Signal()
    noticed = Signal(str)
    mustWait = Signal(str)
    failed = Signal(str)

    def __init__(
        self,
        opened: OpenedSlide,
        services: Services,
        parent: QObject | None = None,
        *,
        memory: SlideMemory | None = None,
    ) -> None:
        """Take over an open slide, as it was left, or with `memory`."""
        super().__init__(parent)
        self.path = opened.path
        self.reader: SlideReader = opened.reader
        self.metadata: SlideMetadata = opened.reader.metadata
        self._transform = opened.transform
        self._services = services
        remembered, former = services.settings.now.slides, self.metadata.former
        self.memory = memory or remembered.get(self.metadata.fingerprint)
        if self.memory is None and former is not None:
            known = (remembered.get(name) for name in former.fingerprints)
            self.memory = next(filter(None, known), None)
        self.pixel_size = self.metadata.pixel_size
        if self.memory and self.memory.typed_mpp and not self.pixel_size.is_plausible:
            self.pixel_size = PixelSize.typed(self.memory.typed_mpp)
        self.prediction: Prediction | None = None
        self.thresholds: Thresholds | None = None
        #: The bundle of the prediction, and the number of its grid in the store.
        self.bundle: BundleSummary | None = None
        self.grid_id: int | None = None
        #: When the last of its patches, anywhere, was classified, ISO 8601 UTC; empty without one.
        self.updated = ""
        #: What the last run dealt with, level-0 px within the slide; None for the whole slide.
        self.region: Region | None = None
        #: What was asked for last, even if nothing came of it: what is gone on with.
        self.asked_region: Region | None = None
        #: Why it is not known whether the slide has results; empty if it is.
        self.unknown = ""
        #: What the slide has instead of results to show, after "results of"; mostly empty.
        self.others = ""
        #: Whether there are saved results of the slide, of whatever model.
        self.has_saved = False
        #: What spoke against classifying this slide; None if it was not checked.
        self.warnings: tuple[str, ...] | None = None
        #: Why the last run has classified nothing, one sentence each; empty if it was not refused.
        self.refusal: tuple[str, ...] = ()
        self._exports: list[tuple[futures.Future[Any], CancelToken]] = []
        self._lessons: list[tuple[futures.Future[Any], CancelToken]] = []
        self._asked: Callable[[], None] = lambda: None
        self.results = SlideResults(self.metadata.fingerprint, self.metadata.former)
        #: What the reader puts on the slide: annotations, corrections, bookmarks.
        self.marks = MarksSession(self.results, services.io, services.bridge, self)
        self.marks.noticed.connect(self.noticed)
        self.marks.failed.connect(self.failed)
        self.run = Classification(
            self.reader, self.results, services.service, services.bridge, self
        )
        self.run.started.connect(self._on_started)
        self.run.grew.connect(self._on_grew)
        self.run.noticed.connect(self.noticed)
        self.run.failed.connect(self.failed)
        self.run.failed.connect(self.look_again)
        self.run.refused.connect(self._on_refused)
        self._started_bundle: BundleSummary | None = None
        self._is_run_managed = False

    @property
    def title(self) -> str:
        """The file's name, as it is shown."""
        return printable(self.path.name)

    @property
    def has_profile(self) -> bool:
        return self._transform is not None

    @property
    def is_run_managed(self) -> bool:
        """Whether the colour profile was applied to the patches of the prediction."""
        return self._is_run_managed and self.has_profile

    def transform(self, *, managed: bool) -> ColourTransform | None:
        """The colour transform of the tiles."""
        return self._transform if managed else None

    def calibrate(self, pixel_size: PixelSize) -> None:
        """Use the pixel size that the user stated, now and in later sessions."""
        if self.run.status.is_active:
            self.mustWait.emit(
                "The pixel size cannot be changed while the slide is being classified: cancel the "
                "run first."
            )
            return
        self.pixel_size = pixel_size
        if self.bundle is not None:
            # Its areas would be summed with a pixel size that it was not computed with.
            self._show(None, None, self.bundle)
        self.pixelSizeChanged.emit()

    def take_pixel_size(self, other: "Document") -> None:
        """Take over what the user has stated of another focal plane or time point of this file."""
        is_same = other.metadata.pyramid.extent == self.metadata.pyramid.extent
        if is_same and other.pixel_size.origin is Origin.USER:
            self.pixel_size = other.pixel_size

    # -- results -------------------------------------------------------------------------

    def show_saved(self, bundle: BundleSummary) -> None:
        """Show the results of an earlier session with this bundle, if there are any.

        A run that is asked for meanwhile keeps its status and what is said of it.
        """
        if self.run.status.is_active:
            return
        results, metadata, pixel_size = self.results, self.metadata, self.pixel_size
        last_asked = self._asked
        self.unknown = _LOOKING
        if self.prediction is None:
            self.predictionChanged.emit()

        def read(token: CancelToken) -> tuple[SavedResults | None, str, bool]:
            from bachview.inference.plan import make_plan

            token.check()
            store = results.existing()
            grids = () if store is None else store.grids()
            if store is None or not pixel_size.is_plausible:
                return None, "", bool(grids)
            plan = make_plan(metadata, pixel_size, bundle)
            found = read_saved(store, plan)
            return found, others_text(grids, plan) if found is None else "", bool(grids)

        def on_done(answer: tuple[SavedResults | None, str, bool]) -> None:
            found, others, has_saved = answer
            self._set_saved(has_saved)
            is_latest = self._asked is last_asked
            if is_latest:
                self._set_refusal(())
                self.run.show_saved(found)
                self.asked_region = None if found is None else found.region
            self.others = others
            if found is None:
                self._show(None, None, bundle)
                if others:
                    self.othersFound.emit(others)
                return
            self.updated = found.record.updated
            self.region, self.warnings = found.region, found.record.warnings
            self._is_run_managed = found.record.provenance.icc_applied
            self._show(found.prediction, found.record.grid_id, bundle)
            if is_latest and self.run.status.state is RunState.INTERRUPTED:
                self.interrupted.emit()

        def on_error(error: BachviewError) -> None:
            self.others = ""
            self._show(None, None, bundle, unknown=_UNREADABLE)
            self.failed.emit(str(error))

        self._services.bridge.watch(self._services.io.submit(read), on_done, on_error, topic=self)

    def look_again(self, _: object = None) -> None:
        """Take over what others have changed of the results that are shown.

        They may have been cleared, and the slide may have been checked since. Not in a run.
        """
        results, grid_id = self.results, self.grid_id
        if grid_id is None:
            return

        def read(token: CancelToken) -> tuple[GridRecord | None, bool]:
            token.check()
            store = results.existing()
            grids = () if store is None else store.grids()
            return next((grid for grid in grids if grid.grid_id == grid_id), None), bool(grids)

        def on_done(answer: tuple[GridRecord | None, bool]) -> None:
            record, has_saved = answer
            self._set_saved(has_saved)
            if self.grid_id != grid_id or self.bundle is None or self.run.status.is_active:
                return
            if record is None:
                self._forget_results(self.bundle)
                self.noticed.emit(
                    f"The results of {self.title} were cleared meanwhile, by another window or "
                    "program."
                )
            elif record.warnings != self.warnings:
                self.warnings = record.warnings
                self.predictionChanged.emit()

        def on_error(error: BachviewError) -> None:
            self.failed.emit(str(error))

        future = self._services.io.submit(read)
        self._services.bridge.watch(future, on_done, on_error, topic=(self, "again"))

    def classify(
        self,
        bundle: BundleSummary,
        *,
        device: str,
        region: Region | None = None,
        retry_failed: bool = False,
        anyway: bool = False,
    ) -> None:
        """Start or resume a run; the colour profile is applied however the slide is displayed.

        Raises
        ------
        PixelSizeError, UsageError
            See `Classification.start`; then nothing has changed.
        """
        if self.run.status.is_active:
            return
        self.run.start(
            bundle,
            self.pixel_size,
            device=device,
            region=region,
            retry_failed=retry_failed,
            anyway=anyway,
        )
        # Its reports come later, through the event loop.
        self._asked = partial(
            self.classify,
            bundle,
            device=device,
            region=region,
            retry_failed=retry_failed,
            anyway=True,
        )
        self._set_refusal(())
        self._started_bundle = bundle
        self.asked_region = region

    def is_finished(
        self, bundle: BundleSummary, region: Region | None = None, *, retry_failed: bool = False
    ) -> bool:
        """Whether the shown prediction leaves nothing to do for this model in `region`.

        Parameters
        ----------
        region : level-0 px; None for the whole slide.
        retry_failed : what could not be read is to be done again.
        """
        prediction = self.prediction
        if prediction is None or self.bundle is None or self.bundle.sha256 != bundle.sha256:
            return False
        states = prediction.states
        if region is not None:
            states = states[prediction.grid.cells_in(region)]
        left = states == CellState.PENDING
        if retry_failed:
            left |= states == CellState.FAILED
        # Where there is no tissue, the run says so.
        return bool((states != CellState.NO_TISSUE).any() and not left.any())

    def failed_in(self, region: Region | None) -> int:
        """How many patches of what is shown could not be read in `region`, level-0 px."""
        if self.prediction is None:
            return 0
        cells = (slice(None), slice(None))
        if region is not None:
            cells = self.prediction.grid.cells_in(region)
        return int((self.prediction.states[cells] == CellState.FAILED).sum())

    @property
    def export_source(self) -> ExportSource | None:
        """What is shown, to be written to files; None without a prediction."""
        if self.prediction is None or self.grid_id is None or self.bundle is None:
            return None
        return ExportSource(
            self.grid_id,
            self.prediction.grid.region,
            self.pixel_size,
            self.bundle.thresholds,
            self.bundle.measured,
            self.is_run_managed,
        )

    def clear(self, grid_id: int, on_cleared: Callable[[], object]) -> None:
        """Delete the cells and the log of a grid for good, in the io lane; not in a run.

        What another window or program has cleared before is cleared.

        Parameters
        ----------
        on_cleared : called when they are gone, unless something else was asked for meanwhile.
        """
        if self.run.status.is_active:
            self.mustWait.emit(
                "Results cannot be cleared while the slide is being classified: cancel the run "
                "first."
            )
            return
        results = self.results

        def delete(token: CancelToken) -> bool:
            token.check()
            store = results.existing()
            if store is None:
                return False
            if any(grid.grid_id == grid_id for grid in store.grids()):
                store.clear(grid_id)
            return bool(store.grids())

        def on_done(has_saved: bool) -> None:
            self._set_saved(has_saved)
            if self.grid_id == grid_id and self.bundle is not None:
                self._forget_results(self.bundle)
            on_cleared()

        def on_error(error: BachviewError) -> None:
            self.failed.emit(str(error))

        self._services.bridge.watch(self._services.io.submit(delete), on_done, on_error, topic=self)

    def classify_anyway(self) -> None:
        """Do what was refused: the same region with the same model, whatever the slide is."""
        if self.refusal:
            self._asked()

    def accept_refusal(self) -> None:
        """The user has read it: the slide stays unclassified."""
        self._set_refusal(())

    def _on_refused(self, sentences: tuple[str, ...]) -> None:
        self._set_refusal(sentences)
        self.look_again()  # results that had not been checked are now

    def _set_saved(self, has_saved: bool) -> None:
        if has_saved != self.has_saved:
            self.has_saved = has_saved
            self.savedChanged.emit()

    def _set_refusal(self, sentences: tuple[str, ...]) -> None:
        if sentences != self.refusal:
            self.refusal = sentences
            self.refusalChanged.emit()

    def _on_started(self, start: "RunStart") -> None:
        if self._started_bundle is not None:
            self._services.bridge.next_generation(self)  # drops a pending look-up of results
            self.region = start.region
            self._is_run_managed = start.plan.icc
            self.warnings = start.warnings
            self.updated = start.updated
            self._set_saved(True)
            self._show(start.prediction, start.grid_id, self._started_bundle)

    def _on_grew(self, found: PatchResults) -> None:
        if self.prediction is not None:
            self.prediction.add(found)
            self.updated = now_text()
            self.predictionGrew.emit()

    def _forget_results(self, bundle: BundleSummary) -> None:
        """They are no longer saved."""
        self.asked_region, self.others = None, ""
        self.run.show_saved(None)
        self._show(None, None, bundle)

    def _show(
        self,
        prediction: Prediction | None,
        grid_id: int | None,
        bundle: BundleSummary,
        *,
        unknown: str = "",
    ) -> None:
        self.prediction, self.grid_id = prediction, grid_id
        self.bundle, self.unknown = bundle, unknown
        if prediction is None:
            self.updated, self.region, self.warnings = "", None, None
        self.thresholds = bundle.thresholds
        self.predictionChanged.emit()

    # -- end -----------------------------------------------------------------------------

    def memory_at(self, viewport: "Viewport | None", *, is_fitted: bool = False) -> SlideMemory:
        """What is to be remembered while this is the view: it, and the typed pixel size.

        Parameters
        ----------
        is_fitted : the whole slide is kept in view, so that only the rotation is a position.
        """
        mpp = self.pixel_size.mpp_x if self.pixel_size.origin == "user" else None
        if viewport is None:
            return SlideMemory(None, 1.0, 0.0, mpp)
        if is_fitted:
            return SlideMemory(None, 1.0, viewport.rotation_deg, mpp)
        return SlideMemory(viewport.center, viewport.device_downsample, viewport.rotation_deg, mpp)

    def remember(self, viewport: "Viewport | None", *, is_fitted: bool = False) -> None:
        """Save that for later sessions; see `memory_at`."""
        memory = self.memory_at(viewport, is_fitted=is_fitted)
        settings = self._services.settings
        settings.now = settings.now.with_slide(self.metadata.fingerprint, memory)

    def hold_for(self, export: "futures.Future[Any]", token: CancelToken) -> None:
        """Cancel this export when the slide is closed, which then waits for its end."""
        self._exports = [each for each in self._exports if not each[0].done()]
        self._exports.append((export, token))

    def hold_for_lesson(self, lesson: "futures.Future[Any]", token: CancelToken) -> None:
        """The same for what is read of the slide to teach a model, of which nobody is asked."""
        self._lessons = [each for each in self._lessons if not each[0].done()]
        self._lessons.append((lesson, token))

    @property
    def is_exporting(self) -> bool:
        """Whether an export is being written, or waits for that, which nobody has cancelled."""
        return any(not (each.done() or token.is_cancelled) for each, token in self._exports)

    def close(self, on_closed: Callable[[], object] = lambda: None) -> None:
        """Cancel run and exports, and close store and slide after them; in the io lane."""
        services, ending = self._services, self.detach()
        services.bridge.watch(services.io.submit(lambda _: ending()), lambda _: on_closed())

    def detach(self) -> Callable[[], None]:
        """Cancel run and exports, and ignore reports of the run; the object may be deleted.

        Returns
        -------
        The rest of the work, to be called on any thread: waits for run and exports, then closes
        store and slide.
        """
        save_marks = self.marks.detach()
        held = (*self._exports, *self._lessons)
        waited = [future for future, _ in held]
        for _, token in held:
            token.cancel()
        if (run := self.run.detach()) is not None:
            waited.append(run)
        for topic in (self, (self, "again")):
            self._services.bridge.forget(topic)
        results, reader = self.results, self.reader

        def ending() -> None:
            save_marks()
            futures.wait(waited, _LET_GO_S)
            results.close()
            reader.close()
            give_back_memory()

        return ending
