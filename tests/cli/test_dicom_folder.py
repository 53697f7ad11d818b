"""Folders and discs of DICOM files on the command line."""

from pathlib import Path

import pytest

from bachview.cli.exits import ExitCode
from tests.support.cli import Cli
from tests.support.dicom import Scan, write_disc, write_placed_slide, write_slide


@pytest.mark.parametrize("command", [("info",), ("results", "list"), ("classify",)])
def test_of_several_slides_every_command_says_which(
    cli: Cli, tmp_path: Path, command: tuple[str, ...]
) -> None:
    write_slide(tmp_path / "two", Scan(), ("a.dcm", "z.dcm"))
    Scan((20, 200, 20), "S2-B", "PAS", "20231224").write(tmp_path / "two" / "b.dcm", (320, 256))
    output = ("--output", tmp_path / "out") if command == ("classify",) else ()
    answer = cli(*command, tmp_path / "two", *output)
    assert answer.code == ExitCode.BAD_INPUT
    assert not answer.out
    said = " ".join(answer.err.split())
    assert "two holds 2 DICOM slides; open one of these files: a.dcm (S1-A H&E, 256 × 192" in said
    assert "b.dcm (S2-B PAS, 320 × 256 px, 2023-12-24)." in said


def test_folder_directory_and_file_have_the_same_results(cli: Cli, tmp_path: Path) -> None:
    write_slide(tmp_path / "made", Scan())
    disc = write_disc(tmp_path / "disc", *sorted((tmp_path / "made").iterdir()))
    file = disc.parent / "PT000000/ST000000/SE000000/IM000001"
    asked = ("--bundle", "selftest", "-o", tmp_path / "a", "--format", "csv")
    assert cli("classify", disc.parent, *asked).code == 0
    written = {path.name for path in (tmp_path / "a").iterdir()}
    assert written == {"predictions.csv", "predictions.csv-metadata.json"}
    listed = [
        cli("results", "list", path, "--json").document["results"]
        for path in (disc.parent, disc, file)
    ]
    assert listed[0]
    assert listed[0] == listed[1] == listed[2]


def test_predict_says_what_to_do_with_a_folder_of_dicom_files(cli: Cli, tmp_path: Path) -> None:
    write_slide(tmp_path / "case", Scan(), ("0", "1"))
    answer = cli("predict", "selftest", tmp_path / "case", "-o", tmp_path / "x.csv")
    assert answer.code == ExitCode.BAD_INPUT
    assert "use bachview classify" in " ".join(answer.err.split())


def test_dicom_objects_are_refused_before_a_slide_is_classified(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = ("--bundle", "selftest", "--output", out, "--format", "dicom-seg", "--format", "csv")
    unplaced = write_slide(tmp_path / "unplaced", Scan())
    answer = cli("classify", unplaced, *asked)
    assert (answer.code, out.exists()) == (ExitCode.BAD_INPUT, False)
    assert "lacks FrameOfReferenceUID" in answer.err

    placed = write_placed_slide(tmp_path / "placed")
    answer = cli("classify", placed, *asked, "--no-names")
    assert (answer.code, out.exists()) == (ExitCode.BAD_INPUT, False)
    assert "patient's name" in answer.err


def test_annotations_of_a_folder_or_disc_are_written_as_dicom_too(cli: Cli, tmp_path: Path) -> None:
    file = write_placed_slide(tmp_path / "placed")
    disc = write_disc(tmp_path / "disc", *sorted((tmp_path / "placed").iterdir()))
    marks = tmp_path / "a.geojson"
    marks.write_text('{"type": "Point", "coordinates": [9, 9]}', "utf-8")
    assert cli("annotations", file, "--import", marks).code == 0
    for number, opened in enumerate((file.parent, disc.parent, disc)):
        target = tmp_path / f"{number}.ann.dcm"
        answer = cli("annotations", opened, "--export", target, "--json")
        assert answer.code == 0, answer.err
        assert answer.document["exported"][0]["annotations"] == 1
        assert target.is_file()
