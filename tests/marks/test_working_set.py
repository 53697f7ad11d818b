"""Marks change in steps that can be undone and redone, and nothing is lost on the way."""

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.geometry import Point, Region
from bachview.marks.annotation import Annotation, Kind
from bachview.marks.bookmark import Bookmark
from bachview.marks.correction import Correction
from bachview.marks.working_set import Change, Edit, WorkingSet, added, changed, deleted


def point(x: float, y: float = 0) -> Annotation:
    return Annotation.drawn(Kind.POINTS, shapely.Point(x, y))


def state(marks: WorkingSet) -> tuple[dict[str, object], ...]:
    return dict(marks.annotations), dict(marks.corrections), dict(marks.bookmarks)


@given(st.lists(st.sampled_from(["add", "change", "delete", "undo", "redo"]), max_size=40))
def test_undoing_everything_and_redoing_it_gives_the_same(steps: list[str]) -> None:
    marks = WorkingSet()
    for number, step in enumerate(steps):
        first = next(iter(marks.annotations.values()), None)
        if step == "add":
            marks.apply(added("draw", [point(number)]))
        elif step == "change" and first is not None:
            marks.apply(changed("name", [(first, first.with_changes(name=str(number)))]))
        elif step == "delete" and first is not None:
            marks.apply(deleted("delete", [first]))
        elif step == "undo":
            assert marks.undo() == 0
        elif step == "redo":
            assert marks.redo() == 0
    at_the_end = state(marks)
    count = 0
    while marks.undo_text is not None:
        assert marks.undo() == 0
        count += 1
    assert state(marks) == ({}, {}, {})
    for _ in range(count):
        marks.redo()
    assert state(marks) == at_the_end


def test_an_edit_is_one_step_whatever_it_is_of() -> None:
    marks = WorkingSet()
    seen: list[tuple[Change, ...]] = []
    marks.listen(seen.append)
    cell = Correction.made(Region(0, 0, 72, 72), "Benign", "Normal", "aa")
    view = Bookmark.made("hot spot", Point(5, 5), 2)
    marks.apply(added("import", [point(1), cell, view]))
    assert marks.corrections[cell.id] is cell
    assert marks.undo_text == "import"
    assert marks.undo() == 0
    assert state(marks) == ({}, {}, {})
    assert marks.redo_text == "import"
    assert [len(changes) for changes in seen] == [3, 3]


def test_a_new_edit_ends_what_could_be_redone() -> None:
    marks = WorkingSet([point(1)])
    marks.apply(added("draw", [point(2)]))
    marks.undo()
    marks.apply(added("draw", [point(3)]))
    assert marks.redo_text is None
    assert marks.redo() == 0


def test_an_edit_of_what_is_no_longer_so_changes_nothing() -> None:
    old = point(1)
    marks = WorkingSet([old])
    marks.apply(changed("name", [(old, old.with_changes(name="a"))]))
    before = state(marks)
    with pytest.raises(ValueError, match="not what it was"):
        marks.apply(Edit("both", (Change(None, point(2)), Change(old, None))))
    assert state(marks) == before
    assert marks.undo_text == "name"


def test_what_another_program_changed_is_neither_undone_nor_overwritten() -> None:
    mine, others = point(1), point(2)
    marks = WorkingSet([mine, others])
    both = [(m, m.with_changes(name="here")) for m in (mine, others)]
    marks.apply(changed("name", both))
    theirs = others.with_changes(name="there")
    marks.take_over([Change(None, theirs)])
    assert marks.undo() == 1
    assert marks.annotations[mine.id] == mine
    assert marks.annotations[others.id] == theirs


def test_a_change_is_of_one_mark() -> None:
    with pytest.raises(ValueError, match="two marks"):
        Change(point(1), point(2))
    with pytest.raises(ValueError, match="nothing"):
        Change(None, None)
