"""Records of a training: whole, or a sentence that says what to do."""

from pathlib import Path
from typing import Any

import pytest

from bachview.errors import DatasetError, RecipeError
from bachview.training.checkpoints import read_record


def first(document: Any) -> int:
    if type(document["first"]) is not int:
        raise ValueError("it is no whole number")
    return int(document["first"])


def test_a_record_is_read(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text('{"first": 3}')
    assert read_record(path, first) == 3


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"first": "3"}', "[" * 100_000, "\xff"])
def test_a_damaged_record_is_a_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DatasetError, match=r"^record\.json in \S+ is damaged: delete the folder"):
        read_record(path, first)
    with pytest.raises(RecipeError, match=r"is damaged: begin anew\.$"):
        read_record(path, first, remedy="begin anew", error=RecipeError)
