"""The results store of one open slide, opened when it is first needed."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bachview.config import user_folders
from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.predictions import Prediction
from bachview.errors import StoreError
from bachview.jobs.progress import Progress
from bachview.slide.fingerprint import Former
from bachview.store.log import Outcome
from bachview.store.of_slide import existing_results, open_results
from bachview.store.records import GridRecord
from bachview.store.results import ResultStore

if TYPE_CHECKING:
    from bachview.inference.plan import Plan


@dataclass(frozen=True, slots=True)
class SavedResults:
    """The cells of a slide that earlier runs have classified, and the last of these runs.

    Attributes
    ----------
    region : what the last run was asked for, level-0 px; None for the whole slide.
    outcome : how it ended; None if it is not known.
    progress : of that run: how much of its region is done now.
    pixel_size : that the cells were planned with.
    """

    record: GridRecord
    prediction: Prediction
    region: Region | None
    outcome: Outcome | None
    progress: Progress
    pixel_size: PixelSize


def read_saved(store: ResultStore, plan: "Plan") -> SavedResults | None:
    """What is saved of a plan; None if nothing is. Any thread but the GUI thread.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    record = store.find(plan.id)
    if record is None or not (record.done or record.failed or record.is_complete):
        return None
    prediction = store.load(record.grid_id)
    runs = store.runs(record.grid_id)
    region = runs[0].region if runs else None
    cells = (slice(None), slice(None)) if region is None else plan.grid.cells_in(region)
    states = prediction.states[cells]
    progress = Progress(
        int((states >= CellState.CLASSIFIED).sum()),
        int((states != CellState.NO_TISSUE).sum()),
        0.0,
    )
    outcome = runs[0].outcome if runs else None
    return SavedResults(record, prediction, region, outcome, progress, plan.pixel_size)


def others_text(grids: Iterable[GridRecord], plan: "Plan") -> str:
    """What a slide without results of `plan` has instead, after "results of"; empty if nothing."""
    kinds = {difference(grid, plan): None for grid in grids if grid.done or grid.failed}
    return " and of ".join(kinds)


def difference(grid: GridRecord, plan: "Plan") -> str:
    """Why the cells of `grid` are not those of `plan`, after "results of"."""
    key, provenance = grid.key, grid.provenance
    if key.bundle_sha256 != plan.bundle_sha256:
        return f"another model ({key.bundle_name})"
    used = provenance.mpp_x, provenance.mpp_y, provenance.mpp_origin
    now = plan.pixel_size.mpp_x, plan.pixel_size.mpp_y, plan.pixel_size.origin.value
    if used != now:
        stated = PixelSize(provenance.mpp_x, provenance.mpp_y, Origin(provenance.mpp_origin))
        return f"another pixel size, {stated.text}{stated.remark}"
    if key.grid.region != plan.grid.region:
        return "a region, classified by an earlier version"
    return "other settings (size of the cells, colours, or those of an earlier version)"


class SlideResults:
    """Opens the store on first use. Any thread but the GUI thread, as it reads a file."""

    def __init__(self, fingerprint: str, former: Former | None = None) -> None:
        self._fingerprint = fingerprint
        self._former = former
        self._lock = threading.Lock()
        self._store: ResultStore | None = None
        self._closed = False
        self._is_temporary = False

    @property
    def is_temporary(self) -> bool:
        """Whether what is classified now is lost when the slide is closed. Any thread."""
        return self._is_temporary

    def existing(self) -> ResultStore | None:
        """The store if this slide was ever classified; looking creates no file.

        Raises
        ------
        StoreError
            It exists but cannot be read.
        """
        with self._lock:
            is_open = self._store is not None and self._store.is_open
            if not is_open and not existing_results(
                user_folders().results, self._fingerprint, self._former
            ):
                return None
        return self.opened()

    def opened(self) -> ResultStore:
        """The store, created if there is none.

        Raises
        ------
        StoreError
            The folder cannot be written.
        """
        with self._lock:
            if self._closed:
                raise StoreError("The slide is closed; its results are saved.")
            if self._store is None or not self._store.is_open:
                self._store = open_results(user_folders().results, self._fingerprint, self._former)
                self._is_temporary = False
            return self._store

    def opened_or_temporary(self) -> tuple[ResultStore, str]:
        """The store; if none can be written, one in memory and a sentence that says so."""
        try:
            store = self.opened()
        except StoreError as error:
            with self._lock:
                if self._closed:
                    raise
                self._store = ResultStore.in_memory(self._fingerprint)
                self._is_temporary = True
                return self._store, f"{error} Results are kept only until the slide is closed."
        return store, store.notice or ""

    def close(self) -> None:
        """Close the file; later use raises `StoreError`."""
        with self._lock:
            self._closed = True
            store, self._store = self._store, None
        if store is not None:
            store.close()
