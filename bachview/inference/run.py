"""The run: read, classify, save and report the cells that are missing.

A run is asked for the whole slide or for a region. Cells that are in the store, whoever asked for
them, keep their answers. Where a patch stands for several cells and only some of them have answers,
as at the border of a region, it is read and judged again for the others alone.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview import audit
from bachview.core.cell_state import JUDGED, CellState
from bachview.core.geometry import Region
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.errors import (
    Cancelled,
    EngineError,
    SlideReadError,
    StoreError,
    UnsuitableSlideError,
)
from bachview.inference.asked_cells import AskedCells
from bachview.inference.order import PatchOrder
from bachview.inference.plan import Plan, scanned_part
from bachview.inference.readahead import NO_MEMORY, READER_THREADS, ReadAhead, ReadPatch
from bachview.jobs.progress import Progress, RateMeter
from bachview.jobs.tokens import CancelToken
from bachview.slide.file_state import gone
from bachview.slide.known_copies import remember_content
from bachview.slide.reader import SlideReader, is_there
from bachview.store.grids import lost_grid
from bachview.store.log import Outcome
from bachview.store.provenance import Provenance, library_versions, now_text
from bachview.store.records import GridRecord
from bachview.store.results import ResultStore

if TYPE_CHECKING:
    from bachview.models.engines.base import EngineInfo
    from bachview.models.ensemble import Ensemble, EnsembleOutput
    from bachview.slide.tissue import TissueMask

_log = logging.getLogger(__name__)

RGB = npt.NDArray[np.uint8]

#: Patches in the first batch, so that the first colours appear at once.
_FIRST_BATCH = 8
#: Consecutive failures after which to check whether the slide still exists.
_SUSPICIOUS = 32


@dataclass(frozen=True, slots=True)
class RunStart:
    """A run is about to classify, or there is nothing left to do for it.

    Attributes
    ----------
    grid_id : in the store.
    plan : of the slide's cells.
    region : what was asked for, level-0 px; None for the whole slide.
    prediction : of the whole slide: everything saved so far, and the tissue cells. The receiver
        owns it; the run keeps no reference.
    total, restored : tissue cells in what was asked for, and how many of them were finished.
    failed : how many of the finished ones could not be read.
    warnings : what spoke against classifying this slide, one sentence each; None if it was not
        checked.
    updated : ISO 8601 UTC, the last change of the slide's cells before this run.
    """

    grid_id: int
    plan: Plan
    region: Region | None
    prediction: Prediction
    total: int
    restored: int
    failed: int
    warnings: tuple[str, ...] | None
    updated: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How a run ended.

    Attributes
    ----------
    grid_id : in the store.
    done, failed, total : cells judged, cells not readable, and tissue cells in what was asked for,
        over all runs.
    new : cells added by this call.
    seconds : spent classifying in this call, without pauses and without the tissue mask.
    """

    grid_id: int
    done: int
    failed: int
    total: int
    new: int
    seconds: float

    @property
    def cells_per_second(self) -> float:
        """Rate of this call; 0 if nothing was left to do."""
        return self.new / self.seconds if self.seconds > 0 else 0.0


