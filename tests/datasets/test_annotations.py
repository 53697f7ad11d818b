"""Aperio XML: classes in all spellings, outlines as people draw them, files that are none."""

from pathlib import Path

import pytest
import shapely

from bachview.core.classes import BACH_CLASSES
from bachview.datasets.annotations import class_of_text, read_annotations
from bachview.errors import DatasetError
from tests.support.aperio_xml import rectangle, region, write_xml
from tests.support.real_data import shared_file

SQUARE = rectangle(100, 200, 300, 500)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Normal", 0),
        ("benign", 1),
        ("Benign lesion", 1),
        ("Carcinoma in situ", 2),
        ("in-situ carcinoma", 2),
        ("InSitu", 2),
        ("Invasive carcinoma", 3),
        ("carcinoma  INVASIVE", 3),
        ("non-invasive carcinoma", None),
        ("abnormal", None),
        ("invasive and in situ", None),
        ("carcinoma", None),
        ("", None),
    ],
)
def test_a_class_is_named_by_whole_words_in_any_order(text: str, label: int | None) -> None:
    assert class_of_text(text, classes=BACH_CLASSES) == label


def test_the_attribute_names_the_class_then_the_text_then_the_layer(tmp_path: Path) -> None:
    path = write_xml(
        tmp_path / "A01.xml",
        [
            region(rectangle(0, 0, 40, 40), attribute="Benign", text="Carcinoma in situ"),
            region(rectangle(0, 0, 30, 30), text="Carcinoma in situ"),
            region(rectangle(0, 0, 20, 20), attribute="checked", text="Carcinoma invasive"),
            region(rectangle(0, 0, 10, 10)),
        ],
        layer="benign",
    )
    assert [found.label for found in read_annotations(path, classes=BACH_CLASSES).regions] == [
        1,
        2,
        3,
        1,
    ]


def test_points_are_level_0_pixels(tmp_path: Path) -> None:
    found = read_annotations(
        write_xml(tmp_path / "a.xml", [region(SQUARE, text="Benign")]), classes=BACH_CLASSES
    )
    assert found.mpp == 0.5
    assert found.regions[0].polygon.equals(shapely.box(100, 200, 300, 500))


@pytest.mark.parametrize("mpp", [None, "", "zero", "0", "352.8", "nan"])
def test_an_implausible_pixel_size_is_none(tmp_path: Path, mpp: str | None) -> None:
    path = write_xml(tmp_path / "a.xml", [region(SQUARE, text="Benign")], mpp=mpp)
    assert read_annotations(path, classes=BACH_CLASSES).mpp is None


def test_an_inner_region_counts_whichever_was_drawn_first(tmp_path: Path) -> None:
    inner = region(rectangle(150, 250, 200, 300), text="in situ")
    outer = region(SQUARE, text="invasive")
    for drawn in ([inner, outer], [outer, inner]):
        regions = read_annotations(
            write_xml(tmp_path / "a.xml", drawn), classes=BACH_CLASSES
        ).regions
        assert [found.label for found in regions] == [3, 2]


def test_outlines_that_cross_themselves_are_split_into_valid_ones(tmp_path: Path) -> None:
    bow = ((0, 0), (100, 100), (100, 0), (0, 100))
    regions = read_annotations(
        write_xml(tmp_path / "a.xml", [region(bow, text="Benign")]), classes=BACH_CLASSES
    ).regions
    assert len(regions) == 2
    assert all(found.polygon.is_valid and found.label == 1 for found in regions)
    assert sum(found.polygon.area for found in regions) == pytest.approx(5000)


def test_outlines_without_an_area_are_left_out(tmp_path: Path) -> None:
    drawn = [
        region(((1, 1), (5, 5)), kind=4),
        region(SQUARE, kind=3),
        region(((1, 1), (1, 1), (1, 1), (1, 1)), text="Benign"),
        region((), text="Benign"),
        region(((0, 0), (50, 50), (100, 100)), text="Benign"),
    ]
    assert (
        read_annotations(write_xml(tmp_path / "a.xml", drawn), classes=BACH_CLASSES).regions == ()
    )


def test_an_ellipse_is_its_rectangles(tmp_path: Path) -> None:
    drawn = [region(((0, 0), (200, 100)), text="Benign", kind=2)]
    (found,) = read_annotations(write_xml(tmp_path / "a.xml", drawn), classes=BACH_CLASSES).regions
    assert found.polygon.bounds == pytest.approx((0, 0, 200, 100))
    assert found.polygon.area == pytest.approx(3.14159 * 100 * 50, rel=1e-3)


def test_a_negative_region_is_a_hole(tmp_path: Path) -> None:
    hole = region(rectangle(150, 250, 200, 300), negative=True)
    drawn = [hole, region(SQUARE, text="Benign")]
    (found,) = read_annotations(write_xml(tmp_path / "a.xml", drawn), classes=BACH_CLASSES).regions
    assert found.polygon.area == 200 * 300 - 50 * 50
    assert len(found.polygon.interiors) == 1


@pytest.mark.parametrize("text", ["", "Fibroadenoma"])
def test_a_region_without_a_known_class_is_an_error_that_names_it(
    tmp_path: Path, text: str
) -> None:
    path = write_xml(tmp_path / "A07.xml", [region(SQUARE, text=text)])
    with pytest.raises(DatasetError, match=rf"Region 7 in A07\.xml.*{text}"):
        read_annotations(path, classes=BACH_CLASSES)


@pytest.mark.parametrize("x", ["nan", "1e300", "left", ""])
def test_a_point_without_a_place_is_an_error(tmp_path: Path, x: str) -> None:
    path = write_xml(tmp_path / "a.xml", [region(SQUARE, text="Benign")])
    path.write_text(path.read_text().replace('X="100"', f'X="{x}"'))
    with pytest.raises(DatasetError, match=r"Region 7 in a\.xml"):
        read_annotations(path, classes=BACH_CLASSES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<Annotations>",
        "<svg/>",
        "\x00\x01",
        '<!DOCTYPE a [<!ENTITY b "c">]><Annotations>&b;</Annotations>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><Annotations/>',
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"a\.xml"):
        read_annotations(path, classes=BACH_CLASSES)
    with pytest.raises(DatasetError, match=r"none\.xml"):
        read_annotations(tmp_path / "none.xml", classes=BACH_CLASSES)


def test_a_real_imagescope_file_is_read_once_its_regions_have_classes(tmp_path: Path) -> None:
    path = shared_file("annotations/imagescope.xml")
    with pytest.raises(DatasetError, match=r"Region 1 in imagescope\.xml has no class"):
        read_annotations(path, classes=BACH_CLASSES)
    named = tmp_path / "named.xml"
    named.write_text(path.read_text("utf-8").replace('Text=""', 'Text="Carcinoma invasive"'))
    found = read_annotations(named, classes=BACH_CLASSES)
    assert found.mpp == 0.499
    assert {one.label for one in found.regions} == {3}
    assert all(one.polygon.is_valid for one in found.regions)
    left, top, right, bottom = shapely.union_all([one.polygon for one in found.regions]).bounds
    assert 0 < left < 11960 <= right
    assert 0 < top < bottom
