"""Opens slides off the GUI thread."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from bachview.core.stack import USUAL, Choice
from bachview.errors import AnnotationsOpenError, BachviewError
from bachview.slide.choices import SlideChoiceError
from bachview.slide.opening import LIMIT_S, Opening, too_late
from bachview.slide.reader import SlideReader
from bachview.slide.tiles.display_tiles import ColourTransform
from bachview.ui.bridge import Bridge

#: How many files are opened at once; those that were given up do not count.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class OpenedSlide:
    """A slide that has just been opened; the receiver closes the reader.

    Attributes
    ----------
    path : absolute, as requested.
    transform : of its colours to sRGB; None if the slide has no usable profile.
    """

    path: Path
    reader: SlideReader
    transform: ColourTransform | None


class SlideOpener(QObject):
    """Opens slides, each on a thread of its own and within a time limit. GUI thread only.

    When one is given up, the next file takes its place.

    Signals
    -------
    opened(OpenedSlide) : the receiver owns it.
    failed(Path, str) : a sentence that says why.
    offered(Path, SlideChoiceError) : it is no slide, but these can be opened instead.
    annotationsFound(Path) : it is no slide, but holds annotations of one.
    busyChanged(tuple[Path, ...]) : what is still to be opened, in the order of starting.
    """

    opened = Signal(object)
    failed = Signal(object, str)
    offered = Signal(object, object)
    annotationsFound = Signal(object)
    busyChanged = Signal(object)

    def __init__(
        self, bridge: Bridge, parent: QObject | None = None, *, limit_s: float = LIMIT_S
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._limit_s = limit_s
        self._waiting: list[Path] = []
        self._choices: dict[Path, Choice] = {}
        self._running: dict[Path, Opening[OpenedSlide]] = {}
        self._given_up: set[Opening[OpenedSlide]] = set()

    def is_opening(self, path: Path) -> bool:
        """Whether this slide is already being opened."""
        return path in self._running or path in self._waiting

    def open(self, path: Path, choice: Choice = USUAL) -> None:
        """Open `path` (absolute), of several pictures in it `choice`; a signal tells the outcome.

        If it is being opened, that is given up: it was another picture.
        """
        self.stop(path)
        self._choices[path] = choice
        self._waiting.append(path)
        self._go_on()

    def stop(self, path: Path) -> None:
        """Give up `path` if it is still being opened."""
        if path in self._running:
            self._give_up(self._running[path])
        elif path in self._waiting:
            self._waiting.remove(path)
        self._go_on()

    def close(self, timeout_s: float) -> bool:
        """Open no more and wait for the threads; False if one did not end in time."""
        self._waiting.clear()
        for opening in tuple(self._running.values()):
            self._give_up(opening)
        last = time.monotonic() + timeout_s
        ended = [o.end(max(0.0, last - time.monotonic())) for o in self._given_up]
        return all(ended)

    def _go_on(self) -> None:
        while self._waiting and len(self._running) < _AT_ONCE:
            self._start(self._waiting.pop(0))
        self.busyChanged.emit((*self._running, *self._waiting))

    def _start(self, path: Path) -> None:
        opening = Opening(
            path,
            partial(open_with_colours, choice=self._choices.pop(path)),
            lambda opened: opened.reader.close(),
        )
        self._running[path] = opening
        timer = QTimer(self, singleShot=True, interval=round(1000 * self._limit_s))

        def on_opened(opened: OpenedSlide) -> None:
            if opening.is_wanted:  # otherwise it is already closed
                self.opened.emit(opened)

        def on_error(error: BachviewError) -> None:
            if opening.is_wanted and isinstance(error, SlideChoiceError):
                self.offered.emit(path, error)
            elif opening.is_wanted and isinstance(error, AnnotationsOpenError):
                self.annotationsFound.emit(path)
            elif opening.is_wanted:
                self.failed.emit(path, str(error))

        def on_late() -> None:
            if opening.is_wanted:
                self._give_up(opening)
                self.failed.emit(path, str(too_late(path, self._limit_s)))
                self._go_on()

        def on_finished() -> None:
            opening.end()
            timer.stop()
            timer.deleteLater()
            self._given_up.discard(opening)
            if opening.is_wanted:
                del self._running[path]
                self._go_on()

        timer.timeout.connect(on_late)
        timer.start()
        self._bridge.watch(opening.future, on_opened, on_error, on_finished=on_finished)

    def _give_up(self, opening: Opening[OpenedSlide]) -> None:
        opening.give_up()
        del self._running[opening.path]
        self._given_up.add(opening)


def open_with_colours(path: Path, choice: Choice = USUAL) -> OpenedSlide:
    """Open a slide and prepare its colour transform. Any thread; slow.

    Raises
    ------
    SlideOpenError, UsageError
        See `slide.opening.open_slide`.
    """
    # Imported here: nothing of it is needed to show the window.
    from bachview.slide.colour import srgb_transform
    from bachview.slide.opening import open_slide

    reader = open_slide(path, choice)
    return OpenedSlide(path, reader, srgb_transform(reader.metadata.icc_profile))
