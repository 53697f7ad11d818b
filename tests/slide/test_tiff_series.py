"""The slide is found in its file, in whatever order and company its levels are stored."""

from collections.abc import Sequence
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from bachview.core.pixel_size import Origin
from bachview.errors import SlideReadError
from bachview.slide.opening import open_slide
from bachview.slide.reader import RGB, SlideReader
from tests.support.slides import gradient

SCAN = gradient(512, 384)
MPP = 0.25


def _page(file: tifffile.TiffWriter, pixels: RGB, mpp: float | None, **options: Any) -> None:
    stated = {} if mpp is None else {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": 3}
    written = {"photometric": "rgb", "tile": (64, 64), "metadata": None, **stated, **options}
    file.write(pixels, compression="zlib", **written)


def _check_scan(reader: SlideReader, downsamples: Sequence[float] | None = None) -> None:
    metadata = reader.metadata
    size = metadata.pyramid.size
    assert (size.width, size.height) == (512, 384)
    assert metadata.pixel_size.mpp_x == pytest.approx(MPP)
    assert metadata.pixel_size.origin is Origin.FILE
    assert (reader.read(0, 0, 0, 512, 384) == SCAN).all()
    if downsamples is not None:
        assert [level.downsample for level in metadata.pyramid.levels] == list(downsamples)
        assert (reader.read(1, 0, 0, 256, 192) == SCAN[::2, ::2]).all()


@pytest.mark.parametrize("order", list(permutations((1, 2, 4))))
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_pyramid_in_any_order(
    tmp_path: Path, order: tuple[int, ...], big: bool, byteorder: Any
) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=big, byteorder=byteorder) as file:
        for factor in order:
            _page(file, SCAN[::factor, ::factor], MPP * factor, subfiletype=0 if factor == 1 else 1)
    with closing(open_slide(path)) as reader:
        _check_scan(reader, (1, 2, 4))


@pytest.mark.parametrize("order", list(permutations((1, 2, 4))))
@pytest.mark.parametrize("flags", [(0, 0, 0), (1, 1, 1), (0, 1, 1)])
def test_a_pyramid_in_any_order_whose_flags_are_wrong(
    tmp_path: Path, order: tuple[int, ...], flags: tuple[int, ...]
) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for factor, flag in zip(order, flags, strict=True):
            _page(file, SCAN[::factor, ::factor], MPP * factor, subfiletype=flag)
    with closing(open_slide(path)) as reader:
        _check_scan(reader, (1, 2, 4))


@pytest.mark.parametrize("order", [(2, 4), (4, 2)])
def test_levels_below_the_first_page_are_used(tmp_path: Path, order: tuple[int, ...]) -> None:
    """OpenSlide would open the file, and show level 0 alone."""
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        _page(file, SCAN, MPP, subifds=len(order))
        for factor in order:
            _page(file, SCAN[::factor, ::factor], None, subfiletype=1)
    with closing(open_slide(path)) as reader:
        _check_scan(reader, (1, 2, 4))


