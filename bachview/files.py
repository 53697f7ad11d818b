"""Atomic writing of files, alone or several together: they appear complete or not at all."""

import contextlib
import hashlib
import itertools
import os
import platform
import re
import shutil
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bachview.errors import BachviewError, ExportError
from bachview.file_names import ESCAPED, extended_path
from bachview.jobs.processes import left_behind

#: Identifies the computer in a shared folder: process numbers of other computers mean nothing here.
_HOST = f"{zlib.crc32(platform.node().encode(errors='replace')):08x}"
#: Tells threads of this process apart that write the same file.
_numbers = itertools.count()
#: Of a file's name in those of its parts.
_LONGEST_BYTES = 160
#: Waits for a program that has the file open for a moment on Windows (a virus scanner), s.
_WAITS_S = (0.02, 0.05, 0.1, 0.2, 0.4)
#: A file that is still being written is never untouched for this long, s.
_ABANDONED_S = 24 * 3600


class FileGroup:
    """The files of a `file_group`. One thread."""

    def __init__(self) -> None:
        self.scratch = contextlib.ExitStack()
        self.parts: dict[Path, Path] = {}
        #: Name of each file written so far to its SHA-256, in hexadecimal.
        self.sha256: dict[str, str] = {}

    def add(self, part: Path, path: Path) -> None:
        """Let `part`, which is complete, become `path` together with the others."""
        with part.open("rb") as file:
            self.sha256[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
        self.parts[path] = part


@contextlib.contextmanager
def file_group(last: Path, *, error: type[BachviewError] = ExportError) -> Iterator[FileGroup]:
    """Files that belong together; they get their names if the block ends without an error.

    All are complete on disk before the first is renamed. An existing `last` is deleted before that,
    and the new one is renamed after all others: a set without it is unfinished, and it is never
    found beside files of another set. Writing again completes the set.

    Parameters
    ----------
    last : the file of the group that describes the others.
    error : class of the error raised if a file cannot be renamed.

    Raises
    ------
    BachviewError
        An `error`: the folder cannot be written to.
    """
    group = FileGroup()
    with group.scratch:
        yield group
        with _explained(last, error):
            last.unlink(missing_ok=True)
            _sync_folder(last.parent)
        # Stable sort: all but `last` stay in the order in which they were written.
        for path in sorted(group.parts, key=lambda path: path == last):
            with _explained(path, error):
                _publish(group.parts[path], path)


@contextlib.contextmanager
def atomic_path(
    path: Path,
    *,
    error: type[BachviewError] = ExportError,
    group: FileGroup | None = None,
    ending: str = "",
) -> Iterator[Path]:
    """A name for a file or folder that becomes `path` if the block ends without an error.

    Missing folders are created. Whatever happens, an existing file is either untouched or
    completely replaced, and no partial file is left: that of a killed process is deleted when the
    file is next written.

    Parameters
    ----------
    error : class of the error raised if the folder cannot be written to.
    group : the file (not a folder) gets its name with the others of this group.
    ending : suffix of the temporary name, for a library that insists on one.

    Raises
    ------
    BachviewError
        An `error`: it cannot be written (permissions, full disk, a folder of that name).
    """
    with _explained(path, error), contextlib.ExitStack() as own:
        scratch = own if group is None else group.scratch
        part = scratch.enter_context(_scratch(path, ending))
        yield part
        _sync(part)
        if group is None:
            _publish(part, path)
        else:
            group.add(part, path)


@contextlib.contextmanager
def atomic_file(
    path: Path, *, error: type[BachviewError] = ExportError, group: FileGroup | None = None
) -> Iterator[BinaryIO]:
    """An `atomic_path`, open to write bytes to."""
    with atomic_path(path, error=error, group=group) as part, part.open("wb") as file:
        yield file


def write_text(
    path: Path,
    text: str,
    *,
    error: type[BachviewError] = ExportError,
    group: FileGroup | None = None,
) -> None:
    """Write an `atomic_file` as UTF-8; file names that are not UTF-8 are escaped."""
    with atomic_file(path, error=error, group=group) as file:
        file.write(text.encode("utf-8", ESCAPED))


@contextlib.contextmanager
def scratch_folder(path: Path, *, error: type[BachviewError] = ExportError) -> Iterator[Path]:
    """A temporary folder beside `path` for intermediate files; deleted when the block ends."""
    with _explained(path, error), _scratch(path) as folder:
        folder.mkdir()
        yield folder


def check_writable(path: Path, *, error: type[BachviewError] = ExportError) -> None:
    """Fail now if `path` cannot be written: better before the work than after it."""
    with _explained(path, error), _scratch(path) as part:
        part.touch()


@contextlib.contextmanager
def _explained(path: Path, error: type[BachviewError]) -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        if not _is_of(path, cause.filename):
            raise  # the caller's block met another file, which this sentence would hide
        reason = cause.strerror or type(cause).__name__
        raise error(
            f"{path.name} cannot be written to {path.parent} ({reason}); "
            "choose another folder or free some space."
        ) from cause


def _is_of(path: Path, named: object) -> bool:
    """Whether an error names `path`, a folder above it or its parts; a failing write names none."""
    if not isinstance(named, str | os.PathLike):
        return True
    # A long path of Windows was given in the form of `_reachable`.
    place = Path(os.fspath(named).replace("\\\\?\\UNC", "\\", 1).removeprefix("\\\\?\\"))
    start = _part_start(path)
    return place in (path, *path.parents) or any(
        part.parent == path.parent and part.name.startswith(start)
        for part in (place, *place.parents)
    )


@contextlib.contextmanager
def _scratch(path: Path, ending: str = "") -> Iterator[Path]:
    """An unused name beside `path`; whatever has that name is deleted when the block ends."""
    number = f"{_HOST}-{os.getpid()}-{next(_numbers)}"
    part = _reachable(path.with_name(f"{_part_start(path)}{number}.part{ending}"))
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        yield part
    finally:
        _remove(part)


def _part_start(path: Path) -> str:
    """How the names of the parts of `path` begin; a name may have 255 bytes, and then is cut."""
    name = path.name
    encoded = os.fsencode(name)
    if len(encoded) > _LONGEST_BYTES:
        name = f"{encoded[:_LONGEST_BYTES].decode('utf-8', 'ignore')}~{zlib.crc32(encoded):08x}"
    return f".{name}."


def _reachable(path: Path) -> Path:
    """`path` in a form that Windows accepts at any length."""
    return Path(extended_path(str(path.absolute()))) if sys.platform == "win32" else path


def _publish(part: Path, path: Path) -> None:
    for wait_s in _WAITS_S:
        try:
            part.replace(_reachable(path))
            break
        except PermissionError:
            if sys.platform == "win32":
                time.sleep(wait_s)
            else:
                raise
    else:
        part.replace(_reachable(path))
    _sync_folder(path.parent)


def _remove_leftovers(path: Path) -> None:
    """Remove partial files of `path` left by killed processes.

    A file that does not name this computer may belong to a running process of another one, unless
    it has not been touched for long. Earlier releases named the process only, or a random number.
    """
    name = re.escape(_part_start(path))
    for file in left_behind(path.parent, rf"{name}(?:{_HOST}-)?([0-9]{{1,9}})(?:-[0-9]+)?\.part.*"):
        _remove(file)
    foreign = re.compile(rf"{name}(?!{_HOST}-)[0-9a-f]+(?:-[0-9]+)*\.part.*")
    for file in path.parent.iterdir():
        if foreign.fullmatch(file.name):
            with contextlib.suppress(OSError):
                if time.time() - file.stat().st_mtime > _ABANDONED_S:
                    _remove(file)


def _remove(path: Path) -> None:
    # Another process may do the same; what remains is tried again at the next write.
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Flush a file, or a folder and everything in it, to disk."""
    for inner in (path, *path.rglob("*")) if path.is_dir() else (path,):
        if inner.is_dir():
            _sync_folder(inner)
        else:
            with inner.open("rb+") as file:
                os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk, where the system can: Windows cannot open folders."""
    if sys.platform == "win32":
        return
    # Some network shares do not support it.
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
