"""Measured values, names and notes at annotations: at the right place, and not on each other."""

import numpy as np
import pytest
import shapely
from PySide6.QtCore import QRectF
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.core.pixel_size import PixelSize
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.ui.view.annotation_labels import LabelMaker
from bachview.ui.view.painting import ViewPlane
from bachview.ui.view.slide_view import SlideView
from tests.support.slide_views import Pixels, shown


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


def test_texts_do_not_lie_on_each_other(view: SlideView) -> None:
    assert view.viewport is not None
    viewport = view.viewport.with_rotation(30).with_downsample(2.0)
    random = np.random.default_rng(3)
    shapes = [
        Annotation.drawn(
            Kind.ELLIPSE,
            Frame(x, y, 300, 200, 10),
            AnnotationClass("a", (1, 2, 3)),
        ).with_changes(name=f"No. {n}")
        for n, (x, y) in enumerate((random.random((150, 2)) * 2000).tolist())
    ]
    labels = LabelMaker().labels(shapes, viewport, 1, PixelSize.typed(0.5), has_values=True)
    assert 10 < len(labels) < len(shapes)
    plane = ViewPlane.of(viewport)
    places = [
        QRectF(
            plane.from_l0(each.x, each.y).x() + each.right,
            plane.from_l0(each.x, each.y).y() + each.down,
            each.plate.width(),
            each.plate.height(),
        )
        for each in labels
    ]
    for n, place in enumerate(places):
        assert not any(place.intersects(other) for other in places[:n])


def test_a_text_stands_in_the_middle_below_or_at_the_end_of_a_line(view: SlideView) -> None:
    assert view.viewport is not None
    viewport = view.viewport.with_downsample(2.0)
    area = Annotation.drawn(Kind.RECTANGLE, Frame(1000, 1000, 800, 600, 0))
    line = Annotation.drawn(Kind.LINE, shapely.LineString([(500, 1100), (985, 1300)]))
    labels = LabelMaker().labels([area, line], viewport, 1, PixelSize.typed(0.5), has_values=True)
    assert [(each.x, each.y) for each in labels] == [(1000, 1300), (985, 1300)]
    # Above, as that of the area is below; and beside the line, not on it.
    assert labels[1].down < 0 < labels[1].right
