"""Annotations made for tests, and strategies of any."""

import math
from typing import Any

import shapely
from hypothesis import strategies as st

from bachview.core.pixel_size import Origin, PixelSize
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.formats.frame_of_slide import SlideFrame

SLIDE = SlideFrame("a.svs", 40_000, 30_000, PixelSize(0.5, 0.25, Origin.FILE), (1_000_000, -2e6))

_numbers = st.floats(0, 30_000, allow_nan=False).map(lambda value: round(value, 6))
_points = st.tuples(_numbers, _numbers)
_texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), max_size=12)
_names = st.text("abcXYZ 1ä:", min_size=1, max_size=8).map(str.strip).filter(bool)
_colors = st.tuples(*[st.integers(0, 255)] * 3)


def star(x: float, y: float, radius: float = 40.0, points: int = 7) -> shapely.Polygon:
    """A valid outline."""
    turns = [2 * math.pi * k / (2 * points) for k in range(2 * points)]
    return shapely.Polygon(
        [
            (
                x + radius * (1 - 0.5 * (k % 2)) * math.cos(turn),
                y + radius * (1 - 0.5 * (k % 2)) * math.sin(turn),
            )
            for k, turn in enumerate(turns)
        ]
    )


def _with_hole(at: tuple[float, float]) -> shapely.Polygon:
    outer = shapely.Point(at).buffer(60, quad_segs=3)
    return shapely.Polygon(outer.exterior, [star(*at, 20).exterior])


_frames = st.builds(
    Frame, _numbers, _numbers, st.floats(1, 900), st.floats(1, 900), st.sampled_from([0, 0, 37.5])
)
_areas = st.one_of(
    _points.map(lambda at: star(*at)),
    _points.map(_with_hole),
    _points.map(lambda at: shapely.MultiPolygon([star(*at), star(at[0] + 500, at[1])])),
    _points.map(lambda at: shapely.box(*at, at[0] + 30, at[1] + 20)),
)


def _shape_of(kind: Kind) -> "st.SearchStrategy[Any]":
    if kind in (Kind.RECTANGLE, Kind.ELLIPSE):
        return _frames
    if kind is Kind.AREA:
        return _areas
    if kind is Kind.TEXT:
        return _points.map(shapely.Point)
    if kind is Kind.POINTS:
        return st.lists(_points, min_size=1, max_size=4).map(
            lambda found: shapely.Point(found[0]) if len(found) == 1 else shapely.MultiPoint(found)
        )
    most = 3 if kind is Kind.ANGLE else 5
    least = 3 if kind is Kind.ANGLE else 2
    return st.lists(_points, min_size=least, max_size=most, unique=True).map(shapely.LineString)


@st.composite
def annotations(draw: st.DrawFn) -> Annotation:
    """Any annotation that the program can make."""
    kind = draw(st.sampled_from(list(Kind)))
    return Annotation(
        str(draw(st.uuids(version=4))),
        kind,
        draw(_shape_of(kind)),
        draw(st.none() | st.builds(AnnotationClass, _names, _colors)),
        draw(_texts),
        draw(_texts),
        draw(st.none() | _colors),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.sampled_from(["annotation", "detection", "cell"])),
        draw(st.tuples(st.integers(0, 3), st.integers(0, 3))),
        draw(st.none() | st.integers(0, 3)),
        draw(st.none() | _points.map(lambda at: star(*at, 5))),
        draw(st.dictionaries(_names, st.floats(allow_nan=False), max_size=2)),
        created="2026-01-02T03:04:05.678+00:00",
        changed="2026-02-02T03:04:05.678+00:00",
    )
