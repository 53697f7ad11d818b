"""Measured values are those of geometry, in um also where pixels are not square."""

import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.pixel_size import Origin, PixelSize
from bachview.marks.annotation import Annotation, Frame, Kind
from bachview.marks.measures import Measures, measures_of, measures_text

HALF = PixelSize.typed(0.5)
UNEVEN = PixelSize(0.5, 0.25, Origin.FILE)

sides = st.floats(10, 1e5)


def of(kind: Kind, shape: object, pixel_size: PixelSize = HALF) -> Measures:
    return measures_of(Annotation.drawn(kind, shape), pixel_size)  # type: ignore[arg-type]


@given(sides, sides, st.floats(0, 360))
def test_turning_changes_no_area_nor_perimeter(width: float, height: float, deg: float) -> None:
    frame = Frame(7, 8, width, height, deg)
    found = of(Kind.RECTANGLE, frame)
    assert found.area_mm2 == pytest.approx(width * height * 0.25e-6, rel=1e-6)
    assert found.perimeter_um == pytest.approx(width + height, rel=1e-6)
    round_one = of(Kind.ELLIPSE, frame)
    assert round_one.area_mm2 == pytest.approx(math.pi / 4 * width * height * 0.25e-6)


@given(st.floats(10, 100), st.floats(10, 100), st.floats(0, 360))
def test_an_ellipse_is_measured_as_the_polygon_that_is_drawn(
    width: float, height: float, deg: float
) -> None:
    mark = Annotation.drawn(Kind.ELLIPSE, Frame(0, 0, width, height, deg))
    found = measures_of(mark, UNEVEN)
    drawn = shapely.transform(mark.geometry, lambda places: places * (0.5, 0.25))
    assert found.area_mm2 == pytest.approx(drawn.area / 1e6, rel=1e-3)
    assert found.perimeter_um == pytest.approx(drawn.length, rel=1e-3)


def test_holes_are_not_part_of_the_area_but_have_an_outline() -> None:
    shape = shapely.box(0, 0, 100, 100).difference(shapely.box(10, 10, 20, 20))
    found = of(Kind.AREA, shape)
    assert found.area_px2 == 9900
    assert found.area_mm2 == pytest.approx(9900 * 0.25e-6)
    assert found.perimeter_um == pytest.approx(220)


def test_a_length_counts_each_side_of_a_pixel() -> None:
    line = shapely.LineString([(0, 0), (30, 80)])
    assert of(Kind.LINE, line, UNEVEN).length_um == pytest.approx(25)
    two = shapely.MultiLineString([[(0, 0), (10, 0)], [(0, 5), (10, 5)]])
    assert of(Kind.LINE, two).length_um == pytest.approx(10)


def test_an_angle_is_that_on_the_glass() -> None:
    corner = shapely.LineString([(10, 0), (0, 0), (0, 10)])
    assert of(Kind.ANGLE, corner).angle_deg == pytest.approx(90)
    slope = shapely.LineString([(10, 0), (0, 0), (10, 20)])
    assert of(Kind.ANGLE, slope, UNEVEN).angle_deg == pytest.approx(45)


@pytest.mark.parametrize(
    ("kind", "shape", "text", "text_px"),
    [
        (Kind.RECTANGLE, Frame(0, 0, 2000, 2000), "1 mm²", "4,000,000 px²"),
        (Kind.LINE, shapely.LineString([(0, 0), (500, 0)]), "250 µm", "500 px"),
        (Kind.ANGLE, shapely.LineString([(1, 0), (0, 0), (0, 1)]), "90°", "90°"),
        (Kind.POINTS, shapely.MultiPoint([(0, 0), (1, 1)]), "2", "2"),
        (Kind.POINTS, shapely.Point(0, 0), "", ""),
        (Kind.TEXT, shapely.Point(0, 0), "", ""),
    ],
)
def test_the_value_at_the_shape(kind: Kind, shape: object, text: str, text_px: str) -> None:
    assert measures_text(of(kind, shape)) == text
    unknown = of(kind, shape, PixelSize.unknown())
    assert measures_text(unknown) == text_px
    assert unknown.area_mm2 is None
    assert unknown.length_um is None
