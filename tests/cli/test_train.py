"""``bachview train`` where there is no TensorFlow, as in the program of an installer."""

import sys
from pathlib import Path

import pytest

from tests.support.cli import Cli


@pytest.fixture
def without_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)


@pytest.mark.parametrize(
    ("is_frozen", "said"),
    [
        (False, "keras is not installed: install bachview[tensorflow].\n"),
        (True, "install Python and, with pip, bachview[tensorflow] beside this program"),
    ],
)
def test_one_sentence_says_what_to_install(
    cli: Cli,
    without_keras: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    is_frozen: bool,
    said: str,
) -> None:
    monkeypatch.setattr(sys, "frozen", is_frozen, raising=False)
    answer = cli("train", tmp_path, "--output", tmp_path / "run")
    assert answer.code == 3
    assert answer.err.count("\n") == 1
    assert said in answer.err
