"""``start``: from the start of the process to the window on the screen, without a slide."""

import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bachview.bench.inputs import ask_child
from bachview.bench.result import Result, Say, graded

_TURNS = 3


def measure(say: Say, folder: Path) -> Iterator[Result]:
    """The median of three: the first may read the program from a cold disk."""
    for platform in _platforms():
        times = []
        for turn in range(_TURNS):
            say(f"starting the viewer ({platform}), {turn + 1} of {_TURNS}")
            answer = ask_child(
                "bachview.bench.window_probe",
                lambda: ["start", str(time.time())],
                platform=platform,
            )
            times.append(answer["on_screen_s"])
        yield graded("start", f"window on the screen, {platform}", statistics.median(times), "s")


def _platforms() -> tuple[str, ...]:
    """Offscreen, and on the screen if there is one."""
    if sys.platform == "win32":
        return ("offscreen", "windows")
    if sys.platform == "darwin":
        return ("offscreen", "cocoa")
    return ("offscreen", "xcb") if os.environ.get("DISPLAY") else ("offscreen",)
