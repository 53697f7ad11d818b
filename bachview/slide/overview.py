"""Coarse levels for slides that store none, computed from the stored ones."""

import logging
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from bachview.config import user_folders
from bachview.core.pyramid import TILE_PX, Level, Pyramid
from bachview.errors import Cancelled, SlideReadError
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.slide.pixel_store import PixelStore
from bachview.slide.pixels import padded_crop
from bachview.slide.reader import RGB, SlideMetadata, SlideReader

_log = logging.getLogger(__name__)

#: A slide whose coarsest level is longer than this gets more levels. Below it, a tile of the whole
#: slide is read in half a second.
_LONGEST_PX = 4096

#: The first added level is coarser by this factor; finer display levels are read in a few blocks.
_FIRST_FACTOR = 8

#: Side of the blocks of the stored level that are averaged at once. Gives log2(_BLOCK_PX /
#: _FIRST_FACTOR) + 1 = 8 levels: up to 500,000 px a side.
_BLOCK_PX = 1024

_CLOSE_S = 1.0


def with_overview(source: SlideReader) -> SlideReader:
    """`source`, or a reader that adds coarse levels to it if needed.

    The returned reader closes `source`.
    """
    last = source.metadata.pyramid.levels[-1]
    if max(last.width, last.height) <= _LONGEST_PX:
        return source
    added = _added_levels(last)
    try:
        store = PixelStore(
            [(level.width, level.height) for level in added], user_folders().cache / "images"
        )
    except (OSError, MemoryError):
        _log.warning("no room for an overview; zooming out of this slide will be slow")
        return source
    return OverviewReader(source, added, store)


def _added_levels(last: Level) -> tuple[Level, ...]:
    added: list[Level] = []
    factor = _FIRST_FACTOR
    while not added or (max(added[-1].width, added[-1].height) > TILE_PX and factor <= _BLOCK_PX):
        added.append(
            Level(
                last.index + 1 + len(added),
                math.ceil(last.width / factor),
                math.ceil(last.height / factor),
                last.downsample * factor,
            )
        )
        factor *= 2
    return tuple(added)


