"""``latency``: from Classify to the first colours, and from Cancel to the end of the run."""

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bachview.bench.inputs import phantom, untrained_bundle
from bachview.bench.result import Result, Say, graded
from bachview.core.geometry import Region
from bachview.errors import Cancelled
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.models.ensemble import Ensemble
from bachview.slide.reader import SlideReader

_CANCELS = 5
_WAIT_S = 120


def measure(say: Say, folder: Path) -> Iterator[Result]:
    """Measure the three real architectures, with the view in the middle of the tissue."""
    from bachview.models.loading import load_ensemble
    from bachview.slide.opening import open_slide

    bundle = untrained_bundle(folder, say)
    reader = open_slide(phantom(folder, 24_000, 18_000, say))
    try:
        say("loading the bundle")
        begun = time.perf_counter()
        with load_ensemble(bundle) as ensemble:
            loading = time.perf_counter() - begun
            yield graded("latency", "loading and checking the bundle", loading, "s")
            first, answers = 0.0, []
            for turn in range(_CANCELS):
                say(f"first colours and cancel, {turn + 1} of {_CANCELS}")
                colours, answer = _first_colours_and_cancel(reader, ensemble)
                first = first or colours
                answers.append(answer)
        yield graded("latency", "first class colours, bundle ready", first, "s")
        yield graded("latency", "first class colours, bundle not loaded yet", first + loading, "s")
        yield graded("latency", f"answer to cancel, longest of {_CANCELS}", max(answers), "s")
    finally:
        reader.close()


def _first_colours_and_cancel(reader: SlideReader, ensemble: Ensemble) -> tuple[float, float]:
    """Seconds until the first batch is done, and from the cancel until the run has stopped."""
    from bachview.inference.slides import SlideRun
    from bachview.store.results import ResultStore

    metadata = reader.metadata
    view = Region.around(metadata.pyramid.extent.center, 3840, 2160)
    arrived = threading.Event()
    lane = Lane("inference", low_priority=True)
    token = CancelToken()
    with (
        tempfile.TemporaryDirectory(prefix="bachview-bench-") as folder,
        ResultStore.open(Path(folder), metadata.fingerprint) as store,
    ):

        def job(token: CancelToken) -> None:
            with SlideRun(reader, ensemble, store) as run:
                run.work(token, view=lambda: view, on_results=lambda _, __: arrived.set())

        begun = time.perf_counter()
        future = lane.submit(job, token)
        try:
            future.add_done_callback(lambda _: arrived.set())  # do not hang if the run fails
            arrived.wait(_WAIT_S)
            colours = time.perf_counter() - begun
            # At some point within a batch, as a user would.
            token.wait(0.37)
            begun = time.perf_counter()
            token.cancel()
            error = future.exception(_WAIT_S)
            answer = time.perf_counter() - begun
            if error is not None and not isinstance(error, Cancelled):
                raise error
        finally:
            lane.close()
    return colours, answer
