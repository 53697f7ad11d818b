"""Reading files of an untrusted folder or zip.

Rejected are: links, names that are absolute or leave the folder, duplicate names, encrypted
entries, too many entries, files too large, entries compressed too much (zip bombs). Nothing is ever
extracted to disk.
"""

import hashlib
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from bachview.errors import BundleError
from bachview.models.bundle.manifest import FILE_NAME

ENTRY_LIMIT = 256
FILE_LIMIT_BYTES = 2 << 30
TOTAL_LIMIT_BYTES = 4 << 30
#: Largest compression ratio. Weights hardly shrink; text and constructed tables shrink up to a
#: hundredfold.
RATIO_LIMIT = 200
#: Below this size an entry is harmless, however much it is compressed.
RATIO_MATTERS_BYTES = 1 << 20
#: Those of the writer. Others (LZMA, BZIP2) may need gigabytes of memory to unpack a few bytes.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 1 << 20


class Container(Protocol):
    """Files by name. One thread at a time; the owner closes it."""

    @property
    def path(self) -> Path:
        """The folder or file."""

    @property
    def files(self) -> tuple[str, ...]:
        """Relative names with forward slashes, sorted."""

    def read(self, name: str, limit_bytes: int = FILE_LIMIT_BYTES) -> bytes:
        """Content of a file; `BundleError` if it is larger than the limit or damaged."""

    def sha256(self, name: str) -> str:
        """SHA-256 of a file in hexadecimal, without keeping it in memory."""

    def close(self) -> None:
        """Close the file; may be called twice."""


def open_container(path: Path) -> Container:
    """Open a folder or zip and check its names and sizes.

    Raises
    ------
    BundleError
        See the module.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise BundleError(f"There is no model at {path.name}.") from error
    if stat.S_ISDIR(mode):
        return _Folder(path)
    if stat.S_ISREG(mode):
        return _Zip(path)
    raise BundleError(f"{path.name} is neither a folder nor a file.")


def check_zip(content: bytes, where: str, limit_bytes: int) -> None:
    """Reject a zip inside the bundle (``.npz``, ``.skops``) that would unpack to too much.

    Raises
    ------
    BundleError
        It is not a zip, or exceeds one of the limits of the module.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BundleError(f"{where} is damaged: it cannot be unpacked.") from error
    if sum(entry.file_size for entry in entries) > limit_bytes:
        raise BundleError(f"{where} would unpack to more than {limit_bytes >> 20} MB.")
    for entry in entries:
        _check_entry(entry, where, ratio_limit=2000)


def _check_name(name: str, where: str) -> None:
    if not FILE_NAME.fullmatch(name):
        raise BundleError(
            f"{where} contains a file with the name {name[:80]!r}, which is not allowed in a "
            "model: nothing was loaded."
        )


def _check_sizes(sizes: dict[str, int], where: str) -> None:
    if len(sizes) > ENTRY_LIMIT:
        raise BundleError(f"{where} contains more than {ENTRY_LIMIT} files: it is not a model.")
    for name, size in sizes.items():
        if size > FILE_LIMIT_BYTES:
            raise BundleError(f"{name} in {where} is larger than {FILE_LIMIT_BYTES >> 30} GB.")
    if sum(sizes.values()) > TOTAL_LIMIT_BYTES:
        raise BundleError(f"{where} is larger than {TOTAL_LIMIT_BYTES >> 30} GB when unpacked.")


def _check_entry(entry: zipfile.ZipInfo, where: str, ratio_limit: int = RATIO_LIMIT) -> None:
    if entry.flag_bits & 0x1:
        raise BundleError(f"{where} is encrypted, which a model never is.")
    if entry.compress_type not in _METHODS:
        raise BundleError(
            f"{entry.filename[:80]!r} in {where} is compressed with an unsupported method "
            f"({entry.compress_type}): compress it with deflate."
        )
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode):
        raise BundleError(f"{where} contains a link ({entry.filename[:80]!r}): nothing was loaded.")
    packed = max(entry.compress_size, 1)
    if entry.file_size > RATIO_MATTERS_BYTES and entry.file_size / packed > ratio_limit:
        raise BundleError(
            f"{entry.filename[:80]!r} in {where} would unpack to {entry.file_size // packed} times "
            "its size: it was not loaded."
        )


