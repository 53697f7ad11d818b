"""Closing in the middle of a run asks once, says what is kept, and never waits for an answer."""

import re
import threading
from concurrent import futures
from pathlib import Path

import pytest
import shapely
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTabBar, QToolButton
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.core.geometry import Region
from bachview.errors import Cancelled, StoreError
from bachview.export.formats import SUMMARY
from bachview.jobs.tokens import CancelToken
from bachview.marks.annotation import Annotation, Kind
from bachview.marks.working_set import added
from bachview.store.results import ResultStore
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.session.exporting import ExportRequest
from bachview.ui.session.run_status import RunState
from bachview.ui.window import exports
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.slide_page import SlidePage
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def running_page(qtbot: QtBot, window: MainWindow, path: Path) -> SlidePage:
    """A slide whose run has finished some patches, and is paused so that nothing changes."""
    page = page_of(qtbot, window, pink_slide(path, side=4096))
    run = page.document.run
    window.classify_commands.whole_slide.trigger()
    qtbot.waitUntil(lambda: bool(run.status.progress and run.status.progress.done), timeout=LONG_MS)
    window.classify_commands.pause.trigger()
    assert run.status.state is RunState.PAUSED
    return page


def asked() -> QuestionDialog:
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QuestionDialog)
    return dialog


def close_button(window: MainWindow, page: SlidePage) -> QToolButton:
    place = window.tabs.indexOf(page)
    button = window.tabs.tabBar().tabButton(place, QTabBar.ButtonPosition.RightSide)
    assert isinstance(button, QToolButton)
    return button


def test_a_tab_in_a_run_closes_only_when_told_so(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = running_page(qtbot, window, tmp_path / "a.tiff")
        other = page_of(qtbot, window, pink_slide(tmp_path / "b.tiff"))
        close_button(window, page).click()  # although another tab is in front
        assert re.fullmatch(
            r"a\.tiff is paused: (< 1|\d+) % of this run is done and saved\. Close it\? "
            r"A later run goes on from there\.",
            asked().text,
        )
        QTest.keyClick(asked(), Qt.Key.Key_Return)  # the answer that changes nothing
        assert window.tabs.pages == [page, other]
        assert page.document.run.status.state is RunState.PAUSED
        window.tabs.setCurrentWidget(page)
        window.file_commands.close_slide.trigger()
        asked().yes.click()
        assert window.tabs.pages == [other]
        window.file_commands.close_slide.trigger()  # nothing goes on there: it is not asked
        assert window.tabs.pages == []


def test_an_export_ends_only_when_told_so(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(request: ExportRequest, token: CancelToken) -> tuple[Path, ...]:
        token.wait(60)
        raise Cancelled

    monkeypatch.setattr(exports, "export", slow)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        page.regionDrawn.emit(Region(0, 0, 256, 256))
        wait_for(qtbot, page, RunState.DONE)
        write = window.classify_commands.exports.export
        write(page.document, tmp_path / "out", (SUMMARY,))
        assert not window.close()
        text = "a.tiff is being exported: no file of that will be written. Close the window?"
        assert (asked().text, asked().no.text()) == (text, "Keep exporting")
        asked().no.click()
        window.tabs.closeRequested.emit(page)
        asked().yes.click()
        assert window.tabs.pages == []


def test_a_run_that_is_being_cancelled_is_not_asked_about(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = running_page(qtbot, window, tmp_path / "a.tiff")
        page.document.run.cancel()
        window.tabs.closeRequested.emit(page)
        assert window.tabs.pages == []


def test_the_window_asks_once_and_lists_what_goes_on(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        running_page(qtbot, window, tmp_path / "a.tiff")
        long_name = f"{'b' * 100}.tiff"
        page_of(qtbot, window, pink_slide(tmp_path / long_name))
        window.classify_commands.whole_slide.trigger()
        window.file_commands.quit.trigger()
        question = asked()
        lines = question.text.splitlines()
        assert lines[0] == "2 slides are not finished:"
        assert lines[2].startswith("a.tiff is paused: ")
        name, state = lines[3].split(" ", 1)
        assert name == f"{'b' * 18}…{'b' * 13}.tiff"
        assert state == "is about to be classified; what was done before is kept"
        assert lines[-1] == "Close the window? A later run goes on from there."
        assert not window.close()  # the window manager, once more
        assert asked() is question
        question.no.click()
        assert window.isVisible()
        assert len(window.tabs.pages) == 2
        assert not window.close()  # and it can be asked again
        with qtbot.waitSignal(window.closed) as closed:
            asked().yes.click()
        assert closed.args == [True]


def test_without_a_run_nothing_is_asked(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff", side=1024))
        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.DONE)
        with qtbot.waitSignal(window.closed):
            assert window.close()


def test_the_end_of_the_session_waits_for_no_answer(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        running_page(qtbot, window, tmp_path / "a.tiff")
        assert not window.close()  # the question stands when the user logs out
        window.expect_log_out()
        with qtbot.waitSignal(window.closed) as closed:
            assert window.close()
        assert closed.args == [True]


def test_what_cannot_be_saved_is_not_said_to_be_kept(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("BACHVIEW_HOME", str(tmp_path / "a file" / "home"))
    with open_window(qtbot) as window:
        page = running_page(qtbot, window, tmp_path / "a.tiff")
        window.tabs.closeRequested.emit(page)
        assert "cannot be saved, and will be lost. Close it?" in asked().text
        assert "later run" not in asked().text
        asked().no.click()


def _drawn(page: SlidePage) -> Annotation:
    """One more annotation, in this moment."""
    made = Annotation.drawn(Kind.POINTS, shapely.Point(5, 5))
    page.document.marks.apply(added("draw", [made]))
    return made


def test_marks_that_cannot_be_saved_are_asked_about(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: ResultStore, *_: object) -> int:
        raise StoreError("The disk is full.")

    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        marks = page.document.marks
        qtbot.waitUntil(lambda: marks.is_loaded, timeout=LONG_MS)
        with monkeypatch.context() as patch:
            patch.setattr(ResultStore, "save_marks", fails)
            with qtbot.waitSignal(marks.failed, timeout=LONG_MS):
                _drawn(page)
            assert not window.close()
            lost = "a.tiff has changes of 1 annotation that could not be saved, and will be lost."
            assert asked().text == f"{lost} Close the window?"
            assert asked().no.text() == "Keep it open"
            asked().no.click()
            window.tabs.closeRequested.emit(page)
            assert asked().text == f"{lost} Close it?"
            asked().no.click()
        qtbot.waitUntil(lambda: not marks.lost_at_close, timeout=LONG_MS)
        window.tabs.closeRequested.emit(page)
        assert not window.tabs.pages


@pytest.mark.usefixtures("expects_log")  # that a job did not end
def test_marks_are_saved_though_another_job_does_not_end(qtbot: QtBot, tmp_path: Path) -> None:
    go_on = threading.Event()
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        document = page.document
        qtbot.waitUntil(lambda: document.marks.is_loaded, timeout=LONG_MS)
        held = [window.services.io.submit(lambda _: go_on.wait(60)) for _ in range(2)]
        drawn = _drawn(page)
        window._closing_s = 0.1
        with qtbot.waitSignal(window.closed) as closed:
            window.close_unasked()
        assert closed.args == [False]
        with ResultStore.open(user_folders().results, document.metadata.fingerprint) as store:
            assert [mark.id for mark in store.marks().marks] == [drawn.id]
        # What the end of the process does.
        go_on.set()
        futures.wait(held)
        document.results.close()
        document.reader.close()
