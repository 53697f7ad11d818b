"""A slide without its other files is refused with the name of what is missing."""

import io
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from bachview.errors import SlideOpenError, SlideReadError
from bachview.slide.opening import open_slide
from tests.support.slides import gradient

SLIDEDAT = """\ufeff[GENERAL]
SLIDE_ID = ABC
[HIERARCHICAL]
INDEXFILE = Index.dat
[DATAFILE]
FILE_COUNT = 2
FILE_0 = Data0000.dat
FILE_1 = Data0001.dat
"""
VMS = """[Virtual Microscope Specimen]
NoJpegColumns=2
NoJpegRows=1
ImageFile=a.jpg
ImageFile(1,0)=b.jpg
MapFile=map.jpg
OptimisationFile=
MacroImage=macro.jpg
"""


def refusal(path: Path) -> str:
    with pytest.raises(SlideOpenError) as caught:
        open_slide(path)
    sentence = str(caught.value)
    assert sentence.startswith(path.name)
    assert sentence.endswith(".")
    assert str(path.parent) not in sentence
    return sentence


def small_picture() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(gradient(64, 48)).save(buffer, "JPEG")
    return buffer.getvalue()


def test_an_mrxs_file_alone_is_not_the_slide_though_it_is_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "liver.mrxs"
    path.write_bytes(small_picture())
    assert "the folder liver with its pixels is missing; copy" in refusal(path)


def test_what_is_missing_in_the_folder_of_an_mrxs_slide_is_named(tmp_path: Path) -> None:
    path, folder = tmp_path / "liver.mrxs", tmp_path / "liver"
    path.write_bytes(small_picture())
    folder.mkdir()
    assert "Slidedat.ini is missing in its folder liver" in refusal(path)
    (folder / "Slidedat.ini").write_text(SLIDEDAT.replace("\n", "\r\n"), "utf-8")
    assert "Index.dat (with 2 more) is missing" in refusal(path)
    for name in ("Index.dat", "Data0000.dat"):
        (folder / name).write_bytes(b"01.02ABC" + bytes(99))
    assert "Data0001.dat is missing in its folder liver; copy the whole folder" in refusal(path)
    (folder / "Data0001.dat").write_bytes(b"01.02ABC")
    assert "missing" not in refusal(path)
    for part in ("Slidedat.ini", "Data0000.dat"):
        assert "part of an MRXS slide; open the .mrxs file" in refusal(folder / part)


def test_what_is_missing_beside_a_vms_slide_is_named(tmp_path: Path) -> None:
    path = tmp_path / "skin.vms"
    path.write_text(VMS)
    assert "a.jpg (with 3 more) is missing beside it; copy" in refusal(path)
    for name in ("a.jpg", "b.jpg", "macro.jpg"):
        (tmp_path / name).write_bytes(small_picture())
    assert "map.jpg is missing beside it" in refusal(path)
    (tmp_path / "skin.vmu").write_text("ImageFile=a.ngr\nMapFile=map.ngr\nMacroImage=macro.jpg\n")
    assert "a.ngr (with 1 more) is missing" in refusal(tmp_path / "skin.vmu")


def test_a_name_in_another_encoding_is_not_called_missing(tmp_path: Path) -> None:
    path = tmp_path / "skin.vms"
    path.write_bytes("ImageFile=標本.jpg\nMapFile=map.jpg\n".encode("shift_jis"))
    assert "cannot be opened: map.jpg is missing" in refusal(path)


def test_the_overview_of_a_vsi_slide_is_not_the_slide(tmp_path: Path) -> None:
    path = tmp_path / "bone.vsi"
    tifffile.imwrite(path, np.zeros((60, 50, 3), np.uint8), photometric="rgb")
    assert "Olympus VSI slide" in refusal(path)
    (tmp_path / "frame_t.ets").write_bytes(b"SIS\0")
    assert "export it" in refusal(tmp_path / "frame_t.ets")


@pytest.mark.parametrize(
    ("name", "words"), [("a.isyntax", "Philips iSyntax"), ("a.kfb", "KFBIO"), ("a.ND2", "Nikon")]
)
def test_formats_that_no_library_reads_are_called_by_name(
    name: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(b"something else")
    assert words in refusal(tmp_path / name)


@pytest.mark.parametrize("share", [0.9, 0.5, 0.01])
def test_a_slide_that_is_cut_off_says_so(share: float, tmp_path: Path) -> None:
    path = tmp_path / "slide.svs"
    with tifffile.TiffWriter(path) as file:
        for step in (1, 4):
            file.write(
                gradient(900, 700)[::step, ::step], tile=(256, 256), photometric="rgb", metadata={}
            )
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])

    def read_all() -> None:
        with closing(open_slide(path)) as reader:
            for level in reader.metadata.pyramid.levels:
                reader.read(level.index, 0, 0, level.width, level.height)

    with pytest.raises((SlideOpenError, SlideReadError), match=r"copy .*again"):
        read_all()
