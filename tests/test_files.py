"""Files that are there whole or not at all, alone and together, also after a kill."""

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from bachview.errors import DatasetError, ExportError
from bachview.files import (
    atomic_file,
    atomic_path,
    check_writable,
    file_group,
    scratch_folder,
    write_text,
)

_KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from bachview.files import atomic_file
with atomic_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""

#: Writes a set of three files and ends before the step of the given number.
_KILLED_IN_A_GROUP = """
import os, sys
from pathlib import Path
from tests.test_files import write_set
left = int(sys.argv[2])
def counted(step):
    def stepped(*args, **options):
        global left
        if left == 0:
            os._exit(9)
        left -= 1
        return step(*args, **options)
    return stepped
for name in ("fsync", "replace", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
write_set(Path(sys.argv[1]), "new")
"""

NAMES = ("a.csv", "b.png", "summary.json")


def write_set(folder: Path, text: str) -> None:
    """Two files and the summary that names them."""
    with file_group(folder / "summary.json") as group:
        write_text(folder / "a.csv", f"a {text}", group=group)
        write_text(folder / "b.png", f"b {text}", group=group)
        document = {"text": text, "sha256": group.sha256}
        write_text(folder / "summary.json", json.dumps(document), group=group)


def _check_set(folder: Path) -> str | None:
    """What the summary says; all that it names is what it names."""
    if not (folder / "summary.json").exists():
        return None
    document = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert set(document["sha256"]) == {"a.csv", "b.png"}
    for name, digest in document["sha256"].items():
        assert sha256((folder / name).read_bytes()).hexdigest() == digest
    return str(document["text"])


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_what_a_killed_process_left_goes_with_the_next_writing(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    target.write_bytes(b"earlier")
    subprocess.run([sys.executable, "-c", _KILLED_WHILE_WRITING, str(target)], check=False)
    assert target.read_bytes() == b"earlier"
    (left,) = tmp_path.glob(".*.part")
    service, dead, _ = left.name.removeprefix(".a.csv.").removesuffix(".part").split("-")
    (tmp_path / f".a.csv.{dead}.part").touch()
    (tmp_path / f".a.csv.{service}-{dead}.part").mkdir()
    others = [
        tmp_path / f".a.csv.{service}-{os.getppid()}-3.part",
        tmp_path / f".a.csv.{os.getppid()}.part",
        tmp_path / ".a.csv.00c0ffee-1-2.part",
        tmp_path / ".a.csv.mine.part",
        tmp_path / f".b.csv.{dead}.part",
    ]
    for other in others:
        other.touch()
    with atomic_file(target) as file:
        file.write(b"whole")
    assert target.read_bytes() == b"whole"
    assert sorted(tmp_path.iterdir()) == sorted([target, *others])


def test_what_nobody_here_wrote_goes_when_it_was_left_for_long(tmp_path: Path) -> None:
    old = [".a.csv.0123456789ab.part", ".a.csv.00c0ffee-1-2.part", f".a.csv.{os.getpid()}.part"]
    foreign = [".a.csv.mine.part", ".a.csv.part", ".a.csv", "a.csv.1.part"]
    for name in (*old, *foreign):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - 90_000,) * 2)
    write_text(tmp_path / "a.csv", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a.csv", *foreign])


def test_a_set_whose_writer_is_killed_at_any_step_is_whole_or_has_no_summary(
    tmp_path: Path,
) -> None:
    said: list[str | None] = []
    code = 9
    while code == 9:
        write_set(tmp_path, "old")
        command = [sys.executable, "-c", _KILLED_IN_A_GROUP, str(tmp_path), str(len(said))]
        code = subprocess.run(command, check=False, cwd=Path(__file__).parents[1]).returncode
        said.append(_check_set(tmp_path))
        write_set(tmp_path, "healed")
        assert _check_set(tmp_path) == "healed"
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    assert code == 0
    assert list(dict.fromkeys(said)) == ["old", None, "new"]
    assert said.count(None) >= 4


@pytest.mark.parametrize("call", ["replace", "unlink", "fsync"])
def test_an_error_at_any_step_leaves_the_old_set_or_no_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    real: Callable[..., None] = getattr(os, call)
    calls, fails_at = 0, 0

    def failing(*args: object, **options: object) -> None:
        nonlocal calls
        calls += 1
        if calls - 1 == fails_at:
            raise OSError(28, "No space left on device")
        real(*args, **options)

    while calls >= fails_at:
        write_set(tmp_path, "old")
        calls = 0
        with monkeypatch.context() as patch:
            patch.setattr(os, call, failing)
            sentence = _sentence_of(lambda: write_set(tmp_path, "new"))
        if sentence:
            assert "No space left" in sentence
            assert _check_set(tmp_path) in (None, "old")
        else:
            # No error, or one of what is only tidied up, or of a folder that cannot be synced.
            assert _check_set(tmp_path) == "new"
        fails_at += 1
    assert fails_at > 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def _sentence_of(work: Callable[[], None]) -> str | None:
    try:
        work()
    except ExportError as error:
        return str(error)
    return None


def test_an_error_while_a_set_is_made_leaves_the_old_one(tmp_path: Path) -> None:
    def failing() -> None:
        with file_group(tmp_path / "summary.json") as group:
            write_text(tmp_path / "a.csv", "new", group=group)
            raise ZeroDivisionError

    write_set(tmp_path, "old")
    with pytest.raises(ZeroDivisionError):
        failing()
    assert _check_set(tmp_path) == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


@pytest.mark.skipif(sys.platform == "win32", reason="no folder can be opened")
def test_the_name_is_on_the_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    real = os.fsync

    def noted(number: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(number).st_mode))
        real(number)

    monkeypatch.setattr(os, "fsync", noted)
    write_text(tmp_path / "a.csv", "whole")
    assert synced == [False, True]


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a") as part:
        (part / "inner").mkdir(parents=True)
        (part / "inner" / "x").write_text("x", encoding="utf-8")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a" / "inner" / "x").read_text(encoding="utf-8") == "x"
    with scratch_folder(tmp_path / "a") as folder:
        (folder / "y").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_two_threads_do_not_write_the_same_part(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "a") as first:
        with atomic_file(tmp_path / "a") as second:
            second.write(b"second")
        first.write(b"first")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_place_that_cannot_be_written_is_a_sentence_of_the_callers_class(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match=r"a\.csv cannot be written to .*file \("):
        check_writable(tmp_path / "file" / "a.csv", error=DatasetError)
    check_writable(tmp_path / "new" / "a.csv")
    assert list((tmp_path / "new").iterdir()) == []


def test_another_file_that_cannot_be_read_meanwhile_is_told_as_itself(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match="missing"),
        atomic_file(tmp_path / "a.csv") as file,
    ):
        file.write((tmp_path / "missing").read_bytes())
    assert list(tmp_path.iterdir()) == []


def test_what_fails_in_the_part_itself_is_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(ExportError, match=r"a\.csv cannot be written"),
        atomic_path(tmp_path / "a.csv") as part,
    ):
        (part / "missing" / "x").write_text("x", encoding="utf-8")


def test_a_write_that_fails_is_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(ExportError, match=r"a\.csv cannot be written .*No space"),
        atomic_file(tmp_path / "a.csv"),
    ):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("name", ["x" * 251 + ".csv", "ö" * 125 + ".csv", "\udcf6" * 251 + ".csv"])
def test_a_name_as_long_as_names_may_be_is_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_text(path, "a")
    write_text(path, "b")
    assert path.read_text() == "b"
    assert [file.name for file in tmp_path.iterdir()] == [name]
