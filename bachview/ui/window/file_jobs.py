"""Files that are read and written beside the window's work."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from bachview.errors import Cancelled
from bachview.file_names import printable
from bachview.jobs.tokens import CancelToken
from bachview.ui.bridge import UNDISTURBED
from bachview.ui.dialogs.export_progress import ExportProgress
from bachview.ui.dialogs.modal import ask
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.session.services import Services
from bachview.ui.window.messages import Messages, Offer

T = TypeVar("T")

#: What takes longer shows how far it is, s.
_SLOW_S = 1.0


class FileJob:
    """Reading or writing in a lane; if it is slow it shows how far it is. GUI thread.

    Attributes
    ----------
    token : cancels it, as the user can where it is slow.
    """

    def __init__(
        self, window: QWidget, messages: Messages, services: Services, text: str, title: str
    ) -> None:
        """`text`, `title` : of the small window that says how far it is."""
        self.token = CancelToken()
        self._window, self._messages, self._services = window, messages, services
        self._text, self._title = text, title
        self._begun = time.monotonic()
        self._progress: ExportProgress | None = None
        self._percent = -1

    def told(self, done: int, total: int) -> None:
        """So much is done. Any thread; only every per cent reaches the window."""
        UNDISTURBED.give_way()
        percent = 100 * done // max(1, total)
        if percent != self._percent and time.monotonic() - self._begun > _SLOW_S:
            self._percent = percent
            self._services.bridge.call(self._show, done, total)

    def start(
        self,
        job: Callable[[CancelToken], T],
        on_done: Callable[[T], object],
        *,
        cancelled: str,
        on_finished: Callable[[], object] | None = None,
    ) -> "Future[T]":
        """Run it once; what goes wrong is said.

        Parameters
        ----------
        job : run in the lane of exports.
        on_done : gets the result, in the GUI thread.
        cancelled : what is said if it was cancelled.
        on_finished : called first, whatever the outcome, in the GUI thread.
        """
        future = self._services.exports.submit(job, self.token)

        def finish() -> None:
            self._hide()
            if on_finished is not None:
                on_finished()
            # Not by the token: it may be cancelled when everything has just been done.
            if future.cancelled() or isinstance(future.exception(), Cancelled):
                self._messages.notice(cancelled)

        self._services.bridge.watch(
            future,
            on_done,
            lambda error: self._messages.problem(str(error)),
            on_finished=finish,
        )
        return future

    def _show(self, done: int, total: int) -> None:
        if self.token.is_cancelled:
            return
        if self._progress is None:
            self._progress = ExportProgress(self._text, self._window, title=self._title)
            self._progress.canceled.connect(self.token.cancel)
            self._progress.show()
        self._progress.show_share(done, total)

    def _hide(self) -> None:
        if self._progress is not None:
            self._progress.hide()
            self._progress.deleteLater()
            self._progress = None


def open_folder(folder: Path) -> Offer:
    """The offer to look at what was written."""
    url = QUrl.fromLocalFile(str(folder))
    return Offer("Open folder", lambda: QDesktopServices.openUrl(url), is_question=False)


def ask_to_replace(title: str, path: Path, window: QWidget, write: Callable[[], object]) -> None:
    """Write a file whose name the user has not seen as it is; if it exists, ask first."""
    if not path.exists():
        write()
        return
    text = f"{printable(path.name)} exists already."
    question = QuestionDialog(title, text, "Replace", "Cancel", window)
    question.accepted.connect(write)
    ask(question)
