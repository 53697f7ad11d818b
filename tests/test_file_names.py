"""Names of files that real people have: not UTF-8, in two Unicode forms, left by a system."""

import json
from pathlib import PurePath

import pytest

from bachview.file_names import comparable, is_litter, json_text, printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("größe.tif", "größe.tif"),
        ("gr\udcf6\udcdfe.tif", r"gr\xf6\xdfe.tif"),
        ("a\ud800b", r"a\ud800b"),
        ("\U0001f52c.tif", "\U0001f52c.tif"),
    ],
)
def test_any_name_is_written_as_valid_text_the_same_way_everywhere(name: str, shown: str) -> None:
    assert printable(name) == shown
    document = json.loads(json_text({"files": [{name: name}]}).encode())
    assert document == {"files": [{shown: shown}]}


@pytest.mark.parametrize("name", ["GRO\u0308SSE", "grösse", "gr\udcf6sse", "gr\u00d6sse"])
def test_a_name_is_found_in_any_form(name: str) -> None:
    assert comparable(name) == "grösse"


@pytest.mark.parametrize(
    "name",
    [
        *("._x.tif", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX/x.tif", ".trash/x.tif"),
        *("~$b001.tif", "$RECYCLE.BIN/x.tif", "@eaDir/x.tif", "System Volume Information/x.tif"),
        *("lost+found/x.tif", "#recycle/x.tif"),
    ],
)
def test_files_of_systems_are_litter(name: str) -> None:
    assert is_litter(PurePath(name))
    assert is_litter(PurePath("folder", name))
    assert not is_litter(PurePath("folder", f"a {name}".replace("/", " ")))
