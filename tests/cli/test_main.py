"""Every outcome has its exit code and its sentence."""

import logging
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from bachview.cli import info, viewer
from bachview.errors import Cancelled, SlideReadError, UsageError
from tests.support.cli import Cli


def raising(error: BaseException) -> object:
    def command(*arguments: object, **options: object) -> int:
        raise error

    return command


def test_an_unknown_option_is_wrong_use(cli: Cli) -> None:
    answer = cli("info", "slide.svs", "--nonsense")
    assert answer.code == 2
    assert "--nonsense" in answer.err
    assert "bachview info --help" in answer.err
    assert answer.out == ""


def test_a_missing_argument_is_wrong_use(cli: Cli) -> None:
    assert cli("classify").code == 2


def test_a_missing_slide_is_bad_input(cli: Cli, tmp_path: Path) -> None:
    answer = cli("info", tmp_path / "gone.svs", "--json")
    assert answer.code == 3
    assert "gone.svs" in answer.err
    assert answer.out == ""


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SlideReadError("The drive is gone."), 3, "The drive is gone."),
        (UsageError("That makes no sense."), 2, "That makes no sense."),
        (Cancelled(), 4, "Cancelled."),
        (KeyboardInterrupt(), 4, "Cancelled."),
    ],
)
def test_each_known_error_has_its_exit_code_and_one_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    monkeypatch.setattr(info, "show_info", raising(error))
    answer = cli("info", "x.svs")
    assert answer.code == code
    assert answer.err.splitlines() == [said]


def test_a_bug_leaves_its_trace_in_the_log_and_one_sentence_here(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    own_folders: Path,
    expects_log: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(info, "show_info", raising(ZeroDivisionError("by zero")))
    answer = cli("info", "x.svs")
    log = own_folders / "logs" / "bachview.log"
    assert answer.code == 1
    assert str(log) in answer.err
    assert "Traceback" not in answer.err
    assert "ZeroDivisionError: by zero" in log.read_text("utf-8")
    assert expects_log.records


def test_a_polite_kill_ends_a_command_like_ctrl_c(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: object, **options: object) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(info, "show_info", killed)
    assert cli("info", "x.svs").code == 4
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Path]]:
    """What the viewer was asked to open, instead of a window."""
    calls: list[Sequence[Path]] = []

    def view(slides: Sequence[Path]) -> int:
        calls.append(slides)
        return 0

    monkeypatch.setattr(viewer, "view", view)
    return calls


def test_without_arguments_the_viewer_opens(cli: Cli, opened: list[Sequence[Path]]) -> None:
    assert cli().code == 0
    assert opened == [()]


@pytest.mark.parametrize(
    ("arguments", "slides"),
    [
        (["slide.svs"], [Path("slide.svs")]),
        (["--verbose", "a.svs", "b.tiff"], [Path("a.svs"), Path("b.tiff")]),
        (["Größe/日本 語/スライド.svs"], [Path("Größe/日本 語/スライド.svs")]),
        (["./info"], [Path("./info")]),
        (["view", "info"], [Path("info")]),
    ],
)
def test_a_bare_path_opens_the_viewer(
    cli: Cli, opened: list[Sequence[Path]], arguments: list[str], slides: list[Path]
) -> None:
    assert cli(*arguments).code == 0
    assert opened == [slides]


def test_a_mistyped_command_is_not_taken_for_a_slide(
    cli: Cli, opened: list[Sequence[Path]]
) -> None:
    answer = cli("clasify", "slide.svs")
    assert answer.code == 2
    assert "classify" in answer.err
    assert opened == []


def test_a_file_named_nearly_like_a_command_is_a_slide(
    cli: Cli, opened: list[Sequence[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("demos").touch()
    assert cli("demos").code == 0
    assert opened == [[Path("demos")]]


def test_the_log_names_no_slide(cli: Cli, own_folders: Path, tmp_path: Path) -> None:
    broken = tmp_path / "Patient Name.svs"
    broken.write_bytes(b"II*\0" + bytes(100))
    assert cli("info", broken).code != 0
    written = [path.read_text("utf-8") for path in (own_folders / "logs").iterdir()]
    assert any("bachview" in text for text in written)
    assert all("Patient" not in text for text in written)


def test_logging_ends_with_the_command(cli: Cli) -> None:
    cli("--version")
    assert logging.getLogger("bachview").handlers == []


def test_the_group_of_bundle_commands_shows_its_help(cli: Cli) -> None:
    answer = cli("bundle")
    assert answer.code == 2
    assert "verify" in answer.out
