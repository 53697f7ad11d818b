"""What stays on the bar of messages when there is no room for all."""

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.ui.look.theme import Theme, ThemeChoice
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
