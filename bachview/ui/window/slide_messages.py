"""What is said about one slide goes when it is no longer true."""

from PySide6.QtCore import QObject

from bachview.ui.session.run_status import RunStatus
from bachview.ui.window.messages import Message, Messages
from bachview.ui.window.slide_page import SlidePage


class SlideMessages(QObject):
    """Passes the sentences of a slide on, and withdraws them. GUI thread only.

    - That something has to wait for a run ends with the run.
    - What went wrong in a run, or with results, ends when the next run begins.
    - That parts cannot be read ends when they are tried again.
    - All of it ends when the slide is closed.
    """

    def __init__(self, page: SlidePage, messages: Messages) -> None:
        super().__init__(page)
        self._messages = messages
        self._all: list[Message] = []
        self._in_run: list[Message] = []
        self._of_run: list[Message] = []
        self._of_parts: list[Message] = []
        self._was_active = False
        document = page.document
        document.noticed.connect(lambda text: self._keep(messages.notice(text)))
        document.mustWait.connect(lambda text: self._keep(messages.notice(text), self._in_run))
        document.failed.connect(lambda text: self._keep(messages.problem(text), self._of_run))
        document.run.statusChanged.connect(self._on_status)
        page.partsFailed.connect(lambda text: self._keep(messages.problem(text), self._of_parts))
        page.view.partsRetried.connect(lambda: _end(self._of_parts))

    def must_wait(self, text: str) -> None:
        """Say what is not possible before the run of the slide has ended."""
        self._keep(self._messages.notice(text), self._in_run)

    def end(self) -> None:
        """The slide is being closed."""
        _end(self._all)

    def _keep(self, message: Message, among: list[Message] | None = None) -> None:
        self._all.append(message)
        if among is not None:
            among.append(message)

    def _on_status(self, status: RunStatus) -> None:
        if status.is_active is self._was_active:
            return
        self._was_active = status.is_active
        _end(self._of_run if status.is_active else self._in_run)


def _end(messages: list[Message]) -> None:
    for message in messages:
        message.withdraw()
    messages.clear()
