"""Of several images, focal planes, time points and channels, one is chosen, and that is said."""

import tracemalloc
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from bachview.core.stack import USUAL, Choice, Stack
from bachview.errors import SlideOpenError, UsageError
from bachview.slide.formats import tiff_likeness
from bachview.slide.opening import open_slide

SIZE = 96
PLANES, TIMES = 3, 2


def _picture(number: int) -> npt.NDArray[np.uint8]:
    """(SIZE, SIZE, 3): another grey for each number, with a corner that tells top from left."""
    pixels = np.full((SIZE, SIZE, 3), 20 * number + 10, np.uint8)
    pixels[: SIZE // 4, : SIZE // 2] = 255
    return pixels


def _stack(axes: str) -> npt.NDArray[np.uint8]:
    """Pictures 0 to 5 along these axes, of Z, T and C; the planes of each time point in a row."""
    pictures = np.stack([_picture(n) for n in range(PLANES * TIMES)])
    whole = pictures.reshape(TIMES, PLANES, SIZE, SIZE, 3)
    if axes.endswith("S"):
        return np.ascontiguousarray(np.einsum(f"tzyxs->{axes.lower()}", whole))
    return np.ascontiguousarray(np.einsum(f"tzyxc->{axes.lower()}", whole))


def _check(path: Path, choice: Choice, number: int) -> Stack:
    with closing(open_slide(path, choice)) as reader:
        size = reader.metadata.pyramid.size
        assert (size.width, size.height) == (SIZE, SIZE)
        assert (reader.read(0, 0, 0, SIZE, SIZE) == _picture(number)).all()
        return reader.metadata.stack


def _check_all(path: Path) -> None:
    for plane in range(1, PLANES + 1):
        for time in range(1, TIMES + 1):
            number = (time - 1) * PLANES + plane - 1
            stack = _check(path, Choice(plane=plane, time_point=time), number)
            assert (stack.plane, stack.planes) == (plane, PLANES)
            assert (stack.time_point, stack.time_points) == (time, TIMES)
    assert (
        _check(path, USUAL, 0).text == "3 focal planes, 2 time points; plane 1, time point 1 shown"
    )


@pytest.mark.parametrize("axes", ["TZYXS", "ZTYXS", "TZCYX", "ZCTYX", "CTZYX"])
def test_planes_and_time_points_of_ome_in_any_order(tmp_path: Path, axes: str) -> None:
    path = tmp_path / "a.ome.tif"
    grey = "rgb" if axes.endswith("S") else "minisblack"
    tifffile.imwrite(path, _stack(axes), photometric=grey, metadata={"axes": axes})
    _check_all(path)


@pytest.mark.parametrize("axes", ["TZYXS", "TZCYX"])
@pytest.mark.parametrize("single_page", [False, True])
def test_planes_and_time_points_of_imagej(tmp_path: Path, axes: str, single_page: bool) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, _stack(axes), imagej=True, metadata={"axes": axes}, truncate=single_page)
    _check_all(path)


def test_planes_that_are_cut_off_are_not_offered(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    metadata = {"axes": "TZYXS"}
    tifffile.imwrite(path, _stack("TZYXS"), imagej=True, metadata=metadata, truncate=True)
    path.write_bytes(path.read_bytes()[: -SIZE * SIZE])
    _check(path, USUAL, 0)
    with pytest.raises(UsageError, match="no focal plane 3"):
        open_slide(path, Choice(plane=PLANES, time_point=TIMES))


OME = """<?xml version="1.0"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">
<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="64" SizeY="64" SizeC="1"
SizeZ="1000000000" SizeT="1"><TiffData IFD="0" PlaneCount="1"/></Pixels></Image></OME>"""


@pytest.mark.parametrize("facts", ['{"shape": [1000000000, 64, 64]}', OME])
def test_a_page_that_claims_to_be_a_thousand_million_is_refused_at_once(
    tmp_path: Path, facts: str
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8), description=facts, metadata=None)
    tracemalloc.start()
    try:
        with pytest.raises(SlideOpenError, match="damaged"):
            open_slide(path)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("tile", [None, (32, 32)])
