"""A TIFF file's bytes: a broken handle is opened anew, another file not taken for it."""

import os
from pathlib import Path
from typing import IO, Any

import pytest

from bachview.errors import SlideReadError
from bachview.slide.formats.tiff_source import SegmentSource


class Broken:
    """A handle whose share went away: it fails for ever."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def seek(self, *_: int) -> int:
        if self._file.closed:
            raise ValueError("I/O operation on closed file")
        raise OSError("Stale file handle")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "slide.tiff"
    path.write_bytes(bytes(range(100)))
    return path


def broken(path: Path) -> SegmentSource:
    return SegmentSource(path, Broken(path.open("rb")))  # type: ignore[arg-type]


def test_a_broken_handle_is_opened_again(path: Path) -> None:
    source = broken(path)
    assert source.bytes_at(10, 3) == bytes([10, 11, 12])
    assert source.bytes_at(20, 1) == bytes([20])
    source.close()


def test_another_file_of_that_name_is_not_taken_for_it(path: Path) -> None:
    source = broken(path)
    path.write_bytes(bytes(120))
    os.utime(path, (1, 1))
    with pytest.raises(SlideReadError, match="has changed"):
        source.bytes_at(10, 3)
    source.close()


def test_a_file_that_is_gone_says_so(path: Path) -> None:
    source = broken(path)
    path.unlink()
    with pytest.raises(SlideReadError, match="check its drive"):
        source.bytes_at(10, 3)
    source.close()


def test_a_closed_source_stays_closed(path: Path) -> None:
    source = broken(path)
    source.close()
    with pytest.raises(SlideReadError, match="is closed"):
        source.bytes_at(10, 3)
