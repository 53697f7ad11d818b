"""The tab of a slide says that its run goes on, is paused or has failed."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from bachview.jobs.progress import Progress
from bachview.ui.look.theme import LIGHT
from bachview.ui.session.run_status import ACTIVE, RunState, RunStatus
from bachview.ui.window.tab_mark import TabMark
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


@pytest.mark.parametrize("state", RunState)
def test_only_what_goes_on_or_went_wrong_is_marked(state: RunState) -> None:
    mark = TabMark.of(RunStatus(state, Progress(37, 100, 5.0), message="The disk is full."))
    if state in (RunState.FAILED, RunState.REFUSED):
        assert mark.tip.endswith("The disk is full.")
        assert mark.title("a&b.svs") == "a&&b.svs"
    elif state in ACTIVE:
        assert mark.tip.endswith("37 % of this run is done")
        assert mark.title("a&b.svs").split() == ["a&&b.svs", "·", "37", "%"]
    else:
        assert mark == TabMark()
        assert mark.title("a&b.svs") == "a&&b.svs"


def test_progress_is_never_rounded_to_none_or_all_of_it() -> None:
    def percent(done: int) -> str:
        return TabMark.of(RunStatus(RunState.RUNNING, Progress(done, 1000, 5.0))).percent

    assert [percent(done) for done in (0, 1, 500, 999)] == ["0 %", "< 1 %", "50 %", "> 99 %"]
    assert TabMark.of(RunStatus(RunState.LOADING)).percent == ""
    status = RunStatus(RunState.RUNNING, Progress(9960, 10_000, 0.0))
    assert status.summary == "Classifying · > 99 %"  # in the status bar


def test_the_ring_fills_with_the_run(qtbot: QtBot) -> None:
    mark = TabMark.of(RunStatus(RunState.RUNNING, Progress(1, 4, 5.0)))

    def inked(share: float) -> int:
        image = mark.icon(share, LIGHT).pixmap(64, 64).toImage()
        pixels = [
            image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())
        ]
        return sum(pixel.name() == LIGHT.accent for pixel in pixels)

    assert inked(0) == 0
    assert 0 < inked(0.25) < inked(0.5) < inked(1)
    assert inked(0.5) == pytest.approx(inked(1) / 2, rel=0.1)


def test_a_tab_shows_the_run_while_another_is_in_front(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff", side=4096))
        run, tabs = page.document.run, window.tabs

        def shown() -> tuple[str, str, bool]:
            place = tabs.indexOf(page)
            return tabs.tabText(place), tabs.tabToolTip(place), tabs.tabIcon(place).isNull()

        path = str(page.document.path)
        assert shown() == ("a.tiff", path, True)
        window.classify_commands.whole_slide.trigger()
        page_of(qtbot, window, pink_slide(tmp_path / "b.tiff"))
        assert tabs.tabText(1) == "b.tiff"
        qtbot.waitUntil(
            lambda: bool(run.status.progress and run.status.progress.done), timeout=LONG_MS
        )
        text, tip, has_no_icon = shown()
        assert text.startswith("a.tiff  ·")
        assert text.endswith(" %")
        assert tip.splitlines()[1].startswith("Classifying: ")
        assert not has_no_icon
        tabs.tabBar().moveTab(0, 1)  # the mark moves with its tab
        run.pause()
        assert shown()[1].splitlines()[1].startswith("Paused: ")
        run.cancel()
        wait_for(qtbot, page, RunState.CANCELLED)
        assert shown() == ("a.tiff", path, True)
