"""A large file with the fingerprint of another one has to prove that it is the same."""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bachview.errors import Cancelled
from bachview.jobs.tokens import CancelToken
from bachview.slide import fingerprint, known_copies
from bachview.slide.file_state import FileState
from bachview.slide.known_copies import remember_content, slide_fingerprint

SECOND = 10**9
#: With the nanoseconds of ext4.
TIME = 1_700_000_001 * SECOND + 123_456_789
SIZE = 64 * 200

Made = Callable[..., Path]


@pytest.fixture(autouse=True)
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is large, and its fingerprint sees its size and its first bytes alone."""
    monkeypatch.setattr(fingerprint, "WHOLE_BYTES", 0)
    monkeypatch.setattr(fingerprint, "_SAMPLE_BYTES", 1)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def write(name: str, *, edited_at: int | None = None, time_ns: int = TIME) -> Path:
        data = bytearray(SIZE)
        if edited_at is not None:
            data[edited_at] = 1
        (tmp_path / name).write_bytes(data)
        os.utime(tmp_path / name, ns=(time_ns, time_ns))
        return tmp_path / name

    return write


def named(path: Path) -> str:
    return slide_fingerprint(FileState.of(path))


def classified(path: Path) -> str:
    found = named(path)
    remember_content(FileState.of(path), CancelToken())
    return found


@pytest.mark.parametrize("place", range(101, SIZE, 1_597))
def test_an_edited_copy_is_another_slide_wherever_it_was_edited(made: Made, place: int) -> None:
    first = classified(made("first"))
    edited = made("edited", edited_at=place, time_ns=TIME + 5)
    assert fingerprint.content_fingerprint(FileState.of(edited)) == first  # it cannot see it
    own = classified(edited)
    assert own != first
    # For ever, whichever is opened.
    assert named(made("first")) == first
    assert named(edited) == own


def test_a_file_edited_in_place_is_another_slide(made: Made) -> None:
    first = classified(made("slide"))
    assert named(made("slide", edited_at=500, time_ns=TIME + 5)) != first
    assert named(made("slide")) == first  # restored from a backup


def test_a_copy_finds_what_was_classified(made: Made) -> None:
    first = classified(made("first"))
    copy = made("copy", time_ns=TIME + 3600 * SECOND)
    assert named(copy) == first
    copy.rename(copy.with_name("moved"))
    assert named(copy.with_name("moved")) == first


def test_a_copy_that_was_opened_before_finds_it_later(made: Made) -> None:
    first, copy = made("first"), made("copy", time_ns=TIME + 5)
    assert named(first) != named(copy)
    assert classified(first) == named(copy)


def test_the_first_one_finds_what_its_copy_has(made: Made) -> None:
    first, copy = made("first"), made("copy", time_ns=TIME + 5)
    named(first)
    assert classified(copy) == named(first)


@pytest.mark.parametrize("rounded", [100, 1000, 10**6, 10**7, SECOND, 2 * SECOND])
def test_a_copy_with_the_time_of_another_file_system_is_not_read(
    made: Made, rounded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = classified(made("first"))
    monkeypatch.setattr(known_copies, "_whole", pytest.fail)
    assert named(made("copy", time_ns=TIME // rounded * rounded)) == first
    assert named(made("up", time_ns=(TIME // rounded + 1) * rounded)) == first


def test_what_takes_too_long_to_read_is_another_slide(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = classified(made("first"))
    copy = made("copy", time_ns=TIME + 5)
    with monkeypatch.context() as slow:
        slow.setattr(known_copies, "_PROOF_S", -1)
        own = named(copy)
    assert own != first
    monkeypatch.setattr(known_copies, "_PROOF_S", None)  # would fail if it were tried again
    assert named(copy) == own


def test_a_small_file_is_known_by_its_bytes_alone(
    made: Made, monkeypatch: pytest.MonkeyPatch, own_folders: Path
) -> None:
    monkeypatch.setattr(fingerprint, "WHOLE_BYTES", SIZE)
    first = classified(made("first"))
    assert named(made("copy", time_ns=TIME + 5)) == first
    assert named(made("edited", edited_at=7, time_ns=TIME)) != first
    assert not own_folders.exists()


def test_every_file_of_a_slide_counts(made: Made, tmp_path: Path) -> None:
    path, folder = made("a.mrxs"), tmp_path / "a"
    folder.mkdir()
    made("a/Data0000.dat")
    first = classified(path)
    made("a/Data0000.dat", edited_at=500, time_ns=TIME + 5)
    assert named(path) != first


def test_a_run_that_is_stopped_is_not_delayed(made: Made) -> None:
    token = CancelToken()
    token.cancel()
    path = made("first")
    named(path)
    with pytest.raises(Cancelled):
        remember_content(FileState.of(path), token)


def test_without_a_place_to_remember_slides_open_as_before(made: Made, own_folders: Path) -> None:
    own_folders.write_bytes(b"no folder")
    path = made("first")
    assert classified(path) == fingerprint.content_fingerprint(FileState.of(path))


@pytest.mark.parametrize("damaged", ["UPDATE slides SET changed = 'x'", "", "DROP TABLE slides"])
def test_a_damaged_list_begins_again(made: Made, own_folders: Path, damaged: str) -> None:
    first = classified(made("first"))
    path = own_folders / "data" / "copies.sqlite"
    if damaged:
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute(damaged)
            db.commit()
    else:
        path.write_bytes(b"no database " * 100)
    assert classified(made("first")) == first
    classified(made("first"))
    assert named(made("edited", edited_at=500, time_ns=TIME + 5)) != first
