"""Checks that a resumed run repeats and loses no patch, and gives the same result."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bachview.core.cell_state import CellState
from bachview.core.predictions import Prediction
from bachview.inference.plan import Plan
from bachview.jobs.tokens import CancelToken
from bachview.models.ensemble import Ensemble
from bachview.models.verification import Check
from bachview.selftest.runs import Session, run_session
from bachview.slide.opening import open_slide
from bachview.store.results import ResultStore

#: Probabilities may differ by this much: different patches share a batch.
_SLACK = 0.02


def check_resume(
    path: Path,
    ensemble: Ensemble,
    plan: Plan,
    whole: Prediction,
    folder: Path,
    token: CancelToken | None = None,
    reopened: Callable[[ResultStore], ResultStore] = lambda store: store,
) -> Check:
    """Stop a run in the middle, close everything, and start again.

    Parameters
    ----------
    plan : of the run that gave `whole` without interruption.
    folder : for the results; not that of `whole`.
    reopened : changes the store before the second session; for showing that a fault is found.
    """
    name = "resume"
    tissue = {(int(r), int(c)) for r, c in np.argwhere(whole.states != CellState.NO_TISSUE)}
    first, _ = _session(path, ensemble, plan, folder, token, cancel_after=len(tissue) // 3)
    if first.summary is not None:
        return Check(name, False, "The run finished although it was cancelled.")
    second, prediction = _session(path, ensemble, plan, folder, token, reopened=reopened)
    before, after = first.cells, second.cells
    twice = len(before) + len(after) - len({*before, *after})
    lost = len(tissue - {*before, *after})
    extra = len({*before, *after} - tissue)
    if twice or lost or extra:
        return Check(
            name, False, f"{twice} patches were classified twice, {lost} were lost, {extra} added."
        )
    if second.start.restored != len(before):
        return Check(
            name,
            False,
            f"{len(before)} patches were finished before the stop, {second.start.restored} found.",
        )
    if not _equal(whole, prediction):
        return Check(name, False, "The result differs from that of an uninterrupted run.")
    return Check(
        name,
        True,
        f"Stopped after {len(before)} patches, {len(after)} more after the restart: none repeated, "
        "none lost, the same result as without the stop.",
    )


def _session(
    path: Path,
    ensemble: Ensemble,
    plan: Plan,
    folder: Path,
    token: CancelToken | None,
    *,
    cancel_after: int | None = None,
    reopened: Callable[[ResultStore], ResultStore] = lambda store: store,
) -> tuple[Session, Prediction]:
    reader = open_slide(path)
    try:
        with ResultStore.open(folder, plan.fingerprint) as store:
            session = run_session(
                reader, ensemble, plan, reopened(store), cancel_after=cancel_after, token=token
            )
            return session, store.load(session.start.grid_id)
    finally:
        reader.close()


def _equal(whole: Prediction, other: Prediction) -> bool:
    if not np.array_equal(whole.states, other.states):
        return False
    if not np.array_equal(whole.top_class, other.top_class):
        return False
    mine, theirs = whole.results().probabilities, other.results().probabilities
    return bool(np.abs(mine - theirs).max(initial=0) <= _SLACK)
