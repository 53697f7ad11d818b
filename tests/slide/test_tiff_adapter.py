"""TIFF files of every kind that OpenSlide refuses, and OME-XML's units."""

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from bachview.core.pixel_size import Origin
from bachview.errors import SlideOpenError, SlideReadError
from bachview.slide.formats.ome import read_ome
from bachview.slide.formats.tiff_adapter import TiffReader
from bachview.slide.opening import open_slide
from bachview.slide.reader import RGB
from tests.support.slides import gradient

PICTURE = gradient(300, 200)


def opened(path: Path, x: int = 0, y: int = 0, width: int = 300, height: int = 200) -> RGB:
    """Pixels as our TIFF adapter reads them, whoever else could."""
    reader = TiffReader(path)
    try:
        return reader.read(0, x, y, width, height)
    finally:
        reader.close()


def written(path: Path, pixels: npt.NDArray[Any], **options: Any) -> Path:
    tifffile.imwrite(path, pixels, metadata=None, **options)
    return path


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "zstd", "packbits"])
@pytest.mark.parametrize("tile", [None, (64, 64)])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_lossless_compressions_give_the_pixels_back(
    tmp_path: Path, compression: str | None, tile: tuple[int, int] | None, byteorder: str
) -> None:
    path = written(
        tmp_path / "a.tif",
        PICTURE,
        photometric="rgb",
        compression=compression,
        tile=tile,
        byteorder=byteorder,
    )
    assert (opened(path) == PICTURE).all()
    assert (opened(path, 100, 50, 77, 33) == PICTURE[50:83, 100:177]).all()


@pytest.mark.parametrize("predictor", [False, True])
def test_16_bits_become_8(tmp_path: Path, predictor: bool) -> None:
    wide = PICTURE.astype(np.uint16) * 257
    path = written(
        tmp_path / "a.tif", wide, photometric="rgb", compression="zlib", predictor=predictor
    )
    assert (opened(path) == PICTURE).all()


