"""Classification as in the program, with everything it delivered recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bachview.core.predictions import PatchResults, Prediction
from bachview.errors import Cancelled
from bachview.inference.plan import Plan
from bachview.inference.run import RunStart, RunSummary, classify
from bachview.jobs.progress import Progress
from bachview.jobs.tokens import CancelToken
from bachview.models.ensemble import Ensemble
from bachview.slide.opening import open_slide
from bachview.slide.reader import SlideReader
from bachview.store.results import ResultStore


@dataclass(frozen=True, slots=True)
class Session:
    """One call of `classify`.

    Attributes
    ----------
    start : what it started with.
    batches : what it delivered, in order.
    summary : how it ended; None if it was cancelled.
    """

    start: RunStart
    batches: tuple[PatchResults, ...]
    summary: RunSummary | None

    @property
    def cells(self) -> list[tuple[int, int]]:
        """Every delivered (row, column), including repetitions."""
        return [(int(r), int(c)) for batch in self.batches for r, c in batch.cells]


@dataclass(frozen=True, slots=True)
class Classified:
    """A slide with its finished prediction, as loaded from the store.

    Attributes
    ----------
    path : of the slide.
    plan : of the run.
    prediction : loaded from the store after it was closed and reopened.
    session : what the run delivered.
    """

    path: Path
    plan: Plan
    prediction: Prediction
    session: Session


def run_session(
    reader: SlideReader,
    ensemble: Ensemble,
    plan: Plan,
    store: ResultStore,
    *,
    cancel_after: int | None = None,
    token: CancelToken | None = None,
) -> Session:
    """Classify once, with the run that the viewer uses.

    Parameters
    ----------
    cancel_after : cancel after this many patches were delivered.
    token : the caller's; cancelling it raises `Cancelled`.
    """
    starts: list[RunStart] = []
    batches: list[PatchResults] = []
    own = CancelToken()

    def on_results(results: PatchResults, progress: Progress) -> None:
        batches.append(results)
        delivered = sum(map(len, batches))
        asked = token is not None and token.is_cancelled
        if asked or (cancel_after is not None and delivered >= cancel_after):
            own.cancel()

    summary: RunSummary | None = None
    try:
        summary = classify(
            reader,
            ensemble,
            plan,
            store,
            own,
            view=lambda: None,
            on_start=starts.append,
            on_results=on_results,
        )
    except Cancelled:
        if token is not None:
            token.check()
    return Session(starts[0], tuple(batches), summary)


def classify_slide(
    path: Path,
    ensemble: Ensemble,
    planned: Callable[[SlideReader], Plan],
    folder: Path,
    token: CancelToken | None = None,
) -> Classified:
    """Open, classify, save, close, and load what was saved.

    Parameters
    ----------
    planned : returns the plan for the open slide.
    folder : of the results.
    """
    reader = open_slide(path)
    try:
        plan = planned(reader)
        with ResultStore.open(folder, reader.metadata.fingerprint) as store:
            session = run_session(reader, ensemble, plan, store, token=token)
        with ResultStore.open(folder, reader.metadata.fingerprint) as store:
            prediction = store.load(session.start.grid_id)
    finally:
        reader.close()
    return Classified(path, plan, prediction, session)
