"""Results files that earlier versions have written are taken over, whoever is killed meanwhile.

The files were made by the last version of each format: all cells of `runs.grid_key`, and two of a
region of 4 by 4 cells, of which one failed.
"""

import contextlib
import gzip
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bachview.core.geometry import Region
from bachview.core.predictions import Prediction
from bachview.marks.correction import Correction
from bachview.marks.working_set import added
from bachview.store.results import ResultStore
from bachview.store.schema import SCHEMA_VERSION, store_name
from tests.support import runs
from tests.support.runs import everywhere, full_tissue

SLIDE = "quick-1-abc"
VERSIONS = range(1, SCHEMA_VERSION)
FILES = Path(__file__).parent / "earlier_formats"
#: At which statements of opening a file: those after the transaction has begun, until its last one.
KILLED_AT = {1: range(13, 39, 5), 2: range(13, 33, 5), 3: (11, 12, 14), 4: (11, 12, 14)}


def unpacked(version: int, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / store_name(SLIDE)
    path.write_bytes(gzip.decompress((FILES / f"format-{version}.sqlite.gz").read_bytes()))
    return path


def everything(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as raw:
        (version,) = raw.execute("PRAGMA user_version").fetchone()
        return [str(version), *raw.iterdump()]


@pytest.fixture(scope="module")
def expected() -> list[Prediction]:
    with ResultStore.in_memory(SLIDE) as store:
        whole = store.begin(runs.grid_key(), full_tissue(), runs.provenance())
        store.commit(whole, runs.results(everywhere()))
        key = runs.grid_key(4, 4, plan_id="a region")
        part = store.begin(key, full_tissue(4, 4), runs.provenance())
        store.commit(part, runs.results([[0, 0], [1, 1]], failed=[False, True]))
        return [store.load(grid) for grid in (whole, part)]


def check(folder: Path, expected: list[Prediction]) -> None:
    """What a folder has is complete, and can be used."""
    mark = Correction.made(Region(0, 0, 9, 9), "Benign", None, "")
    with ResultStore.open(folder, SLIDE) as store:
        assert store.notice is None
        found = [
            store.load(grid.grid_id) for grid in sorted(store.grids(), key=lambda g: g.grid_id)
        ]
        store.save_marks(added("relabel", [mark]).changes)
        assert store.marks().marks == (mark,)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one.states, other.states)
        assert np.array_equal(one.confidence, other.confidence)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_of_an_earlier_version_is_taken_over(
    tmp_path: Path, version: int, expected: list[Prediction]
) -> None:
    path = unpacked(version, tmp_path)
    before = everything(path)
    assert before[0] == str(version)
    check(tmp_path, expected)
    (backup,) = tmp_path.glob(f"*.v{version}-backup.sqlite")
    assert everything(backup) == before


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_process_that_is_killed_on_the_way_costs_nothing(
    tmp_path: Path, expected: list[Prediction]
) -> None:
    cases = [(version, at) for version in VERSIONS for at in KILLED_AT[version]]
    folders = {case: tmp_path / f"{case[0]}-{case[1]}" for case in cases}
    before = {case: everything(unpacked(case[0], folder)) for case, folder in folders.items()}
    program = (sys.executable, "-m", "tests.support.killed_openings", tmp_path, SLIDE)
    killed = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert int(killed) == len(cases)
    for case, folder in folders.items():
        (present, *_) = everything(folder / store_name(SLIDE))
        assert present in (str(case[0]), str(SCHEMA_VERSION))
        # Before the file is of the new format, all of the old one stands beside it.
        assert present == str(case[0]) or list(folder.glob("*-backup.sqlite"))
        check(folder, expected)
        (backup,) = folder.glob("*-backup.sqlite")
        assert everything(backup) == before[case]
        assert not list(folder.glob("*.part*"))
