"""Tables as spreadsheets of other countries and systems write them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bachview.core.classes import BACH_CLASSES
from bachview.datasets.csv_text import read_rows
from bachview.datasets.splits import read_split
from bachview.datasets.tables import read_classes, read_patients
from bachview.errors import DatasetError

PLAIN = "file,patient\nBenign/größe 1.tif,Müller\nNormal/n002.tif,7\n"

KINDS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "byte order mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, big": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16 without mark": lambda text: text.encode("utf-16-le"),
    "UTF-16, big, without mark": lambda text: text.encode("utf-16-be"),
    "Latin-1": lambda text: text.encode("latin-1"),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "quoted": lambda text: quoted(text).encode(),
    "quoted, semicolons": lambda text: quoted(text).replace(",", ";").encode(),
    "sep line": lambda text: ("sep=;\n" + text.replace(",", ";")).encode(),
    "quoted sep line, CRLF": lambda text: (
        ('"sep=;"\n' + text.replace(",", ";")).replace("\n", "\r\n").encode("utf-8-sig")
    ),
    "sep line of commas": lambda text: ("SEP=,\n" + text).encode(),
    "sep line of tabs": lambda text: (r"sep=\t" + "\n" + text.replace(",", "\t")).encode(),
    "padded sep line": lambda text: ("sep=,,\n" + text).encode(),
    "heading spelt otherwise": lambda text: text.replace("file,", '" File Name ", ').encode(),
    "other columns": lambda text: columns(text, "{0},note,{1},").encode(),
    "columns turned": lambda text: columns(text, "{1},{0}").encode(),
    "unusual sep": lambda text: ("sep=|\n" + text.replace(",", "|")).encode(),
    "empty lines": lambda text: ("\n" + text.replace("\n", "\n\n") + ",\n").encode(),
    "decomposed": lambda text: text.replace("ö", "o\u0308").replace("ü", "u\u0308").encode(),
    "Excel: UTF-16 and tabs": lambda text: text.replace(",", "\t").encode("utf-16"),
    "no header": lambda text: text.partition("\n")[2].encode(),
}


def columns(text: str, form: str) -> str:
    return "".join(form.format(*line.split(",")) + "\n" for line in text.splitlines())


def quoted(text: str) -> str:
    return "".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in text.splitlines()
    )


@pytest.fixture(params=KINDS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(KINDS[request.param](text))
        return path

    return write


def test_patients_are_read_from_a_table_of_any_kind(written: Callable[[str], Path]) -> None:
    table = read_patients(written(PLAIN))
    for name in ("größe", "gro\u0308ße", "GRÖSSE", "gr\udcf6\udcdfe"):
        assert table.find(f"Benign/{name} 1.tif") == "Müller"
    assert table.find("Normal/n002.png") == "7"
    assert table.not_among(["Benign/größe 1.tif", "Normal/n002.tif"]) == []


def test_classes_are_read_from_a_table_of_any_kind(written: Callable[[str], Path]) -> None:
    text = "file,class\nBenign/größe 1.tif,benign\nNormal/n002.tif,NORMAL\n"
    table = read_classes(written(text), BACH_CLASSES)
    assert table.find("Benign/größe 1.tif") == "Benign"
    assert table.find("Normal/n002.tif") == "Normal"


def test_a_split_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    text = "file,class,patient,part,sha256\nü.tif,Benign,3,test,abc\nn.tif,Normal,4,train,def\n"
    for number, (kind, encoded) in enumerate(KINDS.items()):
        if kind in ("no header", "heading spelt otherwise", "columns turned", "other columns"):
            continue
        path = tmp_path / f"{number}.csv"
        path.write_bytes(encoded(text))
        assert read_split(path) == {"abc": "test", "def": "train"}, kind


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a, b.tif;P1\nc.tif;P2\n", [["a, b.tif", "P1"], ["c.tif", "P2"]]),
        ("a.tif,Mayer; Hans\nb.tif,Koch\n", [["a.tif", "Mayer; Hans"], ["b.tif", "Koch"]]),
        ('"a;b.tif",1\n"c.tif",2\n', [["a;b.tif", "1"], ["c.tif", "2"]]),
        ('"a\nb.tif",1\n', [["a\nb.tif", "1"]]),
        ("", []),
    ],
)
def test_the_delimiter_is_the_one_that_cuts_all_lines_alike(
    tmp_path: Path, text: str, rows: list[list[str]]
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8", newline="")
    assert [cells for _, cells in read_rows(path)] == rows


@pytest.mark.parametrize(
    "header", ["FILE;PATIENT", '"File";"Patient ID"', "photo;patient_id", "Name;Case"]
)
def test_a_header_in_any_spelling_is_no_photo(tmp_path: Path, header: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"{header}\nb001.tif;7\n", encoding="utf-8")
    table = read_patients(path)
    assert table.not_among([]) == ["b001.tif"]
    assert table.find("Benign/b001.tif") == "7"


@pytest.mark.parametrize("file", ["Photos/Benign/b001.tif", r"photos\benign\b001.tif", "b001"])
def test_a_photo_is_named_from_any_of_its_folders(tmp_path: Path, file: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"file,patient\n{file},7\n", encoding="utf-8")
    assert read_patients(path).find("Benign/b001.tif") == "7"


def test_a_message_counts_the_sep_line(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("sep=;\nfile;patient\nb001.tif;\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"Line 3 of table\.csv has no patient for b001\.tif"):
        read_patients(path)


def test_a_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "patients.xlsx"
    path.write_bytes(b"PK\x03\x04\x14\x00\x06\x00\x08\x00" + bytes(100) + b"\xff\x81")
    with pytest.raises(DatasetError, match="save the table as CSV"):
        read_patients(path)
