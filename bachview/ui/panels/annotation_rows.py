"""Which annotations are listed, in which order and groups."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from bachview.core.pixel_size import PixelSize
from bachview.marks.annotation import Annotation, Kind
from bachview.marks.measures import Measures, measures_of

#: What the reader calls each kind.
KIND_TITLES = {
    Kind.POINTS: "Count",
    Kind.LINE: "Line",
    Kind.ANGLE: "Angle",
    Kind.RECTANGLE: "Rectangle",
    Kind.ELLIPSE: "Ellipse",
    Kind.AREA: "Area",
    Kind.TEXT: "Text note",
}
UNCLASSIFIED = "Unclassified"


class Column(IntEnum):
    """The columns of the list, from left to right."""

    SHOWN = 0
    LOCKED = 1
    NAME = 2
    VALUE = 3
    CLASS = 4
    KIND = 5
    NOTE = 6


@dataclass(frozen=True, slots=True)
class Group:
    """The row above the annotations of a class.

    Attributes
    ----------
    name : of the class; empty for annotations without one.
    color : of the class.
    members : ids of the annotations that are listed under it, folded or not.
    is_hidden, is_locked : whether all of them are.
    """

    name: str
    color: tuple[int, int, int] | None
    members: tuple[str, ...]
    is_folded: bool
    is_hidden: bool
    is_locked: bool

    @property
    def title(self) -> str:
        return self.name or UNCLASSIFIED


Row = Group | Annotation


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How annotations are listed.

    Attributes
    ----------
    words : only those are listed that have each of these in name, kind, class or note; casefolded.
    column : what they are sorted by; None for the order in which they were made.
    order : names of classes, in the order of their groups; others follow by name.
    folded : names of the groups that show their own row only.
    """

    words: tuple[str, ...] = ()
    column: Column | None = None
    is_descending: bool = False
    is_grouped: bool = False
    order: tuple[str, ...] = ()
    folded: frozenset[str] = frozenset()

    def lists(self, annotation: Annotation) -> bool:
        """Whether it has the words."""
        if not self.words:
            return True
        text = searched_text(annotation)
        return all(word in text for word in self.words)


def searched_text(annotation: Annotation) -> str:
    """All that it can be found by."""
    texts = name_of(annotation), class_name(annotation), kind_of(annotation), annotation.note
    return "\n".join(texts).casefold()


def class_name(annotation: Annotation) -> str:
    """Of its class; empty without one."""
    return "" if annotation.annotation_class is None else annotation.annotation_class.name


def kind_of(annotation: Annotation) -> str:
    """What it is, e.g. ``Point``, ``Count``, ``Rectangle``."""
    if annotation.kind is Kind.POINTS and annotation.geometry.geom_type == "Point":
        return "Point"
    return KIND_TITLES[annotation.kind]


def counts_of_kinds(annotations: Sequence[Annotation]) -> Counter[str]:
    """How many there are of what `kind_of` says; quick by the ten thousand."""
    kinds = [each.kind for each in annotations]
    counts = Counter(
        {title: count for kind, title in KIND_TITLES.items() if (count := kinds.count(kind))}
    )
    if counts.pop(KIND_TITLES[Kind.POINTS], 0):
        counts.update(kind_of(each) for each in annotations if each.kind is Kind.POINTS)
    return counts


def name_of(annotation: Annotation) -> str:
    """The reader's name for it, or what a note says, or what it is."""
    if annotation.name:
        return annotation.name
    if annotation.kind is Kind.TEXT and annotation.note:
        return annotation.note.partition("\n")[0]
    return kind_of(annotation)


def detail_of(annotation: Annotation) -> str:
    """What its name does not say: its class, and its kind."""
    name, kind = name_of(annotation), kind_of(annotation)
    named = class_name(annotation) or UNCLASSIFIED
    return named if name == kind else f"{named} · {kind.lower()}"


