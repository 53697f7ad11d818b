"""Which annotations are found at a place, held against asking each one."""

import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bachview.core.geometry import Point
from bachview.marks.annotation import AREAS, Annotation, Kind
from bachview.marks.index import AnnotationIndex
from tests.support.annotations import annotations, star

_coordinates = st.floats(0, 30_000, allow_nan=False)


def _area(x: float, y: float, radius: float) -> Annotation:
    return Annotation.drawn(Kind.AREA, star(x, y, radius))


@settings(max_examples=60)
@given(
    st.lists(annotations(), max_size=6, unique_by=lambda each: each.id),
    st.lists(st.sampled_from(range(6)), max_size=3),
    _coordinates,
    _coordinates,
    st.floats(0, 20_000),
)
def test_the_index_finds_what_asking_each_finds(
    made: list[Annotation], hidden: list[int], x: float, y: float, reach: float
) -> None:
    index = AnnotationIndex(made)
    index.at(Point(0, 0), 0)  # builds the tree, so that what follows is outside of it
    present = {each.id: each for each in made}
    for n in hidden:
        if n < len(made):
            other = made[n].with_changes(is_hidden=True)
            index.put(other)
            present[other.id] = other
    if made:
        index.remove(made[0].id)
        del present[made[0].id]
        other = _area(15_000, 15_000, 400)
        index.put(other)
        present[other.id] = other
    shown = [each for each in present.values() if not each.is_hidden]
    place = shapely.Point(x, y)
    expected = {each.id for each in shown if each.geometry.distance(place) <= reach}
    found = index.at(Point(x, y), reach)
    assert {each.id for each in found} == expected
    areas = [each.geometry.area if each.kind in AREAS else 0 for each in found]
    assert areas == sorted(areas)
    corners = [Point(x, y), Point(x + reach, y), Point(x + reach, y + 500), Point(x, y + 500)]
    if reach:
        region = shapely.box(x, y, x + reach, y + 500)
        touched = {each.id for each in shown if each.geometry.intersects(region)}
        inside = {each.id for each in shown if region.covers(each.geometry)}
        assert {each.id for each in index.within(corners, whole=False)} == touched
        assert {each.id for each in index.within(corners, whole=True)} == inside


def test_many_changes_are_followed() -> None:
    index = AnnotationIndex(_area(100 * n, 0, 30) for n in range(50))
    assert index.at(Point(0, 0), 1)
    moved = [_area(100 * n, 5000, 30) for n in range(300)]
    for each in moved:
        index.put(each)
    for n, each in enumerate(moved):
        assert index.at(Point(100 * n, 5000), 1) == [each]