def test_grey_becomes_rgb(tmp_path: Path) -> None:
    grey = PICTURE[..., 0]
    for photometric, wanted in (("minisblack", grey), ("miniswhite", 255 - grey)):
        path = written(tmp_path / f"{photometric}.tif", grey, photometric=photometric)
        found = opened(path)
        assert (found == wanted[..., None]).all()


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits_reach_from_black_to_white(tmp_path: Path, bits: int) -> None:
    most = (1 << bits) - 1
    picture = (np.arange(64, dtype=np.uint8).reshape(8, 8)) & most
    packed = imagecodecs.packints_encode(picture.reshape(8, 8), bits)
    header = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", 9)
    values = {256: 8, 257: 8, 258: bits, 259: 1, 262: 1, 273: 8 + 2 + 9 * 12 + 4, 277: 1, 278: 8}
    for tag, value in {**values, 279: len(packed)}.items():
        header += struct.pack("<HHII", tag, 4, 1, value)
    path = tmp_path / "a.tif"
    path.write_bytes(header + bytes(4) + packed)
    expected = (picture.astype(int) * 255 // most).astype(np.uint8)
    assert (opened(path, 0, 0, 8, 8) == expected[..., None]).all()


def test_12_significant_bits_of_16_are_brought_to_8(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        path,
        PICTURE[..., 0].astype(np.uint16) * 16,
        metadata={"axes": "YX", "SignificantBits": 12},
    )
    assert (opened(path) == PICTURE[..., :1]).all()


def test_planes_of_one_channel_each_become_rgb(tmp_path: Path) -> None:
    planes = np.ascontiguousarray(PICTURE.transpose(2, 0, 1))
    path = written(
        tmp_path / "planar.tif", planes, photometric="rgb", planarconfig="separate", tile=(64, 64)
    )
    assert (opened(path) == PICTURE).all()
    ome = tmp_path / "pages.ome.tif"
    tifffile.imwrite(ome, planes, photometric="minisblack", metadata={"axes": "CYX"})
    assert (opened(ome) == PICTURE).all()


def test_the_first_plane_of_a_stack(tmp_path: Path) -> None:
    stack = np.stack([PICTURE[..., 0], PICTURE[..., 1], PICTURE[..., 2]])
    path = tmp_path / "stack.ome.tif"
    tifffile.imwrite(path, stack, photometric="minisblack", metadata={"axes": "ZYX"})
    assert (opened(path) == PICTURE[..., :1]).all()


def test_palette_colours_become_rgb(tmp_path: Path) -> None:
    colours = np.arange(3 * 256, dtype=np.uint16).reshape(3, 256) * 85
    indices = PICTURE[..., 0]
    path = written(tmp_path / "a.tif", indices, photometric="palette", colormap=colours)
    assert (opened(path) == (colours >> 8).astype(np.uint8).T[indices]).all()


def test_transparent_pixels_are_white(tmp_path: Path) -> None:
    alpha = np.where(np.arange(300) < 150, 255, 0).astype(np.uint8)
    rgba = np.dstack([PICTURE, np.broadcast_to(alpha, (200, 300))])
    path = written(tmp_path / "a.tif", rgba, photometric="rgb", extrasamples=["unassalpha"])
    found = opened(path)
    assert (found[:, :150] == PICTURE[:, :150]).all()
    assert (found[:, 150:] == 255).all()


@pytest.mark.parametrize(
    ("pixels", "options", "words"),
    [
        (np.zeros((40, 40), np.float32), {"photometric": "minisblack"}, "sample type"),
        (np.zeros((40, 40), np.int16), {"photometric": "minisblack"}, "sample type"),
        (np.zeros((40, 40, 4), np.uint8), {"photometric": "separated"}, "colours"),
        (np.zeros((40, 40, 5), np.uint8), {"photometric": "minisblack"}, "channels"),
    ],
)
def test_kinds_that_are_refused_by_name(
    tmp_path: Path, pixels: npt.NDArray[Any], options: dict[str, Any], words: str
) -> None:
    planar = {"planarconfig": "contig"} if pixels.ndim == 3 else {}
    path = written(tmp_path / "odd.tif", pixels, **options, **planar)
    with pytest.raises(SlideOpenError, match=f"odd.tif cannot be shown: .*{words}"):
        TiffReader(path)


def test_fluorescence_channels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "five.ome.tif"
    tifffile.imwrite(
        path, np.zeros((5, 40, 40), np.uint16), photometric="minisblack", metadata={"axes": "CYX"}
    )
    with pytest.raises(SlideOpenError, match="5 channels"):
        open_slide(path)


def test_resolution_tags_in_both_units_and_without(tmp_path: Path) -> None:
    for unit, value, mpp in (("CENTIMETER", 40_000, 0.25), ("INCH", 50_800, 0.5)):
        path = written(
            tmp_path / f"{unit}.tif",
            PICTURE,
            resolution=(value, value),
            resolutionunit=unit,
            photometric="rgb",
        )
        found = TiffReader(path)
        found.close()
        assert found.metadata.pixel_size.mpp_x == pytest.approx(mpp)
    for unit, value in (("INCH", 300), ("NONE", 50_800)):
        path = written(
            tmp_path / f"{unit}-{value}.tif",
            PICTURE,
            resolution=(value, value),
            resolutionunit=unit,
            photometric="rgb",
        )
        found = TiffReader(path)
        found.close()
        assert found.metadata.pixel_size.origin is Origin.UNKNOWN


def test_the_pixel_size_of_imagej_is_read_in_its_unit(tmp_path: Path) -> None:
    path = tmp_path / "imagej.tif"
    tifffile.imwrite(path, PICTURE, imagej=True, resolution=(4, 4), metadata={"unit": "um"})
    found = TiffReader(path)
    found.close()
    assert found.metadata.pixel_size.mpp_x == pytest.approx(0.25)


def test_a_profile_is_found(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", PICTURE, photometric="rgb", iccprofile=b"profile")
    found = TiffReader(path)
    found.close()
    assert found.metadata.icc_profile == b"profile"


def test_a_profile_that_is_a_number_is_none(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.tif", PICTURE, photometric="rgb", extratags=[(34675, 4, 1, 7, True)]
    )
    reader = TiffReader(path)
    assert reader.metadata.icc_profile is None
    reader.close()


def test_a_damaged_tile_fails_and_others_do_not(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.ome.tif", PICTURE, photometric="rgb", tile=(64, 64), compression="zlib"
    )
    with tifffile.TiffFile(path) as file:
        offset = file.pages.first.dataoffsets[2]
    data = bytearray(path.read_bytes())
    data[offset : offset + 20] = bytes(20)
    path.write_bytes(data)
    reader = TiffReader(path)
    for _ in range(2):
        with pytest.raises(SlideReadError, match="damaged"):
            reader.read(0, 130, 10, 10, 10)
        assert (reader.read(0, 0, 0, 64, 64) == PICTURE[:64, :64]).all()
    reader.close()


OME = """<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
<Instrument><Microscope Manufacturer="Maker"/><Objective NominalMagnification="40"/></Instrument>
<Image><Pixels SizeX="10" SizeY="10" PhysicalSizeX="9" PhysicalSizeY="9"/></Image>
<Image><Pixels SizeX="30" SizeY="20" {}/></Image></OME>"""


@pytest.mark.parametrize(
    ("attributes", "mpp_x", "mpp_y"),
    [
        ('PhysicalSizeX="0.25" PhysicalSizeY="0.5"', 0.25, 0.5),
        ('PhysicalSizeX="250" PhysicalSizeXUnit="nm" PhysicalSizeY="0.5"', 0.25, 0.5),
        (
            'PhysicalSizeX="250e-6" PhysicalSizeXUnit="mm" PhysicalSizeY="0.5"',
            0.25,
            0.5,
        ),
        ('PhysicalSizeX="0.25" PhysicalSizeXUnit="pixel" PhysicalSizeY="0.5"', None, 0.5),
        ('PhysicalSizeX="-1" PhysicalSizeY="nan"', None, None),
        ("", None, None),
    ],
)
def test_the_pixel_size_of_ome_is_read_in_its_unit(
    attributes: str, mpp_x: float | None, mpp_y: float | None
) -> None:
    facts = read_ome(OME.format(attributes), 30, 20)
    assert facts.pixel_size.mpp_x == (None if mpp_x is None else pytest.approx(mpp_x))
    assert facts.pixel_size.mpp_y == (None if mpp_y is None else pytest.approx(mpp_y))
    assert (facts.objective_power, facts.vendor) == (40, "Maker")


def test_ome_of_another_size_says_nothing() -> None:
    assert read_ome(OME.format(""), 77, 77).pixel_size.origin is Origin.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "<OME",
        '<!DOCTYPE a [<!ENTITY x "y">]><OME>&x;</OME>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><OME>&x;</OME>',
    ],
)
def test_xml_attacks_and_rubbish_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="OME-XML"):
        read_ome(text, 1, 1)
    path = tmp_path / "evil.ome.tif"
    tifffile.imwrite(path, PICTURE, photometric="rgb", description=text + "</OME>", metadata=None)
    with pytest.raises(SlideOpenError, match=r"evil\.ome\.tif"):
        TiffReader(path)


