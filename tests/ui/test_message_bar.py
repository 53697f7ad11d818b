"""What stays on the bar of messages when there is no room for all."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QApplication, QLabel, QToolButton
from pytestqt.qtbot import QtBot

from bachview.ui.look.theme import DARK, LIGHT, Theme, ThemeChoice
from bachview.ui.window.message_bar import MessageBar, Offer


def test_what_waits_for_an_answer_is_not_pushed_out(qapp: QApplication, qtbot: QtBot) -> None:
    bar = MessageBar(Theme(qapp, ThemeChoice.LIGHT))
    qtbot.addWidget(bar)
    bar.notice("For research use only.", Offer("Understood", lambda: None))
    for number in range(4):
        bar.problem(f"{number}.svs is damaged.")
    assert bar.texts == ("For research use only.", "2.svs is damaged.", "3.svs is damaged.")


def test_the_oldest_goes_where_all_wait_for_an_answer(qapp: QApplication, qtbot: QtBot) -> None:
    bar = MessageBar(Theme(qapp, ThemeChoice.LIGHT))
    qtbot.addWidget(bar)
    for number in range(4):
        bar.problem(f"{number}.svs is gone.", Offer("Remove from list", lambda: None))
    assert bar.texts == ("1.svs is gone.", "2.svs is gone.", "3.svs is gone.")


def test_the_pictures_of_a_message_follow_the_theme(qapp: QApplication, qtbot: QtBot) -> None:
    theme = Theme(qapp, ThemeChoice.LIGHT)
    bar = MessageBar(theme)
    qtbot.addWidget(bar)
    bar.notice("For research use only.", Offer("Understood", lambda: None))
    (close,) = bar.findChildren(QToolButton)
    (sign,) = (each for each in bar.findChildren(QLabel) if not each.pixmap().isNull())
    for choice, colors in ((ThemeChoice.DARK, DARK), (ThemeChoice.LIGHT, LIGHT)):
        theme.choose(choice)
        wanted = QColor(colors.notice_text).rgb()
        assert _ink(close.icon()) == _ink(QIcon(sign.pixmap())) == wanted
    bar.clear()


def _ink(icon: QIcon) -> int:
    """The colour of the pixel that is covered most, 0xAARRGGBB."""
    picture = icon.pixmap(QSize(20, 20)).toImage()
    pixels = (
        picture.pixelColor(x, y) for x in range(picture.width()) for y in range(picture.height())
    )
    found = max(pixels, key=lambda pixel: pixel.alpha())
    return QColor(found.rgb()).rgb()
