"""What the README says is there, and it is short."""

import ast
import re
from pathlib import Path

import pytest

import bachview
from bachview.cli.app import COMMANDS
from tests.support.cli import Cli

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = {
    language: re.findall(rf"```{language}\n(.*?)```", README, re.S)
    for language in ("sh", "powershell", "python")
}


def test_it_fits_a_screen() -> None:
    assert len(README.encode()) < 8_000
    assert README.count("\n") < 100


def test_every_command_and_option_in_it_exists(cli: Cli) -> None:
    lines = re.findall(r"^(?:\.venv\\Scripts\\)?bachview ([a-z].*?)(?: +#.*)?$", README, re.M)
    assert len(lines) > 4
    for line in lines:
        command = line.split()[0]
        assert command in COMMANDS
        help_text = cli(command, "--help").out
        for option in re.findall(r"--[a-z-]+", line):
            assert option in help_text


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"(?:^|`)make (?:\w+=\S+ )?([a-z-]+)\b", README, re.M)))
)
def test_every_make_target_in_it_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.M)


@pytest.mark.parametrize("path", [".ci/run", "requirements.lock", "LICENSE"])
def test_every_place_in_it_exists(path: str) -> None:
    assert path in README
    assert (ROOT / path).exists()


def test_its_python_has_five_lines_and_uses_public_names() -> None:
    (block,) = BLOCKS["python"]
    assert len([line for line in block.splitlines() if line]) == 5
    names = {
        node.attr
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "bachview"
    }
    assert names == {"open_slide", "load_ensemble", "classify"}
    assert names <= set(bachview.__all__)
    used_of_prediction = set(re.findall(r"prediction\.(\w+)\(", block))
    assert used_of_prediction
    assert all(callable(getattr(bachview.Prediction, name)) for name in used_of_prediction)
