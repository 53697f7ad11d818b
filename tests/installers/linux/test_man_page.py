from datetime import UTC, datetime
from subprocess import run

import pytest

from bachview.cli.app import COMMANDS
from bachview.version import __version__
from tests.installers.linux.conftest import Needs
from tools.installers.__main__ import main
from tools.installers.linux.man_page import man_page


@pytest.fixture
def page() -> str:
    return man_page(datetime(2026, 1, 2, tzinfo=UTC))


def test_every_command_has_its_section(page: str) -> None:
    lines = page.replace(r"\-", "-").splitlines()
    sections = {line.split()[2] for line in lines if line.startswith(".SS ")}
    assert sections == COMMANDS - {"view"}
    assert r".SS bachview results export" in page


def test_the_help_is_told_without_its_markup(page: str) -> None:
    assert page.startswith(f'.TH BACHVIEW 1 "2026-01-02" "bachview {__version__}"')
    assert r"\fB\-o, \-\-output FOLDER\fR" + "\nFolder for the results" in page
    assert r"\fB\-\-precision auto|f32|bf16|f16\fR" in page
    assert ".SH EXIT STATUS\n0 done, 1 a failed check" in page
    assert "[bold]" not in page
    assert "\b" not in page


def test_the_formatter_has_nothing_to_complain_of(page: str, needs: Needs) -> None:
    needs("groff")
    asked = run(
        ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-z"],
        input=page,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (asked.returncode, asked.stderr) == (0, "")


def test_it_is_a_command(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["man"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == page.splitlines()[1:]
