"""The recent slides on the start page: picture, name, folder, date, state of the results."""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.store.results import ResultStore
from bachview.ui.bridge import Bridge
from bachview.ui.look.theme import Theme, ThemeChoice
from bachview.ui.session.recent import RecentFiles, RecentSlide
from bachview.ui.session.recent_facts import Presence, RecentFacts, RecentLook
from bachview.ui.session.settings import SettingsFile
from bachview.ui.session.slide_memory import Opened
from bachview.ui.session.thumbnails import LONGEST_PX, Thumbnails, thumbnail_name
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.recent_list import RecentList
from bachview.ui.window.start_page import StartPage
from tests.support import runs
from tests.support.policies import set_policy
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


@pytest.fixture
def look(qtbot: QtBot) -> Iterator[RecentLook]:
    bridge = Bridge()
    look = RecentLook(bridge)
    yield look
    look.close()
    bridge.close()


@pytest.fixture
def cards(qtbot: QtBot, qapp: QApplication) -> Iterator[RecentList]:
    theme = Theme(qapp, ThemeChoice.LIGHT)
    cards = RecentList(theme)
    qtbot.addWidget(cards)
    yield cards
    theme.deleteLater()


def _press(cards: RecentList, key: Qt.Key) -> None:
    QTest.keyClick(cards, key)


