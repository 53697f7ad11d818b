"""Every command is on where it does something, and says why where it is off."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from bachview.ui.session.run_status import ACTIVE, RUNNING, RunState, RunStatus
from bachview.ui.window import availability
from bachview.ui.window.availability import Situation
from bachview.ui.window.commands import NO_SLIDE, Command
from bachview.ui.window.main_window import MainWindow
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of, pink_slide, wait_for

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

FRESH = Situation()
DONE = Situation(RunState.DONE, has_results=True, has_saved=True)


@pytest.mark.parametrize("state", list(RunState))
def test_what_a_run_allows(state: RunState) -> None:
    status = RunStatus(state)
    is_paused_or_running = state in (RunState.RUNNING, RunState.PAUSED)
    assert (status.no_pause == "") is is_paused_or_running
    assert (status.no_cancel == "") is (state in ACTIVE - {RunState.STOPPING})
    now = replace(FRESH, state=state)
    assert (availability.no_start(now) == "") is (state not in ACTIVE)
    assert (availability.no_retry(replace(now, has_failed_cells=True)) == "") is (
        state not in ACTIVE
    )


@pytest.mark.parametrize(
    ("rule", "now", "wanted"),
    [
        (availability.no_start, replace(FRESH, knows_pixel_size=False), "the pixel size"),
        (availability.no_start, replace(FRESH, no_model=availability.NO_MODEL), "no model"),
        (availability.no_retry, DONE, "no cell"),
        (availability.no_overlay, FRESH, "no results"),
        (availability.no_overlay, DONE, ""),
        (lambda now: availability.no_opacity(now, more=True), FRESH, "no results"),
        (lambda now: availability.no_opacity(now, more=True), replace(DONE, opacity=1.0), "covers"),
        (lambda now: availability.no_opacity(now, more=False), replace(DONE, opacity=1.0), ""),
        (lambda now: availability.no_opacity(now, more=False), replace(DONE, opacity=0.0), "is"),
        (
            lambda now: availability.no_opacity(now, more=True),
            replace(DONE, is_overlay_shown=False),
            "hidden",
        ),
    ],
)
def test_why_a_command_is_off(
    rule: Callable[[Situation], str], now: Situation, wanted: str
) -> None:
    why_not = rule(now)
    assert bool(why_not) is bool(wanted)
    assert wanted in why_not


def off(window: MainWindow) -> dict[Command, str]:
    """Those that are off, with what their tool tip says; each says why."""
    found = {each: each.toolTip() for each in window.commands.all if not each.isEnabled()}
    for command, tip in found.items():
        assert tip != command.tip, command.text()
        assert tip.startswith(("Off, because ", "There are none")), (command.text(), tip)
    for command in window.commands.all:
        if command.isEnabled():
            assert command.toolTip().startswith(command.tip), command.text()
    return found


def test_without_a_slide_all_that_needs_one_is_off(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        found = off(window)
        assert {each for each in window.commands.all if each.needs_slide} <= found.keys()
        assert found[window.classify_commands.whole_slide] == NO_SLIDE


def test_a_slide_without_pixel_size_and_results(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(
            qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(600, 600), mpp=None)
        )
        qtbot.waitUntil(lambda: not page.document.unknown)
        view, classify, found = window.view_commands, window.classify_commands, off(window)
        for command in (*view.magnifications, *classify.starts, classify.failed_patches):
            assert found[command] == availability.NO_PIXEL_SIZE
        assert found[view.upright] == availability.UPRIGHT
        assert found[view.retry_failed] == availability.NO_DAMAGE
        assert found[view.colour_management] == availability.NO_PROFILE
        assert found[window.results_commands.results] == availability.NO_SAVED
        assert found[window.file_commands.associated_images] == availability.NO_IMAGES
        assert found[window.window_commands.next_slide] == availability.ONE_SLIDE
        assert view.correct_pixel_size not in found
        view.rotate_left.trigger()
        page_of(qtbot, window, write_pyramid(tmp_path / "b.tiff", gradient(600, 600)))
        assert view.upright in off(window)
        window.window_commands.next_slide.trigger()
        assert window.tabs.page is page
        assert not off(window).keys() & {view.upright, window.window_commands.next_slide}


def test_before_in_and_after_a_run(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff", side=512))
        view, classify = window.view_commands, window.classify_commands
        need_results = {
            classify.export_results,
            window.results_commands.results,
            view.activation_map,
            view.more_opaque,
            view.less_opaque,
        }
        in_run = {classify.pause, classify.cancel}
        qtbot.waitUntil(lambda: not page.document.unknown)
        found = off(window)
        assert need_results | in_run <= found.keys()
        assert not found.keys() & set(classify.starts)
        classify.whole_slide.trigger()
        found = off(window)
        assert found[classify.whole_slide] == found[view.correct_pixel_size] == RUNNING
        assert classify.cancel not in found
        wait_for(qtbot, page, RunState.DONE)
        found = off(window)
        assert not found.keys() & (need_results | set(classify.starts))
        assert in_run <= found.keys()
        assert found[classify.failed_patches] == availability.NO_FAILED_CELLS
        view.overlay.trigger()
        assert off(window)[view.more_opaque] == availability.HIDDEN
        view.overlay.trigger()
        for _ in range(10):
            view.more_opaque.trigger()
        assert off(window)[view.more_opaque] == availability.OPAQUE
        assert view.less_opaque.isEnabled()


def test_the_buttons_of_the_panel_say_why_they_are_off(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        run = window.panel.run
        for state in RunState:
            run.show_obstacle("")
            run.show_status(RunStatus(state))
            for button in (run._start, run._pause, run._cancel):
                assert button.isEnabled() is not button.toolTip().startswith("Off, because")
        run.show_status(RunStatus())
        run.show_obstacle("No model.")
        assert run._start.toolTip() == "No model."
