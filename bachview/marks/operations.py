"""What can be done with selected annotations, as edits that are undone as a whole.

Locked annotations stay as they are; `unlocked` leaves them out and says so.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bachview.errors import UsageError
from bachview.marks.annotation import AREAS, Annotation, Kind, now_text
from bachview.marks.shapes import as_area, mended_area, points_shape, rings_of, valid_area
from bachview.marks.transforms import moved
from bachview.marks.working_set import Change, Edit, changed, deleted

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


def count_of(annotations: Sequence[object]) -> str:
    """E.g. ``1 annotation``, ``3 annotations``."""
    count = len(annotations)
    return f"{count:,} annotation{'' if count == 1 else 's'}"


def unlocked(annotations: Iterable[Annotation]) -> tuple[tuple[Annotation, ...], str]:
    """Those that can be changed, and a sentence about the others; empty if there are none."""
    all_of_them = tuple(annotations)
    free = tuple(each for each in all_of_them if not each.is_locked)
    locked = len(all_of_them) - len(free)
    if not locked:
        return free, ""
    if not free:
        what = {1: "The annotation is", 2: "Both annotations are"}.get(
            locked, f"All {locked:,} annotations are"
        )
        return free, f"{what} locked: unlock first."
    stays = "is locked and stays as it is" if locked == 1 else "are locked and stay as they are"
    return free, f"{locked:,} of the {len(all_of_them):,} annotations {stays}."


def delete(annotations: Sequence[Annotation]) -> Edit:
    """Delete them."""
    return deleted(f"delete {count_of(annotations)}", annotations)


def duplicate(annotations: Sequence[Annotation], dx: float, dy: float) -> Edit:
    """Make copies, moved by so much, level-0 px."""
    copies = (moved(each.copied(), dx, dy) for each in annotations)
    return Edit(f"duplicate {count_of(annotations)}", tuple(Change(None, copy) for copy in copies))


def set_values(text: str, annotations: Iterable[Annotation], **values: object) -> Edit:
    """Give all of them these values of `Annotation`; those that have them already are left out.

    `text` : what the edit does, without the annotations, e.g. ``rename``.
    """
    others = [
        each
        for each in annotations
        if any(getattr(each, name) != value for name, value in values.items())
    ]
    now = now_text()
    pairs = ((each, each.with_changes(changed=now, **values)) for each in others)
    return changed(f"{text} {count_of(others)}", pairs)


def merge(annotations: Sequence[Annotation]) -> Edit:
    """Make one annotation of several, with the values of the first.

    Raises
    ------
    UsageError
        They are fewer than two, or not all areas, all lines, or all points.
    """
    import shapely

    if len(annotations) < 2:
        raise UsageError("Select two or more annotations to merge them.")
    first = annotations[0]
    kinds = {each.kind for each in annotations}
    shape: BaseGeometry | None
    if kinds <= AREAS:
        shape = mended_area(each.geometry for each in annotations)
        merged = None if shape is None else as_area(first).with_changes(shape=shape)
    elif kinds == {Kind.POINTS}:
        places = [place for each in annotations for place in rings_of(each)[0]]
        merged = first.with_changes(shape=points_shape(places))
    elif kinds == {Kind.LINE}:
        lines = [line for each in annotations for line in rings_of(each)]
        merged = first.with_changes(shape=shapely.MultiLineString(lines))
    else:
        raise UsageError(
            "Only areas can be merged with areas, lines with lines, and points with points."
        )
    if merged is None:
        raise UsageError("The annotations have no area that could be merged.")
    gone = (Change(each, None) for each in annotations[1:])
    return Edit(f"merge {count_of(annotations)}", (Change(first, merged), *gone))


def split(annotations: Sequence[Annotation]) -> Edit:
    """Make several annotations of one: areas along selected lines, else everything by its parts.

    The lines stay. The first part keeps the id.

    Raises
    ------
    UsageError
        There is nothing to split.
    """
    areas = [each for each in annotations if each.kind in AREAS]
    lines = [each for each in annotations if each.kind is Kind.LINE]
    changes: list[Change] = []
    split_ones = []
    along = areas if areas and lines else annotations
    for each in along:
        parts = _cut(each, lines) if areas and lines else _parts_of(each)
        if len(parts) < 2:
            continue
        split_ones.append(each)
        first, *others = parts
        own = as_area(each) if each.kind in AREAS else each
        changes.append(Change(each, own.with_changes(shape=first)))
        changes += [Change(None, own.copied(shape=part)) for part in others]
    if not changes:
        raise UsageError(
            "The line does not cut the selected area in two."
            if areas and lines
            else "There is nothing to split: select an annotation of several parts, or an area and "
            "a line across it."
        )
    return Edit(f"split {count_of(split_ones)}", tuple(changes))


def subtract(annotations: Sequence[Annotation]) -> Edit:
    """Cut the smaller areas out of the largest; the smaller ones stay.

    Raises
    ------
    UsageError
        There are fewer than two areas, they do not overlap, or nothing would be left.
    """
    import shapely

    areas = [each for each in annotations if each.kind in AREAS]
    if len(areas) < 2:
        raise UsageError("Select two or more areas to cut the smaller ones out of the largest.")
    largest = max(areas, key=lambda each: each.geometry.area)
    others = shapely.union_all([valid_area(each.geometry) for each in areas if each is not largest])
    left = mended_area([valid_area(largest.geometry).difference(others)])
    if left is None:
        raise UsageError("Nothing of the largest area would be left.")
    if left.equals(largest.geometry):
        raise UsageError("The areas do not overlap, so there is nothing to cut out.")
    cut = as_area(largest).with_changes(shape=left)
    return Edit(f"subtract {count_of(areas[1:])}", (Change(largest, cut),))


def simplify(annotations: Sequence[Annotation], tolerance_px: float) -> tuple[Edit, int, int]:
    """Leave out vertices where the outline moves by less than `tolerance_px` level-0 px.

    Rectangles, ellipses and points stay as they are. No part or hole is lost
    (Douglas and Peucker, 1973, as in GEOS, preserving topology).

    Returns
    -------
    The edit, which is of nothing where nothing can be left out; vertices before and after.
    """
    import shapely

    pairs, before, after = [], 0, 0
    for each in annotations:
        if each.kind not in (Kind.AREA, Kind.LINE):
            continue
        simple = each.geometry.simplify(tolerance_px, preserve_topology=True)
        counts = shapely.get_num_coordinates([each.geometry, simple])
        before, after = before + int(counts[0]), after + int(counts[1])
        if counts[1] < counts[0] and not simple.is_empty and simple.is_valid:
            pairs.append((each, each.with_changes(shape=simple)))
    return changed(f"simplify {count_of(pairs)}", pairs), before, after


def _parts_of(annotation: Annotation) -> "list[BaseGeometry]":
    return list(getattr(annotation.geometry, "geoms", ()))


def _cut(area: Annotation, lines: Sequence[Annotation]) -> "list[BaseGeometry]":
    """The area cut along lines, largest part first."""
    import shapely

    edges = shapely.union_all([area.geometry.boundary, *(line.geometry for line in lines)])
    faces = shapely.get_parts(shapely.polygonize([*getattr(edges, "geoms", (edges,))]))
    inside = [face for face in faces if area.geometry.contains(face.representative_point())]
    return sorted(inside, key=lambda face: -face.area)
