"""Marks are kept in the results file: what was saved is read again, and damage is told."""

import contextlib
import sqlite3
from pathlib import Path

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bachview.core.geometry import Point, Region
from bachview.errors import StoreError
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.bookmark import Bookmark
from bachview.marks.correction import Correction
from bachview.marks.working_set import Change, Mark, added, changed, deleted
from bachview.store.results import ResultStore
from bachview.store.schema import store_name
from tests.support import runs
from tests.support.runs import everywhere, full_tissue

SLIDE = "quick-1-abc"

numbers = st.floats(-1e7, 1e7)
sides = st.floats(0.01, 1e6)
texts = st.text(max_size=20)
colours = st.tuples(*[st.integers(0, 255)] * 3)
shapes = st.one_of(
    st.tuples(
        st.sampled_from([Kind.RECTANGLE, Kind.ELLIPSE]),
        st.builds(Frame, numbers, numbers, sides, sides, st.floats(-360, 360)),
    ),
    st.tuples(
        st.sampled_from([Kind.POINTS, Kind.TEXT]), st.builds(shapely.Point, numbers, numbers)
    ),
    st.tuples(
        st.just(Kind.ANGLE),
        st.builds(
            shapely.LineString, st.lists(st.tuples(numbers, numbers), min_size=3, max_size=3)
        ),
    ),
    st.tuples(
        st.just(Kind.AREA),
        st.just(
            shapely.Polygon(
                [(0, 0), (9, 0), (9, 9.25), (0, 9)], [[(2, 2), (3, 2), (3, 3.125), (2, 3)]]
            )
        ),
    ),
)


@st.composite
def annotations(draw: st.DrawFn) -> Annotation:
    kind, shape = draw(shapes)
    own_class = draw(st.none() | st.builds(AnnotationClass, texts, colours))
    return Annotation.drawn(kind, shape, own_class, note=draw(texts)).with_changes(
        name=draw(texts),
        color=draw(st.none() | colours),
        is_locked=draw(st.booleans()),
        is_hidden=draw(st.booleans()),
        plane=draw(st.tuples(st.integers(0, 9), st.integers(0, 9))),
        channel=draw(st.none() | st.integers(0, 5)),
        nucleus=draw(st.none() | st.just(shapely.box(1, 1, 2, 2.5))),
        measurements=draw(st.dictionaries(texts, st.floats(allow_nan=False), max_size=3)),
        extra=draw(texts),
    )


bookmarks = st.builds(
    Bookmark.made,
    texts,
    st.builds(Point, numbers, numbers),
    st.floats(0.01, 1e4),
    st.floats(0, 360),
    thumbnail=st.binary(max_size=30),
)
corrections = st.builds(
    Correction.made,
    st.builds(Region, numbers, numbers, sides, sides),
    texts,
    st.none() | texts,
    texts,
)


@settings(max_examples=60, deadline=None)
@given(st.one_of(annotations(), bookmarks, corrections))
def test_what_was_saved_is_read_again(mark: Mark) -> None:
    with ResultStore.in_memory(SLIDE) as store:
        store.save_marks(added("draw", [mark]).changes)
        assert store.marks().marks == (mark,)


def point(x: float) -> Annotation:
    return Annotation.drawn(Kind.POINTS, shapely.Point(x, 0))


def test_another_program_learns_what_was_changed_and_deleted(tmp_path: Path) -> None:
    first, second = point(1), point(2)
    with ResultStore.open(tmp_path, SLIDE) as one, ResultStore.open(tmp_path, SLIDE) as other:
        revision = one.save_marks(added("draw", [first, second]).changes)
        assert other.marks().revision == revision
        assert set(other.marks().marks) == {first, second}
        assert other.marks(revision).marks == ()
        renamed = second.with_changes(name="there")
        one.save_marks(deleted("delete", [first]).changes)
        one.save_marks(changed("name", [(second, renamed)]).changes)
        news = other.marks(revision)
        assert news.marks == (renamed,)
        assert news.deleted == (("annotation", first.id),)
        # Made again, as undoing does.
        one.save_marks((Change(None, first),))
        assert other.marks(news.revision).marks == (first,)


def test_a_full_disk_says_which_marks_are_not_saved(tmp_path: Path) -> None:
    kept, note = point(1), point(2).with_changes(note="n" * 100_000)
    view = Bookmark.made("v", Point(0, 0), 1.0, 0.0)
    with ResultStore.open(tmp_path, SLIDE) as store:
        store.save_marks(added("draw", [kept]).changes)
        connection = store._connection
        assert connection is not None
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(StoreError, match="no more annotations and bookmarks can be saved"):
            store.save_marks(added("draw", [note, view]).changes)
        assert store.marks().marks == (kept,)


def test_a_full_disk_on_which_there_is_no_file_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(StoreError, match="The disk is full, so nothing more can be saved to"):
        ResultStore.in_memory(SLIDE)


