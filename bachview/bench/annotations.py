"""``annotations``: frame times, hit tests and the list with 10,000 annotations of 200 vertices."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bachview.bench.inputs import ask_child, phantom
from bachview.bench.result import Result, Say, graded
from bachview.core.geometry import Size

_SIZES = (Size(1920, 1080), Size(3840, 2160))
_COUNT, _VERTICES = 10_000, 200
_PERCENTILES = (50, 95, 99)


def measure(say: Say, folder: Path) -> Iterator[Result]:
    """Measure panning and zooming at both sizes, finding an annotation by a click, and the list."""
    slide = phantom(folder, 24_000, 18_000, say)
    for size in _SIZES:
        case = f"{size.width}x{size.height}"
        say(f"annotations: {case}")
        arguments = [str(slide), str(size.width), str(size.height), str(_COUNT), str(_VERTICES)]
        document = ask_child(
            "bachview.bench.annotations_probe",
            lambda arguments=arguments: arguments,  # type: ignore[misc]
            platform="offscreen",
            timeout_s=300,
        )
        both = [*document["pan"], *document["zoom"]]
        for p in _PERCENTILES:
            yield graded("annotations", f"{case}, p{p}", float(np.percentile(both, p)), "ms")
        for part in ("pan", "zoom"):
            value = float(np.percentile(document[part], 99))
            yield graded("annotations", f"{case}, {part} only, p99", value, "ms")
        yield graded("annotations", f"{case}, longest", max(both), "ms")
        yield graded("annotations", f"{case}, blank frames", document["blank"], "frames")
        yield graded("annotations", f"{case}, whole slide drawn", document["first_s"], "s")
        value = float(np.percentile(document["hits"], 99))
        yield graded("annotations", f"{case}, hit test, p99", value, "ms")
    say("annotations: list")
    document = ask_child(
        "bachview.bench.list_probe",
        lambda: [str(_COUNT), str(_VERTICES)],
        platform="offscreen",
        timeout_s=300,
    )
    for part in ("filled", "sorted", "filtered"):
        yield graded("annotations", f"list, {part}, longest", max(document[part]), "ms")
    value = float(np.percentile(document["scrolled"], 99))
    yield graded("annotations", "list, a page scrolled, p99", value, "ms")
