"""``open``: from opening a slide to its first picture, and to the sharp one."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bachview.bench.inputs import ask_child, phantom
from bachview.bench.result import Result, Say, graded

_TURNS = 3
_SIZES = ((24_000, 18_000), (100_000, 100_000))


def measure(say: Say, folder: Path) -> Iterator[Result]:
    """Each slide three times in a fresh viewer; the median counts."""
    for width, height in _SIZES:
        slide = phantom(folder, width, height, say)
        answers = []
        for turn in range(_TURNS):
            say(f"opening a slide of {width:,} × {height:,} px, {turn + 1} of {_TURNS}")
            answers.append(_open(slide))
        size = f"{width}x{height}"
        first = statistics.median(answer["first_picture_s"] for answer in answers)
        sharp = statistics.median(answer["sharp_s"] for answer in answers)
        yield graded("open", f"first picture, {size}", first, "s")
        yield graded("open", f"sharp picture, {size}", sharp, "s")


def _open(slide: Path) -> dict[str, Any]:
    return ask_child("bachview.bench.window_probe", lambda: ["opening", str(slide)])
