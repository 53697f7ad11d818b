"""Opens slides away from the GUI thread."""

import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from bachview.errors import BachviewError, SlideOpenError
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.slide.display_tiles import ColourTransform
from bachview.slide.reader import SlideReader
from bachview.ui.bridge import Bridge

#: A slide on a slow share opens within a few seconds.
LIMIT_S = 20.0
#: So many files are opened at once; those that were given up do not count.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class OpenedSlide:
    """A slide that was just opened; the receiver closes the reader.

    Attributes
    ----------
    path : absolute, as it was asked for.
    transform : of its colours to sRGB; None where the slide has no usable profile.
    """

    path: Path
    reader: SlideReader
    transform: ColourTransform | None


class _Opening:
    """One slide on its way, on a thread of its own.

    Attributes
    ----------
    is_wanted : somebody still waits for it.
    """

    def __init__(self, path: Path, timer: QTimer) -> None:
        self.path = path
        self.is_wanted = True
        self.timer = timer
        self.lane = Lane("open")
        self.future = self.lane.submit(self._work)

    def end(self) -> None:
        """Let the thread end when it can, and wait for nothing."""
        self.timer.stop()
        self.lane.close(0)

    def _work(self, token: CancelToken) -> OpenedSlide:
        opened = open_with_colours(self.path)
        if token.is_cancelled:  # nobody waits for it any more: nobody would own it
            opened.reader.close()
        token.check()
        return opened


class SlideOpener(QObject):
    """Opens slides, each on a thread of its own and within a time. GUI thread only.

    No library can be made to stop in the middle of opening a file. So a file that takes too
    long, or that is not wanted any more, is given up: nobody waits for its thread, which
    closes what it opened when it ends after all, and the next file takes its turn.

    Signals
    -------
    opened(OpenedSlide) : the receiver owns it.
    failed(Path, str) : a sentence that says why.
    busyChanged(int) : how many are still to be opened.
    """

    opened = Signal(object)
    failed = Signal(object, str)
    busyChanged = Signal(int)

    def __init__(
        self, bridge: Bridge, parent: QObject | None = None, *, limit_s: float = LIMIT_S
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._limit_s = limit_s
        self._waiting: list[Path] = []
        self._running: dict[Path, _Opening] = {}
        self._given_up: set[_Opening] = set()

    def is_opening(self, path: Path) -> bool:
        """Whether this slide is already on its way."""
        return path in self._running or path in self._waiting

    def open(self, path: Path) -> None:
        """Open `path` (absolute) and say so by a signal."""
        self._waiting.append(path)
        self._go_on()

    def cancel_all(self) -> tuple[Path, ...]:
        """Open none of those that are still on their way; which they were."""
        paths = (*self._running, *self._waiting)
        self._waiting.clear()
        for opening in tuple(self._running.values()):
            self._give_up(opening)
        self._go_on()
        return paths

    def close(self, timeout_s: float) -> bool:
        """Open none any more and wait for the threads; False where one did not end in time."""
        self._waiting.clear()
        openings = (*self._running.values(), *self._given_up)
        for opening in openings:  # ask all before waiting for the first
            opening.end()
        last = time.monotonic() + timeout_s
        ended = [o.lane.close(max(0.0, last - time.monotonic())) for o in openings]
        for future in (opening.future for opening in openings):
            if future.done() and not future.cancelled() and future.exception() is None:
                future.result().reader.close()  # it came too late to be handed over
        return all(ended)

    def _go_on(self) -> None:
        while self._waiting and len(self._running) < _AT_ONCE:
            self._start(self._waiting.pop(0))
        self.busyChanged.emit(len(self._running) + len(self._waiting))

    def _start(self, path: Path) -> None:
        timer = QTimer(self, singleShot=True, interval=round(1000 * self._limit_s))
        opening = self._running[path] = _Opening(path, timer)

        def on_opened(opened: OpenedSlide) -> None:
            if opening.is_wanted:
                self.opened.emit(opened)
            else:  # it ended just as it was given up
                opened.reader.close()

        def on_error(error: BachviewError) -> None:
            if opening.is_wanted:
                self.failed.emit(path, str(error))

        def on_late() -> None:
            self._give_up(opening)
            self.failed.emit(
                path,
                f"{path.name} did not open within {self._limit_s:g} s; check its drive, or copy "
                "it again from its source.",
            )
            self._go_on()

        def on_finished() -> None:
            opening.end()
            timer.deleteLater()
            self._given_up.discard(opening)
            if opening.is_wanted:
                del self._running[path]
                self._go_on()

        timer.timeout.connect(on_late)
        timer.start()
        self._bridge.watch(opening.future, on_opened, on_error, on_finished=on_finished)

    def _give_up(self, opening: _Opening) -> None:
        opening.is_wanted = False
        opening.end()
        del self._running[opening.path]
        self._given_up.add(opening)


def open_with_colours(path: Path) -> OpenedSlide:
    """Open a slide and prepare its colour transform. Any thread; slow.

    Raises
    ------
    SlideOpenError
        See `slide.opening.open_slide`.
    """
    # Imported here: OpenSlide is not needed to show the window.
    from bachview.slide.colour import srgb_transform
    from bachview.slide.opening import open_slide

    try:
        reader = open_slide(path)
    except OSError as error:  # a share that went away between two looks
        raise SlideOpenError(
            f"{path.name} cannot be read ({error.strerror}); check the drive and try again."
        ) from error
    return OpenedSlide(path, reader, srgb_transform(reader.metadata.icc_profile))
