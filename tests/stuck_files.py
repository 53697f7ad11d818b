"""Files that do not open, as on a share that hangs."""

import threading
from collections.abc import Callable
from pathlib import Path

from bachview.core.stack import USUAL, Choice
from bachview.slide.reader import SlideReader


class StuckFiles:
    """Files called ``stuck…`` do not open before `release` is set."""

    def __init__(self, open_slide: Callable[[Path, Choice], SlideReader]) -> None:
        self.release = threading.Event()
        self.readers: list[SlideReader] = []
        self.closed: list[SlideReader] = []
        self._open_slide = open_slide

    def open_slide(self, path: Path, choice: Choice = USUAL) -> SlideReader:
        """In place of `slide.opening.open_slide`."""
        if path.name.startswith("stuck"):
            self.release.wait(60)
        reader = self._open_slide(path, choice)
        close = reader.close

        def closing() -> None:
            self.closed.append(reader)
            close()

        reader.close = closing  # type: ignore[method-assign]
        self.readers.append(reader)
        return reader
