"""Messages float over the slide: where, how many, for how long, and with which keys."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QColor, QIcon
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from bachview.ui.look.theme import DARK, LIGHT, Theme, ThemeChoice
from bachview.ui.window.messages import Messages, Offer
from bachview.ui.window.toasts import Toasts
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)
MINUTE_MS = 60_000
ASK = Offer("Understood", lambda: None)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    theme = Theme(qapp, ThemeChoice.LIGHT)
    yield theme
    theme.deleteLater()


@pytest.fixture
def area(qtbot: QtBot) -> QWidget:
    area = QWidget()
    qtbot.addWidget(area)
    area.resize(1000, 700)
    area.show()
    return area


@pytest.fixture
def toasts(area: QWidget, theme: Theme) -> Toasts:
    return Toasts(Messages(area), theme, area, lambda: area.rect().adjusted(0, 220, 0, 0))


def press_escape() -> None:
    focused: QWidget | None = QApplication.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, Qt.Key.Key_Escape)


def texts(toasts: Toasts) -> list[str]:
    return [toast.message.text for toast in toasts.shown]


def test_at_most_three_lie_over_the_slide_and_the_others_wait(toasts: Toasts) -> None:
    messages = toasts._messages
    for number in range(5):
        messages.problem(f"{number}.svs is damaged.")
    assert texts(toasts) == ["2.svs is damaged.", "3.svs is damaged.", "4.svs is damaged."]
    assert toasts.more_text == "and 2 more…"
    messages.close(messages.open[-1])
    assert texts(toasts) == ["1.svs is damaged.", "2.svs is damaged.", "3.svs is damaged."]
    assert toasts.more_text == "and 1 more…"
    messages.clear()
    assert toasts.isHidden()


def test_a_notice_goes_after_a_time_that_follows_its_length(toasts: Toasts) -> None:
    messages = toasts._messages
    messages.notice("Short.")
    messages.notice("A long sentence is not read as quickly as a short one. " * 4)
    short, long = (toast.time_needed_ms for toast in toasts.shown)
    assert long > 2 * short
    toasts.pass_time(short)
    assert len(toasts.shown) == 1
    toasts.pass_time(long)
    assert texts(toasts) == []
    assert messages.unread == 2


def test_problems_and_questions_stay(toasts: Toasts) -> None:
    toasts._messages.problem("a.svs is damaged.")
    toasts._messages.notice("For research use only.", ASK)
    toasts._messages.notice("Written.", Offer("Open folder", lambda: None, is_question=False))
    toasts.pass_time(MINUTE_MS)
    assert texts(toasts) == ["a.svs is damaged.", "For research use only."]


def test_what_cannot_be_seen_does_not_grow_old(area: QWidget, toasts: Toasts) -> None:
    toasts._messages.notice("Saved.")
    area.hide()
    toasts.pass_time(MINUTE_MS)
    area.show()
    assert texts(toasts) == ["Saved."]
    for number in range(3):
        toasts._messages.problem(f"{number}.svs is damaged.")
    toasts.pass_time(MINUTE_MS)  # it waits behind the others
    assert "Saved." in toasts._messages.texts


def test_nothing_goes_under_the_cursor_or_the_keyboard(
    qtbot: QtBot, area: QWidget, toasts: Toasts
) -> None:
    toasts._messages.notice("Saved.")
    toasts.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    toasts.pass_time(MINUTE_MS)
    toasts.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, on=False)
    qtbot.waitUntil(area.isActiveWindow)
    assert toasts.take_keyboard()
    toasts.pass_time(MINUTE_MS)
    assert texts(toasts) == ["Saved."]
    with qtbot.waitSignal(toasts.left):
        press_escape()
    assert not toasts.shown


def test_escape_leaves_a_question_open(qtbot: QtBot, area: QWidget, toasts: Toasts) -> None:
    toasts._messages.notice("For research use only.", ASK)
    assert not toasts.close_newest()
    qtbot.waitUntil(area.isActiveWindow)
    toasts.take_keyboard()
    press_escape()
    assert texts(toasts) == ["For research use only."]
    toasts._messages.problem("a.svs is damaged.")
    assert toasts.close_newest()
    assert texts(toasts) == ["For research use only."]


def test_a_message_said_again_shows_how_often(toasts: Toasts) -> None:
    toasts._messages.notice("Busy.")
    toasts.pass_time(4_000)
    toasts._messages.notice("Busy.")
    (toast,) = toasts.shown
    assert any(each.text() == "Busy. (2 times)" for each in toast.findChildren(QLabel))
    toasts.pass_time(toast.time_needed_ms - 1)  # from the second time on
    assert toasts.shown


def test_they_stay_clear_of_minimap_and_scale_bar(area: QWidget, toasts: Toasts) -> None:
    for number in range(3):
        toasts._messages.problem(f"{number}.svs: " + "it cannot be read for some reason. " * 6)
    for width, height in ((1000, 700), (560, 520), (400, 400)):
        area.resize(width, height)
        assert toasts.shown
        assert area.rect().contains(toasts.geometry())
        is_beside_scale = toasts.x() > 330
        assert is_beside_scale or toasts.geometry().bottom() < height - 60
        if len(toasts.shown) > 1:
            assert toasts.y() > 220
    assert len(toasts.shown) == 1


def test_a_message_is_as_high_as_its_text(toasts: Toasts) -> None:
    toasts._messages.notice("Written to a folder: " + "predictions.csv, " * 12, ASK)
    (toast,) = toasts.shown
    label = next(each for each in toast.findChildren(QLabel) if each.text())
    needed = label.heightForWidth(label.width())
    assert needed <= label.height() < needed + label.fontMetrics().lineSpacing()


@pytest.mark.parametrize("is_problem", [False, True])
def test_a_screen_reader_is_told(
    monkeypatch: pytest.MonkeyPatch, toasts: Toasts, is_problem: bool
) -> None:
    told: list[str] = []

    def note(event: QAccessibleAnnouncementEvent) -> None:
        told.append(f"{event.politeness().name}: {event.message()}")

    system = SimpleNamespace(
        isActive=lambda: True,
        updateAccessibility=note,
        AnnouncementPoliteness=QAccessible.AnnouncementPoliteness,
    )
    monkeypatch.setattr("bachview.ui.window.toasts.QAccessible", system)
    (toasts._messages.problem if is_problem else toasts._messages.notice)("Saved.")
    assert told == ["Assertive: Saved." if is_problem else "Polite: Saved."]


def test_the_pictures_of_a_message_follow_the_theme(theme: Theme, toasts: Toasts) -> None:
    toasts._messages.notice("For research use only.", ASK)
    (close,) = toasts.findChildren(QToolButton)
    (sign,) = (each for each in toasts.findChildren(QLabel) if not each.pixmap().isNull())
    for choice, colors in ((ThemeChoice.DARK, DARK), (ThemeChoice.LIGHT, LIGHT)):
        theme.choose(choice)
        wanted = QColor(colors.notice_text).rgb()
        assert _ink(close.icon()) == _ink(QIcon(sign.pixmap())) == wanted


def _ink(icon: QIcon) -> int:
    """The colour of the pixel that is covered most, 0xAARRGGBB."""
    picture = icon.pixmap(20, 20).toImage()
    pixels = (
        picture.pixelColor(x, y) for x in range(picture.width()) for y in range(picture.height())
    )
    found = max(pixels, key=lambda pixel: pixel.alpha())
    return QColor(found.rgb()).rgb()


# -- in the window -------------------------------------------------------------------------


def test_the_slide_keeps_its_place_and_size_whatever_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(900, 900), mpp=None)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        qtbot.waitUntil(window.isActiveWindow)
        page.view.zoom_by(4)  # with a minimap
        assert page.minimap.isVisible()
        before = page.view.geometry(), page.view.mapTo(window, page.view.rect().topLeft())
        assert not page.banner.isHidden()  # the pixel size is asked for
        for number in range(5):
            window.messages.problem(f"{number}.svs is damaged.")
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        assert (page.view.geometry(), page.view.mapTo(window, page.view.rect().topLeft())) == before
        # Cards and toasts cover neither each other, nor minimap and chip.
        lying = [page.minimap, page.chip, page.banner, window.toasts]
        boxes = [QRect(each.mapTo(window, QPoint()), each.size()) for each in lying]
        for number, box in enumerate(boxes):
            assert not any(box.intersects(other) for other in boxes[:number]), number


def test_all_can_be_reached_with_the_keyboard(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(900, 900)))
        qtbot.waitUntil(window.isActiveWindow)
        window.messages.clear()
        page.view.setFocus()
        window.messages.problem("b.svs is damaged.")
        QTest.keyClick(page.view, Qt.Key.Key_F8)
        focused = QApplication.focusWidget()
        assert focused is not None
        assert window.toasts.isAncestorOf(focused)
        QTest.keyClick(focused, Qt.Key.Key_Escape)
        assert page.view.hasFocus()
        assert window.messages.texts == ()
        window.messages.notice("Saved.")
        QTest.keyClick(page.view, Qt.Key.Key_Escape)
        assert window.messages.texts == ()
        QTest.keyClick(page.view, Qt.Key.Key_F8)  # nothing is left over the slide: the list
        assert window.message_list.isVisible()
        assert window.message_list.text.splitlines()[0].endswith("\tb.svs is damaged.")
        press_escape()
        assert window.message_list.isHidden()
        assert page.view.hasFocus()


def test_the_list_shows_what_was_missed_and_what_can_still_be_done(qtbot: QtBot) -> None:
    done: list[str] = []
    with open_window(qtbot) as window:
        window.messages.clear()
        (button,) = (each for each in window.status.findChildren(QToolButton))
        assert not button.isEnabled()
        folder = Offer("Open folder", lambda: done.append("folder"), is_question=False)
        window.messages.fade(window.messages.notice("Written.", folder))
        window.messages.notice("It was not ready.").withdraw()
        window.messages.problem("b.svs is damaged.")
        assert button.text() == "2"
        button.click()
        assert button.text() == ""
        labels = window.message_list.findChildren(QLabel)
        texts = [each.text() for each in labels if each.isVisible() and each.text()[-1] == "."]
        assert texts == ["b.svs is damaged.", "It was not ready.", "Written."]
        buttons = {each.text(): each for each in window.message_list.findChildren(QPushButton)}
        buttons["Copy"].click()
        copied = QApplication.clipboard().text().splitlines()
        assert [line.partition("\t")[2] for line in copied] == texts[::-1]
        buttons["Open folder"].click()
        assert done == ["folder"]
        window.message_list.toggle()
        buttons["Clear"].click()
        assert window.messages.all == ()
        assert window.messages.texts == ()


def test_the_list_takes_the_place_of_what_lies_over_the_slide(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        window.messages.problem("b.svs is damaged.")
        assert window.toasts.isVisible()
        window.message_list.toggle()
        assert not window.toasts.isVisible()
        window.message_list.toggle()
        assert window.toasts.isVisible()
