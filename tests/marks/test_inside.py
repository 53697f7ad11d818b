"""What the model says inside an annotation: exact areas, whatever the outline cuts."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.core.uncertainty import Thresholds
from bachview.marks.annotation import Annotation, Frame, Kind
from bachview.marks.inside import areas_inside, inside
from tests.support.predictions import GRID, prediction

SURE = Thresholds(0.5, 1.0)
#: 0.5 mm² per million px², with px that are not square.
SIZE = PixelSize(0.5, 1.0, Origin.FILE)


def area(shape: BaseGeometry) -> Annotation:
    return Annotation.drawn(Kind.AREA, shape)


def coordinate(least: float, most: float) -> st.SearchStrategy[float]:
    """As precise as files state them: GEOS cuts wrongly at corners 1e-284 px off an edge."""
    return st.floats(least, most).map(lambda value: round(value, 6))


points = st.tuples(coordinate(-200, 2200), coordinate(-200, 1500))


@settings(max_examples=60, deadline=None)
@given(st.lists(points, min_size=3, max_size=12), st.booleans())
def test_each_cell_counts_with_exactly_the_part_inside(
    corners: list[tuple[float, float]], with_hole: bool
) -> None:
    shape = shapely.make_valid(shapely.Polygon(corners))
    if with_hole:
        shape = shape.difference(shape.centroid.buffer(90))
    if shape.is_empty or not shape.area:
        return
    areas, (rows, columns) = areas_inside(GRID, shape)
    found = np.zeros((GRID.rows, GRID.columns))
    found[rows, columns] = areas
    at_row, at_column = np.indices(found.shape)
    left, top = GRID.region.x + at_column * GRID.stride_x, GRID.region.y + at_row * GRID.stride_y
    right = np.minimum(left + GRID.stride_x, GRID.region.right)
    bottom = np.minimum(top + GRID.stride_y, GRID.region.bottom)
    cells = shapely.box(left, top, right, bottom)
    assert np.allclose(found, shapely.area(shapely.intersection(cells, shape)), atol=1e-3)


def test_areas_of_classes_are_in_mm2_and_add_up_to_the_annotation() -> None:
    cell = GRID.cell(2, 3)  # of class (2 + 6) % 4 = Normal; its right neighbour is In situ
    frame = Frame(cell.right, cell.center.y, cell.width, cell.height / 2)
    found = inside(prediction(), SURE, Annotation.drawn(Kind.RECTANGLE, frame), SIZE)
    assert found is not None
    half = cell.width * cell.height / 4
    shares = {one.key: part.share for one, part in found.classes}
    assert shares == pytest.approx({"Normal": 0.5, "Benign": 0, "InSitu": 0.5, "Invasive": 0})
    assert found.classes[0][1].area_mm2 == pytest.approx(half * 0.5 / 1e6)
    assert found.classes[0][1].cells == 1
    assert found.coverage == pytest.approx(1)
    assert found.coverage_text == "All of the annotation judged"
    assert sum(part.area_px for _, _, part in found.rows) == pytest.approx(found.all.area_px)
    assert found.measurements["Model: In situ %"] == pytest.approx(50)
    unknown = inside(prediction(), SURE, Annotation.drawn(Kind.ELLIPSE, frame), PixelSize.unknown())
    assert unknown is not None
    assert unknown.classes[0][1].area_mm2 is None
    assert "px²" in unknown.classes[0][1].text
    assert not any("mm" in name for name in unknown.measurements)


def test_what_has_no_class_is_told_apart_and_counts_for_no_coverage() -> None:
    grid = PatchGrid(Region(0, 0, 500, 100), 100, 100, 100, 100)
    tissue = TissueCells.centred(np.array([[True, True, True, True, False]]))
    made = Prediction(grid, BACH_CLASSES, ("a",), tissue)
    states = [CellState.CLASSIFIED, CellState.OUTSIDE, CellState.FAILED]
    probabilities = np.zeros((3, 4), np.float32)
    probabilities[0] = [0.4, 0.3, 0.2, 0.1]
    made.add(
        PatchResults(
            np.array([[0, 0], [0, 1], [0, 2]], np.int32),
            np.array(states, np.uint8),
            probabilities[:, None],
            probabilities,
        )
    )
    found = inside(made, SURE, area(shapely.box(0, 0, 600, 100)), SIZE)
    assert found is not None
    sixth = pytest.approx(1 / 6)
    assert [part.share for _, part in found.without_class] == [sixth] * 5
    assert found.beyond.share == sixth
    assert found.coverage == sixth  # uncertain, but judged
    sure = inside(made, Thresholds(0.4, 1.0), area(shapely.box(0, 0, 600, 100)), SIZE)
    assert sure is not None
    assert sure.classes[0][1].share == sixth
    elsewhere = inside(made, SURE, area(shapely.box(0, 200, 600, 300)), SIZE)
    assert elsewhere is not None
    assert elsewhere.beyond.share == 1
    assert elsewhere.coverage_text == "Nothing of the annotation was judged"
    line = Annotation.drawn(Kind.LINE, shapely.LineString([(0, 0), (100, 100)]))
    assert inside(made, SURE, line, SIZE) is None


def test_rounding_is_no_area_beyond_the_cells() -> None:
    corners = [(407, 467), (682, 540), (483, 430)]
    found = inside(prediction(), SURE, area(shapely.Polygon(corners)), SIZE)
    assert found is not None
    assert found.beyond.area_px == 0
