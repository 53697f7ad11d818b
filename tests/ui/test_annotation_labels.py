"""Measured values, names and notes at annotations: at the right place, and not on each other."""

from collections.abc import Iterable

import numpy as np
import pytest
import shapely
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point, Region
from bachview.core.pixel_size import PixelSize
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.measures import measures_of, measures_text
from bachview.ui.view.annotation_labels import Label, plate_of
from bachview.ui.view.label_maker import LabelMaker
from bachview.ui.view.painting import ViewPlane
from bachview.ui.view.slide_view import SlideView
from bachview.viewing.viewport import Viewport
from tests.support.slide_views import Pixels, shown

EVERYWHERE = Region(0, 0, 4000, 3000)
SIZE = PixelSize.typed(0.5)


def _has_plate(view: SlideView, place: Point, right: float, down: float, picture: Pixels) -> bool:
    """Whether a dark plate with light letters is beside a place of the slide."""
    assert view.viewport is not None
    x, y = view.viewport.vp_from_l0(place)
    left, top = round(x + right), round(y + down)
    part = picture[top : top + 8, left : left + 16]
    return bool(part.max(axis=-1).min() < 90 and part.min() < 60)


@pytest.mark.parametrize("turn", [0.0, 37.0])
def test_values_stand_at_shapes_and_notes_at_their_place(
    view: SlideView, qtbot: QtBot, turn: float
) -> None:
    view.zoom_to_magnification(10.0)
    view.center_on(Point(2000, 1500))
    view.set_rotation(turn)
    line = Annotation.drawn(Kind.LINE, shapely.LineString([(1850, 1400), (2050, 1400)]))
    note = Annotation.drawn(Kind.TEXT, shapely.Point(1900, 1950), note="look here")
    view.annotations.set_annotations({each.id: each for each in (line, note)})

    def picture() -> Pixels:
        qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
        return shown(view)

    on = picture()
    assert _has_plate(view, Point(2050, 1400), 10, 10, on)
    assert _has_plate(view, Point(1900, 1950), 10, -4, on)
    view.annotations.set_values_shown(on=False)
    off = picture()
    assert not _has_plate(view, Point(2050, 1400), 10, 10, off)
    assert _has_plate(view, Point(1900, 1950), 10, -4, off)
    view.annotations.set_selected(frozenset({line.id}))
    assert _has_plate(view, Point(2050, 1400), 10, 10, picture())
    # Too short on the screen for a text.
    view.annotations.set_values_shown(on=True)
    view.annotations.set_selected(frozenset())
    view.zoom_to_magnification(2.5)
    assert not _has_plate(view, Point(2050, 1400), 10, 10, picture())


def _values(
    shapes: list[Annotation], viewport: Viewport, maker: LabelMaker, region: Region = EVERYWHERE
) -> tuple[Label, ...]:
    return maker.labels(shapes, viewport, 1, SIZE, region=region)


def _on_slide(label: Label, viewport: Viewport) -> shapely.Polygon:
    """Where its plate lies, level-0 px."""
    plane = ViewPlane.of(viewport)
    at = plane.from_l0(label.x, label.y)
    left, top = at.x() + label.right, at.y() + label.down
    right, bottom = left + label.plate.width(), top + label.plate.height()
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return shapely.Polygon([(p.x, p.y) for p in (plane.to_l0(*corner) for corner in corners)])


def _where(labels: Iterable[Label]) -> set[tuple[float, ...]]:
    return {(each.x, each.y, each.right, each.down) for each in labels}


def _plate(shape: Annotation) -> QImage:
    """What is written at it."""
    value = measures_text(measures_of(shape, SIZE)) + SIZE.remark
    return plate_of(f"{shape.name} · {value}", is_note=False, ratio=1.0)


def _rectangle(x: float, y: float, width: float, height: float, name: str = "") -> Annotation:
    frame = Frame(x, y, width, height)
    return Annotation.drawn(Kind.RECTANGLE, frame).with_changes(name=name)


@pytest.mark.parametrize("turn", [0.0, 37.0])
def test_texts_lie_neither_on_each_other_nor_needlessly_on_outlines(
    view: SlideView, turn: float
) -> None:
    assert view.viewport is not None
    viewport = view.viewport.with_rotation(turn).with_downsample(2.0)
    random = np.random.default_rng(3)
    crowd = [
        Annotation.drawn(
            Kind.ELLIPSE, Frame(x, y, 300, 200, 10), AnnotationClass("a", (1, 2, 3))
        ).with_changes(name=f"No. {n}")
        for n, (x, y) in enumerate((random.random((150, 2)) * 2000).tolist())
    ]
    plates = [_on_slide(each, viewport) for each in _values(crowd, viewport, LabelMaker())]
    assert 10 < len(plates) < len(crowd)
    for n, plate in enumerate(plates):
        assert not any(plate.intersects(other) for other in plates[:n])
    # Of loose ones, each has its value, on no outline.
    loose = [
        Annotation.drawn(Kind.ELLIPSE, Frame(x, y, 330, 220, 25 * x))
        for x in range(400, 4000, 800)
        for y in range(300, 3000, 600)
    ]
    outlines = shapely.union_all([each.geometry.boundary for each in loose])
    plates = [_on_slide(each, viewport) for each in _values(loose, viewport, LabelMaker())]
    assert len(plates) == len(loose)
    assert not any(plate.intersects(outlines) for plate in plates)


