"""Display tiles in memory, bounded in bytes, shared by all slides of the process."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

import numpy as np
import numpy.typing as npt

from bachview.core.pyramid import TileKey

Tile = npt.NDArray[np.uint8]
CacheKey = tuple[Hashable, TileKey]


class TileCache:
    """Tiles by (owner, key); the least recently used are dropped first. Any thread.

    Tiles are shared, not copied, and must not be written to once they are here.
    """

    def __init__(self, capacity_bytes: int) -> None:
        if capacity_bytes < 0:
            raise ValueError(f"a cache cannot hold {capacity_bytes} bytes")
        self._capacity = capacity_bytes
        self._size = 0
        self._tiles: OrderedDict[CacheKey, Tile] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Bytes in use; never more than `capacity_bytes`."""
        with self._lock:
            return self._size

    @property
    def capacity_bytes(self) -> int:
        return self._capacity

    def __len__(self) -> int:
        with self._lock:
            return len(self._tiles)

    def get(self, key: CacheKey) -> Tile | None:
        """The tile, marked as just used; None if it is not cached."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
            return tile

    def put(self, key: CacheKey, tile: Tile) -> bool:
        """Cache `tile`, replacing an earlier one of this key.

        Returns
        -------
        Whether it is cached. A tile larger than the whole cache is not, and the one that it was to
        replace is dropped.
        """
        with self._lock:
            old = self._tiles.pop(key, None)
            if old is not None:
                self._size -= old.nbytes
            if tile.nbytes > self._capacity:
                return False
            self._tiles[key] = tile
            self._size += tile.nbytes
            self._shrink()
            return True

    def discard(self, owner: Hashable) -> None:
        """Drop all tiles of one owner."""
        with self._lock:
            for key in [key for key in self._tiles if key[0] == owner]:
                self._size -= self._tiles.pop(key).nbytes

    def clear(self) -> None:
        with self._lock:
            self._tiles.clear()
            self._size = 0

    def resize(self, capacity_bytes: int) -> None:
        """Set a new bound and drop what no longer fits."""
        if capacity_bytes < 0:
            raise ValueError(f"a cache cannot hold {capacity_bytes} bytes")
        with self._lock:
            self._capacity = capacity_bytes
            self._shrink()

    def _shrink(self) -> None:
        while self._size > self._capacity:
            _, tile = self._tiles.popitem(last=False)
            self._size -= tile.nbytes
