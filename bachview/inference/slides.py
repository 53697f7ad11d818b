"""The classification of one slide: plan, store and growing prediction kept together.

This is how a slide is classified: the command line, the self-test, the benchmarks, the scores
of annotated slides and `bachview.classify` all come through here. The window, whose prediction
belongs to another thread than the run, calls `inference.run.classify` itself.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bachview.core.closable import Closable
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import PatchResults, Prediction
from bachview.inference.plan import make_plan
from bachview.inference.run import RunStart, RunSummary, classify
from bachview.jobs.progress import Progress
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideReader
from bachview.store.provenance import Provenance
from bachview.store.results import ResultStore

if TYPE_CHECKING:
    from bachview.models.ensemble import Ensemble


class SlideRun(Closable):
    """A slide, an ensemble, and what the one has said of the other so far.

    `work` runs on one thread; read the attributes when it has ended. The owner closes it after
    that; slide, ensemble and a store that was passed in stay open.

    Attributes
    ----------
    plan : of the run.
    prediction : all that is known, that of earlier sessions included; None until the tissue has
        been found.
    restored : patches that earlier sessions had finished.
    progress : of the last batch; None before the first.
    new, seconds : patches that this object added, and the time that it took, also where `work` was
        cancelled.
    summary : how `work` ended; None where it was cancelled or failed.
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
        store : keeps every batch, and what it has of this run is not computed again; None: in
            memory, for as long as this object is open.
        pixel_size : um/px at level 0; None: the slide's own.
        region, stride_um, icc : as of `inference.plan.make_plan`.

        Raises
        ------
        PixelSizeError, UsageError
            As of `inference.plan.make_plan`.
        """
        metadata = reader.metadata
        self._reader, self._ensemble = reader, ensemble
        self.plan = make_plan(
            metadata,
            pixel_size or metadata.pixel_size,
            ensemble.bundle,
            region=region,
            stride_um=stride_um,
            icc=icc,
        )
        self._own_store = ResultStore.in_memory(metadata.fingerprint) if store is None else None
        self._store = store or self._own_store
        self.prediction: Prediction | None = None
        self.restored = 0
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
    ) -> Prediction:
        """Classify what is missing. Blocking; best on a lane of low priority.

        Parameters
        ----------
        token, view, retry_failed : as of `inference.run.classify`.
        on_start, on_results : called on this thread, after `prediction` has taken it in.

        Raises
        ------
        Cancelled, SlideReadError, EngineError, StoreError
            As of `inference.run.classify`; `prediction` holds what was finished.
        """
        if self._store is None:
            raise ValueError("the run was closed")

        begun = time.monotonic()

        def start(found: RunStart) -> None:
            nonlocal begun
            self.prediction, self.restored = found.prediction, found.restored
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
            view=view,
            on_start=start,
            on_results=take_in,
            retry_failed=retry_failed,
        )
        self.seconds = self.summary.seconds
        return self._so_far

    @property
    def _so_far(self) -> Prediction:
        assert self.prediction is not None, "a run starts before it has results"  # noqa: S101
        return self.prediction

    @property
    def provenance(self) -> Provenance:
        """Of the run as the store has it, with every device that worked on it.

        Raises
        ------
        StoreError
            The store cannot be read or has lost the run.
        """
        if self._store is None:
            raise ValueError("the run was closed")
        return self._store.provenance(self.plan.id)

    def close(self) -> None:
        """Close the store if it is the run's own; may be called twice."""
        if self._own_store is not None:
            self._own_store.close()
        self._store = self._own_store = None
