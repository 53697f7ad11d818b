"""What is said about a slide ends with what it says."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from bachview.core.pixel_size import PixelSize
from bachview.export.formats import FORMATS
from bachview.ui.session.run_status import RunState, RunStatus
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.slide_page import SlidePage
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    with open_window(qtbot) as window:
        window.messages.clear()
        yield window


def set_state(page: SlidePage, state: RunState) -> None:
    page.document.run.statusChanged.emit(RunStatus(state))


def must_wait(page: SlidePage) -> None:
    set_state(page, RunState.RUNNING)
    page.document.mustWait.emit("Cancel first.")


@pytest.mark.parametrize(
    ("say", "still", "end"),
    [
        (
            must_wait,
            lambda page: set_state(page, RunState.PAUSED),
            lambda page: set_state(page, RunState.CANCELLED),
        ),
        (
            lambda page: page.document.failed.emit("An error stopped the run."),
            lambda page: set_state(page, RunState.FAILED),
            lambda page: set_state(page, RunState.LOADING),
        ),
        (
            lambda page: page.view.partFailed.emit(""),
            lambda page: set_state(page, RunState.LOADING),
            lambda page: page.view.retry_failed(),
        ),
    ],
    ids=["run ends", "next run", "tried again"],
)
def test_a_condition_ends(
    qtbot: QtBot,
    window: MainWindow,
    tmp_path: Path,
    say: Callable[[SlidePage], None],
    still: Callable[[SlidePage], None],
    end: Callable[[SlidePage], None],
) -> None:
    page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(600, 600)))
    say(page)
    still(page)
    (message,) = window.messages.open
    end(page)
    assert window.messages.texts == ()
    assert message.is_over


def test_all_that_is_said_of_a_slide_ends_when_it_is_closed(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(600, 600)))
    page.document.failed.emit("a.tiff: an error.")
    page.document.noticed.emit("a.tiff: results cannot be kept.")
    page.view.partFailed.emit("a.tiff has changed.")
    window.messages.notice("Of no slide.")
    assert len(window.messages.texts) == 4
    window.close_page(page)
    assert list(window.messages.texts) == ["Of no slide."]


def test_a_model_that_cannot_be_read_is_forgotten_when_another_is_chosen(
    qtbot: QtBot, window: MainWindow
) -> None:
    window.selector.choose("/nowhere/a.bachmodel")
    qtbot.waitUntil(lambda: bool(window.messages.texts), timeout=LONG_MS)
    window.selector.choose("selftest")
    assert window.messages.texts == ()
    with qtbot.waitSignal(window.selector.changed, timeout=LONG_MS):
        pass


def test_that_results_are_being_written_ends_when_they_are(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff", side=512))
    window.classify_commands.whole_slide.trigger()
    wait_for(qtbot, page, RunState.DONE)
    window.classify_commands.exports.export(page.document, tmp_path / "out", FORMATS[:1])
    assert [text.partition(" ")[0] for text in window.messages.texts] == ["Writing"]
    qtbot.waitUntil(
        lambda: [text.partition(" ")[0] for text in window.messages.texts] == ["Written"],
        timeout=LONG_MS,
    )


def test_the_question_for_the_pixel_size_ends_when_it_is_known(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(600, 600), mpp=None))
    assert not page.banner.isHidden()
    page.document.calibrate(PixelSize.typed(0.5))  # in whatever way
    assert page.banner.isHidden()
