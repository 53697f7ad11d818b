"""Opens slides away from the GUI thread."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from bachview.errors import BachviewError, SlideOpenError
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.slide.display_tiles import ColourTransform
from bachview.slide.reader import SlideReader
from bachview.ui.bridge import Bridge


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


class SlideOpener(QObject):
    """Opens one slide after the other in the io lane. GUI thread only.

    Signals
    -------
    opened(OpenedSlide) : the receiver owns it.
    failed(Path, str) : a sentence that says why.
    busyChanged(int) : how many are still to be opened.
    """

    opened = Signal(object)
    failed = Signal(object, str)
    busyChanged = Signal(int)

    def __init__(self, bridge: Bridge, lane: Lane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._lane = lane
        self._open: set[Path] = set()
        self._closed = False

    def is_opening(self, path: Path) -> bool:
        """Whether this slide is already on its way."""
        return path in self._open

    def open(self, path: Path) -> None:
        """Open `path` (absolute) and say so by a signal."""
        self._open.add(path)
        self.busyChanged.emit(len(self._open))

        def work(token: CancelToken) -> OpenedSlide:
            token.check()
            opened = open_with_colours(path)
            if token.is_cancelled:  # the window has closed meanwhile: nobody would own it
                opened.reader.close()
            token.check()
            return opened

        def on_error(error: BachviewError) -> None:
            self.failed.emit(path, str(error))

        def on_finished() -> None:
            self._open.discard(path)
            self.busyChanged.emit(len(self._open))

        self._bridge.watch(
            self._lane.submit(work), self.opened.emit, on_error, on_finished=on_finished
        )


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
