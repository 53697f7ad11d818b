"""Works at random on the marks of a slide, says what it has, and waits to be killed.

Run as ``python -m tests.support.random_marks SLIDE SEED STEPS``. After the last step is saved it
prints the digest of the marks, and waits for ever.
"""

import hashlib
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import shapely
from PySide6.QtCore import QCoreApplication

from bachview.core.geometry import Point, Region
from bachview.errors import UsageError
from bachview.jobs.lanes import Lane
from bachview.marks import operations
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.bookmark import Bookmark
from bachview.marks.correction import Correction
from bachview.marks.records import name_of_type, to_record
from bachview.marks.shapes import Vertex, rings_of, vertex_moved
from bachview.marks.transforms import moved, resized, turned
from bachview.marks.working_set import Edit, Mark, WorkingSet, added, changed
from bachview.ui.bridge import Bridge
from bachview.ui.session.marks_session import MarksSession
from bachview.ui.session.slide_results import SlideResults

_CLASSES = (AnnotationClass("Invasive", (214, 39, 10)), AnnotationClass("Ink", (9, 9, 9)), None)


def digest(marks: WorkingSet) -> str:
    """The same for the same marks, in whatever order."""
    all_of_them: list[Mark] = [
        mark for of_type in marks.by_type.values() for mark in of_type.values()
    ]
    lines = sorted(repr((name_of_type(m), m.id, *to_record(m))) for m in all_of_them)
    return f"{len(lines)}-{hashlib.sha256(repr(lines).encode()).hexdigest()}"


def step(chance: random.Random, marks: MarksSession) -> None:
    """One of the things that a reader does."""
    present = list(marks.working_set.annotations.values())
    some = chance.sample(present, min(len(present), chance.randint(1, 3)))
    what = chance.choice(_STEPS)
    try:
        if what == "undo":
            marks.undo()
        elif what == "redo":
            marks.redo()
        elif what == "draw" or not some:
            marks.apply(added("draw", [_drawn(chance)]))
        elif what == "bookmark":
            place = Point(chance.uniform(0, 9e4), chance.uniform(0, 9e4))
            marks.apply(added("bookmark", [Bookmark.made("here", place, 2, thumbnail=b"\x00png")]))
        elif what == "correct":
            cell = Region(144 * chance.randrange(20), 144 * chance.randrange(20), 144, 144)
            correction = Correction.made(cell, "Benign", "Normal", "ab" * 32)
            former = marks.working_set.corrections.get(correction.id)
            marks.apply(
                added("correct", [correction])
                if former is None
                else changed("correct", [(former, correction)])
            )
        elif what in _EDITS:
            marks.apply(_EDITS[what](some))
        else:
            marks.apply(changed(what, [(each, _other(what, chance, each)) for each in some]))
    except UsageError:
        pass  # e.g. a line with an area cannot be merged


def _drawn(chance: random.Random) -> Annotation:
    x, y = chance.uniform(0, 5e4), chance.uniform(0, 5e4)
    kind = chance.choice(list(Kind))
    frame = Frame(x, y, chance.uniform(10, 900), chance.uniform(10, 900), chance.uniform(0, 180))
    shapes: dict[Kind, Any] = {
        Kind.RECTANGLE: frame,
        Kind.ELLIPSE: frame,
        Kind.POINTS: shapely.MultiPoint([(x, y), (x + 5, y)]),
        Kind.TEXT: shapely.Point(x, y),
        Kind.LINE: shapely.LineString([(x, y), (x + 300, y + 99)]),
        Kind.ANGLE: shapely.LineString([(x, y), (x + 300, y + 99), (x, y + 300)]),
        Kind.AREA: shapely.Point(x, y).buffer(chance.uniform(20, 800)),
    }
    return Annotation.drawn(
        kind, shapes[kind], chance.choice(_CLASSES), note="µ 標" * (kind is Kind.TEXT)
    )


def _other(what: str, chance: random.Random, mark: Annotation) -> Annotation:
    left, top, *_ = mark.bounds
    if what == "move":
        return moved(mark, chance.uniform(-500, 500), chance.uniform(-500, 500))
    if what == "turn":
        return turned(mark, chance.uniform(-180, 180), (left, top))
    if what == "resize":
        return resized(mark, (left, top), chance.uniform(0.5, 2), chance.uniform(0.5, 2))
    if what == "vertex" and rings_of(mark):
        x, y = rings_of(mark)[0][0]
        return vertex_moved(mark, Vertex(0, 0), (x + 3, y - 3)) or mark.with_changes(note="gone")
    return mark.with_changes(name=f"name {chance.random()}")


_EDITS: dict[str, Callable[[Sequence[Annotation]], Edit]] = {
    "merge": operations.merge,
    "split": operations.split,
    "subtract": operations.subtract,
    "delete": operations.delete,
    "duplicate": lambda some: operations.duplicate(some, 20, 20),
    "lock": lambda some: operations.set_values("lock", some, is_locked=True),
}
_STEPS = (
    *("draw", "draw", "draw", "undo", "undo", "redo", "move", "turn", "resize", "vertex"),
    *("name", "bookmark", "correct", *_EDITS),
)


def main() -> None:
    """Go on with what is saved, and wait to be killed."""
    slide, seed, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    application = QCoreApplication([])
    marks = MarksSession(SlideResults(slide), Lane("io", threads=2), Bridge())

    def wait() -> None:
        while not (marks.is_loaded and marks.is_saved):
            application.processEvents()

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    wait()
    say(digest(marks.working_set))
    chance = random.Random(seed)
    for _ in range(steps):
        step(chance, marks)
        # Some steps are saved together, as those of a quick hand.
        if chance.random() < 0.5:
            application.processEvents()
    wait()
    say(digest(marks.working_set))
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
