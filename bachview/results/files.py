"""Writing a file so that it is there whole or not at all."""

import contextlib
import os
import platform
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bachview.errors import ExportError
from bachview.jobs.processes import left_behind

#: Tells the computers of a shared folder apart: the process numbers of another mean nothing here.
_HOST = f"{zlib.crc32(platform.node().encode(errors='replace')):08x}"


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write bytes to, renamed to `path` when the block ends without an error.

    Missing folders are made. Whatever happens, an earlier file of that name is either
    untouched or wholly replaced, and no half-written file is left: that of a process that
    was killed goes when the file is next written.

    Raises
    ------
    ExportError
        The place cannot be written (rights, full disk, a folder of that name).
    """
    part = path.with_name(f".{path.name}.{_HOST}-{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ExportError(
            f"{path.name} cannot be written to {path.parent} ({reason}); "
            "choose another folder or free some space."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Remove what processes of this computer that were killed had written of `path`."""
    name = rf"\.{re.escape(path.name)}\.{_HOST}-([0-9]{{1,9}})\.part"
    for file in left_behind(path.parent, name):
        # Another process may do the same; a file that stays is tried again next time.
        with contextlib.suppress(OSError):
            file.unlink()