def _pictures() -> list[Path]:
    folder = user_folders().thumbnails
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _opened_and_closed(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    count = len(_pictures())
    page = page_of(qtbot, window, path)
    qtbot.waitUntil(lambda: len(_pictures()) > count, timeout=LONG_MS)
    window.close_page(page)


def _classify(fingerprint: str, count: int) -> None:
    """Let `count` cells of the slide's 54 be classified."""
    with ResultStore.open(user_folders().results, fingerprint) as store:
        grid = store.begin(runs.grid_key(), runs.full_tissue(), runs.provenance())
        run = store.start_run(grid, None, runs.provenance())
        store.commit(grid, runs.results(runs.everywhere()[:count]), (run, 1.0))


@pytest.mark.parametrize(
    ("count", "state"),
    [(54, "Classified with a bundle"), (27, "50 % classified with a bundle")],
)
def test_a_card_says_what_is_known_of_the_slide(
    qtbot: QtBot, tmp_path: Path, count: int, state: str
) -> None:
    path = pink_slide(tmp_path / "größe & co.tiff", side=512)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        qtbot.waitUntil(lambda: len(_pictures()) == 1, timeout=LONG_MS)
        window.close_page(page)
        cards, look = window.start_page.list, window.look
        qtbot.waitUntil(lambda: cards.texts(path)[3] == "Not classified", timeout=LONG_MS)
        _classify(page.document.metadata.fingerprint, count)
        window.start_page.hide()
        window.start_page.show()
        qtbot.waitUntil(lambda: cards.texts(path)[3] == state, timeout=LONG_MS)
        name, folder, date, _ = cards.texts(path)
        assert (name, folder) == ("größe & co.tiff", str(tmp_path))
        assert date.startswith("Opened today ")
        qtbot.waitUntil(lambda: look.facts(path).presence is Presence.THERE, timeout=LONG_MS)
        picture = look.facts(path).picture
        assert picture is not None
        assert max(picture.width(), picture.height()) <= LONGEST_PX
        # Its own colours, and nothing of the overlay.
        middle = picture.pixelColor(picture.width() // 2, picture.height() // 2)
        assert middle.red() > middle.green()


def test_the_file_of_a_picture_tells_no_name_and_goes_with_the_slide(
    qtbot: QtBot, tmp_path: Path
) -> None:
    a = write_pyramid(tmp_path / "a.tiff", gradient(700, 600))
    b = tmp_path / "b.tiff"
    b.write_bytes(a.read_bytes())
    with open_window(qtbot) as window:
        _opened_and_closed(qtbot, window, a)
        _opened_and_closed(qtbot, window, b)
        first, _ = _pictures()
        assert not any(letter in first.stem for letter in "ghijklmnopqrstuvwxyz")
        cards = window.start_page.list
        cards.setFocus()
        cards.setCurrentRow(1)
        _press(cards, Qt.Key.Key_Delete)
        assert cards.paths == (b,)
        qtbot.waitUntil(lambda: len(_pictures()) == 1, timeout=LONG_MS)
        window.recent.clear()
        qtbot.waitUntil(lambda: not _pictures(), timeout=LONG_MS)


def test_pictures_can_be_switched_off(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(700, 600))
    with open_window(qtbot) as window:
        _opened_and_closed(qtbot, window, path)
        assert window.file_commands.pictures.isChecked()
        window.file_commands.pictures.trigger()
        qtbot.waitUntil(lambda: not _pictures(), timeout=LONG_MS)
        assert window.look.facts(path).picture is None
        page = page_of(qtbot, window, path)
        qtbot.waitUntil(lambda: page.view.is_settled, timeout=LONG_MS)
        window.thumbnails._make(page)
        assert not _pictures()


def test_there_are_no_pictures_where_names_are_not_passed_on(
    qtbot: QtBot, tmp_path: Path, own_policy: Path
) -> None:
    Thumbnails(user_folders().thumbnails).save("old.png", QImage(8, 8, QImage.Format.Format_RGB32))
    set_policy(own_policy, 'names_in_exports = false\nlocked = ["names_in_exports"]')
    with open_window(qtbot) as window:
        qtbot.waitUntil(lambda: not _pictures(), timeout=LONG_MS)
        assert not window.thumbnails.are_wanted
        assert not window.file_commands.pictures.isEnabled()


def test_a_file_that_is_no_picture_of_ours_is_left_out(tmp_path: Path) -> None:
    files = Thumbnails(tmp_path)
    picture = QImage(40, 30, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    files.save("good.png", picture)
    loaded = files.load("good.png")
    assert loaded is not None
    assert (loaded.width(), loaded.height()) == (40, 30)
    QImage(5_000, 10, QImage.Format.Format_RGB32).save(str(tmp_path / "long.png"))
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8")
    (tmp_path / "large.png").write_bytes(b"\x89PNG" + bytes(1 << 20))
    for name in ("long.png", "text.png", "large.png", "missing.png"):
        assert files.load(name) is None
    files.keep_only({"good.png"})
    assert [path.name for path in tmp_path.iterdir()] == ["good.png"]


def test_pictures_of_other_content_or_place_have_other_files() -> None:
    names = {
        thumbnail_name(Path(path), fingerprint)
        for path in ("/a.svs", "/b.svs")
        for fingerprint in ("c2:1", "c2:2")
    }
    assert len(names) == 4


def test_a_drive_that_hangs_holds_up_nothing(
    qtbot: QtBot, look: RecentLook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = tmp_path / "good.tiff"
    good.touch()
    hangs, gone = Path("/mnt/share/x/hangs.svs"), tmp_path / "gone.svs"
    release, exists = threading.Event(), os.path.exists

    def slow(path: Path) -> bool:
        if path == hangs:
            release.wait(30)
        return exists(path)

    monkeypatch.setattr(os.path, "exists", slow)
    look._limit.setInterval(50)
    try:
        look.look([RecentSlide(path, None) for path in (hangs, good, gone)])
        qtbot.waitUntil(lambda: look.facts(hangs).presence is Presence.UNREACHABLE)
        qtbot.waitUntil(lambda: look.facts(good).presence is Presence.THERE)
        qtbot.waitUntil(lambda: look.facts(gone).presence is Presence.MISSING)
    finally:
        release.set()
    qtbot.waitUntil(lambda: look.facts(hangs).presence is Presence.MISSING)  # it has answered


def test_what_is_not_there_says_so_and_can_be_tried(qtbot: QtBot, cards: RecentList) -> None:
    gone, away = Path("/slides/gone.svs"), Path("/slides/away.svs")
    cards.show_slides(
        [
            (RecentSlide(gone, None), RecentFacts(Presence.MISSING, "Not classified")),
            (RecentSlide(away, None), RecentFacts(Presence.UNREACHABLE)),
        ]
    )
    assert cards.texts(gone)[3] == "File not found"
    assert cards.texts(away)[3] == "Drive does not answer"
    with qtbot.waitSignal(cards.openRequested, timeout=LONG_MS) as asked:
        _press(cards, Qt.Key.Key_Return)
    assert asked.args == [gone]


def test_cards_are_reached_by_keyboard(qtbot: QtBot, cards: RecentList) -> None:
    paths = [Path(f"/slides/{number}.svs") for number in range(6)]
    cards.resize(1000, 600)
    cards.show()
    cards.show_slides([(RecentSlide(path, None), RecentFacts()) for path in paths])
    columns = 1000 // cards.gridSize().width()
    assert columns >= 2
    for key, row in (
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Down, 1 + columns),
        (Qt.Key.Key_Left, columns),
    ):
        _press(cards, key)
        assert cards.currentRow() == row
    cards.resize(400, 600)
    assert cards.gridSize().width() > 340  # one column


def test_the_menu_of_a_card(qtbot: QtBot, cards: RecentList) -> None:
    path = Path("/slides/a.svs")
    cards.show_slides([(RecentSlide(path, None), RecentFacts())])
    menu = cards.menu_for(path)
    actions = {action.text().replace("&", ""): action for action in menu.actions()}
    assert set(actions) == {"Open", "Open folder", "Copy path", "", "Remove from list"}
    actions["Copy path"].trigger()
    assert QApplication.clipboard().text() == str(path)
    with qtbot.waitSignal(cards.removeRequested, timeout=LONG_MS):
        actions["Remove from list"].trigger()
    menu.deleteLater()


def test_dates_are_told_as_people_do(cards: RecentList) -> None:
    now = datetime.now(UTC)
    times = [now, now - timedelta(days=1), now - timedelta(days=40)]
    slides = [
        RecentSlide(Path(f"/{number}.svs"), Opened(time.isoformat(timespec="seconds"), "c2:1"))
        for number, time in enumerate(times)
    ]
    cards.show_slides([(slide, RecentFacts()) for slide in slides])
    texts = [cards.texts(slide.path)[2] for slide in slides]
    assert texts[0].startswith("Opened today ")
    assert texts[1].startswith("Opened yesterday ")
    assert texts[2] == f"Opened {(now - timedelta(days=40)).astimezone():%Y-%m-%d}"


def test_equal_names_in_the_menu_are_told_apart_by_their_folders(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        for path in ("/one/a.svs", "/two/a.svs", "/two/b.svs"):
            window.recent.add(Path(path))
        menu = QMenu(window)
        window.file_commands.fill_recent(menu)
        texts = [action.text() for action in menu.actions()[:3]]
        assert texts == ["b.svs", f"a.svs – {Path('/two')}", f"a.svs – {Path('/one')}"]


def test_the_keyboard_begins_at_the_slides_or_at_opening_one(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(700, 600))
    with open_window(qtbot) as window:
        page = window.start_page
        qtbot.waitUntil(page.isVisible, timeout=LONG_MS)
        assert window.focusWidget() is page.focusProxy()
        assert page.focusProxy() is not page.list
        window.close_page(page_of(qtbot, window, path))
        assert window.focusWidget() is page.list
        _press(page.list, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.tabs.page_of(path) is not None, timeout=LONG_MS)


def test_a_low_window_has_room_for_a_whole_card(qtbot: QtBot, look: RecentLook) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    theme = Theme(application, ThemeChoice.LIGHT)
    recent = RecentFiles(SettingsFile(user_folders().config))
    recent.add(Path("/slides/a.svs"))
    page = StartPage(recent, look, theme)
    qtbot.addWidget(page)
    page.resize(520, 270)  # of a screen of 1280 × 720 at 200 %
    page.show()
    assert page.list.viewport().height() >= page.list.visualItemRect(page.list.item(0)).height()
    theme.deleteLater()


def test_the_page_frames_itself_while_files_are_dragged_over_it(
    qtbot: QtBot, tmp_path: Path
) -> None:
    with open_window(qtbot) as window:
        page = window.start_page
        usual = page.grab().toImage()
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.svs"))])
        none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, *none)
        window.dragEnterEvent(enter)
        assert page.grab().toImage() != usual
        window.dragLeaveEvent(QDragLeaveEvent())
        assert page.grab().toImage() == usual


def test_at_the_first_start_the_page_says_what_to_do(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = window.start_page
        assert not page.list.isVisible()
        window.recent.add(tmp_path / "a.svs")
        assert page.list.isVisible()
        window.recent.clear()
        assert not page.list.isVisible()


def test_opening_times_are_kept_with_the_list_and_no_longer(tmp_path: Path) -> None:
    settings = SettingsFile(tmp_path)
    recent = RecentFiles(settings)
    a, b = Path("/slides/a.svs"), Path("/slides/b.svs")
    recent.add(a, "c2:1")
    recent.add(b, "c2:2")
    assert [slide.opened.fingerprint for slide in recent.slides if slide.opened] == ["c2:2", "c2:1"]
    recent.remove(a)
    assert set(settings.now.openings) == {b}
    settings.now = replace(settings.now, openings={b: Opened("no time", "c2:2")})
    assert settings.now.openings == {}


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be changed")
def test_a_time_that_cannot_be_shown_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, path = SettingsFile(tmp_path), Path("/slides/a.svs")
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        opened = Opened("0001-01-01T00:00:00+00:00", "c2:1")
        settings.now = replace(settings.now, openings={path: opened})
        assert settings.now.openings == {}
    finally:
        monkeypatch.undo()
        time.tzset()
