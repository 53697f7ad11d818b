"""Marks are saved as they are made, survive the end of the process, and follow other programs."""

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest
import shapely
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.jobs.lanes import Lane
from bachview.marks.annotation import Annotation, Kind
from bachview.marks.working_set import added, changed, deleted
from bachview.store.results import ResultStore
from bachview.store.schema import store_name
from bachview.ui.bridge import Bridge
from bachview.ui.session import marks_session
from bachview.ui.session.marks_session import MarksSession
from bachview.ui.session.slide_results import SlideResults

SLIDE = "q1:marks"


def point(x: float) -> Annotation:
    return Annotation.drawn(Kind.POINTS, shapely.Point(x, 0))


@pytest.fixture
def lane() -> Iterator[Lane]:
    lane = Lane("io", threads=2)
    yield lane
    assert lane.close(10)


@contextlib.contextmanager
def session(qtbot: QtBot, lane: Lane) -> Iterator[MarksSession]:
    """An open slide's marks, as the window has them."""
    bridge, results = Bridge(), SlideResults(SLIDE)
    marks = MarksSession(results, lane, bridge)
    try:
        qtbot.waitUntil(lambda: marks.is_loaded)
        yield marks
    finally:
        save_rest = marks.detach()
        lane.submit(lambda _: save_rest()).result(10)
        results.close()
        bridge.close()
        marks.deleteLater()
        bridge.deleteLater()


@pytest.fixture
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks_session, "_LOOK_MS", 20)


def saved() -> dict[str, Annotation]:
    with ResultStore.open(user_folders().results, SLIDE) as store:
        return {mark.id: mark for mark in store.marks().marks if isinstance(mark, Annotation)}


def test_looking_at_a_slide_creates_no_file(qtbot: QtBot, lane: Lane) -> None:
    with session(qtbot, lane) as marks:
        assert not marks.working_set.annotations
        marks.undo()
    assert not list(user_folders().results.glob("*.sqlite"))


def test_each_step_is_saved_and_is_there_again(qtbot: QtBot, lane: Lane) -> None:
    first, second = point(1), point(2)
    with session(qtbot, lane) as marks:
        marks.apply(added("draw", [first]))
        marks.apply(added("draw", [second]))
        qtbot.waitUntil(lambda: marks.is_saved)
        assert set(saved()) == {first.id, second.id}
        marks.selection.set([first.id, second.id])
        assert [mark.id for mark in marks.selected] == [first.id, second.id]
        assert marks.selected is marks.selected  # which many ask for after each step
        marks.apply(deleted("delete", [first]))
        assert [mark.id for mark in marks.selected] == [second.id]
        marks.apply(changed("rename", [(second, second.with_changes(name="2"))]))
        assert [mark.name for mark in marks.selected] == ["2"]
        marks.undo()
        marks.undo()
        marks.apply(changed("name", [(second, second.with_changes(name="b"))]))
        marks.undo()
        marks.redo()
        expected = dict(marks.working_set.annotations)
        # The slide is closed at once, before the saving is heard of.
    with session(qtbot, lane) as marks:
        assert dict(marks.working_set.annotations) == expected
        assert marks.working_set.undo_text is None


@pytest.mark.usefixtures("quick_looks")
def test_two_windows_see_each_others_changes(qtbot: QtBot, lane: Lane) -> None:
    mine, theirs = point(1), point(2)
    with session(qtbot, lane) as one, session(qtbot, lane) as other:
        one.apply(added("draw", [mine, theirs]))
        qtbot.waitUntil(lambda: len(other.working_set.annotations) == 2)
        one.selection.set([theirs.id])
        pair = [(mark, mark.with_changes(name="here")) for mark in (mine, theirs)]
        one.apply(changed("name", pair))
        qtbot.waitUntil(lambda: other.working_set.annotations[theirs.id].name == "here")
        other.apply(deleted("delete", [other.working_set.annotations[theirs.id]]))
        qtbot.waitUntil(lambda: theirs.id not in one.working_set.annotations)
        assert not one.selection.ids
        with qtbot.waitSignal(one.noticed) as said:
            one.undo()
        assert said.args is not None
        assert said.args[0].startswith("One mark was changed in another window meanwhile")
        assert one.working_set.annotations[mine.id].name == ""
        qtbot.waitUntil(lambda: other.working_set.annotations[mine.id].name == "")


@pytest.mark.usefixtures("quick_looks")
def test_a_file_that_is_lost_is_written_again(
    qtbot: QtBot, lane: Lane, expects_log: pytest.LogCaptureFixture
) -> None:
    mark = point(1)
    with session(qtbot, lane) as marks:
        marks.apply(added("draw", [mark]))
        qtbot.waitUntil(lambda: marks.is_saved)
        path = user_folders().results / store_name(SLIDE)
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        other = point(2)
        marks.apply(added("draw", [other]))
        qtbot.waitUntil(lambda: "saved again" in expects_log.text and marks.is_saved)
    assert set(saved()) == {mark.id, other.id}


@pytest.mark.usefixtures("quick_looks")
def test_what_cannot_be_saved_is_said_and_saved_later(qtbot: QtBot, lane: Lane) -> None:
    mark = point(1)
    with session(qtbot, lane) as marks:
        marks.apply(added("draw", [point(0)]))
        qtbot.waitUntil(lambda: marks.is_saved)
        path = user_folders().results / store_name(SLIDE)
        with contextlib.closing(sqlite3.connect(path)) as raw:
            raw.execute(
                "CREATE TRIGGER no BEFORE INSERT ON marks BEGIN SELECT raise(ABORT, 'x'); END"
            )
            with qtbot.waitSignal(marks.failed) as said:
                marks.apply(added("draw", [mark]))
            assert said.args is not None
            assert "not saved yet; saving is tried again" in said.args[0]
            raw.execute("DROP TRIGGER no")
        qtbot.waitUntil(lambda: marks.is_saved)
    assert mark.id in saved()
