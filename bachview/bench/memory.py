"""``memory``: ten minutes of navigation over 100,000 x 100,000 px, without pauses."""

from collections.abc import Iterator
from pathlib import Path

from bachview.bench.inputs import ask_child, phantom
from bachview.bench.result import Result, Say, graded

_SIDE = 100_000


def measure(say: Say, folder: Path) -> Iterator[Result]:
    """Resident memory of a fresh viewer, window and tile cache included."""
    slide = phantom(folder, _SIDE, _SIDE, say)
    say("navigating (some minutes)")
    answer = ask_child("bachview.bench.window_probe", lambda: ["memory", str(slide)], timeout_s=900)
    size = f"{_SIDE}x{_SIDE}"
    yield graded("memory", f"{size}, highest resident memory", answer["highest_gb"], "GB")
    growth = answer["last_quarter_gb"] / answer["second_quarter_gb"] - 1
    yield graded("memory", f"{size}, growth in the second half", 100 * growth, "%")