def restore(store: ResultStore, record: GridRecord) -> Prediction:
    """The prediction of saved cells, complete or partial, without slide or bundle. Any thread.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    return store.load(record.grid_id)


def classify(
    reader: SlideReader,
    ensemble: "Ensemble",
    plan: Plan,
    store: ResultStore,
    token: CancelToken,
    *,
    region: Region | None = None,
    view: Callable[[], Region | None] = lambda: None,
    on_start: Callable[[RunStart], object] = lambda _: None,
    on_results: Callable[[PatchResults, Progress], object] = lambda _, __: None,
    retry_failed: bool = False,
    anyway: bool = False,
) -> RunSummary:
    """Classify the cells of the plan that are not in the store yet. Blocking.

    Call it on a low-priority lane: navigation comes first. Reads on two low-priority threads
    meanwhile. Each batch is in the store before `on_results` is called with it.

    Parameters
    ----------
    reader, store : stay open; the caller closes them after this has returned.
    token : pause, resume, cancel; checked between batches, within half a second.
    region : only cells that touch it, level-0 px; None: the whole slide.
    view : the current viewport, level-0 px, or None; called on the reader threads.
    on_start : called once on this thread when the work to do is known.
    on_results : called on this thread with each finished batch.
    retry_failed : retry patches that could not be read in earlier runs.
    anyway : classify although the check of the slide speaks against it; its sentences are kept with
        the cells.

    Raises
    ------
    Cancelled
        The token was cancelled. Finished patches are kept.
    UnsuitableSlideError
        The check of the slide speaks against classifying it; see
        `bachview.slide.suitability`. Nothing was classified.
    UsageError
        The region does not lie on the scanned part of the slide.
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
    asked = None if region is None else scanned_part(reader.metadata, region)
    wanted = _wanted(plan, asked)
    is_for_tissue = ensemble.bundle.manifest.is_for_tissue
    record = store.find(plan.id) or _begin(
        reader, provenance, plan, store, token, anyway=anyway, is_for_tissue=is_for_tissue
    )
    grid_id, tissue, warnings = record.grid_id, store.tissue(record.grid_id), record.warnings
    states = store.states(grid_id)
    pending = (states == CellState.PENDING) & wanted
    if retry_failed:
        pending |= (states == CellState.FAILED) & wanted
    total, left = int((tissue.mask & wanted).sum()), int(pending.sum())
    failed = int((states[wanted] == CellState.FAILED).sum()) if not retry_failed else 0
    if left and warnings is None:
        # Cells from before slides were checked.
        warnings = _findings(reader, plan, token, is_for_tissue=is_for_tissue)[1]
        store.note_warnings(grid_id, warnings)
    if left and warnings and not anyway:
        raise UnsuitableSlideError(warnings)
    restored = total - left
    done_to = {
        "file": str(reader.metadata.path),
        "fingerprint": reader.metadata.fingerprint,
        "bundle": provenance.bundle_name,
        "bundle_sha256": plan.bundle_sha256,
        "region": None if asked is None else list(asked),
    }
    audit.record("classify", **done_to, cells=total, new=left)
    on_start(
        RunStart(
            grid_id,
            plan,
            asked,
            store.load(grid_id),
            total,
            restored,
            failed,
            warnings,
            record.updated,
        )
    )
    session = _Session(
        reader, ensemble, plan, provenance, store, grid_id, states, tissue, pending, transform
    )
    if left:
        session.run_id = store.start_run(grid_id, asked, provenance)
        meter = RateMeter(total, total - left)
        outcome = Outcome.FAILED
        try:
            session.work(meter, token, view, on_results)
            session.tell_others(meter, on_results)
            outcome = Outcome.FINISHED
        except Cancelled:
            outcome = Outcome.CANCELLED
            raise
        finally:
            audit.record("classified", **done_to, outcome=outcome.value, new=session.new)
            _log_end(store, session, outcome)
        if reader.metadata.files is not None:
            # All cells are saved: nothing of this can fail the run.
            with contextlib.suppress(OSError, SlideReadError, Cancelled):
                remember_content(reader.metadata.files, token)
    # As saved: a second process may have worked on the same cells.
    states = store.states(grid_id)[wanted]
    done, failed = int(np.isin(states, JUDGED).sum()), int((states == CellState.FAILED).sum())
    return RunSummary(grid_id, done, failed, total, session.new, session.seconds)


def _wanted(plan: Plan, region: Region | None) -> npt.NDArray[np.bool_]:
    """(rows, columns) bool: the cells that touch `region`; all for None."""
    wanted = np.full((plan.grid.rows, plan.grid.columns), region is None, np.bool_)
    if region is not None:
        wanted[plan.grid.cells_in(region)] = True
    return wanted


