"""DICOM slides of every make are shown rightly, or refused with the reason."""

import io
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.stack import Choice
from bachview.errors import SlideOpenError, SlideReadError, UsageError
from bachview.slide.opening import open_slide
from tests.support.dicom import TILE, Scan, write_slide

COLOUR = (200, 120, 160)


def refusal(path: Path) -> str:
    with pytest.raises(SlideOpenError) as caught:
        open_slide(path).close()
    sentence = str(caught.value)
    for word in ("libdicom", "Attribute", "Couldn't", "SOP"):
        assert word not in sentence
    return sentence


def corner(path: Path) -> tuple[float, ...]:
    """The colour at the far corner of level 0."""
    with closing(open_slide(path)) as slide:
        size = slide.metadata.pyramid.size
        return tuple(slide.read(0, size.width - 8, size.height - 8, 8, 8).mean((0, 1)))


def test_what_the_header_states(tmp_path: Path) -> None:
    measures = Dataset()
    measures.PixelSpacing = [0.0003, 0.00025]  # mm, rows first
    shared = Dataset()
    shared.PixelMeasuresSequence = [measures]
    path = Scan().write(tmp_path / "x", SharedFunctionalGroupsSequence=[shared])
    with closing(open_slide(path)) as slide:
        facts = slide.metadata
    assert facts.pixel_size.mpp_x == pytest.approx(0.25)
    assert facts.pixel_size.mpp_y == pytest.approx(0.3)
    assert facts.pixel_size.origin is Origin.FILE
    assert facts.objective_power == 20


def test_a_profile_of_colours(tmp_path: Path) -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = Scan().dataset()
    file.OpticalPathSequence[0].ICCProfile = profile + bytes(len(profile) % 2)
    file.save_as(tmp_path / "x", enforce_file_format=True)
    with closing(open_slide(tmp_path / "x")) as slide:
        assert slide.metadata.icc_profile is not None
        assert slide.metadata.icc_profile[: len(profile)] == profile


def _of_one_tile(
    path: Path, photometric: str, syntax: UID, tile: bytes, size: tuple[int, int] = (TILE, TILE)
) -> Path:
    file = Scan().dataset(size)
    file.Columns, file.Rows = size
    file.NumberOfFrames = 1
    file.PhotometricInterpretation, file.file_meta.TransferSyntaxUID = photometric, syntax
    file.PixelData = encapsulate([tile]) if syntax.is_compressed else tile
    file["PixelData"].VR = "OB"
    file.save_as(path, enforce_file_format=True)
    return path


def _coded(codec: str, size: tuple[int, int] = (TILE, TILE), **options: Any) -> bytes:
    frame = io.BytesIO()
    Image.new("RGB", size, COLOUR).save(frame, codec, **options)
    return frame.getvalue()


@pytest.mark.parametrize(
    ("photometric", "syntax", "tile"),
    [
        ("YBR_FULL_422", JPEGBaseline8Bit, _coded("JPEG")),
        ("RGB", JPEGBaseline8Bit, _coded("JPEG", keep_rgb=True)),
        ("RGB", JPEG2000, _coded("JPEG2000", no_jp2=True, mct=0)),
        ("YBR_ICT", JPEG2000, _coded("JPEG2000", no_jp2=True, mct=1, irreversible=True)),
        ("YBR_RCT", JPEG2000Lossless, _coded("JPEG2000", no_jp2=True, mct=1)),
        ("RGB", ExplicitVRLittleEndian, bytes(COLOUR) * TILE**2),
    ],
)
def test_colours_of_every_compression(
    tmp_path: Path, photometric: str, syntax: UID, tile: bytes
) -> None:
    path = _of_one_tile(tmp_path / "x", photometric, syntax, tile)
    assert corner(path) == pytest.approx(COLOUR, abs=4)


def test_a_level_of_one_tile(tmp_path: Path) -> None:
    size = (300, 200)
    tile = _coded("JPEG", size)
    path = _of_one_tile(tmp_path / "x", "YBR_FULL_422", JPEGBaseline8Bit, tile, size)
    assert corner(path) == pytest.approx(COLOUR, abs=4)


