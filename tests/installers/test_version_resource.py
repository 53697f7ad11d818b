"""What Windows shows of the executables."""

from pathlib import Path
from typing import Any

import pytest

from tools.installers.version_resource import write_version_resource


class Anything:
    """Stands in for PyInstaller's classes, which need Windows."""

    def __init__(self, *values: Any, **named: Any) -> None:
        self.values, self.named = values, named


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("1.2.3", (1, 2, 3, 0)), ("0.1.0", (0, 1, 0, 0)), ("2.0.0.dev1", (2, 0, 0, 0))],
)
def test_it_is_an_expression_of_the_version_in_four_numbers(
    tmp_path: Path, version: str, numbers: tuple[int, ...]
) -> None:
    path = tmp_path / "version.txt"
    write_version_resource(path, version)
    names = ("VSVersionInfo", "FixedFileInfo", "StringFileInfo", "StringTable", "StringStruct")
    known = dict.fromkeys((*names, "VarFileInfo", "VarStruct"), Anything)
    told = eval(path.read_text("utf-8"), {"__builtins__": {}}, known)  # noqa: S307
    assert told.named["ffi"].named["filevers"] == numbers
    (table,) = told.named["kids"][0].values[0]
    rows = dict(row.values for row in table.values[1])
    assert rows["ProductVersion"] == version
    assert rows["ProductName"] == "bachview"
