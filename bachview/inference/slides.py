"""The classification of one slide: plan, store and growing prediction kept together.

All slides are classified this way: by the command line, the self-test, the benchmarks, the scores
of annotated slides and `bachview.classify`. Only the window, whose prediction belongs to a
different thread than the run, calls `inference.run.classify` itself.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bachview.core.closable import Closable
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import PatchResults, Prediction
from bachview.inference.plan import make_plan, scanned_part
from bachview.inference.run import RunStart, RunSummary, classify
from bachview.jobs.progress import Progress
from bachview.jobs.tokens import CancelToken
from bachview.marks.correction import Correction
from bachview.slide.reader import SlideReader
from bachview.store.provenance import Provenance
from bachview.store.results import ResultStore

if TYPE_CHECKING:
    from bachview.models.ensemble import Ensemble


class SlideRun(Closable):
    """A slide, an ensemble, and the prediction so far.

    `work` runs on one thread; read the attributes after it has ended. The owner closes it after
    that; slide, ensemble and a store that was passed in stay open.

    Attributes
    ----------
    plan : of the slide's cells.
    region : what is classified, level-0 px; None for the whole slide.
    prediction : everything known of the whole slide, including earlier runs; None until the tissue
        has been found.
    restored : patches of `region` finished in earlier runs.
    warnings : what spoke against classifying the slide, one sentence each; None if unknown.
    progress : of the last batch; None before the first.
    new, seconds : patches added by this object, and the time taken, even if `work` was cancelled.
    summary : how `work` ended; None if it was cancelled or failed.
    """

    def __init__(
        self,
        reader: SlideReader,
        ensemble: "Ensemble",
        store: ResultStore | None = None,
        *,
        pixel_size: PixelSize | None = None,
        region: Region | None = None,
        stride_um: float | None = None,
        icc: bool = True,
    ) -> None:
        """Plan the run; nothing is read yet.

        Parameters
        ----------
        store : keeps every batch; its patches of this run are not computed again. None: in memory,
            as long as this object is open.
        pixel_size : um/px at level 0; None: that of the slide.
        region : what to classify, level-0 px; None: the whole slide.
        stride_um, icc : as of `inference.plan.make_plan`.

        Raises
        ------
        PixelSizeError, UsageError
            As of `inference.plan.make_plan` and `scanned_part`.
        """
        metadata = reader.metadata
        self._reader, self._ensemble = reader, ensemble
        self.plan = make_plan(
            metadata,
            pixel_size or metadata.pixel_size,
            ensemble.bundle,
            stride_um=stride_um,
            icc=icc,
        )
        self.region = None if region is None else scanned_part(metadata, region)
        self._own_store = ResultStore.in_memory(metadata.fingerprint) if store is None else None
        self._store = store or self._own_store
        self.prediction: Prediction | None = None
        self.restored = 0
        self.warnings: tuple[str, ...] | None = None
        self.progress: Progress | None = None
        self.new = 0
        self.seconds = 0.0
        self.summary: RunSummary | None = None

    def work(
        self,
        token: CancelToken | None = None,
        *,
        view: Callable[[], Region | None] = lambda: None,
        on_start: Callable[[RunStart], object] = lambda _: None,
        on_results: Callable[[PatchResults, Progress], object] = lambda _, __: None,
        retry_failed: bool = False,
        anyway: bool = False,
    ) -> Prediction:
        """Classify what is missing. Blocking; best on a low-priority lane.

        Parameters
        ----------
        token, view, retry_failed, anyway : as of `inference.run.classify`.
        on_start, on_results : called on this thread, after `prediction` was updated.

        Raises
        ------
        Cancelled, UnsuitableSlideError, SlideReadError, EngineError, StoreError
            As of `inference.run.classify`; `prediction` has what was finished.
        """
        if self._store is None:
            raise ValueError("the run was closed")

        begun = time.monotonic()
        self.new, self.seconds, self.summary = 0, 0.0, None

        def start(found: RunStart) -> None:
            nonlocal begun
            self.prediction, self.restored = found.prediction, found.restored
            self.warnings = found.warnings
            begun = time.monotonic()
            on_start(found)

        def take_in(results: PatchResults, progress: Progress) -> None:
            self._so_far.add(results)
            self.progress = progress
            self.new += len(results)
            self.seconds = time.monotonic() - begun
            on_results(results, progress)

        self.summary = classify(
            self._reader,
            self._ensemble,
            self.plan,
            self._store,
            token or CancelToken(),
            region=self.region,
            view=view,
            on_start=start,
            on_results=take_in,
            retry_failed=retry_failed,
            anyway=anyway,
        )
        # Without what another process has added meanwhile.
        self.new, self.seconds = self.summary.new, self.summary.seconds
        return self._so_far

    @property
    def _so_far(self) -> Prediction:
        assert self.prediction is not None, "a run starts before it has results"  # noqa: S101
        return self.prediction

    @property
    def provenance(self) -> Provenance:
        """Of the run in the store, with every device that worked on it.

        Raises
        ------
        StoreError
            The store cannot be read or no longer has the run.
        """
        if self._store is None:
            raise ValueError("the run was closed")
        return self._store.provenance(self.plan.id)

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """What a reader has said of cells of the slide, in the store.

        Raises
        ------
        StoreError
            The store cannot be read.
        """
        if self._store is None:
            raise ValueError("the run is closed")
        return self._store.corrections()

    def close(self) -> None:
        """Close the store if it is the run's own; may be called twice."""
        if self._own_store is not None:
            self._own_store.close()
        self._store = self._own_store = None
