"""A short part of ``make fuzz``, and that its mutations can be repeated."""

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bachview.store.records import GRID_COLUMNS, row_checksum
from tools.fuzz import __main__ as fuzz
from tools.fuzz.mutation import mutated
from tools.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("is_text", [False, True])
def test_the_same_generator_makes_the_same_input(is_text: bool) -> None:
    seed = b'{"key": 12, "other": "word"}\n' * 8
    first, again = (
        [mutated(seed, draw, is_text=is_text) for _ in range(50)]
        for draw in (random.Random(3), random.Random(3))
    )
    assert first == again
    assert len(set(first)) > 40


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        (
            40,
            "manifest golden tiff image annotations marks recipe table settings",
        ),
        (6, "graph store zip skops"),
    ],
)
def test_no_hostile_file_gets_through(tmp_path: Path, inputs: int, targets: str) -> None:
    command = [sys.executable, "-m", "tools.fuzz", "--seconds", "2000", "--inputs", str(inputs)]
    command += ["--limit-s", "30", "--findings", str(tmp_path / "findings"), *targets.split()]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{inputs * len(targets.split())} inputs, 0 findings" in done.stdout


def test_a_target_that_was_not_tried_fails_unless_its_seed_may_be_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_seed(name: str, tally: fuzz.Tally, *_: object) -> None:
        tally.note = fuzz._NO_SEED

    def code(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["fuzz", *arguments])
        return fuzz.main()

    assert code("--inputs", "0", "dicom", "--allow-missing", "dicom") == 1
    monkeypatch.setattr(fuzz, "_batch", without_seed)
    assert code("dicom") == 1
    assert code("dicom", "--allow-missing", "tiff") == 1
    assert "not tried: dicom" in capsys.readouterr().out
    assert code("dicom", "--allow-missing", "dicom") == 0


_OUTSIDE = {
    "open": "open(at('x'), 'w').close()",
    "open of bytes": "open(os.fsencode(at('x')), 'wb').close()",
    "os.open": "os.close(os.open(at('x'), os.O_CREAT | os.O_RDWR))",
    "os.mkdir": "os.mkdir(at('d'))",
    "os.remove": "os.remove(at('there'))",
    "os.remove of a relative name": "os.chdir(at('')); os.remove('there')",
    "os.rename out": "open('inner', 'w').close(); os.rename('inner', at('x'))",
    "os.rename in": "os.rename(at('there'), 'inner')",
    "os.symlink": "os.symlink('nowhere', at('x'))",
    "os.truncate": "os.truncate(at('there'), 0)",
    "sqlite3.connect": "sqlite3.connect(at('x')).close()",
    "os.system": "os.system('true')",
    "os.posix_spawn": "os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)",
    "subprocess.Popen": "subprocess.run(['true'])",
    "os.fork": "os.fork() or os._exit(0)",
    "os.exec": "os.execv('/nowhere', ['x'])",
    "socket.connect": "socket.socket().connect(('127.0.0.1', 9))",
}


@pytest.mark.parametrize("way", [*_OUTSIDE, "nothing"])
def test_what_reaches_outside_is_heard(tmp_path: Path, way: str) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "there").touch()
    script = f"""
import contextlib, os, shutil, socket, sqlite3, subprocess, sys
from pathlib import Path
from tools.fuzz.child import watch
def at(name): return str(Path(sys.argv[1]) / name)
os.chdir(at("inside"))
heard = []
watch(Path(at("inside")), heard)
os.makedirs("a/b"), open("a/b/c", "w").close(), os.rename("a", "e"), shutil.rmtree("e")
sqlite3.connect(":memory:").close(), open(at("there")).close()
with contextlib.suppress(OSError):
    {_OUTSIDE.get(way, "pass")}
print(len(heard), *heard)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("0" if way == "nothing" else "1"), done.stdout
    assert way.split(" ")[0].replace("nothing", "").replace("os.open", "open") in done.stdout


def test_stores_of_both_formats_are_tried_behind_their_checksums(tmp_path: Path) -> None:
    target = TARGETS["store"]
    (tmp_path / "seeds").mkdir()
    seeds = target.seeds(tmp_path / "seeds")
    good = _run(seeds[0])
    versions, is_sealed = set(), set()
    for number in range(120):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = target.draw(seeds, folder, random.Random(number))
        with contextlib.suppress(sqlite3.DatabaseError, TypeError):
            versions.add(_version(path))
            run = _run(path)
            if run[:-1] != good[:-1]:
                is_sealed.add(row_checksum(run[:-1]) == run[-1])
    assert versions >= {1, 2}
    assert is_sealed == {False, True}


def _version(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as raw:
        return int(raw.execute("PRAGMA user_version").fetchone()[0])


def _run(path: Path) -> tuple[object, ...]:
    with contextlib.closing(sqlite3.connect(path)) as raw:
        select = f"SELECT {GRID_COLUMNS}, checksum FROM grids"  # noqa: S608
        return tuple(raw.execute(select).fetchone())
