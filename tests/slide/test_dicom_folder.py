"""Folders and discs of DICOM files: the one slide is opened, several are offered."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bachview.errors import SlideOpenError
from bachview.slide import opening
from bachview.slide.choices import SlideChoiceError
from bachview.slide.formats import dicom_folder
from bachview.slide.reader import SlideMetadata
from tests.support.dicom import Scan, write_disc, write_other, write_slide
from tests.support.real_data import shared_file
from tests.support.slides import gradient, write_pyramid


def opened(path: Path) -> SlideMetadata:
    with closing(opening.open_slide(path)) as slide:
        return slide.metadata


def sizes(path: Path) -> list[tuple[int, int]]:
    return [(level.width, level.height) for level in opened(path).pyramid.levels]


def refusal(path: Path) -> str:
    with pytest.raises(SlideOpenError) as caught:
        opening.open_slide(path).close()
    assert not isinstance(caught.value, SlideChoiceError)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert str(path.parent) not in sentence
    return sentence


def choices(path: Path) -> SlideChoiceError:
    with pytest.raises(SlideChoiceError) as caught:
        opening.open_slide(path).close()
    return caught.value


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A folder with two slides; the second one is larger and stands between the first's files."""
    write_slide(tmp_path / "two", Scan(), ("a.dcm", "z.dcm"))
    Scan((20, 200, 20), "S2-B", "PAS", "20231224").write(tmp_path / "two" / "b.dcm", (320, 256))
    return tmp_path / "two"


def test_two_slides_in_a_folder_are_offered(two: Path) -> None:
    offered = choices(two)
    assert str(offered) == (
        "two holds 2 DICOM slides; open one of these files: a.dcm (S1-A H&E, 256 × 192 px, "
        "2024-01-31); b.dcm (S2-B PAS, 320 × 256 px, 2023-12-24)."
    )
    assert [choice.path for choice in offered.choices] == [two / "a.dcm", two / "b.dcm"]


def test_a_file_opens_the_levels_of_its_own_series(two: Path) -> None:
    shutil.copy(two / "a.dcm", two / "copy of a.dcm")  # as exporters write
    assert sizes(two / "a.dcm") == sizes(two / "z.dcm") == [(256, 192), (128, 96)]
    assert sizes(two / "b.dcm") == [(320, 256)]
    with closing(opening.open_slide(two / "b.dcm")) as slide:
        red, green, _ = slide.read(0, 300, 240, 1, 1)[0, 0]
        assert green > 150 > 50 > red


def test_a_folder_and_its_file_are_the_same_slide(tmp_path: Path) -> None:
    file = write_slide(tmp_path / "case", Scan())
    label = Scan(series=opened_series(file)).write(tmp_path / "case" / "label", flavour="LABEL")
    of_folder = opened(tmp_path / "case")
    assert of_folder.path == tmp_path / "case"
    assert "label" in of_folder.associated_images
    for path in (file, tmp_path / "case" / "1.dcm", label):
        assert opened(path).fingerprint == of_folder.fingerprint


def opened_series(file: Path) -> str:
    (first, *_) = dicom_folder.files_of_series(file)
    return first.series


@pytest.mark.parametrize("name", ["DICOMDIR", "dicomdir", "index"])
def test_a_disc(tmp_path: Path, name: str) -> None:
    write_slide(tmp_path / "made", Scan())
    disc = tmp_path / "disc"
    write_disc(disc, *sorted((tmp_path / "made").iterdir())).rename(disc / name)
    assert sizes(disc) == sizes(disc / name) == [(256, 192), (128, 96)]
    image = disc / "PT000000/ST000000/SE000000/IM000000"
    assert opened(disc).fingerprint == opened(disc / name).fingerprint == opened(image).fingerprint


def test_the_shared_disc() -> None:
    disc = shared_file("cases/dicom-media/DICOMDIR")
    for path in (disc, disc.parent):
        assert sizes(path) == [(640, 512), (320, 256)]
        assert opened(path).pixel_size.mpp_x == 0.5


def test_what_is_missing_on_a_disc_is_named(tmp_path: Path) -> None:
    """Also where the rest would open: as a slide with fewer levels."""
    write_slide(tmp_path / "made", Scan())
    files = sorted((tmp_path / "made").iterdir())
    write_disc(tmp_path / "disc", *files, write_other(tmp_path / "ct"))
    (tmp_path / "disc/PT000000/ST000000/SE000000/IM000002").unlink()  # the CT is not missed
    assert sizes(tmp_path / "disc") == [(256, 192), (128, 96)]
    (tmp_path / "disc/PT000000/ST000000/SE000000/IM000000").unlink()
    said = refusal(tmp_path / "disc")
    assert "incomplete: its DICOMDIR names PT000000/ST000000/SE000000/IM000000, which" in said
    assert refusal(tmp_path / "disc/DICOMDIR").startswith("DICOMDIR is incomplete")


