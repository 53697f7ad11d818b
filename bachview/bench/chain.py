"""``chain``: from the slide to the saved result, against the bare graph and keras.predict."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bachview.bench.engines import graph_rate, keras_rate
from bachview.bench.inputs import phantom, tissue_patches, untrained_bundle
from bachview.bench.result import Result, Say, graded
from bachview.core.geometry import Region
from bachview.jobs.lanes import Lane
from bachview.models.ensemble import Ensemble
from bachview.slide.reader import SlideReader

#: Patches in the measured region for each precision: some tens of seconds on two cores.
_PATCHES = {"bf16": 1024, "f32": 324}
_BARE = 128


def measure(say: Say, folder: Path) -> Iterator[Result]:
    """Rate of the whole chain; the bare graph is measured before and after it.

    Raises
    ------
    EngineError
        TensorFlow, the reference, is not installed.
    """
    from bachview.models.engines.openvino_engine import OpenVinoEngine, candidate_precisions
    from bachview.models.loading import load_ensemble
    from bachview.slide.opening import open_slide

    bundle = untrained_bundle(folder, say)
    reader = open_slide(phantom(folder, 24_000, 18_000, say))
    try:
        rates = {}
        for precision in candidate_precisions("CPU"):
            with load_ensemble(bundle, device="CPU", precision=precision) as ensemble:
                count = _PATCHES.get(precision, 324)
                patches, region = tissue_patches(reader, ensemble.bundle.geometry, count)
                patches = patches[:_BARE]
                say(f"the bare graph in {precision}")
                before = graph_rate(
                    OpenVinoEngine(ensemble.bundle, device="CPU", precision=precision), patches
                )
                say(f"the whole chain in {precision}")
                rates[precision] = chain = _chain_rate(reader, ensemble, region)
                after = graph_rate(
                    OpenVinoEngine(ensemble.bundle, device="CPU", precision=precision), patches
                )
            bare = 2 / (1 / before + 1 / after)
            yield graded("chain", f"{precision} rate", chain, "patches/s")
            yield graded("chain", f"{precision} bare graph, rate", bare, "patches/s")
            yield graded("chain", f"{precision} against the bare graph", 100 * chain / bare, "%")
        say("keras.predict")
        base = keras_rate(bundle, patches[:48])
        yield graded("chain", "keras.predict, rate", base, "patches/s")
        for precision, rate in rates.items():
            yield graded("chain", f"{precision} against keras.predict", rate / base, "x")
    finally:
        reader.close()


def _chain_rate(reader: SlideReader, ensemble: Ensemble, region: Region) -> float:
    """Patches per second of a run over `region`: reading, six members, store."""
    from bachview.inference.slides import SlideRun
    from bachview.store.results import ResultStore

    lane = Lane("inference", low_priority=True)
    with (
        tempfile.TemporaryDirectory(prefix="bachview-bench-") as folder,
        ResultStore.open(Path(folder), reader.metadata.fingerprint) as store,
        SlideRun(reader, ensemble, store, region=region) as run,
    ):
        try:
            lane.submit(run.work).result()
        finally:
            lane.close()
        assert run.summary is not None, "the run finished"  # noqa: S101
        return run.summary.cells_per_second / ensemble.bundle.geometry.cells_per_side**2
