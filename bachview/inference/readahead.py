"""Reading ahead: patches are read while the models process previous ones."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.errors import EngineError, SlideReadError
from bachview.inference.order import PatchOrder
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken

RGB = npt.NDArray[np.uint8]

#: More do not help.
READER_THREADS = 2
NO_MEMORY = (
    "There is too little memory to classify even one patch; close other programs and classify "
    "again: the run resumes where it stopped."
)
#: A hanging read (a network share that is gone) must not delay a cancel.
_CLOSE_S = 0.3


@dataclass(frozen=True, slots=True)
class ReadPatch:
    """One patch as it was read.

    Attributes
    ----------
    place : (row, column) among the patches.
    pixels : (S, S, 3) uint8 RGB; None if it cannot be read.
    """

    place: tuple[int, int]
    pixels: RGB | None


class ReadAhead:
    """Reader threads that stay a bounded number of patches ahead of the models.

    The next patch is determined only when a reader is free, so that after the view has moved only
    patches already read are stale. Created, used and closed by one thread; the callables are called
    on the reader threads.
    """

    def __init__(
        self,
        order: PatchOrder,
        grid: PatchGrid,
        read: Callable[[int, int], RGB],
        view: Callable[[], Region | None],
        *,
        ahead: int,
    ) -> None:
        """Start reading.

        Parameters
        ----------
        order : only used here from now on.
        grid : the slide's cells.
        read : pixels of a patch (row, column); raises `SlideReadError`.
        view : the current viewport, level-0 px; None if there is none.
        ahead : maximum number of patches that are read but not yet taken.
        """
        self._order = order
        self._grid = grid
        self._read = read
        self._view = view
        self._ahead = ahead
        self._changed = threading.Condition()
        self._ready: deque[ReadPatch] = deque()
        self._again: deque[tuple[int, int]] = deque()
        self._reading = 0
        self._closed = False
        self._error: BaseException | None = None
        self._lane = Lane("patch-readers", threads=READER_THREADS, low_priority=True)
        self._token = CancelToken()
        self._start()

    def _start(self) -> None:
        for _ in range(READER_THREADS):
            self._lane.submit(self._work, self._token)

    def read_again(self, patches: Sequence[tuple[int, int]]) -> None:
        """Read patches once more, before all others; what was taken at the end is not the end."""
        if patches:
            with self._changed:
                self._again.extend(patches)
                self._changed.notify_all()
            self._start()  # the readers may have ended

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to be read or taken."""
        with self._changed:
            return not (self._ready or self._is_reading)

    @property
    def _is_reading(self) -> bool:
        return bool(self._reading or self._again or len(self._order))

    def take(self, count: int, token: CancelToken) -> list[ReadPatch]:
        """Wait for `count` patches, fewer only if no more are left; [] at the end.

        Raises
        ------
        Cancelled
            The token was cancelled while waiting.
        """
        with self._changed:
            while True:
                if self._error is not None:
                    raise self._error
                if len(self._ready) >= count or not self._is_reading:
                    taken = [self._ready.popleft() for _ in range(min(count, len(self._ready)))]
                    self._changed.notify_all()
                    return taken
                # Cancelling does not wake a thread waiting here, so check the token now and then.
                self._changed.wait(0.05)
                if token.is_cancelled:
                    token.check()

    def close(self) -> None:
        """Stop the readers; one that hangs in a read is left to end by itself."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()
        self._lane.close(_CLOSE_S)

    def _next(self) -> tuple[int, int] | None:
        """The next patch to read; None at the end. Waits while enough patches are ahead."""
        with self._changed:
            while not self._closed:
                if not self._again and not len(self._order):
                    return None
                if len(self._ready) + self._reading < self._ahead:
                    if self._again:
                        self._reading += 1
                        return self._again.popleft()
                    region = self._view()
                    patches = self._order.next(
                        1, None if region is None else self._grid.patches_in(region)
                    )
                    self._reading += 1
                    return int(patches[0, 0]), int(patches[0, 1])
                self._changed.wait()
        return None

    def _work(self, token: CancelToken) -> None:
        try:
            while (place := self._next()) is not None:
                try:
                    pixels: RGB | None = self._read(*place)
                except SlideReadError:
                    pixels = None
                with self._changed:
                    self._reading -= 1
                    if not self._closed:
                        self._ready.append(ReadPatch(place, pixels))
                    self._changed.notify_all()
        except MemoryError as error:
            self._fail(EngineError(NO_MEMORY), error)
        except BaseException as error:  # a bug in a reader ends the run
            self._fail(error, None)

    def _fail(self, error: BaseException, cause: BaseException | None) -> None:
        """Let `take` raise this."""
        error.__cause__ = cause or error.__cause__
        with self._changed:
            self._error = error
            self._changed.notify_all()
