"""``engines``: every engine and precision against ``keras.predict``, on the same patches."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.bench.inputs import phantom, tissue_patches, untrained_bundle
from bachview.bench.result import Result, Say, graded
from bachview.errors import EngineError
from bachview.models.engines.base import CnnEngine
from bachview.models.ensemble import EnsembleOutput

RGB = npt.NDArray[np.uint8]

#: Enough that one patch with a different class is less than half a percent.
_PATCHES = 208
#: The number on which slow engines are timed.
_TIMED = 48
_BATCH = 16


def measure(say: Say, folder: Path) -> Iterator[Result]:
    """Rates of the three CNNs, and the difference of the ensemble from the reference.

    Raises
    ------
    EngineError
        TensorFlow, the reference, is not installed.
    """
    from bachview.models.engines.openvino_engine import (
        OpenVinoEngine,
        candidate_devices,
        candidate_precisions,
    )
    from bachview.models.engines.tensorflow_engine import TensorFlowEngine
    from bachview.models.loading import load_ensemble

    bundle = untrained_bundle(folder, say)
    patches = _patches(say, folder, bundle)
    say("keras.predict")
    base = keras_rate(bundle, patches[:_TIMED])
    yield graded("engines", "keras.predict f32, rate", base, "patches/s")
    say("the tensorflow engine")
    with load_ensemble(bundle, engine="tensorflow", device="CPU") as ensemble:
        reference = ensemble.predict(patches)
        rate = graph_rate(TensorFlowEngine(ensemble.bundle, device="CPU"), patches[:_TIMED])
    yield graded("engines", "tensorflow CPU f32, rate", rate, "patches/s")
    yield graded("engines", "tensorflow CPU f32 against keras.predict", rate / base, "x")
    for device in candidate_devices("AUTO"):
        for precision in candidate_precisions(device):
            case = f"openvino {device} {precision}"
            say(f"the engine {case}")
            try:
                loaded = load_ensemble(bundle, device=device.split(".")[0], precision=precision)
            except EngineError as error:
                say(str(error))
                continue
            with loaded as ensemble:
                answer = ensemble.predict(patches)
                engine = OpenVinoEngine(ensemble.bundle, device=device, precision=precision)
                rate = graph_rate(engine, patches)
            yield graded("engines", f"{case}, rate", rate, "patches/s")
            yield graded("engines", f"{case} against keras.predict", rate / base, "x")
            yield from _distance(case, answer, reference)


def _patches(say: Say, folder: Path, bundle: Path) -> RGB:
    from bachview.models.bundle.opened import open_bundle
    from bachview.slide.opening import open_slide

    with open_bundle(bundle) as opened:
        geometry = opened.geometry
    reader = open_slide(phantom(folder, 12_000, 9_000, say))
    try:
        return tissue_patches(reader, geometry, _PATCHES)[0]
    finally:
        reader.close()


def _distance(case: str, answer: EnsembleOutput, reference: EnsembleOutput) -> Iterator[Result]:
    """Difference of an engine from the reference, over all members and in the soft vote."""
    greatest = float(np.abs(answer.members - reference.members).max())
    same = answer.probabilities.argmax(axis=1) == reference.probabilities.argmax(axis=1)
    yield graded("engines", f"{case} against the reference, greatest difference", greatest, "")
    yield graded("engines", f"{case} against the reference, same class", same.mean() * 100, "%")


def graph_rate(engine: CnnEngine, patches: RGB) -> float:
    """Patches per second of the bare CNN graph. Closes the engine."""
    size = engine.batch_size
    try:
        return _rate(lambda: engine.run(patches), lambda: engine.run(patches[:size]), len(patches))
    finally:
        engine.close()


def keras_rate(bundle: Path, patches: RGB) -> float:
    """Patches per second of ``keras.Model.predict`` for the three CNNs together.

    Raises
    ------
    EngineError
        TensorFlow is not installed.
    """
    models = _keras_models(bundle)

    def predict(count: int) -> None:
        for model in models:
            model.predict(patches[:count], batch_size=_BATCH, verbose=0)

    return _rate(lambda: predict(len(patches)), lambda: predict(_BATCH), len(patches))


def _rate(job: Callable[[], Any], warm_up: Callable[[], Any], count: int) -> float:
    warm_up()
    begun = time.perf_counter()
    job()
    return count / (time.perf_counter() - begun)


def _keras_models(bundle: Path) -> list[Any]:
    """The CNNs as plain Keras models with the bundle's weights, as in `TensorFlowEngine`."""
    from bachview.models.architectures import build_cnn
    from bachview.models.bundle.opened import open_bundle
    from bachview.models.engines.keras_weights import load_weights

    models = []
    with open_bundle(bundle) as opened:
        manifest = opened.manifest
        for cnn in manifest.cnns:
            if cnn.weights_file is None:
                raise EngineError(f"The bundle {bundle.name} has no weights for Keras.")
            model = build_cnn(
                cnn.architecture,
                input_px=manifest.patch.input_px,
                class_count=len(manifest.classes),
                features=cnn.features,
            )
            load_weights(model, opened.read(cnn.weights_file), cnn.weights_file)
            models.append(model)
    return models
