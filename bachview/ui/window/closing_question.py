"""Asks before the window is closed while something of a slide would be lost."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QWidget

from bachview.ui.dialogs.modal import ask
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.session.document import Document
from bachview.ui.window.closing import closing_question, needs_question, staying_text

#: A log-out that another program has stopped is over by then.
_SESSION_ENDS_MS = 60_000


class ClosingQuestion(QObject):
    """Knows whether the window may close. GUI thread only."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._asks = True
        self._dialog: QuestionDialog | None = None
        self._session_ends = QTimer(self, singleShot=True, interval=_SESSION_ENDS_MS)

    def may_close(self, documents: Sequence[Document]) -> bool:
        """Whether nothing would be broken off; if not, the user is asked, and may close again."""
        going_on = [document for document in documents if needs_question(document)]
        if not going_on or not self._asks or self._session_ends.isActive():
            return True
        self._ask(going_on)
        return False

    def close_unasked(self) -> None:
        """Close whatever goes on: it was asked before, or nobody is there who could answer."""
        self._asks = False
        self._window.close()

    def expect_log_out(self) -> None:
        """Ask nothing for a minute: the session ends, and a question would hold it up.

        What is done is saved, and a later run goes on from there.
        """
        self._session_ends.start()

    def _ask(self, going_on: Sequence[Document]) -> None:
        if self._dialog is not None:
            return  # once is enough
        window = self._window
        # The question of a window that has been minimised could not be seen.
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        self._dialog = QuestionDialog(
            "Close bachview",
            closing_question(going_on, what="the window"),
            "Close bachview",
            staying_text(going_on),
            window,
        )
        self._dialog.finished.connect(self._forget)
        self._dialog.accepted.connect(self.close_unasked)
        ask(self._dialog)

    def _forget(self) -> None:
        self._dialog = None