def test_a_picture_in_several_files_is_refused(tmp_path: Path) -> None:
    text = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="300"'
        ' SizeY="200" SizeC="3" SizeZ="1" SizeT="1"><Channel ID="C:0" SamplesPerPixel="3"/>'
        '<TiffData><UUID FileName="../a.tif">urn:uuid:1</UUID></TiffData>'
        '<TiffData><UUID FileName="b.tif">urn:uuid:2</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    path = tmp_path / "part.ome.tif"
    tifffile.imwrite(path, PICTURE, photometric="rgb", description=text, metadata=None)
    with pytest.raises(SlideOpenError, match="several files"):
        open_slide(path)


def test_levels_below_an_ome_tiff_are_used(tmp_path: Path) -> None:
    """OpenSlide would open it as generic TIFF, with one level and no pixel size."""
    path = tmp_path / "a.ome.tif"
    large = gradient(1024, 512)
    with tifffile.TiffWriter(path) as file:
        file.write(
            large,
            subifds=1,
            tile=(128, 128),
            photometric="rgb",
            compression="jpeg",
            metadata={"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5},
        )
        file.write(
            large[::4, ::4], subfiletype=1, tile=(64, 64), photometric="rgb", compression="jpeg"
        )
    reader = open_slide(path)
    assert reader.metadata.format_name == "ome-tiff"
    assert [level.downsample for level in reader.metadata.pyramid.levels] == [1, 4]
    assert reader.metadata.pixel_size.mpp_x == 0.5
    assert np.abs(reader.read(0, 0, 0, 200, 200).astype(int) - large[:200, :200]).mean() < 8
    reader.close()
