"""Kills of `bachview train`, which then goes on with ``--resume``."""

import json
import shutil
import threading
import zipfile
from pathlib import Path
from typing import Any

from tests.support.tiny_training import MPP, RECIPE, write_dataset
from tools.faults.bench import KILLED, Bench, BrokenPromise, Process, Round, ended, launch

#: Kills in a row; each start imports TensorFlow.
_CHAIN = 3
_NAME = "Tiny"
#: So that a training that was not disturbed takes no longer than its imports.
_SHORTER = ("epochs = 6", "epochs = 2")
#: Measured by the clock, so that no two runs agree.
_RATE = "images_per_second"

_lock = threading.Lock()


def kill_training(bench: Bench, seed: str) -> Round:
    """Kill -9 of a training and of each that resumes it; the figures must be the same."""
    # The first round trains undisturbed, and others wait for it.
    with _lock:
        expected, events = _undisturbed(bench)
    round_ = Round(bench, seed)
    for _ in range(_CHAIN):
        fault = {"kill_at": round_.random.randint(1, events)}
        round_.kills += ended(_start(bench, round_.home, fault), 0, KILLED) == KILLED
        _check(round_.home)
    ended(_start(bench, round_.home), 0)
    _check(round_.home)
    if _figures(round_.home) != expected:
        raise BrokenPromise("the figures differ from those of an undisturbed training")
    shutil.rmtree(round_.home)
    return round_


def _undisturbed(bench: Bench) -> tuple[dict[str, Any], int]:
    home, counted = bench.folder / "training", bench.folder / "training.count"
    if not counted.exists():
        # Again from the beginning where an earlier round did not come to its end.
        for folder in (home, bench.folder / "photos"):
            shutil.rmtree(folder, ignore_errors=True)
        write_dataset(bench.folder / "photos")
        recipe = RECIPE.replace(*_SHORTER)
        (bench.folder / "recipe.toml").write_text(recipe, encoding="utf-8")
        ended(_start(bench, home, {"count_to": str(counted)}), 0)
    return _figures(home), int(counted.read_text(encoding="utf-8"))


def _start(bench: Bench, home: Path, fault: dict[str, Any] | None = None) -> Process:
    arguments = ["train", str(bench.folder / "photos"), "--output", str(home / "run")]
    arguments += ["--recipe", str(bench.folder / "recipe.toml"), "--weights", "scratch"]
    arguments += ["--mpp", str(MPP), "--folds", "0", "--name", _NAME, "--resume"]
    return launch(arguments, home, fault)


def _check(home: Path) -> None:
    """No half file lies at a final name."""
    for path in (home / "run").rglob("*.json"):
        # Those of a killed process lie under names with a dot, and go at the next writing.
        if not path.name.startswith("."):
            try:
                json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise BrokenPromise(f"a half file lies at {path.name}: {error}") from None
    bundle = home / "run" / f"{_NAME}.bachmodel"
    if bundle.exists():
        try:
            with zipfile.ZipFile(bundle) as archive:
                broken = archive.testzip()
        except zipfile.BadZipFile as error:
            raise BrokenPromise(f"a half file lies at {bundle.name}: {error}") from None
        if broken is not None:
            raise BrokenPromise(f"{bundle.name} is damaged at {broken}")


def _figures(home: Path) -> dict[str, Any]:
    """Loss and accuracy of each epoch, and the calibration."""
    found: dict[str, Any] = {}
    for path in sorted((home / "run").rglob("*.json")):
        if path.name == "fit.json":
            epochs = json.loads(path.read_text(encoding="utf-8"))["epochs"]
            kept = [{key: epoch[key] for key in epoch if key != _RATE} for epoch in epochs]
            found[str(path.relative_to(home))] = kept
        elif path.name == "calibration.json":
            found[str(path.relative_to(home))] = json.loads(path.read_text(encoding="utf-8"))
    return found
