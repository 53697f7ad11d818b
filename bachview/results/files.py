"""Writing a file so that it is there whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bachview.errors import ExportError


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write bytes to, renamed to `path` when the block ends without an error.

    Missing folders are made. Whatever happens, an earlier file of that name is either
    untouched or wholly replaced, and no half-written file is left.

    Raises
    ------
    ExportError
        The place cannot be written (rights, full disk, a folder of that name).
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
