"""What the README tells is there."""

import re
from pathlib import Path

import pytest

from bachview.bench.suite import NAMES
from bachview.cli.app import COMMANDS
from tests.support.cli import Cli

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS_WITH_OPTIONS = (
    "classify",
    "phantom",
    "bench",
    "train",
    "evaluate",
    "predict",
    "dataset check",
)
BUNDLE_COMMANDS = {"verify", "list", "make-selftest", "make-untrained"}


def test_every_command_in_it_exists() -> None:
    told = re.findall(r"^(?:`|\.venv\\Scripts\\)?bachview ([a-z-]+)(?: ([a-z-]+))?", README, re.M)
    assert len(told) > 8
    for command, second in told:
        assert command in COMMANDS | {"biopsy", "opens"}, command
        if command == "bundle":
            assert second in BUNDLE_COMMANDS


def test_every_option_in_it_exists(cli: Cli) -> None:
    helps = " ".join(cli(*command.split(), "--help").out for command in COMMANDS_WITH_OPTIONS)
    for option in re.findall(r"^bachview .*?(--[a-z-]+)", README, re.M):
        assert option in helps


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"(?:^|`)make\s([a-z-]+)\b", README, re.M)))
)
def test_every_make_target_in_it_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.M)


@pytest.mark.parametrize("path", [".ci/run", "resources/schemas", "requirements.lock", "LICENSE"])
def test_every_place_in_it_exists(path: str) -> None:
    assert path in README
    assert (ROOT / path).exists()


def test_every_picture_in_it_exists() -> None:
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path


def test_every_benchmark_in_it_exists() -> None:
    table = README.split("| What | Budget | Benchmark |")[1].split("\n\n")[0]
    assert set(re.findall(r"\| `([a-z]+)` \|$", table, re.M)) == set(NAMES)
