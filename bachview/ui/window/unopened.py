"""Tells of the files that could not be opened: of one in a sentence, of several in a list."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from bachview.ui.dialogs import modal
from bachview.ui.dialogs.unopened_dialog import UnopenedDialog
from bachview.ui.session.opening import OpenedSlide, SlideOpener
from bachview.ui.session.recent import RecentFiles
from bachview.ui.window.messages import Message, Messages, Offer

#: The first failure does not wait longer than this for the files that are still being opened.
_PATIENCE_MS = 8_000


class Unopened(QObject):
    """Joins what is opened together, however it was asked for. GUI thread only.

    Together is what is asked for until none is being opened any more. A file that opens after all
    ends what was said of it.
    """

    def __init__(
        self,
        opener: SlideOpener,
        messages: Messages,
        recent: RecentFiles,
        open_slides: Callable[[Sequence[Path]], object],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._messages, self._recent, self._open_slides = messages, recent, open_slides
        self._window = window
        self._asked: dict[Path, None] = {}
        self._reasons: dict[Path, str] = {}
        self._is_busy = False
        #: The message, and what of its files still does not open.
        self._said: Message | None = None
        self._open: dict[Message, set[Path]] = {}
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._patience.timeout.connect(self._tell)
        opener.busyChanged.connect(self._on_busy)
        opener.failed.connect(self._on_failed)
        opener.opened.connect(self._on_opened)

    def _on_busy(self, paths: Sequence[Path]) -> None:
        self._asked.update(dict.fromkeys(paths))
        self._is_busy = bool(paths)
        # The outcome of the last one may follow at once.
        QTimer.singleShot(0, self, self._end)

    def _on_failed(self, path: Path, reason: str) -> None:
        self._reasons[path] = reason
        if not self._is_busy:
            self._end()
        elif not self._patience.isActive():
            self._patience.start()

    def _on_opened(self, opened: OpenedSlide) -> None:
        for message, paths in tuple(self._open.items()):
            paths.discard(opened.path)
            if not paths:
                message.withdraw()
                del self._open[message]

    def _end(self) -> None:
        if self._is_busy:
            return
        self._patience.stop()
        self._tell()
        self._asked, self._reasons, self._said = {}, {}, None

    def _tell(self) -> None:
        """Say it, or say it anew if more have failed since."""
        asked = list(self._asked)
        reasons = dict(sorted(self._reasons.items(), key=lambda failed: asked.index(failed[0])))
        if not reasons or (self._said is not None and self._open.get(self._said) == set(reasons)):
            return
        if self._said is not None:
            self._said.withdraw()
            self._open.pop(self._said, None)
        if len(reasons) == 1:
            ((path, reason),) = reasons.items()
            self._said = self._messages.problem(reason, *self._forget(path))
        else:
            text = f"{len(reasons)} of {len(self._asked)} files could not be opened."
            self._said = self._messages.problem(
                text, Offer("Show…", lambda: self._show(text, reasons), is_question=False)
            )
        self._open[self._said] = set(reasons)

    def _forget(self, path: Path) -> list[Offer]:
        if path not in self._recent.paths:
            return []
        return [Offer("Remove from list", lambda: self._recent.remove(path))]

    def _show(self, text: str, reasons: dict[Path, str]) -> None:
        dialog = UnopenedDialog(text, reasons, self._recent, self._window)
        dialog.againRequested.connect(lambda: self._open_slides(list(reasons)))
        modal.show(dialog)
