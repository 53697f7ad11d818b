"""``pan``: frame times and blank frames of a scripted pan and zoom path."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bachview.bench.inputs import ask_child, phantom, untrained_bundle
from bachview.bench.result import Result, Say, graded
from bachview.core.geometry import Size

_SIZES = (Size(1920, 1080), Size(3840, 2160))
_PERCENTILES = (50, 95, 99)


def measure(say: Say, folder: Path) -> Iterator[Result]:
    """Measure both sizes, without and with the three real architectures classifying."""
    slide = phantom(folder, 24_000, 18_000, say)
    bundle = untrained_bundle(folder, say)
    for size in _SIZES:
        for classifies in (False, True):
            case = f"{size.width}x{size.height}, {'classifying' if classifies else 'quiet'}"
            say(f"pan: {case}")
            yield from _results(case, frames(slide, size, bundle if classifies else None))


def frames(
    slide: Path, size: Size, bundle: Path | None, *, platform: str = "offscreen"
) -> dict[str, Any]:
    """What `pan_probe` prints: ``pan`` and ``zoom``, ms of each frame; ``blank``, frames.

    Parameters
    ----------
    size : of the view, device px.
    platform : Qt's; ``xcb`` for a real X server.
    """
    arguments = [str(slide), str(size.width), str(size.height)]
    if bundle is not None:
        arguments.append(str(bundle))
    return ask_child(
        "bachview.bench.pan_probe", lambda: arguments, platform=platform, timeout_s=300
    )


def _results(case: str, document: dict[str, Any]) -> Iterator[Result]:
    for p in _PERCENTILES:
        both = [*document["pan"], *document["zoom"]]
        yield graded("pan", f"{case}, p{p}", float(np.percentile(both, p)), "ms")
    for part in ("pan", "zoom"):
        value = float(np.percentile(document[part], 99))
        yield graded("pan", f"{case}, {part} only, p99", value, "ms")
    both = [*document["pan"], *document["zoom"]]
    yield graded("pan", f"{case}, longest", max(both), "ms")
    yield graded("pan", f"{case}, blank frames", document["blank"], "frames")