def _begin(
    reader: SlideReader,
    provenance: Provenance,
    plan: Plan,
    store: ResultStore,
    token: CancelToken,
    *,
    anyway: bool,
    is_for_tissue: bool,
) -> GridRecord:
    """A new grid; its tissue cells are decided once for the whole slide."""
    mask, warnings = _findings(reader, plan, token, is_for_tissue=is_for_tissue)
    if warnings and not anyway:
        raise UnsuitableSlideError(warnings)
    tissue = mask.tissue_cells(plan.grid, plan.tissue_least, token)
    _check_files(reader)
    # Another process may have begun at the same time: then its cells count.
    store.begin(plan.grid_key, tissue, provenance, warnings)
    record = store.find(plan.id)
    if record is None:
        raise lost_grid()
    return record


def _findings(
    reader: SlideReader, plan: Plan, token: CancelToken, *, is_for_tissue: bool
) -> "tuple[TissueMask, tuple[str, ...]]":
    """The tissue, and what speaks against classifying the slide, one sentence each."""
    from bachview.slide.suitability import check_slide

    check = check_slide(reader, plan.pixel_size, plan.geometry, token, is_for_tissue=is_for_tissue)
    token.check()
    return check.tissue, tuple(finding.sentence for finding in check.findings)


def _log_end(store: ResultStore, session: "_Session", outcome: Outcome) -> None:
    """Write how a run ended; the log is no reason for a second error."""
    try:
        store.end_run(session.grid_id, session.run_id, outcome, session.seconds)
    except StoreError as error:
        _log.info("The end of a run could not be logged: %s", error)


