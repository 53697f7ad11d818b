"""The administrator's policy on the command line: shown, checked, and held."""

import shutil
from pathlib import Path

import pytest

from bachview.config import resource_folder
from bachview.models.bundle.installed import resolve_bundle
from bachview.policy import places
from tests.support.cli import Cli, check_schema
from tests.support.policies import set_policy
from tests.support.slides import gradient, write_pyramid


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    return write_pyramid(tmp_path / "anna.tif", gradient(600, 600), mpp=0.5)


def test_without_a_policy_its_place_is_named(cli: Cli, own_policy: Path) -> None:
    answer = cli("policy")
    assert answer.code == 0
    assert str(own_policy) in " ".join(answer.out.split())
    document = cli("policy", "--json").document
    check_schema("policy", document)
    assert document["file"] is None
    assert document["ok"]


def test_the_policy_in_force_is_shown(cli: Cli, own_policy: Path) -> None:
    set_policy(own_policy, 'device = "CPU"\nnames_in_exports = false\nlocked = ["device"]')
    answer = cli("policy")
    assert answer.code == 0
    rows = [line for line in answer.out.splitlines() if line.startswith("│")]
    assert any("device" in row and "CPU" in row and "locked" in row for row in rows)
    assert any("names_in_exports" in r and "off" in r and "otherwise" in r for r in rows)
    document = cli("policy", "--json").document
    check_schema("policy", document)
    assert document["settings"]["device"] == {"value": "CPU", "locked": True}


