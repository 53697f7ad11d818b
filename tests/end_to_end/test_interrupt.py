"""Ctrl-C in a real process: what is done is written, and the next call goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bachview.phantom.writer import write_phantom
from bachview.slide.opening import open_slide
from bachview.store.results import ResultStore

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal"),
]

_PATIENCE_S = 60


def begin(slide: Path, out: Path, home: Path) -> "subprocess.Popen[str]":
    arguments = ["classify", str(slide), "--output", str(out), "--stride", "24", "--json"]
    arguments += ["--bundle", "selftest"]
    return subprocess.Popen(
        [sys.executable, "-m", "bachview", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "BACHVIEW_HOME": str(home)},
    )


def wait_for_results(
    process: "subprocess.Popen[str]", store_folder: Path, slide: Path, before: int
) -> None:
    """Until the store of the process holds more than `before` patches."""
    reader = open_slide(slide)
    fingerprint = reader.metadata.fingerprint
    reader.close()
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        if list(store_folder.glob("*")):
            with ResultStore.open(store_folder, fingerprint) as store:
                if any(run.done > before for run in store.grids()):
                    return
        time.sleep(0.01)
    process.kill()
    pytest.fail(f"no results came: {process.communicate()}")


def test_what_is_done_is_written_and_the_next_call_goes_on(tmp_path: Path) -> None:
    slide = tmp_path / "slide.tiff"
    write_phantom(slide, width=2800, height=2100)
    home, out = tmp_path / "home", tmp_path / "out"
    done = total = 0
    for number in (signal.SIGINT, signal.SIGTERM):
        process = begin(slide, out, home)
        wait_for_results(process, home / "data" / "results", slide, done)
        process.send_signal(number)
        text, messages = process.communicate(timeout=_PATIENCE_S)
        assert process.returncode == 4, messages
        assert "again to resume" in messages
        cut_short = json.loads(text)
        assert cut_short["pending"]["patches"] > 0
        assert cut_short["patches"] > done
        for path in cut_short["output"].values():
            assert Path(path).stat().st_size > 0
        assert ("already classified" in messages) == (done > 0)
        done = cut_short["patches"]
        assert total in (0, done + cut_short["pending"]["patches"])
        total = done + cut_short["pending"]["patches"]

    process = begin(slide, out, home)
    text, messages = process.communicate(timeout=_PATIENCE_S)
    assert process.returncode == 0, messages
    whole = json.loads(text)
    assert whole["pending"]["patches"] == 0
    assert whole["patches"] == total
    assert "already classified" in messages
