"""CSV of annotations with their measured values, for spreadsheets and statistics."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from bachview.csv_lines import csv_line
from bachview.files import atomic_file
from bachview.marks.annotation import Annotation
from bachview.marks.formats.found import UNWATCHED, Watch
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.measures import measures_of

_MEASURES = (
    *("area_mm2", "area_px2", "perimeter_um", "perimeter_px"),
    *("length_um", "length_px", "angle_deg", "count"),
)
COLUMNS = (
    *("id", "class", "kind", "type", "name", "note"),
    *("center_x", "center_y", "left", "top", "right", "bottom"),
    *_MEASURES,
    *("plane", "time_point", "locked", "hidden", "created", "changed"),
)
#: Of the measurements of other programs, which have a column each, after those.
_MOST_OTHERS = 1000


def write_csv(
    path: Path,
    annotations: Sequence[Annotation],
    slide: SlideFrame,
    watch: Watch = UNWATCHED,
    *,
    has_mark: bool = False,
) -> tuple[str, ...]:
    """Write a line for each annotation: `COLUMNS`, then the measurements of other programs.

    Numbers have a point as their decimal mark, places are level-0 px, and what does not apply is
    empty. A text that a spreadsheet would carry out as a formula has an apostrophe before it.

    Parameters
    ----------
    has_mark : begin with the mark of UTF-8, without which Excel takes it for another encoding.

    Raises
    ------
    ExportError
        The file cannot be written.
    Cancelled
        The watch's token was cancelled; an existing file is untouched.
    """
    others = list(dict.fromkeys(name for one in annotations for name in one.measurements))
    kept = others[:_MOST_OTHERS]
    with atomic_file(path) as file:
        file.write(b"\xef\xbb\xbf" if has_mark else b"")
        file.write(csv_line((*COLUMNS, *kept)).encode())
        for done, annotation in enumerate(annotations, 1):
            cells = (*_cells(annotation, slide), *_others(annotation, kept))
            file.write(csv_line(cells).encode())
            watch.step(done, len(annotations))
    if len(others) > len(kept):
        return (f"{len(others) - len(kept):,} measurements of other programs were left out.",)
    return ()


def _cells(annotation: Annotation, slide: SlideFrame) -> Iterable[str]:
    own = annotation.annotation_class
    measures = measures_of(annotation, slide.pixel_size)
    center = annotation.geometry.centroid
    z, t = annotation.plane
    yield from (annotation.id, "" if own is None else own.name)
    yield from (annotation.kind.value, annotation.object_type, annotation.name, annotation.note)
    yield from (f"{side:.2f}" for side in (center.x, center.y, *annotation.bounds))
    yield from (_number(getattr(measures, name)) for name in _MEASURES)
    yield from (str(z + 1), str(t + 1))
    yield from (str(flag).lower() for flag in (annotation.is_locked, annotation.is_hidden))
    yield from (annotation.created, annotation.changed)


def _others(annotation: Annotation, names: Iterable[str]) -> Iterable[str]:
    return (_number(annotation.measurements.get(name)) for name in names)


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.10g}"
