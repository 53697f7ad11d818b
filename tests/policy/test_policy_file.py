"""A policy file: what it may hold, and what is said of one with something wrong in it."""

import os
from pathlib import Path

import pytest

from bachview.errors import LockedError, PolicyError
from bachview.policy import places
from bachview.policy.document import read_policy
from bachview.policy.in_force import in_force
from bachview.policy.places import user_name
from bachview.policy.values import Policy
from tests.support.policies import set_policy

WHOLE = """
data_folder = "/srv/bachview/{user}"
models_folders = ["/srv/models"]
bundle = "lab"
device = "CPU"
names_in_exports = false
audit_folder = "/srv/audit"
notice = "Ask the pathology desk."
locked = ["data_folder", "bundle", "device", "names_in_exports"]
"""


def test_without_a_file_nothing_is_set() -> None:
    policy = in_force()
    assert policy.source is None
    assert not policy.locked
    assert policy == Policy()


def test_every_key_is_read(own_policy: Path) -> None:
    set_policy(own_policy, WHOLE)
    policy = in_force()
    assert policy.source == own_policy
    assert policy.data_folder == Path(f"/srv/bachview/{user_name()}")
    assert policy.models_folders == (Path("/srv/models"),)
    assert (policy.bundle, policy.device, policy.names_in_exports) == ("lab", "CPU", False)
    assert policy.audit_folder == Path("/srv/audit")
    assert policy.notice == "Ask the pathology desk."
    assert all(policy.is_locked(k) for k in ("data_folder", "bundle", "device", "names_in_exports"))


def test_a_lock_holds_and_a_default_gives_way(own_policy: Path) -> None:
    set_policy(own_policy, 'device = "CPU"\nnames_in_exports = false\nlocked = ["device"]')
    policy = in_force()
    assert policy.settled("device", None, "AUTO", "") == "CPU"
    assert policy.settled("device", "CPU", "AUTO", "") == "CPU"
    with pytest.raises(LockedError, match=r"--device GPU is not possible here: your administrator"):
        policy.settled("device", "GPU", "AUTO", "--device GPU")
    assert policy.settled("names_in_exports", None, True, "") is False
    assert policy.settled("names_in_exports", True, True, "") is True
    assert policy.settled("bundle", None, "default", "") == "default"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("device = ", "is not valid TOML"),
        ("\x00", "is not valid TOML"),
        ("a = " + "[" * 5000, "nested too deeply|not valid TOML"),
        ("updates = false", r"wrong at updates: it is unknown"),
        ('device = "TPU"', r"wrong at device: .*'AUTO'"),
        ('device = "cpu"', r"wrong at device: "),
        ('names_in_exports = "no"', r"wrong at names_in_exports: .*boolean"),
        ("names_in_exports = 0", r"wrong at names_in_exports: "),
        ('data_folder = "results"', r"wrong at data_folder: a path that begins at the root"),
        ('data_folder = "/srv/{name}"', r"wrong at data_folder: only \{user\}"),
        ("data_folder = 7", r"wrong at data_folder: "),
        ('data_folder = ""', r"wrong at data_folder: "),
        ('bundle = "models/lab.bachmodel"', r"wrong at bundle: a name, or a path"),
        ('models_folders = "/srv"', r"wrong at models_folders: "),
        ('models_folders = ["srv"]', r"wrong at models_folders\.0: a path"),
        ('notice = "two\\nlines"', r"wrong at notice: one line"),
        ('locked = ["device"]', r"locked names device, which is not set"),
        ('locked = ["notice"]', r"wrong at locked\.0: "),
        ("audit_folder = 1\nx = 2", r"wrong at audit_folder: .*; at x: it is unknown"),
        ("[data]\nfolder = 1", r"wrong at data: it is unknown"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(own_policy: Path, text: str, says: str) -> None:
    set_policy(own_policy, text)
    with pytest.raises(PolicyError, match=says) as caught:
        in_force()
    assert str(own_policy) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_in_its_place_locks_everything(own_policy: Path) -> None:
    own_policy.mkdir(parents=True)
    with pytest.raises(PolicyError, match="cannot be read"):
        in_force()


def test_a_dangling_link_in_its_place_is_no_missing_policy(own_policy: Path) -> None:
    own_policy.parent.mkdir()
    own_policy.symlink_to(own_policy.parent / "gone")
    with pytest.raises(PolicyError, match="cannot be read"):
        in_force()


@pytest.mark.parametrize("hidden", ["file", "folder"])
def test_an_unreadable_policy_is_no_missing_policy(
    own_policy: Path, monkeypatch: pytest.MonkeyPatch, hidden: str
) -> None:
    set_policy(own_policy, 'device = "CPU"')

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open" if hidden == "file" else "lstat", refuse)
    if hidden == "folder":
        monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PolicyError, match="cannot be read: Permission denied"):
        in_force()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all files")
def test_a_file_of_root_alone_is_no_missing_policy(own_policy: Path) -> None:
    set_policy(own_policy, 'device = "CPU"').chmod(0)
    with pytest.raises(PolicyError, match="cannot be read"):
        in_force()


def test_a_huge_file_is_not_read(own_policy: Path) -> None:
    set_policy(own_policy, "#" * 1_000_001)
    with pytest.raises(PolicyError, match="larger than 1 MB"):
        in_force()


def test_a_file_of_notepad_is_read(own_policy: Path) -> None:
    own_policy.parent.mkdir()
    own_policy.write_bytes('names_in_exports = false\r\nnotice = "Ä"\r\n'.encode("utf-16"))
    assert in_force().notice == "Ä"


def test_the_variable_counts_only_where_the_computer_has_no_policy(
    own_policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.toml"
    own.write_text('device = "GPU"', "utf-8")
    monkeypatch.setenv(places.VARIABLE, str(own))
    in_force.cache_clear()
    assert in_force().device == "GPU"
    assert places.policy_place().note == ""

    set_policy(own_policy, 'device = "CPU"')
    assert in_force().device == "CPU"
    assert "is ignored" in places.policy_place().note


def test_a_variable_that_names_no_file_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(places.VARIABLE, "/nowhere/policy.toml")
    in_force.cache_clear()
    with pytest.raises(PolicyError, match="cannot be read"):
        in_force()


def test_a_policy_is_read_once(own_policy: Path) -> None:
    set_policy(own_policy, 'device = "CPU"')
    first = in_force()
    own_policy.write_text('device = "GPU"', "utf-8")
    assert in_force() is first


def test_no_variable_names_the_user(monkeypatch: pytest.MonkeyPatch, own_policy: Path) -> None:
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    path = set_policy(own_policy, 'data_folder = "/srv/{user}"')
    assert "somebody-else" not in str(read_policy(path).data_folder)
