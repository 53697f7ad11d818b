"""The benchmarks measure what they say, on inputs small enough for a test."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bachview.bench import annotations, inputs, overlay, start
from bachview.core.cell_state import CellState
from bachview.core.geometry import Size
from bachview.errors import EngineError
from bachview.models.bundle.installed import resolve_bundle


def test_the_large_prediction_is_fully_classified_in_blots() -> None:
    prediction = overlay.large_prediction(60)
    assert prediction.count(CellState.CLASSIFIED) == 3600
    neighbours = prediction.top_class[:, 1:] == prediction.top_class[:, :-1]
    assert 0.6 < neighbours.mean() < 1
    assert len(np.unique(prediction.top_class)) == 4


def test_the_overlay_is_measured_at_rest_and_while_it_grows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, qapp: object
) -> None:
    monkeypatch.setattr(overlay, "_CELLS", 64)
    monkeypatch.setattr(overlay, "_FRAMES", 4)
    monkeypatch.setattr(overlay, "_SIZES", (Size(320, 200),))
    results = list(overlay.measure(lambda text: None, tmp_path))
    cases = [result.case for result in results]
    assert len(set(cases)) == len(cases) == 36
    assert sum("until they are there" in case for case in cases) == 2
    assert all(result.value > 0 for result in results)
    assert {case for case in cases if "composed, p99" in case} == {
        r.case for r in results if r.budget == 8
    }


def test_the_list_of_annotations_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(annotations, "phantom", lambda *_: tmp_path)
    monkeypatch.setattr(annotations, "_SIZES", ())
    monkeypatch.setattr(annotations, "_COUNT", 30)
    monkeypatch.setattr(annotations, "_VERTICES", 8)
    results = list(annotations.measure(lambda text: None, tmp_path))
    assert {result.case: result.budget for result in results} == {
        "list, filled, longest": 100,
        "list, sorted, longest": 100,
        "list, filtered, longest": 100,
        "list, a page scrolled, p99": 8.3,
    }
    assert all(result.value > 0 for result in results)


def test_the_bundle_to_measure_with_is_rebuilt_where_it_is_of_another_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []

    def build(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        built.append(command[-1])
        shutil.copyfile(resolve_bundle("selftest"), command[-1])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", build)
    path = inputs.untrained_bundle(tmp_path, lambda text: None)
    assert built == [str(path)]
    assert inputs.untrained_bundle(tmp_path, lambda text: None) == path
    assert len(built) == 1
    with zipfile.ZipFile(path, "w") as other:
        other.writestr("manifest.json", "{}")
    inputs.untrained_bundle(tmp_path, lambda text: None)
    assert len(built) == 2


def run_child_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a child process run a script of `folder` in place of a module of the program."""

    def command(module: str, *arguments: str) -> list[str]:
        return [sys.executable, str(folder / f"{module}.py"), *arguments]

    monkeypatch.setattr(inputs, "module_command", command)


def test_a_child_answers_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "child.py").write_text(
        "import os, sys\nprint('noise')\nprint('{\"x\": %d}' % len(sys.argv))\n"
    )
    run_child_of(tmp_path, monkeypatch)
    assert inputs.ask_child("child", lambda: ["a", "b"]) == {"x": 3}


def test_a_child_that_fails_is_an_error_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "child.py").write_text("raise SystemExit('no luck')\n")
    run_child_of(tmp_path, monkeypatch)
    with pytest.raises(EngineError, match="no luck"):
        inputs.ask_child("child", list)


def test_a_child_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "child.py").write_text("import threading\nthreading.Event().wait()\n")
    run_child_of(tmp_path, monkeypatch)
    with pytest.raises(EngineError, match="did not end"):
        inputs.ask_child("child", list, timeout_s=0.5)


def test_the_window_is_measured_on_the_screen_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bachview.bench.start.sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert start._platforms() == ("offscreen",)
    monkeypatch.setenv("DISPLAY", ":1")
    assert start._platforms() == ("offscreen", "xcb")