@pytest.mark.parametrize(
    ("photometric", "syntax", "tile", "said"),
    [
        ("RGB", JPEGBaseline8Bit, _coded("JPEG"), "in RGB, but they are in YBR"),
        (
            "YBR_FULL_422",
            JPEGBaseline8Bit,
            _coded("JPEG", keep_rgb=True),
            "in YBR_FULL_422, but they are in RGB",
        ),
        ("RGB", JPEG2000, _coded("JPEG2000"), "whole JPEG 2000 files"),
    ],
)
def test_tiles_that_are_not_what_the_header_says(
    tmp_path: Path, photometric: str, syntax: UID, tile: bytes, said: str
) -> None:
    """They would be shown in other colours, or fail one by one."""
    path = _of_one_tile(tmp_path / "x", photometric, syntax, tile)
    assert said in refusal(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"TransferSyntaxUID": JPEGLSLossless}, "transfer syntax (compression) is JPEG-LS"),
        ({"TransferSyntaxUID": RLELossless}, "is RLE Lossless, which is not supported"),
        (
            {
                "PhotometricInterpretation": "MONOCHROME2",
                "SamplesPerPixel": 1,
                "PlanarConfiguration": None,
            },
            "grey picture (MONOCHROME2)",
        ),
        ({"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15}, "16 bits"),
        ({"TotalPixelMatrixFocalPlanes": 3}, "3 focal planes"),
        ({"NumberOfOpticalPaths": 2}, "2 optical paths"),
        ({"TotalPixelMatrixColumns": None}, "size of the whole level"),
        ({"ImageType": ["DERIVED", "SECONDARY"]}, "unnamed image"),
        ({"DimensionOrganizationType": "TILED_SPARSE"}, "where all of its tiles lie"),
        ({"DimensionOrganizationType": "3D"}, "where all of its tiles lie"),
        ({"NumberOfFrames": 0}, "damaged"),
        ({"Rows": 0}, "damaged"),
        ({"PhotometricInterpretation": "YBR_ICT"}, "colours (YBR_ICT)"),
        ({"TransferSyntaxUID": JPEG2000}, "colours (YBR_FULL_422)"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    path = Scan().write(tmp_path / "case" / "x", **changes)
    assert said in refusal(path)
    assert said in refusal(tmp_path / "case")


def _at(column: int, row: int) -> Dataset:
    position = Dataset()
    position.ColumnPositionInTotalImagePixelMatrix = column
    position.RowPositionInTotalImagePixelMatrix = row
    frame = Dataset()
    frame.PlanePositionSlideSequence = [position]
    return frame


def test_tiles_in_any_order(tmp_path: Path) -> None:
    """What a sparse level leaves out is white; what does not say where it lies is refused."""
    file = Scan(COLOUR).dataset((2 * TILE, 2 * TILE))
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    frames = []
    for colour in colours:
        frame = io.BytesIO()
        Image.new("RGB", (TILE, TILE), colour).save(frame, "JPEG", quality=95)
        frames.append(frame.getvalue())
    file.DimensionOrganizationType, file.NumberOfFrames = "TILED_SPARSE", 3
    file.PixelData = encapsulate(frames)
    file["PixelData"].VR = "OB"
    places = [(1, 1), (0, 1), (1, 0)]
    file.PerFrameFunctionalGroupsSequence = [_at(1 + TILE * c, 1 + TILE * r) for c, r in places]
    file.save_as(tmp_path / "x", enforce_file_format=True)
    with closing(open_slide(tmp_path / "x")) as slide:
        picture = slide.read(0, 0, 0, 2 * TILE, 2 * TILE).astype(int)
    for (column, row), colour in zip(places, colours, strict=True):
        found = picture[row * TILE + 20 : row * TILE + 40, column * TILE + 20 : column * TILE + 40]
        assert np.abs(found.mean((0, 1)) - colour).max() < 6
    assert (picture[10:40, 10:40] == 255).all()
    file.PerFrameFunctionalGroupsSequence = [_at(1 + 50 * n, 1) for n in range(3)]
    file.save_as(tmp_path / "x", enforce_file_format=True)
    assert "not on a grid" in refusal(tmp_path / "x")
    for placed in range(3):
        file.PerFrameFunctionalGroupsSequence = [
            _at(1, 1 + TILE * n) if n < placed else Dataset() for n in range(3)
        ]
        file.save_as(tmp_path / "x", enforce_file_format=True)
        assert "where all of its tiles lie" in refusal(tmp_path / "x")


def test_a_level_in_several_files(tmp_path: Path) -> None:
    """A concatenation: each file has half of the frames."""
    scan, level = Scan(COLOUR), generate_uid()
    for number in (1, 2):
        file = scan.dataset((2 * TILE, TILE))
        file.NumberOfFrames = 1
        colour = (250, 0, 0) if number == 1 else (0, 250, 0)
        frame = io.BytesIO()
        Image.new("RGB", (TILE, TILE), colour).save(frame, "JPEG", quality=95)
        file.PixelData = encapsulate([frame.getvalue()])
        file["PixelData"].VR = "OB"
        file.ConcatenationUID, file.SOPInstanceUIDOfConcatenationSource = level, UID("1.2.3.4")
        file.InConcatenationNumber, file.InConcatenationTotalNumber = number, 2
        file.ConcatenationFrameOffsetNumber = number - 1
        (tmp_path / "case").mkdir(exist_ok=True)
        file.save_as(tmp_path / "case" / f"{number}", enforce_file_format=True)
    assert corner(tmp_path / "case") == pytest.approx((0, 250, 0), abs=6)
    with closing(open_slide(tmp_path / "case")) as slide:
        assert slide.read(0, 8, 8, 8, 8).mean((0, 1)) == pytest.approx((250, 0, 0), abs=6)
    (tmp_path / "case" / "2").unlink()
    said = "stored in 2 files, of which only 1 lies in its folder"
    assert said in refusal(tmp_path / "case")
    assert said in refusal(tmp_path / "case" / "1")


def test_files_of_two_glass_slides_with_one_series(tmp_path: Path) -> None:
    """OpenSlide would take them for levels of one."""
    scan = Scan()
    first = write_slide(tmp_path / "case", scan)
    Scan((0, 0, 0), "S2-B", series=scan.series).write(tmp_path / "case" / "x", (64, 48), mpp=2)
    assert "several glass slides (S1-A, S2-B)" in refusal(first)
    assert "several glass slides (S1-A, S2-B)" in refusal(tmp_path / "case")


def test_images_beside_the_levels(tmp_path: Path) -> None:
    """OpenSlide opens nothing where it cannot read a label, and passes over other images."""
    scan = Scan()
    first = write_slide(tmp_path / "case", scan)
    grey: dict[str, Any] = {
        "PhotometricInterpretation": "MONOCHROME2",
        "SamplesPerPixel": 1,
        "PlanarConfiguration": None,
    }
    scan.write(tmp_path / "case" / "other", flavour="LOCALIZER", **grey)
    open_slide(first).close()
    scan.write(tmp_path / "case" / "label", flavour="LABEL", **grey)
    said = refusal(first)
    assert said.startswith("0.dcm cannot be opened with its label image label: it is a grey")
    assert said.endswith("or move that file away.")


def test_the_extent_tells_the_pixel_size_where_nothing_else_does(tmp_path: Path) -> None:
    without: dict[str, Any] = {"SharedFunctionalGroupsSequence": None}
    extent: dict[str, Any] = {"ImagedVolumeWidth": 0.064, "ImagedVolumeHeight": 0.0576}
    for name, changes, mpp in (("a", without, None), ("b", without | extent, (0.25, 0.3))):
        path = Scan().write(tmp_path / name, **changes)
        with closing(open_slide(path)) as slide:
            found = slide.metadata.pixel_size
        if mpp is None:
            assert found == PixelSize.unknown()
        else:
            assert (found.mpp_x, found.mpp_y) == pytest.approx(mpp)
    spacing = Scan().write(tmp_path / "c", mpp=0.5, **extent)
    with closing(open_slide(spacing)) as slide:
        assert slide.metadata.pixel_size.mpp_x == pytest.approx(0.5)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_beside_the_slide_is_not_waited_for(tmp_path: Path) -> None:
    first = write_slide(tmp_path / "case", Scan())
    os.mkfifo(tmp_path / "case" / "pipe")
    assert "a pipe in it" in refusal(first)


def test_there_is_one_image_to_choose(tmp_path: Path) -> None:
    first = write_slide(tmp_path / "case", Scan())
    for path in (first, first.parent):
        with pytest.raises(UsageError):
            open_slide(path, Choice(image=2))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_slide_copied_in_part(tmp_path: Path, share: float) -> None:
    """OpenSlide crashes at the first tile that begins behind the end."""
    path = Scan().write(tmp_path / "x")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "incomplete or damaged" in refusal(path)


def test_a_slide_of_which_the_last_tile_is_cut(tmp_path: Path) -> None:
    path = Scan().write(tmp_path / "x")
    path.write_bytes(path.read_bytes()[:-50])
    with closing(open_slide(path)) as slide:
        slide.read(0, 0, 0, TILE, TILE)
        with pytest.raises(SlideReadError):
            slide.read(0, 3 * TILE, 2 * TILE, TILE, TILE)


@pytest.mark.parametrize("uid", ["1.2.", "1.2.840.10008.5.1.4.1.1.77.1.", "0" * 64, ""])
def test_an_unknown_kind_of_object(tmp_path: Path, uid: str) -> None:
    path = Scan().write(tmp_path / "x")
    kind = b"1.2.840.10008.5.1.4.1.1.77.1.6"
    head, rest = path.read_bytes().split(b"UI" + len(kind).to_bytes(2, "little") + kind, 1)
    path.write_bytes(head + b"UI" + len(uid).to_bytes(2, "little") + uid.encode() + rest)
    assert f"no whole slide ({uid or 'of no stated kind'})" in refusal(path)