def test_a_damaged_mark_is_told_and_costs_no_other(
    tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    whole, broken = point(1), point(2)
    with ResultStore.open(tmp_path, SLIDE) as store:
        store.save_marks(added("draw", [whole, broken]).changes)
    with contextlib.closing(sqlite3.connect(tmp_path / store_name(SLIDE))) as raw, raw:
        raw.execute("UPDATE marks SET data = x'00' WHERE id = ?", (broken.id,))
    with ResultStore.open(tmp_path, SLIDE) as store:
        found = store.marks()
        assert (found.marks, found.damaged) == ((whole,), 1)
    assert "1 marks of a results file are damaged" in expects_log.text


def test_marks_outlive_the_results_that_are_cleared(tmp_path: Path) -> None:
    mark = point(1)
    with ResultStore.open(tmp_path, SLIDE) as store:
        store.save_marks(added("draw", [mark]).changes)
        grid = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(grid, runs.results(everywhere()))
        store.clear(grid)
        assert store.grids() == ()
        assert store.marks().marks == (mark,)
        assert store.mark_counts() == {"annotation": 1, "correction": 0, "bookmark": 0}


@pytest.mark.parametrize("is_open", [False, True])
def test_marks_are_taken_out_of_a_damaged_file_that_is_moved_aside(
    tmp_path: Path, expects_log: pytest.LogCaptureFixture, is_open: bool
) -> None:
    """Found when the file is opened, or later, in a grid."""
    path = tmp_path / store_name(SLIDE)
    whole, gone, broken = point(1), point(2), point(3)
    with ResultStore.open(tmp_path, SLIDE) as store:
        store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.save_marks(added("draw", [whole, gone, broken]).changes)
        revision = store.save_marks(deleted("delete", [gone]).changes)
    with contextlib.closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE grids SET done = 7" if is_open else "UPDATE slide SET checksum = 'no'")
        raw.execute("UPDATE marks SET data = x'00' WHERE id = ?", (broken.id,))
    if is_open:
        told = "taken over: 1 annotation; 1 more cannot be read"
        with ResultStore.open(tmp_path, SLIDE) as store, pytest.raises(StoreError, match=told):
            store.grids()
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert is_open or "taken over: 1 annotation; 1 more cannot" in (store.notice or "")
        assert store.grids() == ()
        found = store.marks()
        assert found.marks == (whole,)
        # As before, so that another program that has the slide open sees nothing new.
        assert (found.deleted, found.revision) == ((("annotation", gone.id),), revision)
    assert len(list(tmp_path.glob("*.damaged-1.sqlite"))) == 1
    assert "damaged" in expects_log.text


def test_a_file_whose_pages_are_damaged_gives_what_is_left_of_its_marks(
    tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / store_name(SLIDE)
    marks = [point(x).with_changes(note=f"{x:03} " * 200) for x in range(60)]
    with ResultStore.open(tmp_path, SLIDE) as store:
        store.save_marks(added("draw", marks).changes)
    with contextlib.closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE slide SET checksum = 'no'")
    content = bytearray(path.read_bytes())
    page = content.index(b"030 030") // 4096 * 4096
    content[page : page + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with ResultStore.open(tmp_path, SLIDE) as store:
        kept = set(store.marks().marks)
        assert kept < set(marks)
        assert kept > {*marks[:20], *marks[-20:]}
        lost = len(marks) - len(kept)
        assert f"taken over: {len(kept)} annotations; {lost} more cannot" in (store.notice or "")
    assert "damaged" in expects_log.text


def test_marks_are_found_though_the_root_of_their_table_is_destroyed(
    tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / store_name(SLIDE)
    marks = [point(x).with_changes(note=f"{x:03} " * 200) for x in range(60)]
    long = point(99).with_changes(note="long " * 5000)  # on pages of its own
    with ResultStore.open(tmp_path, SLIDE) as store:
        grid = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(grid, runs.results(everywhere()))
        store.save_marks(added("draw", [*marks, long]).changes)
        moved = [mark.with_changes(name="n", note=mark.note * 3) for mark in marks[:20]]
        store.save_marks(changed("name", zip(marks, moved, strict=False)).changes)
        store.save_marks(deleted("delete", marks[20:50]).changes)
    with contextlib.closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE slide SET checksum = 'no'")
        (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'marks'").fetchone()
    content = bytearray(path.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert set(store.marks().marks) == {*moved, *marks[50:], long}
        assert "taken over: 31 annotations." in (store.notice or "")
    assert "damaged" in expects_log.text


def test_marks_that_nobody_can_count_are_told_too(
    tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / store_name(SLIDE)
    with ResultStore.open(tmp_path, SLIDE) as store:
        store.save_marks(added("draw", [point(1)]).changes)
    content = bytearray(path.read_bytes())
    content[:4096] = b"\xff" * 4096
    path.write_bytes(content)
    with ResultStore.open(tmp_path, SLIDE) as store:
        assert store.marks().marks == ()
        assert "bookmarks, if it had any, cannot be read" in (store.notice or "")
    assert "damaged" in expects_log.text