class OverviewReader:
    """A `SlideReader` that adds levels of its own to those of another; also `Preparing`.

    A low-priority lane averages the stored level block by block, from the top down. A read that
    comes earlier computes the blocks it needs itself, with the same values. A block that cannot be
    read only fails the reads that touch it.
    """

    def __init__(self, source: SlideReader, added: tuple[Level, ...], store: PixelStore) -> None:
        """Start preparing; use `with_overview` instead. Takes over `source` and `store`."""
        self._source = source
        pyramid = source.metadata.pyramid
        self._base = pyramid.levels[-1]
        self._metadata = replace(
            source.metadata, pyramid=Pyramid((*pyramid.levels, *added), pyramid.bounds)
        )
        self._store = store
        self._pictures = store.arrays
        shape = (
            math.ceil(self._base.height / _BLOCK_PX),
            math.ceil(self._base.width / _BLOCK_PX),
        )
        self._lock = threading.Lock()
        self._done: npt.NDArray[np.bool_] = np.zeros(shape, np.bool_)
        self._failures: dict[tuple[int, int], str] = {}
        self._rows_ready = 0
        self._closed = False
        self._callbacks: list[Callable[[], None]] = []
        self._lane = Lane("overview", low_priority=True)
        self._lane.submit(self._prepare)

    @property
    def metadata(self) -> SlideMetadata:
        """Facts about the slide; the added levels are listed from the start."""
        return self._metadata

    @property
    def route(self) -> str:
        """The slide's, with the levels that are added to it; see `SlideReader.route`."""
        return f"{self._source.route}; coarse levels computed"

    def is_ready(self, level: int, bottom_lv: int) -> bool:
        """Whether all blocks above this row are ready; see `Preparing`."""
        if level <= self._base.index:
            return True
        factor = self._factor(level)
        with self._lock:
            ready = self._rows_ready * _BLOCK_PX
            return self._closed or ready >= min(bottom_lv * factor, self._base.height)

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Register a callback for when more is ready; see `Preparing`."""
        with self._lock:
            if self._rows_ready < len(self._done):
                self._callbacks.append(callback)

    def read(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
        """Pixels of a stored or an added level; see `SlideReader.read`."""
        if level <= self._base.index:
            return self._source.read(level, x_lv, y_lv, width, height)
        factor = self._factor(level)
        for row, column in self._blocks(x_lv * factor, y_lv * factor, width, height, factor):
            self._make(row, column)
            with self._lock:
                failure = self._failures.get((row, column))
            if failure is not None:
                raise SlideReadError(failure)
        if self._closed:
            raise SlideReadError(f"{self._metadata.path.name} is closed.")
        return padded_crop(self._pictures[level - self._base.index - 1], x_lv, y_lv, width, height)

    def read_associated(self, name: str) -> RGB:
        """One of the slide's associated images; see `SlideReader.read_associated`."""
        return self._source.read_associated(name)

    def close(self) -> None:
        """Stop preparing, then release the file."""
        with self._lock:
            self._closed = True
            self._callbacks = []
        self._lane.close(_CLOSE_S)
        self._source.close()
        self._store.close()

    def _factor(self, level: int) -> int:
        """Px of the stored level per px of an added one."""
        return _FIRST_FACTOR << (level - self._base.index - 1)

    def _blocks(
        self, x: int, y: int, width: int, height: int, factor: int
    ) -> Iterator[tuple[int, int]]:
        """(row, column) of the blocks that `width` x `height` px of an added level touch."""
        rows, columns = self._done.shape
        for row in range(max(0, y // _BLOCK_PX), rows):
            if row * _BLOCK_PX >= y + height * factor:
                break
            for column in range(max(0, x // _BLOCK_PX), columns):
                if column * _BLOCK_PX >= x + width * factor:
                    break
                yield row, column

    def _make(self, row: int, column: int) -> None:
        """Average one block into all added levels, unless that is done.

        A failed block is tried again: its drive may be back. Two threads may compute the same
        block; they write the same bytes.
        """
        with self._lock:
            failed = (row, column) in self._failures
            if (self._done[row, column] and not failed) or self._closed:
                return
        x, y = column * _BLOCK_PX, row * _BLOCK_PX
        width = min(_BLOCK_PX, self._base.width - x)
        height = min(_BLOCK_PX, self._base.height - y)
        failure: str | None = None
        try:
            pixels = self._source.read(self._base.index, x, y, width, height)
        except SlideReadError as error:
            failure = str(error)
        else:
            small = Image.fromarray(pixels).reduce(_FIRST_FACTOR)
            factor = _FIRST_FACTOR
            for picture in self._pictures:
                top, left = y // factor, x // factor
                picture[top : top + small.height, left : left + small.width] = np.asarray(small)
                small = small.reduce(2)
                factor *= 2
        with self._lock:
            self._done[row, column] = True
            if failure is None:
                self._failures.pop((row, column), None)
            elif not self._closed:
                self._failures[row, column] = failure

    def _prepare(self, token: CancelToken) -> None:
        """Compute all blocks; runs once, on the lane."""
        try:
            for row in range(self._done.shape[0]):
                for column in range(self._done.shape[1]):
                    token.check()
                    self._make(row, column)
                self._announce(row + 1)
        except Cancelled:
            _log.debug("the slide was closed before its overview was ready")
        except Exception:  # nobody reads this job's future
            _log.exception("an overview could not be prepared")
            # Reads compute what they need themselves, and report failures, instead of waiting.
            self._announce(self._done.shape[0])

    def _announce(self, rows: int) -> None:
        with self._lock:
            self._rows_ready = rows
            callbacks = list(self._callbacks)
            if rows == len(self._done):
                self._callbacks = []
        for callback in callbacks:
            callback()