class _Base:
    def __init__(self, path: Path, sizes: dict[str, int]) -> None:
        self._path = path
        self._sizes = sizes

    @property
    def path(self) -> Path:
        return self._path

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(sorted(self._sizes))

    def _open(self, name: str) -> IO[bytes]:
        raise KeyError(name)

    def read(self, name: str, limit_bytes: int = FILE_LIMIT_BYTES) -> bytes:
        return b"".join(self._chunks(name, limit_bytes))

    def sha256(self, name: str) -> str:
        digest = hashlib.sha256()
        for chunk in self._chunks(name, FILE_LIMIT_BYTES):
            digest.update(chunk)
        return digest.hexdigest()

    def _chunks(self, name: str, limit_bytes: int) -> Iterator[bytes]:
        """The content in pieces, never more than its declared size and the limit."""
        limit = min(limit_bytes, self._sizes[name])
        where = f"{name} in {self._path.name}"
        if self._sizes[name] > limit_bytes:
            raise BundleError(f"{where} is larger than {limit_bytes >> 10} KB.")
        done = 0
        try:
            with self._open(name) as file:
                while chunk := file.read(min(_CHUNK, limit + 1 - done)):
                    done += len(chunk)
                    if done > limit:
                        raise BundleError(f"{where} is larger than declared: it was not loaded.")
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            # An OSError's own text would show the whole path.
            reason = error.strerror if isinstance(error, OSError) else str(error)
            words = (reason or type(error).__name__).rstrip(".")
            raise BundleError(f"{where} cannot be read: {words}.") from error
        except ValueError as error:  # the zip was closed
            raise BundleError(f"{where} cannot be read: the model is closed.") from error


class _Folder(_Base):
    def __init__(self, path: Path) -> None:
        sizes: dict[str, int] = {}
        for name, size in self._walk(path, path):
            sizes[name] = size
            # Now, not at the end: the folder may be a whole disk, chosen by mistake.
            if len(sizes) > ENTRY_LIMIT:
                break
        super().__init__(path, sizes)
        _check_sizes(self._sizes, path.name)

    @staticmethod
    def _walk(root: Path, folder: Path) -> Iterator[tuple[str, int]]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            for count, entry in enumerate(entries):
                name = Path(entry.path).relative_to(root).as_posix()
                # Python 3.12 and later recognise Windows junctions, which are links as well.
                is_junction = getattr(entry, "is_junction", lambda: False)()
                if entry.is_symlink() or is_junction:
                    raise BundleError(
                        f"{root.name} contains a link ({name!r}): nothing was loaded."
                    )
                _check_name(name, root.name)
                if count > ENTRY_LIMIT:
                    raise BundleError(f"{root.name} contains more than {ENTRY_LIMIT} files.")
                if entry.is_dir(follow_symlinks=False):
                    yield from _Folder._walk(root, Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    yield name, entry.stat(follow_symlinks=False).st_size
                else:
                    raise BundleError(f"{name} in {root.name} is not a file.")
        except OSError as error:
            raise BundleError(
                f"The folder {root.name} cannot be read: {error.strerror}."
            ) from error

    def _open(self, name: str) -> IO[bytes]:
        # A link created after the walk is not followed either.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(self._path / name, flags), "rb")

    def close(self) -> None:
        """Nothing is kept open."""


class _Zip(_Base):
    def __init__(self, path: Path) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise BundleError(
                f"{path.name} is not a model, or is damaged: it cannot be unpacked."
            ) from error
        try:
            super().__init__(path, self._listed(path.name))
            _check_sizes(self._sizes, path.name)
        except BundleError:
            self._archive.close()
            raise

    def _listed(self, where: str) -> dict[str, int]:
        entries = self._archive.infolist()
        if len(entries) > 2 * ENTRY_LIMIT:
            raise BundleError(f"{where} contains more than {ENTRY_LIMIT} files: it is not a model.")
        sizes: dict[str, int] = {}
        for entry in entries:
            # The name as stored: zipfile cuts it at a null byte and converts backslashes.
            name = entry.orig_filename
            # Not `entry.is_dir()`, which fails on an entry without a name.
            _check_name(name.removesuffix("/"), where)
            _check_entry(entry, where)
            if name.endswith("/"):
                continue
            if name in sizes:
                raise BundleError(f"{where} contains {name} twice: nothing was loaded.")
            sizes[name] = entry.file_size
        return sizes

    def _open(self, name: str) -> IO[bytes]:
        return self._archive.open(name)

    def close(self) -> None:
        self._archive.close()
