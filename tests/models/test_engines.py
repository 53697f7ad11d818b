"""One contract for every engine, and the distance between them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bachview.errors import Cancelled, EngineError, UsageError
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.opened import Bundle, open_bundle
from bachview.models.engines.base import CnnEngine
from bachview.models.engines.openvino_engine import OpenVinoEngine, candidate_precisions
from bachview.models.engines.tensorflow_engine import TensorFlowEngine
from tests.support.bundles import edit_arrays, rehash, selftest_path, unpacked

ENGINES = ["openvino-f32", "openvino-bf16", "tensorflow"]


@pytest.fixture(scope="module")
def bundle() -> Iterator[Bundle]:
    with open_bundle(selftest_path()) as opened:
        yield opened


def started(name: str, bundle: Bundle) -> CnnEngine:
    if name == "tensorflow":
        return TensorFlowEngine(bundle, device="CPU")
    precision = name.partition("-")[2]
    if precision not in candidate_precisions("CPU"):
        pytest.skip(f"this processor does not compute in {precision}")
    return OpenVinoEngine(bundle, device="CPU", precision=precision)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, bundle: Bundle) -> Iterator[CnnEngine]:
    engine = started(request.param, bundle)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def patches() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    rng = np.random.default_rng(1)
    base = rng.integers(0, 256, (37, 1, 1, 3))
    noise = rng.integers(-40, 41, (37, 64, 64, 3))
    return (base + noise).clip(0, 255).astype(np.uint8)


def test_it_says_what_is_in_use(engine: CnnEngine) -> None:
    assert engine.info.name in ("openvino", "tensorflow")
    assert engine.info.device == "CPU"
    assert engine.info.precision in ("f32", "bf16")
    assert engine.batch_size >= 1


def test_outputs_have_their_shapes_and_probabilities_sum_to_1(
    engine: CnnEngine, patches: np.ndarray
) -> None:
    out = engine.run(patches)
    assert out.probabilities.shape == (37, 3, 4)
    assert [f.shape for f in out.features] == [(37, 3), (37, 4), (37, 4)]
    assert out.maps.shape == (37, 3, 8, 8, 4)
    assert out.concatenated.shape == (37, 11)
    for values in (out.probabilities, *out.features, out.maps):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    tolerance = 1e-5 if engine.info.precision == "f32" else 1e-2
    np.testing.assert_allclose(out.probabilities.sum(2), 1, atol=tolerance)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5])
def test_any_number_of_patches(engine: CnnEngine, patches: np.ndarray, count: int) -> None:
    out = engine.run(patches[:count])
    assert out.probabilities.shape == (count, 3, 4)
    assert out.maps.shape == (count, 3, 8, 8, 4)
    assert [len(f) for f in out.features] == [count] * 3


def test_a_patch_alone_is_answered_as_in_a_batch(engine: CnnEngine, patches: np.ndarray) -> None:
    together = engine.run(patches)
    for place in (0, 1, 2, 3, 17, 36):
        alone = engine.run(patches[place : place + 1])
        np.testing.assert_array_equal(alone.probabilities[0], together.probabilities[place])
        np.testing.assert_array_equal(alone.concatenated[0], together.concatenated[place])


def test_answers_are_kept_when_the_engine_runs_again(
    engine: CnnEngine, patches: np.ndarray
) -> None:
    first = engine.run(patches[:4])
    before = first.probabilities.copy()
    engine.run(patches[4:12])
    np.testing.assert_array_equal(first.probabilities, before)


def test_views_and_other_orders_in_memory_are_taken(engine: CnnEngine, patches: np.ndarray) -> None:
    turned = np.asfortranarray(patches[:4])
    flipped = patches[:4, ::-1]
    wanted = engine.run(patches[:4]).probabilities
    np.testing.assert_array_equal(engine.run(turned).probabilities, wanted)
    # The mean colour does not change, only the order of its sum.
    np.testing.assert_allclose(engine.run(flipped).probabilities, wanted, atol=2e-2)


def test_the_activation_map_is_exact(engine: CnnEngine, patches: np.ndarray) -> None:
    out = engine.run(patches)
    logits = out.maps.mean((2, 3))
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    tolerance = 1e-4 if engine.info.precision == "f32" else 0.05
    np.testing.assert_allclose(
        powers / powers.sum(-1, keepdims=True), out.probabilities, atol=tolerance
    )


def test_the_activation_map_lies_where_the_colour_is(engine: CnnEngine) -> None:
    from bachview.core.stains import STAIN_COLORS

    patch = np.empty((1, 64, 64, 3), np.uint8)
    patch[:, :32] = STAIN_COLORS["Normal"]
    patch[:, 32:, :32] = STAIN_COLORS["InSitu"]
    patch[:, 32:, 32:] = STAIN_COLORS["Invasive"]
    best = engine.run(patch).maps[0].argmax(-1)
    assert (best[:, :4] == 0).all()
    assert (best[:, 4:, :4] == 2).all()
    assert (best[:, 4:, 4:] == 3).all()


def test_a_cancelled_run_stops_and_the_next_one_works(
    engine: CnnEngine, patches: np.ndarray
) -> None:
    wanted = engine.run(patches).probabilities
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        engine.run(np.concatenate([patches] * 20), token)
    np.testing.assert_array_equal(engine.run(patches).probabilities, wanted)


@pytest.mark.parametrize("name", ENGINES)
def test_a_closed_engine_says_so(name: str, bundle: Bundle, patches: np.ndarray) -> None:
    engine = started(name, bundle)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.run(patches[:1])


@pytest.mark.parametrize(("name", "tolerance"), [("openvino-f32", 1e-3), ("openvino-bf16", 0.08)])
def test_openvino_agrees_with_the_reference(
    name: str, tolerance: float, bundle: Bundle, patches: np.ndarray
) -> None:
    found, reference = started(name, bundle), started("tensorflow", bundle)
    a, b = found.run(patches), reference.run(patches)
    found.close()
    reference.close()
    assert np.abs(a.probabilities - b.probabilities).max() <= tolerance
    ranked = np.sort(b.probabilities, axis=2)
    clear = ranked[..., -1] - ranked[..., -2] > 2 * tolerance
    assert (a.probabilities.argmax(2) == b.probabilities.argmax(2))[clear].all()


def test_the_reference_takes_no_other_weights(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "bundle")
    edit_arrays(
        folder / "keras" / "rgb.npz", lambda a: a.update({"0000": a["0000"].T.copy()[..., :2]})
    )
    from bachview.errors import BundleError

    with (
        open_bundle(rehash(folder)) as bundle,
        pytest.raises(BundleError, match="does not contain"),
    ):
        TensorFlowEngine(bundle, device="CPU")


def test_the_reference_computes_in_f32_only() -> None:
    from bachview.models.loading import load_ensemble

    with pytest.raises(UsageError, match="f32 only"):
        load_ensemble(selftest_path(), engine="tensorflow", precision="bf16")
    with pytest.raises(EngineError, match="no NPU"):
        load_ensemble(selftest_path(), engine="tensorflow", device="NPU")