def predicted(
    predict: "Callable[[RGB, CancelToken | None, npt.NDArray[np.bool_]], EnsembleOutput]",
    patches: Sequence[RGB] | RGB,
    token: CancelToken | None,
    asked: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Predictions of the members and of the ensemble, and which cells are outside what it knows.

    In halves if memory is short.

    Parameters
    ----------
    predict : as `Ensemble.predict`.
    patches : N >= 1 of (S, S, 3).
    asked : (N * K,) bool, which of the K places of each patch are asked for.

    Returns
    -------
    A row for each place that is asked for, patch by patch.

    Raises
    ------
    EngineError
        There is not even enough memory for a single patch.
    """
    try:
        answer = predict(np.asarray(patches), token, asked)
    except MemoryError as error:
        if len(patches) == 1:
            raise EngineError(NO_MEMORY) from error
    else:
        return (
            np.asarray(answer.members, np.float32),
            np.asarray(answer.probabilities, np.float32),
            answer.is_outside,
        )
    # Outside the handler, whose traceback would keep the arrays that did not fit.
    half = len(patches) // 2
    cut = half * len(asked) // len(patches)
    parts = [
        predicted(predict, patches[:half], token, asked[:cut]),
        predicted(predict, patches[half:], token, asked[cut:]),
    ]
    members, probabilities, is_outside = zip(*parts, strict=True)
    return np.concatenate(members), np.concatenate(probabilities), np.concatenate(is_outside)


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
        provenance: Provenance,
        store: ResultStore,
        grid_id: int,
        states: npt.NDArray[np.uint8],
        tissue: TissueCells,
        pending: npt.NDArray[np.bool_],
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
        self.grid_id = grid_id
        self.states = states
        self._tissue = tissue
        self._asked = AskedCells(pending, tissue, plan.grid)
        self._provenance = provenance
        #: The finished cells that the receiver of the results knows.
        self._told = states >= CellState.CLASSIFIED
        self.run_id = 0  # in the log
        self.new = 0
        self.seconds = 0.0
        # Consecutive failures that are not saved yet: due to the patches, or to the slide itself?
        self._suspects: list[tuple[int, int]] = []
        self._good_since = 0
        # A share that was away for a moment fails patches that are sound.
        self._read_twice: set[tuple[int, int]] = set()

    def work(
        self,
        meter: RateMeter,
        token: CancelToken,
        view: Callable[[], Region | None],
        on_results: Callable[[PatchResults, Progress], object],
    ) -> None:
        """Run until nothing is left."""
        size = min(_FIRST_BATCH, self._ensemble.batch_size)
        order, grid = PatchOrder(self._asked.patches), self._plan.grid
        clock, waited_before = time.monotonic(), token.waited_s

        def spent_s() -> float:
            return time.monotonic() - clock - (token.waited_s - waited_before)

        # Two batches: one ready for the models, one being read.
        most = 2 * self._ensemble.batch_size
        ahead = ReadAhead(order, grid, self._read, view, ahead=most)
        try:
            while True:
                if token.check():
                    meter.forget_pause()
                patches = ahead.take(size, token)
                size = self._ensemble.batch_size
                results = self._judge(patches, ahead, token, is_last=not patches)
                # Everything read up to now came from the file that was opened.
                _check_files(self._reader)
                if len(results):
                    self.seconds = spent_s()
                    run = self.run_id, self.seconds
                    if not self.new:
                        # Not earlier: only who has added cells has computed them.
                        self._store.note_provenance(self.grid_id, self._provenance)
                    news = self._store.commit(self.grid_id, results, run)
                    self.new += len(news)
                    self.states[results.cells[:, 0], results.cells[:, 1]] = results.states
                    self._told[news.cells[:, 0], news.cells[:, 1]] = True
                    on_results(news, meter.advance(len(results)))
                if not patches and ahead.is_done:
                    return
        finally:
            ahead.close()
            self.seconds = spent_s()

    def tell_others(
        self, meter: RateMeter, on_results: Callable[[PatchResults, Progress], object]
    ) -> None:
        """Report cells that another process has saved meanwhile: theirs is the one answer."""
        others = (self._store.states(self.grid_id) >= CellState.CLASSIFIED) & ~self._told
        if others.any():
            saved = self._store.load(self.grid_id).results()
            theirs = others[saved.cells[:, 0], saved.cells[:, 1]]
            self._told |= others
            on_results(saved.taken(theirs), meter.advance(0))

    def _judge(
        self, patches: list[ReadPatch], ahead: ReadAhead, token: CancelToken, *, is_last: bool
    ) -> PatchResults:
        """Results of a batch and of the failures now known to be due to the patches."""
        places: list[tuple[int, int]] = []
        pixels: list[RGB] = []
        failed: list[tuple[int, int]] = []
        for patch in patches:
            if patch.pixels is None:
                self._suspects.append(patch.place)
                self._good_since = 0
                continue
            places.append(patch.place)
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
            cells, is_asked = self._asked.of(places)
            of_members, of_all, is_outside = predicted(
                self._ensemble.predict, pixels, token, is_asked
            )
            good = PatchResults(
                cells[is_asked],
                np.where(is_outside, CellState.OUTSIDE, CellState.CLASSIFIED).astype(np.uint8),
                np.where(is_outside[:, None, None], np.float32(0), of_members),
                np.where(is_outside[:, None], np.float32(0), of_all),
            )
        if not failed:
            return good
        cells, is_asked = self._asked.of(failed)
        unread = cells[is_asked]
        return PatchResults(
            np.concatenate([good.cells, unread]),
            np.concatenate([good.states, np.full(len(unread), CellState.FAILED, np.uint8)]),
            np.concatenate([good.members, np.zeros((len(unread), members, classes), np.float32)]),
            np.concatenate([good.probabilities, np.zeros((len(unread), classes), np.float32)]),
        )

    def _failed_twice(self, ahead: ReadAhead) -> list[tuple[int, int]]:
        """The suspects that were read a second time; the others are read again."""
        failed = [place for place in self._suspects if place in self._read_twice]
        again = [place for place in self._suspects if place not in self._read_twice]
        self._suspects = []
        self._read_twice.update(again)
        ahead.read_again(again)
        return failed

    def _read(self, row: int, column: int) -> RGB:
        """A patch; any thread."""
        return self._patches.read(self._asked.field(row, column))

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
            read_before = np.argwhere(np.isin(self.states, JUDGED))
            if not len(read_before):
                return
            try:
                row, column = map(int, read_before[0])
                self._patches.read(self._tissue.field(self._plan.grid, row, column))
            except SlideReadError as error:
                cause = error
            else:
                return
        raise gone(self._metadata.path) from cause
