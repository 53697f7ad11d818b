"""A name that no bundle can have is refused before the training, not after it."""

from pathlib import Path

import pytest

from bachview.errors import BachviewError, UsageError
from bachview.training.request import TrainingRequest
from bachview.training.run import train

BAD = ["", " ", "a/b", "..", ".hidden", "a\\b", "gr\udcf6", "a\nb", "\0", "\x1b[31m", "x" * 81]


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_no_file_can_have_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a bundle"):
        train(TrainingRequest(tmp_path, tmp_path / "run", name=name))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["Größe & Form (2)", "x" * 80, "乳腺", "v1.2"])
def test_other_names_are_taken(tmp_path: Path, name: str) -> None:
    with pytest.raises(BachviewError, match="contains neither photos"):  # which is read next
        train(TrainingRequest(tmp_path, tmp_path / "run", name=name))
