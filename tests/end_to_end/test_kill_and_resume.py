"""kill -9 in the middle of a run, then the same command again: nothing twice, nothing lost."""

import csv
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bachview.phantom.writer import write_phantom

pytestmark = pytest.mark.long

_DEADLINE_S = 90


def _command(slide: Path, output: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "bachview", "classify", str(slide), "--bundle", "selftest"),
        *("--output", str(output), "--stride", "20"),
    ]


def _committed(store_folder: Path) -> list[int]:
    """Numbers of the batches that the store holds, read as another program would."""
    for path in store_folder.glob("*.sqlite"):
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            return [number for (number,) in connection.execute("SELECT id FROM batches")]
        except sqlite3.OperationalError:
            return []
        finally:
            connection.close()
    return []


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_killed_run_goes_on_where_it_was(
    tmp_path: Path, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide = tmp_path / "phantom.tiff"
    write_phantom(slide, width=2600, height=2000)
    whole = tmp_path / "whole"
    subprocess.run(_command(slide, whole), check=True, capture_output=True, timeout=_DEADLINE_S)

    monkeypatch.setenv("BACHVIEW_HOME", str(tmp_path / "killed-home"))
    results = tmp_path / "killed-home" / "data" / "results"
    process = subprocess.Popen(
        _command(slide, tmp_path / "killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + _DEADLINE_S
    while len(_committed(results)) < 3:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(20)
    at_kill = _committed(results)

    again = subprocess.run(
        [*_command(slide, tmp_path / "again"), "--json"],
        check=True,
        capture_output=True,
        text=True,
        timeout=_DEADLINE_S,
    )
    expected, found = _rows(whole / "predictions.csv"), _rows(tmp_path / "again/predictions.csv")
    assert len(at_kill) >= 3
    assert _committed(results)[: len(at_kill)] == at_kill, "saved batches were made anew"
    assert len(_committed(results)) > len(at_kill)
    places = [tuple(row[:4]) for row in found]
    assert len(places) == len(set(places)), "a patch twice"
    assert [row[:6] for row in found] == [row[:6] for row in expected], "a patch lost or changed"
    assert "by a run that was interrupted at" in again.stderr
    assert again.stdout.startswith("{")