@dataclass(slots=True)
class Values:
    """Measured values of annotations, each computed when it is asked for, and kept."""

    pixel_size: PixelSize
    _kept: dict[str, tuple[object, Measures]] = field(default_factory=dict)
    _sorted_by: dict[str, tuple[object, tuple[int, float]]] = field(default_factory=dict)

    def of(self, annotation: Annotation) -> Measures:
        """The measured values of one annotation."""
        kept = self._kept.get(annotation.id)
        if kept is None or kept[0] is not annotation.shape:
            kept = annotation.shape, measures_of(annotation, self.pixel_size)
            self._kept[annotation.id] = kept
        return kept[1]

    def sort_values(self, annotations: Sequence[Annotation]) -> Mapping[str, tuple[int, float]]:
        """By id, what they are sorted by: areas, then lengths, angles, and counts."""
        kept, new = self._sorted_by, []
        for each in annotations:
            known = kept.get(each.id)
            if known is None or known[0] is not each.shape:
                new.append(each)
        areas = [each for each in new if each.kind in (Kind.AREA, Kind.RECTANGLE)]
        if areas:
            import shapely

            sizes = shapely.area([each.geometry for each in areas])
            for each, size in zip(areas, sizes, strict=True):
                kept[each.id] = each.shape, (0, float(size))
        for each in new:
            if each.kind not in (Kind.AREA, Kind.RECTANGLE):
                kept[each.id] = each.shape, _sort_value(self.of(each))
        return {each.id: kept[each.id][1] for each in annotations}


def _sort_value(measures: Measures) -> tuple[int, float]:
    # Areas in px² come in the order of those in mm²; lengths do not where pixels are not square.
    length = measures.length_px if measures.length_um is None else measures.length_um
    values = measures.area_px2, length, measures.angle_deg, measures.count
    for place, value in enumerate(values):
        if value is not None:
            return place, float(value)
    return len(values), 0.0


def arranged(
    annotations: Iterable[Annotation], how: Arrangement, values: Values
) -> tuple[list[Row], int]:
    """The rows of the list, and how many annotations have the words."""
    listed = [each for each in annotations if how.lists(each)]
    listed.sort(key=lambda each: each.created)  # those of a file come in another order
    if how.column is not None:
        listed.sort(key=_key_of(how.column, listed, values), reverse=how.is_descending)
    if not how.is_grouped:
        return list(listed), len(listed)
    groups: dict[str, list[Annotation]] = {}
    for each in listed:
        groups.setdefault(class_name(each), []).append(each)
    rows: list[Row] = []
    for name in sorted(groups, key=lambda name: _group_key(name, how.order)):
        members = groups[name]
        first = members[0].annotation_class
        group = Group(
            name,
            None if first is None else first.color,
            tuple(each.id for each in members),
            name in how.folded,
            all(each.is_hidden for each in members),
            all(each.is_locked for each in members),
        )
        rows.append(group)
        if not group.is_folded:
            rows += members
    return rows, len(listed)


def _group_key(name: str, order: Sequence[str]) -> tuple[int, str]:
    if not name:
        return len(order) + 1, ""
    return (order.index(name) if name in order else len(order)), name.casefold()


def _key_of(
    column: Column, annotations: Sequence[Annotation], values: Values
) -> "Callable[[Annotation], tuple[int, float] | str | bool]":
    if column is Column.VALUE:
        known = values.sort_values(annotations)
        return lambda each: known[each.id]
    return {
        Column.SHOWN: lambda each: each.is_hidden,
        Column.LOCKED: lambda each: not each.is_locked,
        Column.NAME: lambda each: name_of(each).casefold(),
        Column.CLASS: lambda each: class_name(each).casefold() or "\U0010ffff",
        Column.KIND: lambda each: kind_of(each),
        Column.NOTE: lambda each: each.note.casefold() or "\U0010ffff",
    }[column]


def steps(before: Sequence[Row], after: Sequence[Row]) -> tuple[list[int], list[int]]:
    """How to get from some rows to others that differ in a few annotations only.

    Annotations that have not changed are the same objects, in the same order.

    Returns
    -------
    Rows of `before` to remove, the last first, and then rows of `after` to insert, the first first.
    """
    there = {_identity(row) for row in before}
    wanted = {_identity(row) for row in after}
    removed = [n for n, row in enumerate(before) if _identity(row) not in wanted]
    inserted = [n for n, row in enumerate(after) if _identity(row) not in there]
    return removed[::-1], inserted


def _identity(row: Row) -> str | int:
    return row.name if isinstance(row, Group) else id(row)
