"""What is done with annotations keeps their areas, and can be undone as a whole."""

from dataclasses import replace

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from bachview.errors import UsageError
from bachview.marks import operations as ops
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.shapes import (
    Vertex,
    as_area,
    rings_of,
    vertex_added,
    vertex_moved,
    vertex_removed,
    with_rings,
)
from bachview.marks.transforms import moved, resized, turned
from bachview.marks.working_set import Edit, WorkingSet

INVASIVE = AnnotationClass("Invasive", (214, 39, 10))


def box(left: float, top: float, right: float, bottom: float) -> Annotation:
    return Annotation.drawn(Kind.AREA, shapely.box(left, top, right, bottom), INVASIVE)


def line(*places: tuple[float, float]) -> Annotation:
    return Annotation.drawn(Kind.LINE, shapely.LineString(places))


def done(edit: Edit, *marks: Annotation) -> list[Annotation]:
    """The annotations after an edit, which is undone to see that it can be."""
    working = WorkingSet(marks)
    working.apply(edit)
    after = list(working.annotations.values())
    working.undo()
    assert set(working.annotations.values()) == set(marks)
    return after


numbers = st.floats(-1e4, 1e4)
sides = st.floats(1, 1e4)
frames = st.builds(Frame, numbers, numbers, sides, sides, st.floats(0, 359))
marks = st.one_of(
    st.builds(Annotation.drawn, st.sampled_from([Kind.RECTANGLE, Kind.ELLIPSE]), frames),
    st.builds(lambda frame: box(0, 0, frame.width, frame.height), frames),
)


@given(marks, numbers, numbers, st.floats(-360, 360))
def test_moving_and_turning_keeps_the_area_and_can_be_reversed(
    mark: Annotation, x: float, y: float, deg: float
) -> None:
    there = turned(moved(mark, x, y), deg, (x, y))
    assert there.kind is mark.kind
    assert there.geometry.area == pytest.approx(mark.geometry.area, rel=1e-6)
    back = moved(turned(there, -deg, (x, y)), -x, -y)
    assert back.bounds == pytest.approx(mark.bounds, abs=1e-3)


@given(marks, st.floats(0.1, 9), st.floats(0.1, 9), st.floats(0, 90))
def test_resizing_multiplies_the_area(
    mark: Annotation, along: float, across: float, deg: float
) -> None:
    found = resized(mark, (3, 4), along, across, deg)
    assert found.geometry.area == pytest.approx(mark.geometry.area * along * across, rel=1e-6)
    # As its points are mapped one by one.
    expected = shapely.affinity.rotate(mark.geometry, -deg, origin=(3, 4))
    expected = shapely.affinity.scale(expected, along, across, origin=(3, 4))
    expected = shapely.affinity.rotate(expected, deg, origin=(3, 4))
    assert found.bounds == pytest.approx(expected.bounds, rel=1e-3, abs=1e-3)


def test_a_frame_is_resized_along_its_own_sides() -> None:
    mark = Annotation.drawn(Kind.RECTANGLE, Frame(0, 0, 10, 20, 30))
    assert isinstance(mark.shape, Frame)
    found = resized(mark, mark.shape.point(-1, -1), 3, 0.5, 30).shape
    assert isinstance(found, Frame)
    assert (found.width, found.height, found.angle_deg) == pytest.approx((30, 10, 30))
    assert found.point(-1, -1) == pytest.approx(mark.shape.point(-1, -1))
    mirrored = resized(mark, (0, 0), -1, 1, 30).shape
    assert isinstance(mirrored, Frame)
    assert (mirrored.width, mirrored.height) == pytest.approx((10, 20))


def test_a_cell_keeps_its_nucleus() -> None:
    cell = box(0, 0, 10, 10).with_changes(nucleus=shapely.box(4, 4, 6, 6))
    there = moved(cell, 5, 0)
    assert there.nucleus is not None
    assert there.nucleus.bounds == (9, 4, 11, 6)


def test_what_was_measured_of_a_shape_goes_with_that_shape() -> None:
    measured = replace(box(0, 0, 10, 10), measurements={"Area µm^2": 25.0})
    framed = replace(
        measured, kind=Kind.RECTANGLE, shape=Frame(5, 5, 10, 10), id="framed", annotation_class=None
    )
    (renamed,) = done(ops.set_values("rename", [measured], name="a"), measured)
    assert renamed.measurements == as_area(framed).measurements == measured.measurements
    for each in (
        moved(measured, 1, 0),
        turned(framed, 10, (0, 0)),
        vertex_removed(measured, Vertex(0, 0)),
    ):
        assert each is not None
        assert not each.measurements
    (copy,) = (change.after for change in ops.duplicate([measured], 5, 5).changes)
    assert isinstance(copy, Annotation)
    assert not copy.measurements
    other = box(5, 0, 20, 9)
    (merged,) = done(ops.merge([measured, other]), measured, other)
    assert not merged.measurements


def test_merged_areas_are_one_with_the_values_of_the_first() -> None:
    first, second, far = box(0, 0, 10, 10), box(5, 0, 15, 10), box(50, 0, 60, 10)
    (merged,) = done(ops.merge([first, second, far]), first, second, far)
    assert merged.geometry.area == 250
    assert (merged.id, merged.annotation_class) == (first.id, INVASIVE)
    points = [Annotation.drawn(Kind.POINTS, shapely.Point(x, 0)) for x in (1, 2)]
    (both,) = done(ops.merge(points), *points)
    assert rings_of(both) == [[(1, 0), (2, 0)]]
    with pytest.raises(UsageError, match="lines with lines"):
        ops.merge([first, line((0, 0), (1, 1))])