def test_a_pixel_size_that_only_a_smaller_level_states_is_not_that_of_the_slide(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        _page(file, SCAN[::4, ::4], 1.0, subfiletype=1)
        _page(file, SCAN, None)
    with closing(open_slide(path)) as reader:
        assert reader.metadata.pyramid.size.width == 512
        assert reader.metadata.pixel_size.origin is Origin.UNKNOWN


@pytest.mark.parametrize("description", ["Label", "macro image", None])
def test_a_label_before_a_plain_pyramid_is_not_the_slide(
    tmp_path: Path, description: str | None
) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        _page(file, gradient(700, 640), None, description=description)
        _page(file, SCAN, MPP)
        _page(file, SCAN[::2, ::2], MPP * 2, subfiletype=1)
    with closing(open_slide(path)) as reader:
        _check_scan(reader, (1, 2))
        names = {"Label": ("label",), "macro image": ("macro",), None: ()}
        assert reader.metadata.associated_images == names[description]


def _ome(path: Path, images: Sequence[tuple[str | None, RGB, float | None, int]]) -> Path:
    """An OME-TIFF of images (name, pixels, um per px, sub-resolutions)."""
    with tifffile.TiffWriter(path, ome=True) as file:
        for name, pixels, mpp, below in images:
            facts: dict[str, Any] = {"axes": "YXS"}
            if name is not None:
                facts["Name"] = name
            if mpp is not None:
                facts |= {"PhysicalSizeX": mpp, "PhysicalSizeY": mpp}
            _page(file, pixels, None, subifds=below, metadata=facts)
            for number in range(1, below + 1):
                factor = 2**number
                _page(file, pixels[::factor, ::factor], None, subfiletype=1)
    return path


LABEL, MACRO = gradient(700, 640), gradient(900, 300)


@pytest.mark.parametrize(
    "images", list(permutations((("label", LABEL, None, 0), ("Macro", MACRO, 20.0, 0))))
)
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("scan", "below"), [("scan", 2), (None, 1), ("scan", 0)])
def test_the_scan_of_an_ome_tiff_is_opened_and_its_label_only_when_asked_for(
    tmp_path: Path, images: tuple[Any, ...], place: int, scan: str | None, below: int
) -> None:
    stored = [*images]
    stored.insert(place, (scan, SCAN, MPP, below))
    path = _ome(tmp_path / "a.ome.tif", stored)
    with closing(open_slide(path)) as reader:
        _check_scan(reader, [2**n for n in range(below + 1)] if below else None)
        assert reader.metadata.associated_images == ("label", "macro")
        assert (reader.read_associated("label") == LABEL).all()
        assert (reader.read_associated("macro") == MACRO).all()
        with pytest.raises(SlideReadError, match="no image called scan"):
            reader.read_associated("scan")
    with pytest.raises(SlideReadError, match="closed"):
        reader.read_associated("label")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    ("mpp", "below"), [(None, 0), (20.0, 0), (20.0, 2)], ids=["unstated", "coarse", "pyramid"]
)
def test_an_unnamed_image_without_the_pixels_of_a_scan_is_not_the_slide(
    tmp_path: Path, order: tuple[int, int], mpp: float | None, below: int
) -> None:
    images = [(None, LABEL, mpp, below), (None, SCAN, MPP, 1)]
    path = _ome(tmp_path / "a.ome.tif", [images[n] for n in order])
    with closing(open_slide(path)) as reader:
        _check_scan(reader, (1, 2))
        assert reader.metadata.associated_images == ()


def test_a_label_that_is_a_multiple_of_the_scan_is_not_its_level_0(tmp_path: Path) -> None:
    images = [(None, gradient(1024, 768), None, 0), (None, SCAN, MPP, 1)]
    with closing(open_slide(_ome(tmp_path / "a.ome.tif", images))) as reader:
        _check_scan(reader, (1, 2))


def test_of_two_images_of_one_size_the_scan_has_its_own_pixel_size(tmp_path: Path) -> None:
    label = np.full_like(SCAN, 200)
    images = [("label", label, 15.0, 0), ("scan", SCAN, MPP, 0)]
    with closing(open_slide(_ome(tmp_path / "a.ome.tif", images))) as reader:
        _check_scan(reader)
        assert (reader.read_associated("label") == 200).all()


def test_of_two_scans_the_larger_is_opened(tmp_path: Path) -> None:
    images = [("one", SCAN[:200, :200], MPP, 1), ("two", SCAN, MPP, 1)]
    with closing(open_slide(_ome(tmp_path / "a.ome.tif", images))) as reader:
        _check_scan(reader, (1, 2))


def test_two_labels_have_two_names_and_a_file_of_a_label_alone_is_opened(tmp_path: Path) -> None:
    images = [("label", LABEL, None, 0), ("scan", SCAN, MPP, 0), ("label", MACRO, None, 0)]
    with closing(open_slide(_ome(tmp_path / "a.ome.tif", images))) as reader:
        assert reader.metadata.associated_images == ("label", "label 2")
        assert (reader.read_associated("label 2") == MACRO).all()
    with closing(open_slide(_ome(tmp_path / "b.ome.tif", images[:1]))) as reader:
        assert (reader.read(0, 0, 0, 700, 640) == LABEL).all()
        assert reader.metadata.associated_images == ()
