"""The six as one: exact on the stains, the same alone and in a batch, quiet, low in priority."""

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.classes import BACH_CLASSES
from bachview.core.stains import STAIN_COLORS
from bachview.errors import BundleError, Cancelled, UsageError
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.installed import installed_bundles, resolve_bundle
from bachview.models.engines.base import CnnOutputs
from bachview.models.ensemble import Ensemble
from bachview.models.loading import load_ensemble
from tests.support.bundles import edit_manifest, selftest_path, unpacked


@pytest.fixture(scope="module")
def ensemble() -> Iterator[Ensemble]:
    with load_ensemble(selftest_path()) as loaded:
        yield loaded


def flat(*colours: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.stack([np.full((64, 64, 3), colour, np.uint8) for colour in colours])


def test_each_stain_gets_its_class_from_every_member(ensemble: Ensemble) -> None:
    out = ensemble.predict(flat(*(STAIN_COLORS[c.key] for c in BACH_CLASSES)))
    assert out.members.shape == (4, 6, 4)
    assert out.members.dtype == out.probabilities.dtype == np.float32
    for place in range(4):
        assert (out.members[place].argmax(1) == place).all()
        assert out.probabilities[place].argmax() == place
        assert out.probabilities[place].max() > 0.9
    np.testing.assert_allclose(out.probabilities.sum(1), 1, atol=1e-5)


@given(
    st.sampled_from(sorted(STAIN_COLORS)),
    st.tuples(*[st.integers(-12, 12)] * 3),
    st.integers(0, 30),
    st.integers(0, 2**32 - 1),
)
def test_a_noisy_stain_keeps_its_class(
    ensemble: Ensemble, key: str, shift: tuple[int, int, int], noise: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    colour = np.array(STAIN_COLORS[key]) + shift
    patch = (colour + rng.integers(-noise, noise + 1, (64, 64, 3))).clip(0, 255).astype(np.uint8)
    assert ensemble.predict(patch[None]).probabilities[0].argmax() == BACH_CLASSES.keys.index(key)


def test_the_soft_vote_is_the_weighted_mean(ensemble: Ensemble) -> None:
    rng = np.random.default_rng(3)
    out = ensemble.predict(rng.integers(0, 256, (10, 64, 64, 3)).astype(np.uint8))
    np.testing.assert_allclose(out.probabilities, out.members.mean(1), atol=1e-5)


def test_alone_and_in_a_batch_the_answer_is_the_same(ensemble: Ensemble) -> None:
    rng = np.random.default_rng(4)
    patches = flat(*(tuple(c) for c in rng.integers(0, 256, (30, 3))))
    together = ensemble.predict(patches)
    alone = [ensemble.predict(patches[i : i + 1]) for i in range(30)]
    members = np.concatenate([a.members for a in alone])
    assert (members.argmax(2) == together.members.argmax(2)).all()
    np.testing.assert_allclose(members, together.members, atol=1e-6)


def test_no_patches_are_no_error(ensemble: Ensemble) -> None:
    out = ensemble.predict(np.zeros((0, 64, 64, 3), np.uint8))
    assert out.members.shape == (0, 6, 4)
    assert out.probabilities.shape == (0, 4)


def test_the_explanation_is_a_map_of_logits(ensemble: Ensemble) -> None:
    patch = flat(STAIN_COLORS["Benign"])[0]
    patch[:, :32] = STAIN_COLORS["Invasive"]
    explanation = ensemble.explain(patch)
    assert explanation.maps.shape == (3, 8, 8, 4)
    assert explanation.mean_map.shape == (8, 8, 4)
    np.testing.assert_allclose(explanation.mean_map, explanation.maps.mean(0), atol=1e-4)
    assert (explanation.mean_map[:, :4].argmax(-1) == 3).all()
    assert (explanation.mean_map[:, 4:].argmax(-1) == 1).all()


@pytest.mark.parametrize(
    "patches",
    [
        np.zeros((1, 32, 32, 3), np.uint8),
        np.zeros((1, 64, 64, 4), np.uint8),
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((1, 64, 64, 3), np.float32),
    ],
)
def test_other_patches_are_wrong_use(ensemble: Ensemble, patches: np.ndarray) -> None:
    with pytest.raises(UsageError, match=r"\(N, 64, 64, 3\)"):
        ensemble.predict(patches)


def test_a_call_waits_for_that_of_another_thread(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ensemble._engine
    run, busy, overlaps = engine.run, threading.Lock(), 0

    def watched(patches: np.ndarray, token: CancelToken | None = None) -> CnnOutputs:
        nonlocal overlaps
        overlaps += not busy.acquire(blocking=False)
        try:
            time.sleep(0.02)
            return run(patches, token)
        finally:
            busy.release()

    monkeypatch.setattr(engine, "run", watched)
    patch = flat(STAIN_COLORS["Benign"])
    with ThreadPoolExecutor(2) as pool:
        predicted = pool.submit(ensemble.predict, patch)
        explained = pool.submit(ensemble.explain, patch[0])
        assert predicted.result().members.shape == (1, 6, 4)
        assert explained.result().mean_map.shape == (8, 8, 4)
    assert overlaps == 0


def test_a_cancel_from_another_thread_ends_a_long_run(ensemble: Ensemble) -> None:
    token = CancelToken()
    timer = threading.Timer(0.05, token.cancel)
    timer.start()
    many = np.zeros((20_000, 64, 64, 3), np.uint8)
    with pytest.raises(Cancelled):
        ensemble.predict(many, token)
    timer.join()
    assert ensemble.predict(many[:1]).probabilities.shape == (1, 4)


def test_weights_and_temperature_of_the_manifest_count(tmp_path: Path) -> None:
    from bachview.models.bundle.manifest import parse_manifest
    from bachview.models.ensemble import vote

    folder = unpacked(tmp_path / "bundle")
    edit_manifest(folder, lambda d: d["members"][1].update(weight=3.0))
    manifest = parse_manifest((folder / "manifest.json").read_bytes(), "x")
    members = np.zeros((1, 6, 4), np.float32)
    members[0, :, 0] = 1
    members[0, 1] = (0, 1, 0, 0)
    np.testing.assert_allclose(vote(manifest, members)[0], (5 / 8, 3 / 8, 0, 0))
    edit_manifest(folder, lambda d: d.update(temperature=2.0))
    softer = vote(parse_manifest((folder / "manifest.json").read_bytes(), "x"), members)[0]
    assert softer[0] < 5 / 8
    assert softer.argmax() == 0
    assert CnnOutputs.__slots__


def test_installed_bundles_are_found_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "selftest" in installed_bundles()
    assert resolve_bundle("selftest").is_file()
    assert resolve_bundle("default").exists()
    monkeypatch.chdir(tmp_path)
    folder = unpacked(tmp_path / "mine")
    assert resolve_bundle("mine") == Path("mine")
    assert resolve_bundle(str(folder)) == folder
    with pytest.raises(BundleError, match=r"installed models \(.*selftest"):
        resolve_bundle("nothing")
    for odd in ("~nobody-of-this-name/a.bachmodel", "x" * 5000, "a\0b"):
        with pytest.raises(BundleError, match="There is no model"):
            resolve_bundle(odd)


_SCRIPT = """
import os, socket, sys
import numpy as np
import sklearn.ensemble

def tasks():
    return {t for t in os.listdir("/proc/self/task")} if sys.platform == "linux" else set()

usual = os.getpriority(os.PRIO_PROCESS, 0) if sys.platform == "linux" else 0

def refused(*args, **kwargs):
    raise AssertionError("the network was used")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refused
from concurrent.futures import ThreadPoolExecutor
from bachview.jobs.priority import lower_thread_priority

def lowered():
    lower_thread_priority(computes_only=True)
    return os.getpriority(os.PRIO_PROCESS, 0)

with ThreadPoolExecutor(1) as lane:
    low = lane.submit(lowered).result() if sys.platform == "linux" else 0
assert sys.platform != "linux" or low > 0
before = tasks()
from pathlib import Path
from bachview.models.loading import load_ensemble
ensemble = load_ensemble(Path(sys.argv[1]))
ensemble.predict(np.zeros((64, 64, 64, 3), np.uint8))
assert "tensorflow" not in sys.modules, "tensorflow was imported"
assert "keras" not in sys.modules, "keras was imported"
assert sys.modules["openvino_telemetry"] is None
own = 0
for task in tasks() - before:
    stat = open(f"/proc/self/task/{task}/stat").read().rpartition(")")[2].split()
    assert stat[16] == str(low), f"a thread of priority {stat[16]}"
    own += 1
assert sys.platform != "linux" or own, "no thread of the engine was seen"
assert os.getpriority(os.PRIO_PROCESS, 0) == usual if sys.platform == "linux" else True
ensemble.close()
print("fine")
"""


def test_no_tensorflow_no_network_and_low_priority() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_SCRIPT), str(selftest_path())],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.stdout.strip() == "fine", done.stderr
