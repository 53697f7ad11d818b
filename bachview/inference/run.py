"""The run: read, classify, save and report patches, from the start or where it stopped."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.errors import EngineError, SlideReadError
from bachview.inference.order import PatchOrder
from bachview.inference.plan import Plan
from bachview.inference.readahead import NO_MEMORY, READER_THREADS, ReadAhead, ReadPatch
from bachview.jobs.progress import Progress, RateMeter
from bachview.jobs.tokens import CancelToken
from bachview.slide.file_state import gone
from bachview.slide.reader import SlideReader, is_there
from bachview.store.provenance import Provenance, library_versions, now_text
from bachview.store.records import RunRecord
from bachview.store.results import ResultStore

if TYPE_CHECKING:
    from bachview.models.engines.base import EngineInfo
    from bachview.models.ensemble import Ensemble, EnsembleOutput

RGB = npt.NDArray[np.uint8]

#: Patches in the first batch, so that the first colours appear at once.
_FIRST_BATCH = 8
#: Consecutive failures after which to check whether the slide still exists.
_SUSPICIOUS = 32


@dataclass(frozen=True, slots=True)
class RunStart:
    """A run is about to classify, or turned out to be finished already.

    Attributes
    ----------
    run_id : in the store.
    plan : of the run.
    prediction : everything saved so far, and the tissue cells. The receiver owns it; the
        run keeps no reference.
    tissue : the cells to be classified.
    restored : how many patches were already finished.
    """

    run_id: int
    plan: Plan
    prediction: Prediction
    tissue: TissueCells
    restored: int


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How a run ended.

    Attributes
    ----------
    run_id : in the store.
    done, failed, total : patches classified, patches not readable, and tissue cells, over all
        sessions.
    new : patches added by this call.
    seconds : spent classifying in this call, without pauses and without the tissue mask.
    """

    run_id: int
    done: int
    failed: int
    total: int
    new: int
    seconds: float

    @property
    def patches_per_second(self) -> float:
        """Rate of this call; 0 if nothing was left to do."""
        return self.new / self.seconds if self.seconds > 0 else 0.0


def restore(store: ResultStore, record: RunRecord) -> Prediction:
    """The prediction of a saved run, complete or partial, without slide or bundle. Any thread.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    return store.load(record.run_id)


def classify(
    reader: SlideReader,
    ensemble: "Ensemble",
    plan: Plan,
    store: ResultStore,
    token: CancelToken,
    *,
    view: Callable[[], Region | None] = lambda: None,
    on_start: Callable[[RunStart], object] = lambda _: None,
    on_results: Callable[[PatchResults, Progress], object] = lambda _, __: None,
    retry_failed: bool = False,
) -> RunSummary:
    """Classify everything in the plan that is not in the store yet. Blocking.

    Call it on a low-priority lane: navigation comes first. Reads on two low-priority threads
    meanwhile. Each batch is in the store before `on_results` is called with it.

    Parameters
    ----------
    reader, store : stay open; the caller closes them after this has returned.
    token : pause, resume, cancel; checked between batches, within half a second.
    view : the current viewport, level-0 px, or None; called on the reader threads.
    on_start : called once on this thread when the work to do is known.
    on_results : called on this thread with each finished batch.
    retry_failed : retry patches that could not be read in earlier sessions.

    Raises
    ------
    Cancelled
        The token was cancelled. Finished patches are kept.
    SlideReadError
        The slide is gone, or its file has changed. Finished patches are kept, except those read
        since the last check of the file, which remain to be done.
    EngineError
        The engine failed. Finished patches are kept.
    StoreError
        The results cannot be saved.
    """
    from bachview.slide.colour import srgb_transform

    transform = srgb_transform(reader.metadata.icc_profile) if plan.icc else None
    # What was done, not what was requested: a broken profile is not applied.
    provenance = _provenance(plan, ensemble.info, icc_applied=transform is not None)
    run_id, tissue = _begin(reader, provenance, plan, store, token, retry_failed=retry_failed)
    states = store.states(run_id)
    pending = states == CellState.PENDING
    if retry_failed:
        pending |= states == CellState.FAILED
    total, left = tissue.count, int(pending.sum())
    on_start(RunStart(run_id, plan, store.load(run_id), tissue, total - left))
    session = _Session(reader, ensemble, plan, store, run_id, states, tissue, transform)
    if left:
        meter = RateMeter(total, total - left)
        session.work(PatchOrder(pending), meter, token, view, on_results)
    record = store.find(plan.id)
    if record is not None and record.finished is None:
        store.finish(run_id)
    # As saved: a second process may have worked on the same run.
    states = store.states(run_id)
    done, failed = (int((states == s).sum()) for s in (CellState.CLASSIFIED, CellState.FAILED))
    return RunSummary(run_id, done, failed, total, session.new, session.seconds)


def _begin(
    reader: SlideReader,
    provenance: Provenance,
    plan: Plan,
    store: ResultStore,
    token: CancelToken,
    *,
    retry_failed: bool,
) -> tuple[int, TissueCells]:
    """The run's number and its tissue cells; an existing run keeps its cells."""
    record = store.find(plan.id)
    if record is not None:
        tissue = store.tissue(record.run_id)
        if record.is_complete and not (retry_failed and record.failed):
            return record.run_id, tissue
    else:
        from bachview.slide.tissue import find_tissue

        mask = find_tissue(reader, plan.pixel_size, token)
        token.check()
        tissue = mask.tissue_cells(plan.grid, plan.tissue_least, token)
        _check_files(reader)
    return store.begin(plan.run_key, tissue, provenance), tissue


