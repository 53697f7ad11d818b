"""The files that the system opens with the program while it runs: macOS passes them as events."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication


class OpenedFiles(QObject):
    """Hands each such file to `opened`. GUI thread.

    A double click in the Finder, or a file dropped on the program's icon; the first ones come when
    the event loop starts. Other systems start the program with the files as arguments.
    """

    def __init__(self, application: QApplication, opened: Callable[[Sequence[Path]], None]) -> None:
        super().__init__(application)
        self._application = application
        self._opened = opened
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent) and event.file():
            self._opened([Path(event.file())])
            return True
        return False

    def stop(self) -> None:
        """Hand over no more."""
        self._application.removeEventFilter(self)
        self.deleteLater()