def test_parts_are_split_and_areas_are_cut_by_a_line() -> None:
    parts = Annotation.drawn(
        Kind.AREA,
        shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(5, 5, 7, 7)]),
        INVASIVE,
    )
    found = done(ops.split([parts]), parts)
    assert sorted(each.geometry.area for each in found) == [1, 4]
    assert {each.annotation_class for each in found} == {INVASIVE}
    area, cut = box(0, 0, 10, 10), line((-1, 3), (11, 3))
    found = done(ops.split([area, cut]), area, cut)
    assert sorted(each.geometry.area for each in found) == [0, 30, 70]
    assert next(each for each in found if each.geometry.area == 70).id == area.id
    with pytest.raises(UsageError, match="does not cut"):
        ops.split([area, line((2, 2), (3, 3))])


def test_smaller_areas_are_cut_out_of_the_largest() -> None:
    large, small = box(0, 0, 10, 10), box(2, 2, 4, 4)
    found = done(ops.subtract([small, large]), large, small)
    assert [each.geometry.area for each in found] == [96, 4]
    with pytest.raises(UsageError, match="do not overlap"):
        ops.subtract([large, box(20, 20, 21, 21)])
    with pytest.raises(UsageError, match="Nothing"):
        ops.subtract([large, box(0, 0, 10, 10)])
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])  # as rounding may leave one
    (cut,) = done(ops.subtract([large, Annotation.drawn(Kind.AREA, bow)]), large)
    assert cut.geometry.area == pytest.approx(50)


def test_simplifying_leaves_out_vertices_and_moves_no_edge_far() -> None:
    circle = Annotation.drawn(Kind.AREA, shapely.Point(0, 0).buffer(100, quad_segs=90))
    edit, before, after = ops.simplify([circle, box(0, 0, 1, 1)], 0.5)
    assert after < before / 5
    (simple,) = done(edit, circle)
    assert simple.geometry.hausdorff_distance(circle.geometry) <= 0.5
    assert not ops.simplify([box(0, 0, 9, 9)], 1)[0].changes


def test_copies_are_others_and_locked_ones_are_left_out() -> None:
    mark = box(0, 0, 1, 1).with_changes(is_locked=True)
    _, copy = done(ops.duplicate([mark], 5, 5), mark)
    assert copy.id != mark.id
    assert list(copy.bounds) == [5, 5, 6, 6]
    assert [each.is_locked for each in (mark, copy)] == [True, False]
    none, sentence = ops.unlocked([mark])
    assert not none
    assert sentence == "The annotation is locked: unlock first."
    assert ops.unlocked([mark, mark])[1] == "Both annotations are locked: unlock first."
    free, sentence = ops.unlocked([mark, copy])
    assert free == (copy,)
    assert sentence == "1 of the 2 annotations is locked and stays as it is."


def test_values_are_set_where_they_differ() -> None:
    named, other = box(0, 0, 1, 1).with_changes(name="a"), box(0, 0, 2, 2)
    edit = ops.set_values("rename", [named, other], name="a")
    assert edit.text == "rename 1 annotation"
    assert {each.name for each in done(edit, named, other)} == {"a"}


def test_vertices_can_be_moved_added_and_removed() -> None:
    holed = Annotation.drawn(
        Kind.AREA, shapely.box(0, 0, 10, 10).difference(shapely.box(2, 2, 4, 4))
    )
    outer, hole = rings_of(holed)
    assert [len(outer), len(hole)] == [4, 4]
    corner = outer.index((10, 10))
    wider = vertex_moved(holed, Vertex(0, corner), (20, 10))
    assert wider is not None
    assert wider.geometry.area == pytest.approx(96 + 50)
    (x, y), (next_x, next_y) = outer[corner - 1], outer[corner]
    more = vertex_added(holed, Vertex(0, corner), ((x + next_x) / 2 + 1, (y + next_y) / 2 + 1))
    assert more is not None
    assert len(rings_of(more)[0]) == 5
    closed = vertex_removed(holed, Vertex(1, 0))
    assert closed is not None
    closed = vertex_removed(closed, Vertex(1, 0))
    assert closed is not None
    assert len(rings_of(closed)) == 1
    assert with_rings(holed, [[], []]) is None


def test_an_outline_that_crosses_itself_is_mended() -> None:
    bow = vertex_moved(box(0, 0, 10, 10), Vertex(0, 0), (-5, 5))
    assert bow is not None
    crossed = with_rings(box(0, 0, 10, 10), [[(0, 0), (10, 10), (10, 0), (0, 10)]])
    assert crossed is not None
    assert crossed.geometry.is_valid
    assert crossed.geometry.area == 50
    short = vertex_removed(line((0, 0), (1, 1)), Vertex(0, 0))
    assert short is None


def test_values_without_a_shape_keep_what_is_known_of_it() -> None:
    one = Annotation.drawn(Kind.ELLIPSE, Frame(50, 50, 20, 10, 30), INVASIVE)
    known = one.geometry, one.bounds
    (change,) = ops.set_values("name", [one], name="a", note="b").changes
    after = change.after
    assert isinstance(after, Annotation)
    assert after == replace(one, name="a", note="b", changed=after.changed)
    assert after.geometry is known[0]
    assert (one.name, one.geometry) == ("", known[0])
    wider = after.with_changes(shape=Frame(50, 50, 40, 10, 30))
    assert wider.bounds[2] - wider.bounds[0] > known[1][2] - known[1][0]
    with pytest.raises(TypeError):
        one.with_changes(colour=(1, 2, 3))
    with pytest.raises(ValueError, match="no line"):
        one.with_changes(kind=Kind.LINE)
