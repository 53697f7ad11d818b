import os
import sys
from pathlib import Path
from subprocess import run

import pytest

from bachview.cli.main import run as run_command
from tests.installers.linux.conftest import Needs
from tools.installers.linux.completion import PLACES, completion_script


@pytest.mark.parametrize("shell", PLACES)
def test_the_program_answers_the_shell(
    shell: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_BACHVIEW_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("COMP_WORDS", "bachview results e")
    monkeypatch.setenv("COMP_CWORD", "2")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "bachview results e")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    assert run_command([]) == 0
    out = capfd.readouterr().out
    assert "export" in out
    assert "clear" not in out


_ASK = """
source "$1"
COMP_WORDS=($2)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_bachview_completion bachview
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(words: str, folder: Path) -> list[str]:
    """What bash proposes for the last of some words."""
    start = folder / "bachview"
    start.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bachview "$@"\n')
    start.chmod(0o755)
    (folder / "script").write_text(completion_script("bash"))
    asked = run(
        [
            *("bash", "--norc", "-euc"),
            _ASK,
            *("bash", str(folder / "script"), words),
        ],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return asked.stdout.split()


def test_bash_proposes_commands_and_options(tmp_path: Path, needs: Needs) -> None:
    needs("bash")
    assert completed("bachview cla", tmp_path) == ["classify"]
    assert completed("bachview classify --pre", tmp_path) == ["--precision"]


def test_fish_proposes_files_as_well() -> None:
    assert "--no-files" not in completion_script("fish")
