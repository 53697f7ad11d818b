"""A slide view with many annotations in a separate process, moved by scripted events.

``python -m bachview.bench.annotations_probe SLIDE WIDTH HEIGHT COUNT VERTICES`` prints one JSON
document; started by the benchmark `annotations`. Frames are measured as in `pan_probe`.
"""

import gc
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication

from bachview.bench.pan_probe import Hand, measure, pan_path, wait_for, zoom_path
from bachview.core.geometry import Point, Region
from bachview.marks.annotation import Annotation, AnnotationClass, Kind
from bachview.marks.index import AnnotationIndex
from bachview.ui.view.slide_view import SlideView

_CACHE_BYTES = 512 << 20
_HITS = 500
#: Of a shape, level-0 px: some dozens of cells across.
_RADIUS_PX = 90.0


def outlines(count: int, vertices: int, extent: Region) -> list[Annotation]:
    """Lobed outlines of four classes, all over a slide."""
    import shapely

    random = np.random.default_rng(17)
    classes = [
        AnnotationClass(name, color)
        for name, color in (
            ("Normal", (0, 158, 115)),
            ("Benign", (86, 180, 233)),
            ("In situ", (230, 159, 0)),
            ("Invasive", (213, 94, 0)),
        )
    ]
    turns = np.linspace(0, 2 * math.pi, vertices, endpoint=False)
    made = []
    for n in range(count):
        x, y = random.random(2) * (extent.width, extent.height)
        radius = _RADIUS_PX * (1 + 0.3 * np.sin(5 * turns + n) + 0.02 * random.random(vertices))
        places = np.stack([x + radius * np.cos(turns), y + radius * np.sin(turns)], axis=1)
        made.append(Annotation.drawn(Kind.AREA, shapely.Polygon(places), classes[n % 4]))
    return made


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    from bachview.slide.opening import open_slide
    from bachview.slide.tiles.cache import TileCache

    slide, width, height, count, vertices = arguments
    gc.disable()  # as in the program, which collects between frames
    QApplication([sys.argv[0], "-style", "Fusion"])
    reader = open_slide(Path(slide))
    extent = reader.metadata.pyramid.extent
    made = outlines(int(count), int(vertices), extent)
    view = SlideView()
    view.resize(int(width), int(height))
    view.show()
    view.set_slide(reader, TileCache(_CACHE_BYTES), reader.metadata.pixel_size)
    wait_for(lambda: view.is_settled)
    begun = time.perf_counter()
    view.annotations.set_annotations({each.id: each for each in made})
    wait_for(lambda: view.is_settled)
    whole = time.perf_counter() - begun
    view.zoom_to_magnification(10.0)
    view.center_on(Point(extent.width * 0.45, extent.height * 0.45))
    wait_for(lambda: view.is_settled)
    hand = Hand(view)
    pan = measure(view, pan_path(hand, view))
    zoom = measure(view, zoom_path(hand))
    document = {
        "pan": pan.times,
        "zoom": zoom.times,
        "processor": [*pan.processor, *zoom.processor],
        "blank": pan.blank + zoom.blank,
        "hits": _hit_times(made, extent),
        "first_s": whole,
    }
    closed = view.close_slide()
    reader.close()
    print(json.dumps(document))  # noqa: T201
    return 0 if closed else 1


def _hit_times(made: list[Annotation], extent: Region) -> list[float]:
    """Milliseconds of each hit test, some annotations having just been changed."""
    index = AnnotationIndex(made)
    index.at(Point(0, 0), 0.0)
    for each in made[:50]:
        index.put(each.with_changes(name="changed"))
    random = np.random.default_rng(1)
    times = []
    for _ in range(_HITS):
        x, y = random.random(2) * (extent.width, extent.height)
        begun = time.perf_counter()
        index.at(Point(float(x), float(y)), 24.0)
        times.append((time.perf_counter() - begun) * 1e3)
    return times


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