def test_a_value_is_where_it_cannot_be_taken_for_that_of_another_area(view: SlideView) -> None:
    assert view.viewport is not None
    viewport = view.viewport.with_downsample(2.0)
    # Squares side by side, one with a smaller one in it, between larger ones.
    row = [_rectangle(1000 + 400 * n, 1000, 400, 400, f"{n}") for n in range(3)]
    core = _rectangle(1400, 1060, 130, 100, "core")
    beside = [_rectangle(1400, y, 1200, 400, f"at {y}") for y in (600, 1400)]
    areas = [*row, core, *beside]
    valued = set()
    for label in _values(areas, viewport, LabelMaker()):
        (own,) = (each for each in areas if _plate(each) == label.plate)
        valued.add(own)
        place = _on_slide(label, viewport).centroid
        around = [each for each in areas if each.geometry.contains(place)]
        seems = min(around, key=lambda each: each.geometry.area, default=own)
        assert seems is own or seems.geometry.contains(own.geometry)
    assert valued == set(areas) - {core}  # it is small, and nothing is free round it


def test_places_stay_while_the_view_moves_and_leave_what_is_drawn_there(view: SlideView) -> None:
    assert view.viewport is not None
    viewport = view.viewport.with_downsample(2.0).with_rotation(37)
    random = np.random.default_rng(5)
    shapes = [_rectangle(x, y, 260, 200) for x, y in (random.random((60, 2)) * 3000).tolist()]
    maker = LabelMaker()
    before = _values(shapes, viewport, maker, Region(0, 0, 1200, 1200))
    # Larger ones come into view, which would have been placed first.
    shapes += [_rectangle(2000, y, 900, 700) for y in (400, 1400)]
    seen = Region(300, 0, 1200, 1200)
    there = _where(_values(shapes, viewport, maker, seen))
    outlines = shapely.union_all([each.geometry.boundary for each in shapes[60:]])
    clear = [
        each for each in before if not _on_slide(each, viewport).buffer(120).intersects(outlines)
    ]
    assert len(clear) > 15
    assert _where(clear) <= there
    assert not _where(clear) <= _where(_values(shapes, viewport, LabelMaker(), seen))
    only = shapes[:1]
    (below,) = _values(only, viewport, LabelMaker())
    x, y = _on_slide(below, viewport).centroid.coords[0]
    across = Annotation.drawn(Kind.LINE, shapely.LineString([(x - 300, y), (x + 300, y)]))
    maker = LabelMaker()
    assert _on_slide(_values(only, viewport, maker)[0], viewport).intersects(across.geometry)
    moved = {each.plate.size().width(): each for each in _values([*only, across], viewport, maker)}
    place = _on_slide(moved[below.plate.width()], viewport)
    assert not place.intersects(across.geometry)


def test_a_text_stands_in_the_middle_below_or_at_the_end_of_a_line(view: SlideView) -> None:
    assert view.viewport is not None
    viewport = view.viewport.with_downsample(2.0)
    area = _rectangle(1000, 1000, 800, 600)
    line = Annotation.drawn(Kind.LINE, shapely.LineString([(500, 1100), (900, 1800)]))
    labels = _values([area, line], viewport, LabelMaker())
    assert [(each.x, each.y) for each in labels] == [(1000, 1300), (900, 1800)]
    # Beside the line, not on it; its other end is at the area.
    assert labels[1].down > 0
    assert labels[1].right > 0


def test_the_grid_does_not_cross_texts(view: SlideView, qtbot: QtBot) -> None:
    note = Annotation.drawn(Kind.TEXT, shapely.Point(1900, 1500), note="look here " * 20)
    view.zoom_to_magnification(10.0)
    view.center_on(Point(2000, 1500))
    view.annotations.set_annotations({note.id: note})

    def picture() -> Pixels:
        qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
        return shown(view)

    assert view.viewport is not None
    x, y = view.viewport.vp_from_l0(Point(1900, 1500))
    part = np.s_[round(y) - 20 : round(y) + 20, round(x) + 10 : round(x) + 200]
    without = picture()
    view.set_grid(on=True)
    with_grid = picture()
    is_other = (without != with_grid).any(axis=-1)
    assert is_other.mean() > 0.01
    # Lines only shine through its dark ground.
    assert np.abs(without[part].astype(int) - with_grid[part]).max() < 45