def predicted(
    predict: "Callable[[RGB, CancelToken | None], EnsembleOutput]",
    patches: Sequence[RGB] | RGB,
    token: CancelToken | None,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Predictions of the members and of the ensemble; in halves if memory is short.

    Parameters
    ----------
    predict : as `Ensemble.predict`.
    patches : N >= 1 of (S, S, 3).

    Raises
    ------
    EngineError
        There is not even enough memory for a single patch.
    """
    try:
        answer = predict(np.asarray(patches), token)
    except MemoryError as error:
        if len(patches) == 1:
            raise EngineError(NO_MEMORY) from error
    else:
        return np.asarray(answer.members, np.float32), np.asarray(answer.probabilities, np.float32)
    # Outside the handler, whose traceback would keep the arrays that did not fit.
    half = len(patches) // 2
    parts = [predicted(predict, part, token) for part in (patches[:half], patches[half:])]
    members, probabilities = zip(*parts, strict=True)
    return np.concatenate(members), np.concatenate(probabilities)


def _check_files(reader: SlideReader, *, by_reading: bool = False) -> None:
    """See `FileState.check`."""
    files = reader.metadata.files
    if files is not None:
        files.check(by_reading=by_reading)


def _provenance(plan: Plan, info: "EngineInfo", *, icc_applied: bool) -> Provenance:
    pixel_size = plan.pixel_size
    if pixel_size.mpp_x is None or pixel_size.mpp_y is None:
        raise ValueError("a plan has a pixel size")
    return Provenance(
        plan.fingerprint,
        plan.bundle_name,
        plan.bundle_sha256,
        pixel_size.mpp_x,
        pixel_size.mpp_y,
        pixel_size.origin.value,
        icc_applied,
        info.name,
        info.device,
        info.precision,
        library_versions(),
        now_text(),
    )


class _Session:
    """The work of one call of `classify`. One thread."""

    def __init__(
        self,
        reader: SlideReader,
        ensemble: "Ensemble",
        plan: Plan,
        store: ResultStore,
        run_id: int,
        states: npt.NDArray[np.uint8],
        tissue: TissueCells,
        transform: Callable[[RGB], RGB] | None,
    ) -> None:
        from bachview.slide.patches import PatchReader

        self._reader = reader
        self._patches = PatchReader(reader, plan.pixel_size, plan.geometry, transform)
        self._metadata = reader.metadata
        self._had_file = is_there(reader.metadata.path)
        self._ensemble = ensemble
        self._plan = plan
        self._store = store
        self._run_id = run_id
        self.states = states
        self._tissue = tissue
        self.new = 0
        self.seconds = 0.0
        # Consecutive failures that are not saved yet: due to the patches, or to the slide itself?
        self._suspects: list[tuple[int, int]] = []
        self._good_since = 0
        # A share that was away for a moment fails patches that are sound.
        self._read_twice: set[tuple[int, int]] = set()

    def work(
        self,
        order: PatchOrder,
        meter: RateMeter,
        token: CancelToken,
        view: Callable[[], Region | None],
        on_results: Callable[[PatchResults, Progress], object],
    ) -> None:
        """Run until nothing is left."""
        size = min(_FIRST_BATCH, self._ensemble.batch_size)
        grid = self._plan.grid
        clock = time.monotonic()
        # Two batches: one ready for the models, one being read.
        most = 2 * self._ensemble.batch_size
        ahead = ReadAhead(order, grid, self._read, view, ahead=most)
        try:
            while True:
                waited = token.check()
                if waited:
                    meter.forget_pause()
                    clock += waited
                patches = ahead.take(size, token)
                size = self._ensemble.batch_size
                results = self._judge(patches, ahead, token, is_last=not patches)
                # Everything read up to now came from the file that was opened.
                _check_files(self._reader)
                if len(results):
                    self.new += self._store.commit(self._run_id, results)
                    self.states[results.cells[:, 0], results.cells[:, 1]] = results.states
                    self.seconds = time.monotonic() - clock
                    on_results(results, meter.advance(len(results)))
                if not patches and ahead.is_done:
                    return
        finally:
            ahead.close()
            self.seconds = time.monotonic() - clock

    def _judge(
        self, patches: list[ReadPatch], ahead: ReadAhead, token: CancelToken, *, is_last: bool
    ) -> PatchResults:
        """Results of a batch and of the failures now known to be due to the patches."""
        cells: list[tuple[int, int]] = []
        pixels: list[RGB] = []
        failed: list[tuple[int, int]] = []
        for patch in patches:
            if patch.pixels is None:
                self._suspects.append(patch.cell)
                self._good_since = 0
                continue
            cells.append(patch.cell)
            pixels.append(patch.pixels)
            self._good_since += 1
            # This many reads may have been in progress when the slide disappeared; one more started
            # after the failures, and the slide is there now: are the patches damaged, or was it
            # away?
            if self._suspects and self._good_since >= READER_THREADS:
                _check_files(self._reader, by_reading=True)
                failed += self._failed_twice(ahead)
        if self._suspects and (is_last or len(self._suspects) >= _SUSPICIOUS):
            self._check_slide()
            failed += self._failed_twice(ahead)
        members, classes = len(self._plan.member_names), len(self._plan.classes)
        good = PatchResults.empty(members, classes)
        if pixels:
            good = PatchResults(
                np.array(cells, np.int32),
                np.full(len(cells), CellState.CLASSIFIED, np.uint8),
                *predicted(self._ensemble.predict, pixels, token),
            )
        if not failed:
            return good
        return PatchResults(
            np.concatenate([good.cells, np.array(failed, np.int32)]),
            np.concatenate([good.states, np.full(len(failed), CellState.FAILED, np.uint8)]),
            np.concatenate([good.members, np.zeros((len(failed), members, classes), np.float32)]),
            np.concatenate([good.probabilities, np.zeros((len(failed), classes), np.float32)]),
        )

    def _failed_twice(self, ahead: ReadAhead) -> list[tuple[int, int]]:
        """The suspects that were read a second time; the others are read again."""
        failed = [cell for cell in self._suspects if cell in self._read_twice]
        again = [cell for cell in self._suspects if cell not in self._read_twice]
        self._suspects = []
        self._read_twice.update(again)
        ahead.read_again(again)
        return failed

    def _read(self, row: int, column: int) -> RGB:
        """A cell's field; any thread."""
        return self._patches.read(self._tissue.field(self._plan.grid, row, column))

    def _check_slide(self) -> None:
        """Tell damaged patches from a slide that is gone, after many consecutive failures.

        Raises
        ------
        SlideReadError
            The file is gone or has changed, or not even a patch that was read before can be read.
        """
        _check_files(self._reader, by_reading=True)
        cause: SlideReadError | None = None
        if not self._had_file or is_there(self._metadata.path):
            read_before = np.argwhere(self.states == CellState.CLASSIFIED)
            if not len(read_before):
                return
            try:
                self._read(*map(int, read_before[0]))
            except SlideReadError as error:
                cause = error
            else:
                return
        raise gone(self._metadata.path) from cause