def test_pages_of_one_size_are_images(tmp_path: Path, tile: Any) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for number in range(3):
            file.write(_picture(number), photometric="rgb", tile=tile, metadata=None)
    assert _check(path, USUAL, 0).text == "3 images; image 1 shown"
    assert _check(path, Choice(image=3), 2).shown_text == "image 3 of 3"


def test_scans_of_one_file_are_images_with_their_own_levels(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    small = np.repeat(np.repeat(_picture(5), 2, 0), 2, 1)[: SIZE + 40]
    with tifffile.TiffWriter(path, ome=True) as file:
        for pixels in (_picture(0), small, _picture(2)):
            options: dict[str, Any] = {"photometric": "rgb", "tile": (32, 32)}
            facts = {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
            file.write(pixels, subifds=1, metadata=facts, **options)
            file.write(pixels[::2, ::2], subfiletype=1, **options)
    with closing(open_slide(path)) as reader:
        assert reader.metadata.stack.text == "3 images; image 2 shown"
        assert reader.metadata.stack.suffix == ""
    for image, number in ((1, 0), (3, 2)):
        stack = _check(path, Choice(image=image), number)
        assert stack.suffix == f":i{image}"
        with closing(open_slide(path, Choice(image=image))) as reader:
            assert len(reader.metadata.pyramid.levels) == 2
            half = reader.read(1, 0, 0, SIZE // 2, SIZE // 2)
            assert (half == _picture(number)[::2, ::2]).all()


@pytest.mark.parametrize("reduced", [0, 1])
@pytest.mark.parametrize("tile", [None, (64, 64)])
def test_another_picture_of_half_the_size_is_no_level(
    tmp_path: Path, reduced: int, tile: Any
) -> None:
    rows, columns = np.mgrid[:384, :512]
    first = np.stack([rows // 2, columns // 3, 255 - rows // 2], axis=2).astype(np.uint8)
    other = np.ascontiguousarray(first[::-2, ::-2])
    for name, second in (("copy", first[::2, ::2]), ("other", other)):
        path = tmp_path / f"{name}.tif"
        with tifffile.TiffWriter(path) as file:
            options: dict[str, Any] = {"photometric": "rgb", "tile": tile, "metadata": None}
            file.write(first, **options)
            file.write(second, subfiletype=reduced, **options)
        with closing(open_slide(path)) as reader:
            assert (reader.read(0, 0, 0, 512, 384) == first).all()
            stack = reader.metadata.stack
            if tile is not None and (reduced or name == "other"):  # else they are computed
                assert len(reader.metadata.pyramid.levels) == (2 if name == "copy" else 1)
        assert stack.images == (2 if name == "other" and not reduced else 1)
    if not reduced:
        with closing(open_slide(path, Choice(image=2))) as reader:
            assert (reader.read(0, 0, 0, 256, 192) == other).all()


def test_what_takes_too_long_to_compare_is_taken_for_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = Mock(wraps=tiff_likeness._means)
    monkeypatch.setattr(tiff_likeness, "_means", compare)
    path = tmp_path / "a.tif"
    for side, is_compared in ((4096, False), (64, True)):  # 512 and 8 times as large
        with tifffile.TiffWriter(path) as file:
            options: dict[str, Any] = {"photometric": "minisblack", "compression": "zlib"}
            file.write(np.zeros((side, side), np.uint8), tile=(256, 256), **options)
            file.write(np.zeros((8, 8), np.uint8), **options)
        compare.reset_mock()
        with closing(open_slide(path)) as reader:
            assert reader.metadata.stack.images == 1
        assert compare.called is is_compared


def test_every_picture_has_a_fingerprint_of_its_own_and_the_first_that_of_the_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, _stack("TZYXS"), photometric="rgb", metadata={"axes": "TZYXS"})
    found = {}
    for choice in (USUAL, *(Choice(None, z, t) for z in (1, 2, 3) for t in (1, 2))):
        with closing(open_slide(path, choice)) as reader:
            found[choice] = reader.metadata.fingerprint
            # What an earlier version saved was of the first picture.
            assert (reader.metadata.former is None) == (
                ":z" in found[choice][3:] or ":t" in found[choice][3:]
            )
    assert len(set(found.values())) == PLANES * TIMES
    assert found[USUAL] == found[Choice(None, 1, 1)]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Choice(plane=4), "no focal plane 4; it has 3 focal planes, numbered from 1"),
        (Choice(plane=0), "no focal plane 0"),
        (Choice(time_point=3), "no time point 3; it has 2 time points"),
        (Choice(image=2), "no image 2; it has one image"),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, choice: Choice, words: str) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, _stack("TZYXS"), photometric="rgb", metadata={"axes": "TZYXS"})
    with pytest.raises(UsageError, match=words):
        open_slide(path, choice)


def test_a_slide_or_photo_of_one_picture_has_no_second(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", _picture(1), photometric="rgb", tile=(32, 32))
    tifffile.imwrite(tmp_path / "b.tif", _picture(1), photometric="rgb")
    for name in ("a.tif", "b.tif"):
        with pytest.raises(
            UsageError, match=f"{name} has no focal plane 2; it has one focal plane"
        ):
            open_slide(tmp_path / name, Choice(plane=2))
        assert _check(tmp_path / name, Choice(1, 1, 1), 1).text == ""


def _channels(path: Path, count: int, **facts: Any) -> Path:
    pixels = np.full((count, SIZE, SIZE), 90, np.uint8)
    metadata = {"axes": "CYX", **({"Channel": facts} if facts else {})}
    tifffile.imwrite(path, pixels, ome=True, photometric="minisblack", metadata=metadata)
    return path


@pytest.mark.parametrize(
    ("count", "facts", "words"),
    [
        (2, {}, "of 2 channels, neither RGB nor grey"),
        (4, {"Name": ["DAPI", "FITC", "Cy3", "Cy5"]}, r"4 fluorescence channels \(DAPI, FITC, Cy3"),
        (3, {"Name": ["CD3", "CD8", "Ki67"]}, r"of 3 channels \(CD3, CD8, Ki67\)"),
        (3, {"Name": ["Blue", "Green", "Red"]}, r"3 channels \(Blue, Green, Red\)"),
        (3, {"EmissionWavelength": [461, 519, 570]}, "3 fluorescence channels"),
        (3, {"Color": [0x0000FFFF, 0x00FF00FF, -16776961]}, "of 3 channels"),
    ],
)
def test_channels_that_are_no_colours_are_refused_by_name(
    tmp_path: Path, count: int, facts: dict[str, Any], words: str
) -> None:
    path = _channels(tmp_path / "a.ome.tif", count, **facts)
    with pytest.raises(SlideOpenError, match=words):
        open_slide(path)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"Name": ["Red", "green", "B"]},
        {"Name": ["Channel 0", "Channel 1", "Channel 2"]},
        {"Color": [-16776961, 0x00FF00FF, 0x0000FFFF]},
        {"Color": [-1, -1, -1]},
    ],
)
def test_three_channels_are_colours_if_the_file_says_so_or_nothing(
    tmp_path: Path, facts: dict[str, Any]
) -> None:
    with closing(open_slide(_channels(tmp_path / "a.ome.tif", 3, **facts))) as reader:
        assert (reader.read(0, 0, 0, 4, 4) == 90).all()


@pytest.mark.parametrize("is_rgb", [True, False])
def test_three_channels_of_imagej_are_colours_if_they_are_displayed_so(
    tmp_path: Path, is_rgb: bool
) -> None:
    path = tmp_path / "a.tif"
    ramp = np.arange(256, dtype=np.uint8)
    tables = []
    for own in ((0,), (1,), (2,)) if is_rgb else ((2,), (1,), (0, 2)):
        table = np.zeros((3, 256), np.uint8)
        table[list(own)] = ramp
        tables.append(table)
    pixels = np.full((3, SIZE, SIZE), 90, np.uint8)
    metadata = {"axes": "CYX", "mode": "composite", "LUTs": tables}
    tifffile.imwrite(path, pixels, imagej=True, metadata=metadata)
    if is_rgb:
        with closing(open_slide(path)) as reader:
            assert (reader.read(0, 0, 0, 4, 4) == 90).all()
    else:
        with pytest.raises(SlideOpenError, match="of 3 channels"):
            open_slide(path)
