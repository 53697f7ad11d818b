"""Results on a share: found out, and written with a journal instead of a write-ahead log."""

import ctypes
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from bachview.errors import StoreError
from bachview.store import schema
from bachview.store.listing import results_files
from bachview.store.place import is_on_network
from bachview.store.results import ResultStore
from bachview.store.schema import explained, store_name
from tests.support.policies import set_policy

FINGERPRINT = "q1:0123456789abcdef"
MOUNTS = {
    "/": "ext4",
    "/home": "autofs",
    "/home/anna": "nfs4",
    "/home/anna/local": "xfs",
    "/media/stick": "fuseblk",
    "/media/phone": "fuse.sshfs",
    "/Volumes/lab": "macfuse",
    "/mnt/results": "cifs",
    "/mnt/results-2": "btrfs",
}


@pytest.fixture
def mounts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [SimpleNamespace(mountpoint=point, fstype=kind) for point, kind in MOUNTS.items()]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: found)


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize(
    ("folder", "is_share"),
    [
        ("/srv/data", False),
        ("/home/anna", True),
        ("/home/anna/.local/share/bachview", True),
        ("/home/anna/local/data", False),
        ("/home/anna-2", True),  # of the automounter, which mounts shares
        ("/media/stick/results", False),
        ("/media/phone", True),
        ("/Volumes/lab/results", True),
        ("/mnt/results/not/there/yet", True),
        ("/mnt/results-2", False),
    ],
)
def test_a_share_is_known_by_its_file_system(folder: str, is_share: bool) -> None:
    assert is_on_network(Path(folder)) is is_share


@pytest.mark.usefixtures("mounts")
def test_a_link_to_a_share_is_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.realpath", lambda _: "/mnt/results/x")
    assert is_on_network(Path("/srv/link"))


@pytest.mark.parametrize(
    ("path", "is_share"),
    [
        (r"C:\results", False),
        (r"N:\results", True),
        (r"\\server\share\results", True),
        (r"\\?\C:\a long path", False),
        (r"\\?\UNC\server\share", True),
        (r"\\?\N:\a long path", True),
    ],
)
def test_on_windows_drives_and_paths_tell(
    monkeypatch: pytest.MonkeyPatch, path: str, is_share: bool
) -> None:
    kinds = {"C:\\": 3, "N:\\": 4}
    kernel = SimpleNamespace(GetDriveTypeW=kinds.__getitem__)
    windows = SimpleNamespace(kernel32=kernel)
    monkeypatch.setattr(ctypes, "windll", windows, raising=False)
    monkeypatch.setattr("os.path.abspath", lambda _: path)
    monkeypatch.setattr(sys, "platform", "win32")
    assert is_on_network(Path(path)) is is_share


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is taken for one of a share."""
    folder = tmp_path / "share"
    monkeypatch.setattr(schema, "is_on_network", lambda at: folder in (at, *at.parents))
    return folder


def mode(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def test_on_a_share_there_is_no_write_ahead_log(share: Path, tmp_path: Path) -> None:
    for folder, expected in ((share, "delete"), (tmp_path / "local", "wal")):
        with ResultStore.open(folder, FINGERPRINT):
            path = folder / store_name(FINGERPRINT)
            assert mode(path) == expected
            assert path.with_name(f"{path.name}-wal").exists() is (expected == "wal")


def test_a_file_that_moves_to_a_share_and_back_changes_its_journal(
    share: Path, tmp_path: Path
) -> None:
    local, name = tmp_path / "local", store_name(FINGERPRINT)
    share.mkdir()
    ResultStore.open(local, FINGERPRINT).close()
    shutil.move(local / name, share / name)
    ResultStore.open(share, FINGERPRINT).close()
    assert mode(share / name) == "delete"
    shutil.move(share / name, local / name)
    ResultStore.open(local, FINGERPRINT).close()
    assert mode(local / name) == "wal"


def test_two_programs_on_a_share_see_one_another(share: Path) -> None:
    with ResultStore.open(share, FINGERPRINT) as first:
        with ResultStore.open(share, FINGERPRINT) as second:
            assert first.grids() == second.grids() == ()
        assert len(results_files(share)) == 1


def test_a_file_open_with_a_log_elsewhere_is_in_use(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On the computer of the share the folder is a local one.
    with monkeypatch.context() as there:
        there.setattr(schema, "is_on_network", lambda _: False)
        other = ResultStore.open(share, FINGERPRINT)
    with other, pytest.raises(StoreError, match="in use by another program"):
        ResultStore.open(share, FINGERPRINT, timeout_s=0.1)


def test_looking_leaves_a_share_as_it_is(share: Path) -> None:
    ResultStore.open(share, FINGERPRINT).close()
    before = sorted(share.iterdir())
    (file,) = results_files(share)
    assert file.problem == ""
    assert sorted(share.iterdir()) == before


KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE padding (x)")
for _ in range(200):
    connection.execute("INSERT INTO padding VALUES (randomblob(2000))")
os._exit(9)
"""


def test_what_a_killed_program_leaves_is_said_and_put_right(share: Path) -> None:
    ResultStore.open(share, FINGERPRINT).close()
    path = share / store_name(FINGERPRINT)
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert path.with_name(f"{path.name}-journal").exists()
    (file,) = results_files(share)
    assert "was not closed; opening its slide puts that right" in file.problem
    with ResultStore.open(share, FINGERPRINT) as store:
        assert store.notice is None
        assert store.grids() == ()
    (file,) = results_files(share)
    assert file.problem == ""


def test_a_share_without_locks_is_told() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_LOCK
    with pytest.raises(StoreError, match="does not support locks"), explained("a.sqlite"):
        raise error


def test_a_folder_of_the_administrator_is_not_the_user_s_to_change(
    own_policy: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("", "utf-8")
    with pytest.raises(StoreError, match="set BACHVIEW_HOME"):
        ResultStore.open(blocked / "results", FINGERPRINT)
    set_policy(own_policy, 'data_folder = "/srv/results"\nlocked = ["data_folder"]')
    with pytest.raises(StoreError, match="which your administrator has set"):
        ResultStore.open(blocked / "results", FINGERPRINT)
