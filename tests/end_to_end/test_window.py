"""The program in a real window, as a user starts and ends it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bachview.phantom.writer import write_phantom

pytestmark = [pytest.mark.window, pytest.mark.long]

_PATIENCE_S = 60


def xdotool(display: str, *arguments: str) -> str:
    answer = subprocess.run(
        ["xdotool", *arguments],
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip()


def begin(display: str, home: Path, *arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "DISPLAY": display, "BACHVIEW_HOME": str(home)}
    environment.pop("QT_QPA_PLATFORM", None)
    environment.pop("WAYLAND_DISPLAY", None)
    return subprocess.Popen(
        [sys.executable, "-m", "bachview", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
    )


def window_named(display: str, process: "subprocess.Popen[str]", name: str) -> str:
    """The id of the visible window whose title holds `name`, as soon as there is one."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        found = xdotool(display, "search", "--onlyvisible", "--name", name)
        if found:
            return found.splitlines()[0]
        time.sleep(0.05)
    process.kill()
    pytest.fail(f"no window called {name}: {process.communicate()}")


def test_a_slide_opens_in_a_window_and_closes_with_it(x_display: str, tmp_path: Path) -> None:
    slide = tmp_path / "Größe 日本.tiff"
    write_phantom(slide, width=3000, height=2400)
    process = begin(x_display, tmp_path / "home", str(slide))
    window = window_named(x_display, process, "Größe")
    xdotool(x_display, "windowactivate", "--sync", window)
    xdotool(x_display, "key", "ctrl+q")
    out, messages = process.communicate(timeout=_PATIENCE_S)
    assert process.returncode == 0, messages
    assert out == ""
    assert "Traceback" not in messages


def test_ctrl_c_in_the_terminal_closes_the_window(x_display: str, tmp_path: Path) -> None:
    process = begin(x_display, tmp_path / "home")
    window_named(x_display, process, "bachview")
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=_PATIENCE_S)
    assert process.returncode == 0, messages


def test_the_demo_classifies_and_keeps_what_it_found(x_display: str, tmp_path: Path) -> None:
    from bachview.slide.opening import open_slide
    from bachview.store.results import ResultStore

    home = tmp_path / "home"
    process = begin(x_display, home, "demo")
    window_named(x_display, process, "demo")
    slide = next((home / "cache").glob("demo-*.tiff"))
    reader = open_slide(slide)
    fingerprint = reader.metadata.fingerprint
    reader.close()
    deadline = time.monotonic() + _PATIENCE_S
    done = 0
    while not done and time.monotonic() < deadline and process.poll() is None:
        if list((home / "data" / "results").glob("*")):
            with ResultStore.open(home / "data" / "results", fingerprint) as store:
                done = max((run.done for run in store.grids()), default=0)
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, messages = process.communicate(timeout=_PATIENCE_S)
    assert process.returncode == 0, messages
    assert done > 0
