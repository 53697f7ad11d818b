"""Room in memory or in a file, which leaves nothing behind."""

from pathlib import Path

import numpy as np
import pytest

from bachview.slide.pixel_store import PixelStore


@pytest.mark.parametrize("memory_bytes", [0, 10**6])
def test_arrays_of_the_sizes_asked_for(tmp_path: Path, memory_bytes: int) -> None:
    folder = tmp_path / "new" / "cache"
    store = PixelStore([(30, 20), (15, 10)], folder, memory_bytes=memory_bytes)
    assert (store._file is not None) == (memory_bytes == 0)
    large, small = store.arrays
    assert (large.shape, small.shape) == ((20, 30, 3), (10, 15, 3))
    large[:] = 5
    small[:] = 7
    assert (large == 5).all()
    store.close()
    store.close()
    assert store.arrays == ()
    # A reader may still hold them.
    assert (large == 5).all()
    assert (small == 7).all()
    assert not folder.exists() or not list(folder.iterdir())


def test_a_folder_that_cannot_be_made_is_replaced(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    store = PixelStore([(100, 100)], blocker / "cache", memory_bytes=0)
    assert store._file is not None
    store.arrays[0][:] = np.uint8(3)
    store.close()


def test_a_disk_without_room_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        PixelStore([(4_000_000, 4_000_000)], tmp_path, memory_bytes=0)
    assert list(tmp_path.glob("pixels-*")) == []
