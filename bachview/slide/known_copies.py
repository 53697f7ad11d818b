"""Tells large files apart that differ where their fingerprint does not look.

A fingerprint of a large slide does not cover every byte. So each large slide that was opened is
remembered with the times of change of its files, and once it is classified with a hash of every
byte. A file with the same fingerprint and other times has to prove that it is the same.
"""

import contextlib
import hashlib
import json
import logging
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bachview.config import user_folders
from bachview.jobs.tokens import CancelToken
from bachview.slide.file_state import FileState
from bachview.slide.fingerprint import content_fingerprint, is_covered

_FILE_NAME = "copies.sqlite"
#: A slide must open within `bachview.slide.opening.LIMIT_S`.
_PROOF_S = 8.0
_WAIT_S = 2.0
_CHUNK_BYTES = 4 * 2**20
#: File systems round times to one of these, ns; a copy has the time of the original, rounded.
_ROUNDED_NS = (1, 100, 1_000, 1_000_000, 10_000_000, 1_000_000_000, 2_000_000_000)
#: In the place of a hash: there was no time for it.
_UNREAD = ""

#: What a list raises that cannot be written, or that something else has changed.
_UNUSABLE = (sqlite3.Error, ValueError, TypeError)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """A slide that was opened before; `whole` is None if nobody needed the hash so far."""

    changed_ns: tuple[int, ...]
    fingerprint: str
    whole: str | None


def slide_fingerprint(files: FileState) -> str:
    """The fingerprint under which the results of a slide are kept. Any thread.

    It is `content_fingerprint`, but for a large file that shares this with one opened before
    without being proved the same: the times of change of its files count, too. The proof
    is a hash of every byte, if one was remembered of the other, and takes up to 8 s, once.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    content = content_fingerprint(files)
    if is_covered(files):
        return content
    changed = _changed_ns(files)
    try:
        with _remembered() as db:
            found = _decided(db, content, changed, None)
        if found is not None:
            return found
        whole = _whole(files, time.monotonic() + _PROOF_S, None)
        with _remembered() as db:
            return _decided(db, content, changed, whole) or content
    except _UNUSABLE as error:
        _give_up(error)
        return content


def remember_content(files: FileState, token: CancelToken) -> None:
    """Remember every byte of a slide that was classified, so that a copy finds its results.

    For the lane that has classified it: a large slide is read once more.

    Raises
    ------
    OSError, SlideReadError
        A file cannot be read, or was changed meanwhile.
    Cancelled
        `token` asked for it.
    """
    if is_covered(files):
        return
    content, changed = content_fingerprint(files), json.dumps(_changed_ns(files))
    try:
        with _remembered() as db:
            missing = db.execute(
                "SELECT count(*) FROM slides WHERE content = ? AND changed = ? "
                "AND coalesce(whole, '') = ''",
                (content, changed),
            ).fetchone()[0]
        if missing:
            whole = _whole(files, None, token)
            files.check()
            with _remembered() as db:
                db.execute(
                    "UPDATE slides SET whole = ? WHERE content = ? AND changed = ?",
                    (whole, content, changed),
                )
    except _UNUSABLE as error:
        _give_up(error)


def _decided(
    db: sqlite3.Connection, content: str, changed: tuple[int, ...], whole: str | None
) -> str | None:
    """The fingerprint of a slide, which is remembered; None if it takes the hash to tell."""
    rows = db.execute(
        "SELECT changed, fingerprint, whole FROM slides WHERE content = ?", (content,)
    )
    known = [_Known(tuple(json.loads(row[0])), row[1], row[2]) for row in rows]
    same = next((one for one in known if _agree(one.changed_ns, changed)), None)
    hashed = {one.whole: one.fingerprint for one in known if one.whole and one is not same}
    if same is not None and (same.whole is not None or not hashed):
        return same.fingerprint
    if hashed and whole is None:
        return None
    if whole in hashed:
        fingerprint = hashed[whole]
    elif same is not None:
        fingerprint = same.fingerprint
    elif known:
        own = hashlib.sha256(f"{content} {json.dumps(changed)}".encode()).hexdigest()
        fingerprint = f"c2:{own}"
    else:
        fingerprint = content
    db.execute(
        "INSERT OR REPLACE INTO slides VALUES (?, ?, ?, ?)",
        (content, json.dumps(same.changed_ns if same else changed), fingerprint, whole),
    )
    return fingerprint


def _agree(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether times of change are the same but for the rounding of a file system."""
    return len(first) == len(second) and all(
        any(abs(a - b) < step and (a % step == 0 or b % step == 0) for step in _ROUNDED_NS)
        for a, b in zip(first, second, strict=True)
    )


def _changed_ns(files: FileState) -> tuple[int, ...]:
    return tuple(sorted(mark[3] for _, mark in files.marks))


def _whole(files: FileState, deadline_s: float | None, token: CancelToken | None) -> str:
    """A hash of every byte; `_UNREAD` after the deadline."""
    digests = []
    for path, _ in files.marks:
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                if token is not None:
                    token.check()
                if deadline_s is not None and time.monotonic() > deadline_s:
                    return _UNREAD
        digests.append(digest.digest())
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def _give_up(error: Exception) -> None:
    """Go on without the list; a damaged one is deleted, so that there is one again next time."""
    _log.info("large slides cannot be remembered (%s)", error)
    if not isinstance(error, sqlite3.OperationalError):
        with contextlib.suppress(OSError):
            (user_folders().data / _FILE_NAME).unlink(missing_ok=True)


@contextlib.contextmanager
def _remembered() -> Iterator[sqlite3.Connection]:
    """The slides that were opened; no other process changes them meanwhile."""
    folder = user_folders().data
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise sqlite3.OperationalError(str(error)) from error
    with contextlib.closing(
        sqlite3.connect(folder / _FILE_NAME, timeout=_WAIT_S, isolation_level=None)
    ) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            "CREATE TABLE IF NOT EXISTS slides (content TEXT, changed TEXT, fingerprint TEXT, "
            "whole TEXT, PRIMARY KEY (content, changed))"
        )
        yield db
        db.execute("COMMIT")