def test_a_file_is_checked_without_being_in_force(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "new.toml"
    file.write_text('audit_folder = "/nowhere/audit"\nbundle = "lab"', "utf-8")
    answer = cli("policy", "check", file, "--json")
    assert answer.code == 0
    check_schema("policy", answer.document)
    assert any("audit_folder" in note for note in answer.document["notes"])
    assert any("no model lab" in note for note in answer.document["notes"])
    file.write_text("bundel = 3", "utf-8")
    answer = cli("policy", "check", file)
    assert answer.code == 3
    assert "wrong at bundel: it is unknown" in answer.err
    answer = cli("policy", "check", file, "--json")
    assert answer.code == 3
    check_schema("policy", answer.document)
    assert not answer.document["ok"]
    assert cli("policy", "check", tmp_path / "none.toml").code == 3


def test_a_file_can_be_checked_while_an_invalid_one_is_in_force(
    cli: Cli, own_policy: Path, tmp_path: Path
) -> None:
    set_policy(own_policy, "bundel = 3")
    share = tmp_path / "models"
    share.mkdir()
    (share / "lab.bachmodel").symlink_to(resource_folder() / "models" / "selftest.bachmodel")
    file = tmp_path / "new.toml"
    file.write_text(f'models_folders = ["{share.as_posix()}"]\nbundle = "lab"', "utf-8")
    answer = cli("policy", "check", file, "--json")
    assert answer.code == 0
    assert answer.document["notes"] == []


def test_a_file_of_the_user_is_not_the_model_that_the_policy_names(
    cli: Cli, own_policy: Path, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(resolve_bundle("selftest"), tmp_path / "laboratory")
    monkeypatch.chdir(tmp_path)
    # As when the share with the model is off.
    set_policy(own_policy, 'bundle = "laboratory"\nlocked = ["bundle"]')
    for given in ([], ["--bundle", "laboratory"], ["--bundle", "./laboratory"]):
        answer = cli("classify", slide, "-o", tmp_path / "out", *given)
        assert answer.code == 3
        assert "There is no model laboratory" in answer.err
    assert not list((tmp_path / "out").glob("*"))


def test_an_ignored_variable_is_told(
    cli: Cli, own_policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_policy(own_policy, 'device = "CPU"')
    monkeypatch.setenv(places.VARIABLE, "/home/me/policy.toml")
    assert "BACHVIEW_POLICY is ignored" in cli("policy").err


@pytest.mark.parametrize("command", ["results list", "info a.tif", "bundle list", "phantom p.tiff"])
def test_no_command_works_under_an_invalid_policy(cli: Cli, own_policy: Path, command: str) -> None:
    set_policy(own_policy, 'locked = ["names_in_exports"]')
    answer = cli(*command.split())
    assert answer.code == 3
    assert str(own_policy) in answer.err
    assert not answer.out
    assert cli("policy").code == 3
    assert cli("--help").code == cli("classify", "--help").code == cli("--version").code == 0


@pytest.mark.parametrize(
    ("policy", "command", "says"),
    [
        ("names_in_exports = false", "classify SLIDE -o OUT --names", "names_in_exports to off"),
        ("names_in_exports = true", "classify SLIDE -o OUT --no-names", "names_in_exports to on"),
        ("names_in_exports = false", "results export SLIDE -o OUT --names", "--names"),
        ("names_in_exports = false", "predict default SLIDE -o OUT/a.csv", "names its photos"),
        ("names_in_exports = false", "evaluate default OUT -o OUT/a.html", "names its slides"),
        ('data_folder = "DATA"', "classify SLIDE -o OUT --store OUT", "--store"),
        ('data_folder = "DATA"', "results list --store OUT", "--store"),
        ('data_folder = "DATA"', "results list SLIDE --store OUT", "--store"),
        ('data_folder = "DATA"', "results clear SLIDE --all --yes --store OUT", "--store"),
        ('bundle = "default"', "classify SLIDE -o OUT -b selftest", "model selftest.bachmodel"),
        ('bundle = "selftest"', "predict default SLIDE -o OUT/a.csv", "model default.bachmodel"),
        ('bundle = "selftest"', "evaluate default OUT", "model default.bachmodel"),
        ('device = "CPU"', "classify SLIDE -o OUT --device gpu", "--device GPU"),
        ('device = "CPU"', "predict default SLIDE -o OUT/a.csv --device NPU", "--device NPU"),
        ('device = "CPU"', "evaluate default OUT --device NPU", "--device NPU"),
    ],
)
def test_a_lock_is_not_overridden(
    cli: Cli, own_policy: Path, slide: Path, tmp_path: Path, policy: str, command: str, says: str
) -> None:
    key = policy.split(" ")[0]
    data = policy.replace("DATA", (tmp_path / "data").as_posix())
    set_policy(own_policy, f'{data}\nlocked = ["{key}"]')
    out = tmp_path / "out"
    answer = cli(*command.replace("SLIDE", str(slide)).replace("OUT", str(out)).split())
    assert answer.code == 2
    assert says in answer.err
    assert "your administrator has set" in answer.err
    assert not list(out.glob("*"))


def test_a_default_gives_way(cli: Cli, own_policy: Path, tmp_path: Path) -> None:
    set_policy(own_policy, f'data_folder = "{(tmp_path / "data").as_posix()}"')
    answer = cli("results", "list", "--store", tmp_path / "mine", "--json")
    assert answer.document["folder"] == str(tmp_path / "mine")


def test_results_are_in_the_locked_folder_whatever_the_variable_says(
    cli: Cli, own_policy: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    set_policy(own_policy, f'data_folder = "{data.as_posix()}"')
    # Without a lock, BACHVIEW_HOME is the user's choice.
    home = tmp_path / "bachview-home"
    assert cli("results", "list", "--json").document["folder"] == str(home / "data" / "results")
    set_policy(own_policy, f'data_folder = "{data.as_posix()}"\nlocked = ["data_folder"]')
    assert cli("results", "list", "--json").document["folder"] == str(data / "results")


def test_bundles_of_the_administrator_are_listed(
    cli: Cli, own_policy: Path, tmp_path: Path
) -> None:
    share = tmp_path / "models"
    share.mkdir()
    (share / "lab.bachmodel").symlink_to(resolve_bundle("selftest"))
    (share / "default.bachmodel").symlink_to(resolve_bundle("selftest"))
    folders = f'["{share.as_posix()}", "{(tmp_path / "gone").as_posix()}"]'
    set_policy(own_policy, f"models_folders = {folders}")
    listed = {b["name"]: b["path"] for b in cli("bundle", "list", "--json").document["bundles"]}
    assert listed["lab"] == str(share / "lab.bachmodel")
    # What comes with the program is not replaced by another of its name.
    assert listed["default"] != str(share / "default.bachmodel")
