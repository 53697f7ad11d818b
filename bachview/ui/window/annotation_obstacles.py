"""Why a command for annotations is off, as what is selected says."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from bachview.marks.annotation import AREAS, Annotation, Frame, Kind
from bachview.ui.window.commands import NO_SLIDE

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

NOTHING_SELECTED: Final = "Off, because no annotation is selected"
ALL_LOCKED: Final = "Off, because what is selected is locked: unlock it first"
NONE_LOCKED: Final = "Off, because nothing that is selected is locked"
NONE_THERE: Final = "Off, because this slide has no annotations"
NONE_SHOWN: Final = "Off, because no annotation of this slide is shown"
NOT_YET: Final = "Off, because the annotations of this slide are still being read"
NO_UNDO: Final = "Off, because there is nothing to undo"
NO_REDO: Final = "Off, because nothing was undone"
NO_MERGE: Final = "Off, because merging needs two or more areas, lines or points"
NO_SPLIT: Final = "Off, because splitting needs several parts, or an area and a line across it"
NO_SUBTRACT: Final = "Off, because subtracting needs two or more areas"
NO_SIMPLIFY: Final = "Off, because only areas and lines have vertices to leave out"
NO_HIDE: Final = "Off, because what is selected is hidden"
NO_HIDDEN: Final = "Off, because no annotation is hidden"
ONE_ONLY: Final = "Off, because one annotation is renamed at a time"


@dataclass(frozen=True)
class Chosen:
    """What the commands depend on.

    Attributes
    ----------
    no_marks : why nothing can be done; empty if something can.
    annotations : those that are selected.
    free : those of them that are not locked.
    """

    no_marks: str = NO_SLIDE
    annotations: tuple[Annotation, ...] = ()
    free: tuple[Annotation, ...] = ()
    has_any: bool = False
    has_shown: bool = False
    has_hidden: bool = False
    undo_text: str | None = None
    redo_text: str | None = None

    @cached_property
    def kinds(self) -> Counter[Kind]:
        """How many of the free ones are of each kind."""
        kinds = [each.kind for each in self.free]
        return Counter({kind: count for kind in Kind if (count := kinds.count(kind))})


def no_change(now: Chosen) -> str:
    """Why nothing that is selected can be changed; empty if something can."""
    if not now.annotations:
        return NOTHING_SELECTED
    return "" if now.free else ALL_LOCKED


def no_merge(now: Chosen) -> str:
    """Why what is selected cannot be merged."""
    kinds = now.kinds.keys()
    fits = kinds <= AREAS or kinds in ({Kind.LINE}, {Kind.POINTS})
    return no_change(now) or ("" if fits and len(now.free) > 1 else NO_MERGE)


def no_split(now: Chosen) -> str:
    """Why it cannot be split."""
    kinds = now.kinds.keys()
    has_line = Kind.LINE in kinds and bool(kinds & AREAS)
    # Rectangles and ellipses are of one part.
    shapes = [each.shape for each in now.free if not isinstance(each.shape, Frame)]
    has_parts = not has_line and _has_parts(shapes)
    return no_change(now) or ("" if has_line or has_parts else NO_SPLIT)


def _has_parts(shapes: "Sequence[BaseGeometry]") -> bool:
    """Whether one has several."""
    if not shapes:
        return False
    import shapely

    return int(shapely.get_num_geometries(shapes).max()) > 1


def no_subtract(now: Chosen) -> str:
    """Why its areas cannot be subtracted."""
    areas = sum(now.kinds[kind] for kind in AREAS)
    return no_change(now) or ("" if areas > 1 else NO_SUBTRACT)


def no_simplify(now: Chosen) -> str:
    """Why it cannot be simplified."""
    fits = now.kinds.keys() & {Kind.AREA, Kind.LINE}
    return no_change(now) or ("" if fits else NO_SIMPLIFY)


def no_hide(now: Chosen) -> str:
    """Why it cannot be hidden."""
    if not now.annotations:
        return NOTHING_SELECTED
    return "" if any(not each.is_hidden for each in now.annotations) else NO_HIDE


def no_unlock(now: Chosen) -> str:
    """Why it cannot be unlocked."""
    if not now.annotations:
        return NOTHING_SELECTED
    return "" if len(now.free) < len(now.annotations) else NONE_LOCKED


def no_rename(now: Chosen) -> str:
    """Why it cannot be renamed."""
    return no_change(now) or ("" if len(now.annotations) == 1 else ONE_ONLY)
