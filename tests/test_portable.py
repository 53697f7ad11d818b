"""Everything in a folder beside the program: by an option, or by a file beside it."""

import os
import sys
from pathlib import Path

import pytest

from bachview.config import user_folders
from bachview.errors import UsageError
from bachview.portable import portable_folder, program_folder
from tests.support.cli import Cli
from tests.support.policies import set_policy


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a packaged program that is running."""
    folder = tmp_path / "stick" / "bachview"
    folder.mkdir(parents=True)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(folder / "bachview"))
    monkeypatch.delenv("BACHVIEW_HOME")
    monkeypatch.delenv("APPIMAGE", raising=False)
    monkeypatch.delenv("APPDIR", raising=False)
    return folder


def test_a_program_in_an_environment_of_python_has_no_folder(cli: Cli) -> None:
    assert program_folder() is None
    assert portable_folder(asked=False) is None
    answer = cli("--portable", "results", "list")
    assert answer.code == 2
    assert "set BACHVIEW_HOME" in answer.err


@pytest.mark.parametrize(
    "arguments",
    [["--portable", "results", "list"], ["results", "--portable", "list"]],
)
def test_the_option_holds_for_every_command(cli: Cli, program: Path, arguments: list[str]) -> None:
    answer = cli(*arguments, "--json")
    assert answer.code == 0
    assert answer.document["folder"] == str(program / "bachview-data" / "data" / "results")
    assert (program / "bachview-data" / "logs" / "bachview.log").exists()
    # It ends with the command.
    assert "BACHVIEW_HOME" not in os.environ


def test_a_file_of_that_name_is_no_option(cli: Cli, program: Path) -> None:
    answer = cli("info", "--", "--portable")
    assert answer.code == 3
    assert not (program / "bachview-data").exists()


def test_the_marker_has_the_effect_of_the_option(cli: Cli, program: Path) -> None:
    (program / "portable").touch()
    answer = cli("results", "list", "--json")
    assert answer.document["folder"] == str(program / "bachview-data" / "data" / "results")


def test_the_variable_wins_over_the_marker_and_not_over_the_option(
    cli: Cli, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program / "portable").touch()
    home = tmp_path / "home"
    monkeypatch.setenv("BACHVIEW_HOME", str(home))
    assert cli("results", "list", "--json").document["folder"] == str(home / "data/results")
    folder = cli("--portable", "results", "list", "--json").document["folder"]
    assert folder == str(program / "bachview-data" / "data" / "results")
    assert os.environ["BACHVIEW_HOME"] == str(home)


def test_the_window_keeps_its_settings_there(
    cli: Cli, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    def view(slides: object) -> int:
        seen.append(user_folders().config)
        return 0

    monkeypatch.setattr("bachview.cli.viewer.view", view)
    assert cli("--portable").code == 0
    assert seen == [program / "bachview-data" / "config"]


@pytest.mark.parametrize("by", ["option", "marker"])
def test_a_read_only_place_is_refused(
    cli: Cli, program: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    if by == "marker":
        (program / "portable").touch()

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    answer = cli(*(["--portable"] if by == "option" else []), "results", "list")
    assert answer.code == 2
    assert "Read-only file system" in answer.err
    assert "copy the program to a folder of your own" in answer.err
    assert answer.err.count("\n") == 1


def test_a_locked_data_folder_is_not_left(cli: Cli, program: Path, own_policy: Path) -> None:
    set_policy(own_policy, 'data_folder = "/srv/bachview"\nlocked = ["data_folder"]')
    answer = cli("--portable", "results", "list")
    assert answer.code == 2
    assert "your administrator has set data_folder" in answer.err


def test_an_app_image_is_beside_itself(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPIMAGE", str(program / "bachview.AppImage"))
    monkeypatch.setattr(sys, "executable", "/run/mount/usr/bin/bachview")
    assert program_folder() == program
    monkeypatch.setenv("APPDIR", "/run/mount")
    assert program_folder() == program


def test_a_program_that_an_app_image_starts_is_no_part_of_it(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPIMAGE", "/home/me/terminal.AppImage")
    monkeypatch.setenv("APPDIR", "/run/mount-of-the-terminal")
    assert program_folder() == program


def test_on_macos_the_folder_is_that_of_the_application(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    inside = program / "bachview.app" / "Contents" / "MacOS" / "bachview"
    monkeypatch.setattr(sys, "executable", str(inside))
    assert program_folder() == program


def test_a_folder_that_cannot_be_made_is_named(program: Path) -> None:
    (program / "bachview-data").write_text("a file", "utf-8")
    with pytest.raises(UsageError, match="bachview-data cannot be written to"):
        portable_folder(asked=True)
