"""Numbers among the options, as people of any country type them."""

from pathlib import Path

import pytest

from tests.cli.test_predict import paint
from tests.support.cli import Cli


@pytest.mark.parametrize("text", ["0.25", "0,25", ".25", "2.5e-1"])
def test_a_pixel_size_is_read_with_a_point_or_a_comma(cli: Cli, tmp_path: Path, text: str) -> None:
    paint(tmp_path / "Photos" / "Benign" / "b001.tif", "Benign")
    answer = cli("dataset", "check", tmp_path, "--mpp", text, "--json")
    assert answer.code == 0, answer.err
    assert "0.25" in answer.out


COMMANDS = (
    ("dataset", "check", "set"),
    ("train", "set", "--output", "run"),
    ("evaluate", "selftest", "set"),
    ("classify", "a.tif", "--output", "a"),
    ("results", "export", "a.tif", "--output", "a"),
)
PREDICT = ("predict", "selftest", "a.tif", "--output", "a.csv")
UNCLEAR = ("1,234", "0_5", "0.25 µm", "٠٫٢٥", "nan")


@pytest.mark.parametrize(
    ("command", "text"),
    [*((command, "1,234") for command in COMMANDS), *((PREDICT, text) for text in UNCLEAR)],
)
def test_what_can_be_misread_is_refused_by_every_command(
    cli: Cli, command: tuple[str, ...], text: str
) -> None:
    answer = cli(*command, "--mpp", text)
    assert answer.code == 2
    assert text in answer.err
    assert "type" in answer.err
