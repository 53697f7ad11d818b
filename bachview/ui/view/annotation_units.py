"""Annotations as what is drawn of them at a zoom: paths of lines, and marks of points."""

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QByteArray, QDataStream
from PySide6.QtGui import QImage, QPainterPath

from bachview.marks.annotation import AREAS, Annotation, Kind
from bachview.ui.view.painting_annotations import (
    NEUTRAL,
    POINT_COST,
    SELECTED,
    THIN,
    WIDE,
    Dots,
    Look,
    Rgb,
    Stroke,
    Unit,
    stamp_of,
)
from bachview.viewing.annotation_lines import Line, lines_of
from bachview.viewing.viewport import Viewport

#: Shapes below this have thin lines, device-independent px.
_SMALL_VP = 40.0

#: What Qt's stream has of an element of a path: move (0) or line (1), x, y.
_ELEMENT = np.dtype([("kind", ">i4"), ("x", ">f8"), ("y", ">f8")])

Box = tuple[float, float, float, float]


def level_of(viewport: Viewport) -> int:
    """The level that annotations are made ready at for a viewport."""
    return round(math.log2(viewport.device_downsample))


def path_of(lines: Sequence[Line]) -> tuple[QPainterPath, int]:
    """Lines as a path, level-0 px, and the number of its elements. Any thread."""
    sizes = [len(line) for line in lines]
    elements = np.empty(sum(sizes), _ELEMENT)
    places = np.concatenate(lines) if lines else np.empty((0, 2))
    elements["kind"] = 1
    elements["kind"][np.cumsum([0, *sizes[:-1]])] = 0
    elements["x"], elements["y"] = places[:, 0], places[:, 1]
    data = QByteArray(len(elements).to_bytes(4, "big") + elements.tobytes() + bytes(8))
    path = QPainterPath()
    QDataStream(data) >> path
    path.controlPointRect()  # which a path finds when it is first asked, in whatever thread
    return path, len(elements)


def units_of(
    annotations: Sequence[Annotation],
    level: int,
    ratio: float,
    selected: frozenset[str],
    stamps: dict[tuple[Rgb, bool], QImage],
) -> tuple[Unit, ...]:
    """What is drawn of each annotation, at a zoom. Any thread.

    Parameters
    ----------
    level : 2**level level-0 px are about a device px.
    ratio : device px for a device-independent px.
    stamps : marks of points; those that are needed are added.
    """
    lines = lines_of(annotations, 2.0**level)
    return tuple(
        unit_of([annotation], [of_it], annotation.bounds, level, ratio, selected, stamps)
        for annotation, of_it in zip(annotations, lines, strict=True)
    )


def unit_of(
    annotations: Sequence[Annotation],
    lines: Sequence[Sequence[Line]],
    box: Box,
    level: int,
    ratio: float,
    selected: frozenset[str],
    stamps: dict[tuple[Rgb, bool], QImage],
) -> Unit:
    """What is drawn of annotations that lie close together, as one. Any thread.

    Parameters
    ----------
    lines : of each annotation.
    box : of all of them, level-0 px.
    level, ratio, stamps : as for `units_of`.
    """
    by_look: dict[tuple[Rgb, Look], list[Line]] = {}
    dots: dict[tuple[Rgb, bool], list[tuple[float, float]]] = {}
    small = _SMALL_VP * ratio * 2.0**level
    for annotation, of_it in zip(annotations, lines, strict=True):
        color = annotation.shown_color or NEUTRAL
        is_selected = annotation.id in selected
        if annotation.kind in (Kind.POINTS, Kind.TEXT):
            shape = annotation.geometry
            places = dots.setdefault((color, is_selected), [])
            places += [
                (part.coords[0][0], part.coords[0][1]) for part in getattr(shape, "geoms", (shape,))
            ]
            continue
        left, top, right, bottom = annotation.bounds
        is_small = annotation.kind in AREAS and max(right - left, bottom - top) < small
        look = SELECTED if is_selected else THIN if is_small else WIDE
        by_look.setdefault((color, look), []).extend(of_it)
    for kind in dots:
        if kind not in stamps:
            stamps[kind] = stamp_of(kind[0], ratio, is_selected=kind[1])
    strokes = tuple(Stroke(*kind, *path_of(of_it)) for kind, of_it in by_look.items() if of_it)
    marks = tuple(Dots(*kind, tuple(places)) for kind, places in dots.items())
    cost = sum(each.count * each.look.passes(ratio) for each in strokes)
    cost += POINT_COST * sum(len(each.places) for each in marks)
    return Unit(box, strokes, marks, cost)