def test_names_on_a_disc_in_small_letters(tmp_path: Path) -> None:
    write_slide(tmp_path / "made", Scan())
    disc = tmp_path / "disc"
    write_disc(disc, *sorted((tmp_path / "made").iterdir()))
    images = disc / "PT000000/ST000000/SE000000"
    for file in sorted(images.iterdir()):
        file.rename(images / f"{file.name.lower()}.")
    images.rename(images.with_name("se000000"))
    assert len(sizes(disc)) == 2


@pytest.mark.parametrize("place", ["PT0/ST0/SE0", "1.2.3/1.2.3.4", "."])
def test_folders_without_a_directory(tmp_path: Path, place: str) -> None:
    write_slide(tmp_path / "disc" / place, Scan(), ("IM0", "IM1"))
    write_other(tmp_path / "disc" / "report", "1.2.840.10008.5.1.4.1.1.88.11", "SR")
    write_other(tmp_path / "disc" / place / "ct")
    (tmp_path / "disc" / "README.TXT").write_text("how to use the viewer on this disc")
    assert sizes(tmp_path / "disc") == [(256, 192), (128, 96)]


def test_objects_that_are_no_slide_are_counted(tmp_path: Path) -> None:
    for name in ("1", "2"):
        write_other(tmp_path / "disc" / "ct" / name)
    write_disc(tmp_path / "disc2", tmp_path / "disc" / "ct" / "1")
    write_other(tmp_path / "disc" / "report", "1.2.840.10008.5.1.4.1.1.88.11", "SR")
    assert refusal(tmp_path / "disc") == (
        "disc is a folder without a DICOM slide beside 3 other DICOM files (CT Image Storage, "
        "Basic Text SR Storage); open a slide file instead."
    )
    assert "1 other DICOM file (CT" in refusal(tmp_path / "disc2" / "DICOMDIR")
    assert refusal(tmp_path / "disc" / "ct" / "1") == (
        "1 is a DICOM file, but no whole slide (CT Image Storage); open a slide instead."
    )


def test_a_label_without_its_slide(tmp_path: Path) -> None:
    file = Scan().write(tmp_path / "case" / "x", flavour="LABEL")
    assert "only the label image" in refusal(tmp_path / "case")
    assert "only the label image" in refusal(file)


def test_levels_in_several_folders(tmp_path: Path) -> None:
    scan = Scan()
    scan.write(tmp_path / "case" / "a" / "x")
    scan.write(tmp_path / "case" / "b" / "y", (128, 96), mpp=1)
    assert "lie in 2 folders (a, b); copy their files into one" in refusal(tmp_path / "case")
    # A folder with all of them is enough.
    for file in (tmp_path / "case" / "a" / "x", tmp_path / "case" / "b" / "y"):
        (tmp_path / "case" / "c").mkdir(exist_ok=True)
        shutil.copy(file, tmp_path / "case" / "c")
    assert len(sizes(tmp_path / "case")) == 2


def test_slides_of_several_patients_in_sub_folders(tmp_path: Path) -> None:
    for name in ("P2", "P1"):
        write_slide(tmp_path / "disc" / name / "SE", Scan(container=name))
    offered = choices(tmp_path / "disc").choices
    assert [(c.place, c.title) for c in offered] == [
        ("P1/SE/0.dcm", "P1 H&E"),
        ("P2/SE/0.dcm", "P2 H&E"),
    ]


def test_what_a_slide_says_of_itself_cannot_break_the_sentence(tmp_path: Path) -> None:
    for container in ("A\x1b[31m\r\nB", "x" * 5000):
        scan = Scan(container="", description="")
        scan.write(
            tmp_path / "case" / f"{len(container)}.dcm",
            ContainerIdentifier=None,
            SeriesDescription=container[:64],
            StudyDate=None,
            ContentDate=None,
        )
    sentence = str(choices(tmp_path / "case"))
    assert sentence.isprintable()
    assert len(sentence) < 400


def test_other_formats_are_named(tmp_path: Path) -> None:
    slide = write_pyramid(tmp_path / "slide.tif", gradient(64, 64))
    (tmp_path / "case").mkdir()
    shutil.copy(slide, tmp_path / "case" / "a.svs")
    (tmp_path / "case" / "._a.svs").write_bytes(b"rubbish")
    offered = choices(tmp_path / "case")
    assert str(offered) == "case is a folder without a DICOM slide; open this file: a.svs."
    assert [choice.path for choice in offered.choices] == [tmp_path / "case" / "a.svs"]
    data = tmp_path / "scan"
    data.mkdir()
    (data / "Slidedat.ini").write_text("[GENERAL]")
    assert "its file scan.mrxs is missing beside it" in refusal(data)
    (tmp_path / "scan.mrxs").touch()
    assert choices(data).choices[0].path == tmp_path / "scan.mrxs"


