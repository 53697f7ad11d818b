"""Opens JSON files of annotations of unknown origin: size, compression, encoding."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bachview.errors import AnnotationError, BachviewError
from bachview.text_files import decoded

if TYPE_CHECKING:
    from typing import IO

#: Of JSON, unpacked; a million cells with their measurements need more, which nobody reviews.
MOST_JSON_BYTES = 512_000_000
_MOST_ENTRIES = 1000
#: Lists and objects of JSON, each of which takes far more memory than its two characters.
MOST_JSON_PARTS = 30_000_000

#: What unpacking damaged data raises.
_DAMAGED = (EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


def json_texts(path: Path) -> Iterator[str]:
    """The JSON texts of a file: its own, that of a ``.gz``, or all of a ``.zip``.

    Raises
    ------
    AnnotationError
        It cannot be read, is damaged or too large.
    """
    ending = path.suffix.lower()
    try:
        if ending == ".zip":
            yield from _zipped(path)
        elif ending == ".gz":
            with gzip.open(path) as file:
                yield _text(_bounded(file, path, MOST_JSON_BYTES), path)
        else:
            with path.open("rb") as file:
                yield _text(_bounded(file, path, MOST_JSON_BYTES), path)
    except gzip.BadGzipFile as error:
        raise _damaged(path) from error
    except OSError as error:
        raise unreadable(path, error, AnnotationError) from error
    except _DAMAGED as error:
        raise _damaged(path) from error


def _zipped(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive:
        entries = [
            entry
            for entry in archive.infolist()
            if entry.filename.lower().endswith((".json", ".geojson")) and not entry.is_dir()
        ]
        if not entries:
            raise AnnotationError(f"{path.name} contains no GeoJSON file.")
        if len(entries) > _MOST_ENTRIES:
            raise AnnotationError(f"{path.name} contains too many files; unpack it first.")
        left = MOST_JSON_BYTES
        for entry in entries:
            with archive.open(entry) as file:
                content = _bounded(file, path, left)
            left -= len(content)
            yield _text(content, path)


def _text(content: bytes, path: Path) -> str:
    if content.count(b"[") + content.count(b"{") > MOST_JSON_PARTS:
        raise AnnotationError(
            f"{path.name} has more than {MOST_JSON_PARTS:,} points and is not read; divide it."
        )
    return decoded(content)


def _bounded(file: "IO[bytes] | gzip.GzipFile", path: Path, most: int) -> bytes:
    """The rest of a file, in parts, so that what is said of its size is not believed."""
    content = io.BytesIO()
    while part := file.read(1 << 20):
        content.write(part)
        if content.tell() > most:
            raise AnnotationError(too_large(path, MOST_JSON_BYTES))
    return content.getvalue()


def unreadable(path: Path, cause: OSError, error: type[BachviewError]) -> BachviewError:
    """The error of a file that the system does not give."""
    return error(f"{path.name} cannot be read ({cause.strerror}); check its path.")


def _damaged(path: Path) -> AnnotationError:
    return AnnotationError(f"{path.name} is damaged or encrypted; export the annotations again.")


def too_large(path: Path, most: int) -> str:
    """What is said of a file of more bytes than are read."""
    return f"{path.name} is larger than {most // 1_000_000} MB and is not read; divide it."
