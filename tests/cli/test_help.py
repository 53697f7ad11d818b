"""The help teaches, and answers without loading anything heavy."""

import subprocess
import sys

import pytest

from bachview.cli.app import COMMANDS
from bachview.config import RESEARCH_USE
from tests.support.cli import Cli

HEAVY = ("PySide6", "tensorflow", "sklearn", "openvino", "openslide", "keras", "scipy", "PIL")


def test_the_first_help_names_every_command_and_how_to_begin(cli: Cli) -> None:
    answer = cli("--help")
    assert answer.code == 0
    for command in COMMANDS - {"view"}:
        assert command in answer.out
    assert "bachview biopsy.svs" in answer.out
    assert RESEARCH_USE in " ".join(answer.out.split())
    assert "Exit codes" in answer.out


@pytest.mark.parametrize(
    "command",
    [
        *sorted(COMMANDS - {"view", "bundle", "results"}),
        "bundle verify",
        "bundle list",
        "bundle make-selftest",
        "results list",
        "results clear",
        "results export",
    ],
)
def test_every_command_explains_itself(cli: Cli, command: str) -> None:
    answer = cli(*command.split(), "--help")
    assert answer.code == 0
    assert f"bachview {command}" in answer.out


@pytest.mark.parametrize("arguments", [["--help"], ["classify", "--help"], ["--version"]])
def test_the_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from bachview.cli.main import run\n"
        f"code = run({arguments!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert answer.stderr.strip() == "[]"


def test_the_version_is_that_of_the_package(cli: Cli) -> None:
    from bachview import __version__

    answer = cli("--version")
    assert answer.out.startswith(f"bachview {__version__} (")
    assert answer.code == 0
