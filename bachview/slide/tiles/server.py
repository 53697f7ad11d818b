"""Serves the display tiles of one slide: those wanted now, in order of priority."""

import logging
import threading
from collections.abc import Callable, Sequence

from bachview.core.pyramid import TileKey
from bachview.errors import SlideReadError
from bachview.jobs.lanes import WantedLane
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import Preparing, SlideReader
from bachview.slide.tiles.cache import TileCache
from bachview.slide.tiles.display_tiles import (
    ColourTransform,
    Tile,
    is_tile_ready,
    read_display_tile,
)

_log = logging.getLogger(__name__)


class _NotReadyError(Exception):
    """The level from which the tile is read is still being prepared."""


class TileServer:
    """Reads tiles on threads of its own into a cache shared with other slides.

    All methods: any thread. The owner closes it before the reader, which it does not
    close.

    Parameters
    ----------
    on_tile : called on a reader thread when a tile has arrived or failed; must be quick and hand
        over to the GUI thread.
    transform : colour transform of each tile; None for raw colours.
    """

    def __init__(
        self,
        reader: SlideReader,
        cache: TileCache,
        on_tile: Callable[[TileKey], None],
        *,
        transform: ColourTransform | None = None,
        threads: int = 2,
    ) -> None:
        self._reader = reader
        self._cache = cache
        self._on_tile = on_tile
        self._transform = transform
        # Its own identity, so that it shares no tiles with a server with another transform.
        self._owner = object()
        self._lock = threading.Lock()
        self._failed: set[TileKey] = set()
        self._change = ""
        self._closed = False
        self._wanted: tuple[TileKey, ...] = ()
        self._postponed: set[TileKey] = set()
        self._token = CancelToken()
        self._lane: WantedLane[TileKey, Tile] = WantedLane(
            "tiles", threads=threads, work=self._read, deliver=self._deliver, low_priority=True
        )
        if isinstance(reader, Preparing):
            reader.when_ready(self._on_ready)

    def want(self, keys: Sequence[TileKey]) -> None:
        """Read these, in this order, instead of everything wanted before.

        Tiles that are cached or have failed are left out.
        """
        with self._lock:
            self._wanted = tuple(keys)
            self._postponed.clear()
            failed = set(self._failed)
        missing = [
            key for key in keys if key not in failed and self._cache.get((self._owner, key)) is None
        ]
        self._lane.want(missing)

    def get(self, key: TileKey) -> Tile | None:
        """The tile if it is cached, (512, 512, 4) uint8 BGRX; must not be written to."""
        return self._cache.get((self._owner, key))

    def has_failed(self, key: TileKey) -> bool:
        """Whether reading this tile failed; shown as such, never as white."""
        with self._lock:
            return key in self._failed

    @property
    def change(self) -> str:
        """A sentence if the slide's file has changed or is gone, else empty."""
        with self._lock:
            return self._change

    def retry_failed(self) -> None:
        """Forget failures, so that the next `want` tries those tiles again."""
        with self._lock:
            self._failed.clear()
            self._change = ""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is wanted, being read, or waiting for a level to be ready."""
        with self._lock:
            waiting = bool(self._postponed)
        return not waiting and self._lane.is_idle

    def close(self, timeout_s: float = 5.0) -> bool:
        """Drop what is wanted, wait for what is being read, drop the tiles.

        Returns
        -------
        Whether the threads ended in time; otherwise they end after their current tile.
        """
        with self._lock:
            self._closed = True
            self._postponed.clear()
        self._token.cancel()
        ended = self._lane.close(timeout_s)
        self._cache.discard(self._owner)
        return ended

    def _read(self, key: TileKey) -> Tile:
        # A thread waiting for one level could not serve another that is ready.
        if isinstance(self._reader, Preparing) and not is_tile_ready(
            self._reader, self._reader.metadata.pyramid, key
        ):
            raise _NotReadyError
        try:
            tile = read_display_tile(self._reader, key, self._transform, token=self._token)
        except SlideReadError:
            self._check_files()  # perhaps the whole file has changed, not this part
            raise
        self._check_files()  # not a tile of another slide under the same name
        return tile

    def _check_files(self) -> None:
        files = self._reader.metadata.files
        if files is None:
            return
        try:
            files.check()
        except SlideReadError as error:
            with self._lock:
                self._change = str(error)
            raise

    def _deliver(self, key: TileKey, answer: Tile | Exception) -> None:
        with self._lock:
            if self._closed:
                return
            if isinstance(answer, _NotReadyError):
                if key in self._wanted:
                    self._postponed.add(key)
                return
            if isinstance(answer, Exception):
                self._failed.add(key)
            else:
                self._cache.put((self._owner, key), answer)
        if isinstance(answer, SlideReadError):
            _log.debug("tile %s failed: %s", key, answer)
        elif isinstance(answer, Exception):
            _log.error("a tile failed unexpectedly", exc_info=answer)
        self._on_tile(key)

    def _on_ready(self) -> None:
        """Request postponed tiles again; called by the preparing thread."""
        with self._lock:
            if self._closed:
                return
            wanted = self._wanted
        self.want(wanted)
