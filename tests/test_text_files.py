"""A text is read in whatever encoding it was saved, by every reader alike."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bachview.cli.train import read_notes
from bachview.core.classes import BACH_CLASSES
from bachview.datasets.annotations import read_annotations
from bachview.datasets.class_file import CLASSES_FILE, classes_of
from bachview.datasets.layout import find_layout
from bachview.datasets.tables import read_patients
from bachview.errors import UsageError
from bachview.text_files import decoded
from bachview.training.recipe import read_recipe, resolve_recipe

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "utf-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "utf-8 with two marks": lambda text: ("\ufeff" + text).encode("utf-8-sig"),
    "utf-16 with a mark": lambda text: text.encode("utf-16"),
    "utf-16 big with a mark": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "utf-16": lambda text: text.encode("utf-16-le"),
    "utf-16 big": lambda text: text.encode("utf-16-be"),
    "Windows": lambda text: text.encode("cp1252"),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
}
CLASSES = """negative = "A"
[[classes]]
name = "Schlüssel"
key = "A"
letter = "A"
color = [0, 158, 80]
[[classes]]
name = "B"
key = "B"
letter = "B"
color = [40, 110, 220]
"""
SQUARE = "".join(f'<Vertex X="{x},5" Y="{y}.5"/>' for x, y in ((0, 0), (9, 0), (9, 9)))
OUTLINES = (
    f'<Annotations MicronsPerPixel="0,5"><Annotation Name="Müller"><Regions>'
    f'<Region Text="Benign"><Vertices>{SQUARE}</Vertices></Region></Regions></Annotation>'
    "</Annotations>"
)


@pytest.fixture(params=ENCODINGS)
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str, str], Path]:
    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_bytes(ENCODINGS[request.param](text))
        return path

    return written


def test_texts_of_people_are_read(write: Callable[[str, str], Path]) -> None:
    table = read_patients(write("patients.csv", "file,patient\nb001.tif,Müller\n"))
    assert table.find("Benign/b001.tif") == "Müller"
    classes = classes_of(write(CLASSES_FILE, CLASSES).parent)
    assert [one.name for one in classes] == ["Schlüssel", "B"]
    recipe = resolve_recipe("bach").read_text(encoding="utf-8")
    assert read_recipe(write("r.toml", f"# Müller\n{recipe}")) == read_recipe(
        resolve_recipe("bach")
    )
    assert "Müller" in read_notes(write("notes.md", "# Müller\n"))


@pytest.mark.parametrize("declared", ["", "utf-8", "UTF-16", "windows-1252", "unicode"])
def test_outlines_are_read_whatever_they_say_of_themselves(
    write: Callable[[str, str], Path], declared: str
) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
    found = read_annotations(write("a.xml", head + OUTLINES), BACH_CLASSES)
    assert found.mpp == 0.5
    assert [(region.label, region.polygon.area) for region in found.regions] == [(1, 40.5)]


def test_no_bytes_are_an_error() -> None:
    assert decoded(b"\x81\xff") == "\x81ÿ"
    assert decoded(b"") == ""


def test_notes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.docx").write_bytes(b"PK\3\4\0\0" + bytes(300) + b"\xff\x81")
    with pytest.raises(UsageError, match="not a text"):
        read_notes(tmp_path / "notes.docx")
    with pytest.raises(UsageError, match="cannot be read"):
        read_notes(tmp_path / "none.md")


def test_files_of_systems_beside_slides_and_outlines_are_skipped(tmp_path: Path) -> None:
    folder = tmp_path / "WSI"
    folder.mkdir()
    for name in ("A01.svs", "A01.XML", "._A01.svs", "._A01.XML", "~$A01.xml", "Thumbs.db"):
        (folder / name).write_bytes(b"x")
    (folder / "@eaDir").mkdir()
    found = find_layout(tmp_path, BACH_CLASSES)
    assert [path.name for path in found.slides] == ["A01.svs"]
    assert [path.name for path in found.annotations] == ["A01.XML"]
    assert found.problems == ()