@pytest.mark.parametrize("start", [b"PK\3\4", b"\x1f\x8b\x08\0", b"Rar!", b"7z\xbc\xaf\x27\x1c"])
def test_archives_are_to_be_unpacked(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "case.dcm").write_bytes(start + bytes(500))
    assert "unpack it" in refusal(tmp_path / "case.dcm")


def test_loops_of_links_and_folders_without_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = tmp_path / "case"
    write_slide(case / "a", Scan())
    (case / "a" / "up").symlink_to(case, target_is_directory=True)
    (case / "a" / "self").symlink_to("self")
    if hasattr(os, "mkfifo"):
        os.mkfifo(case / "pipe")
    assert len(sizes(case)) == 2
    # Root, as in containers, may read everything.
    scan, is_readable = os.scandir, True

    def refuse(place: str) -> object:
        if Path(place).name == "a" or not is_readable:
            raise PermissionError(13, "no", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", refuse)
    assert "1 part of it cannot be read" in refusal(case)
    is_readable = False
    assert "may not be read" in refusal(case)


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_slide(tmp_path / "drive", Scan())
    monkeypatch.setattr(dicom_folder, "_MOST_FILES", 1)
    assert "too many files" in refusal(tmp_path / "drive")
    monkeypatch.setattr(dicom_folder, "_MOST_FILES", 100)
    for number in range(100):
        (tmp_path / "empty" / f"{number}").mkdir(parents=True)
    assert "too many files" in refusal(tmp_path / "empty")
    monkeypatch.setattr(dicom_folder, "_MOST_S", -1)
    assert "too many files" in refusal(tmp_path / "drive")


def test_how_deep_a_folder_is_searched(tmp_path: Path) -> None:
    deep = tmp_path / "deep"
    write_slide(deep.joinpath(*"abcdefghijkl"), Scan())
    assert len(sizes(deep)) == 2
    shutil.move(deep / "a", deep / "0" / "a")
    assert "without a DICOM slide" in refusal(deep)


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _nested(content: bytes) -> bytes:
    """Sequences in sequences, deeper than Python's stack."""
    place = content.find(b"\x08\x00\x05\x00") if b"\x08\x00\x05\x00" in content else 400
    deep = b"\x08\x00\x15\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 5000
    return content[:place] + deep + content[place:]


def _endless(content: bytes) -> bytes:
    """A value of 4 GiB."""
    return content.replace(b"\x20\x00\x0e\x00UI", b"\x20\x00\x0e\x00UT\0\0\xf0\xff\xff\xff")


@pytest.mark.parametrize("harm", [_cut, _nested, _endless])
@pytest.mark.parametrize("is_directory", [False, True])
def test_damaged_headers(
    tmp_path: Path, harm: Callable[[bytes], bytes], is_directory: bool
) -> None:
    file = write_slide(tmp_path / "case", Scan(), ("only",))
    disc = write_disc(tmp_path / "disc", file)
    path = disc if is_directory else file
    path.write_bytes(harm(path.read_bytes()))
    for place in (path, path.parent):
        try:
            opening.open_slide(place).close()
        except SlideOpenError as error:
            assert str(error).endswith(".")  # noqa: PT017


def test_a_directory_cannot_name_files_outside(tmp_path: Path) -> None:
    file = write_slide(tmp_path / "case", Scan(), ("only",))
    disc = write_disc(tmp_path / "disc", file)
    content = disc.read_bytes()
    assert b"PT000000\\ST000000" in content
    disc.write_bytes(content.replace(b"PT000000\\ST000000", b"..      \\..      "))
    assert sizes(disc) == [(256, 192)]


def test_deflated_headers_are_not_unpacked(tmp_path: Path) -> None:
    path = Scan().write(tmp_path / "x.dcm")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.1.99"))
    refusal(path)


#: A second thread reads a header while the first one is halfway through importing pydicom.
_READ_AT_ONCE = """
import importlib.abc, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from bachview.slide.formats.dicom_headers import read_slide_file

def read():
    return read_slide_file(Path(sys.argv[1])).size

class Halfway(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "pydicom.examples":
            second.append(pool.submit(read))
            time.sleep(0.3)

second = []
sys.meta_path.insert(0, Halfway())
with ThreadPoolExecutor(2) as pool:
    first = pool.submit(read)
    assert first.result() == second[0].result() == (256, 192)
"""


def test_the_first_dicom_files_may_be_opened_at_once(tmp_path: Path) -> None:
    path = write_slide(tmp_path / "one", Scan(), ("a.dcm",))
    answer = subprocess.run(
        [sys.executable, "-c", _READ_AT_ONCE, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
