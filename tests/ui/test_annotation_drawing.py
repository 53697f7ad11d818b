"""Annotations are drawn where they are on the slide, at any zoom and turn, at once and many."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from PySide6.QtGui import QTransform
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.working_set import Change
from bachview.ui.view import annotation_maker
from bachview.ui.view.painting_annotations import AnnotationLayer
from bachview.ui.view.slide_view import SlideView
from bachview.viewing.annotation_lines import Line, lines_of
from tests.support.slide_views import shown

#: As no place of the slide is, nor a halo.
_GREEN = AnnotationClass("a", (10, 220, 30))
_RED = AnnotationClass("b", (230, 10, 20))


def _show(view: SlideView, annotations: Sequence[Annotation]) -> dict[str, Annotation]:
    by_id = {each.id: each for each in annotations}
    view.annotations.set_annotations(by_id)
    return by_id


def _settle(view: SlideView, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)


def _has(view: SlideView, color: AnnotationClass, place: Point, picture: np.ndarray) -> bool:
    """Whether the colour is on the screen at a place of the slide, or just beside it."""
    assert view.viewport is not None
    x, y = (round(value) for value in view.viewport.vp_from_l0(place))
    around = picture[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].astype(int)
    return bool((np.abs(around[..., ::-1] - color.color).max(axis=-1) < 60).any())


def _change(
    view: SlideView, by_id: dict[str, Annotation], old: Annotation | None, new: Annotation | None
) -> None:
    for each in (old, new):
        if each is not None:
            by_id.pop(each.id, None)
    if new is not None:
        by_id[new.id] = new
    view.annotations.change((Change(old, new),))


@pytest.mark.parametrize("turn", [0.0, 37.0])
def test_shapes_are_drawn_in_their_places(view: SlideView, qtbot: QtBot, turn: float) -> None:
    view.zoom_to_magnification(10.0)
    view.center_on(Point(2000, 1500))
    view.set_rotation(turn)
    frame = Frame(2000, 1500, 300, 200, 25)
    lines = shapely.LineString([(1850, 1300), (2100, 1330)])
    points = shapely.MultiPoint([(1800, 1500), (2200, 1700)])
    _show(
        view,
        [
            Annotation.drawn(Kind.RECTANGLE, frame, _GREEN),
            Annotation.drawn(Kind.LINE, lines, _RED),
            Annotation.drawn(Kind.POINTS, points, _RED),
            Annotation.drawn(Kind.ELLIPSE, frame, _GREEN).with_changes(is_hidden=True),
        ],
    )
    for factor in (1.0, 1.7, 0.4):
        view.zoom_at(factor, 300, 250)
        _settle(view, qtbot)
        picture = shown(view)
        for u, v in ((-1, -1), (0, -1), (1, 0.5), (-1, 0.9)):
            assert _has(view, _GREEN, Point(*frame.point(u, v)), picture)
        assert not _has(view, _GREEN, Point(*frame.point(0, 0)), picture)
        # Of the hidden ellipse.
        assert not _has(view, _GREEN, Point(*frame.point(0.7071, 0.7071)), picture)
        assert _has(view, _RED, Point(1975, 1315), picture)
        assert _has(view, _RED, Point(2200, 1700), picture)


def test_a_change_is_on_the_screen_with_the_next_picture(view: SlideView, qtbot: QtBot) -> None:
    view.zoom_to_magnification(10.0)
    view.center_on(Point(2000, 1500))
    made = Annotation.drawn(Kind.RECTANGLE, Frame(2000, 1500, 200, 200), _GREEN)
    by_id = _show(view, [made])
    _settle(view, qtbot)
    moved = made.with_changes(shape=Frame(2200, 1500, 200, 200), annotation_class=_RED)
    _change(view, by_id, made, moved)
    assert _has(view, _RED, Point(2300, 1500), shown(view))
    _settle(view, qtbot)
    picture = shown(view)
    assert _has(view, _RED, Point(2300, 1500), picture)
    assert not _has(view, _GREEN, Point(1900, 1500), picture)
    _change(view, by_id, moved, None)
    _settle(view, qtbot)
    assert not _has(view, _RED, Point(2300, 1500), shown(view))


def test_many_shapes_are_all_drawn_from_afar_and_near(view: SlideView, qtbot: QtBot) -> None:
    centers = np.stack(np.meshgrid(range(50, 3950, 75), range(50, 2950, 75)), -1).reshape(-1, 2)
    colors = (_GREEN, _RED)
    many = [
        Annotation.drawn(Kind.ELLIPSE, Frame(x, y, 24, 24), colors[n % 2])
        for n, (x, y) in enumerate(centers.tolist())
    ]
    _show(view, many)
    view.fit()
    _settle(view, qtbot)
    # Coarser pictures are there before the view is zoomed out.
    (layer, *_) = view.annotations.layers(view.viewport)  # type: ignore[arg-type]
    assert isinstance(layer, AnnotationLayer)
    levels = {level for level, _, _ in layer.squares}
    assert {layer.level, layer.level + 1, layer.level + 2} <= levels
    for magnification in (2.5, 10.0):
        view.zoom_to_magnification(magnification)
        view.center_on(Point(2000, 1500))
        # What is on the screen before the finished picture, too.
        QApplication.processEvents()
        shown(view)
        _settle(view, qtbot)
        picture = shown(view)
        assert view.viewport is not None
        found = []
        for n, (x, y) in enumerate(centers.tolist()):
            at = Point(x, y - 12)
            x_vp, y_vp = view.viewport.vp_from_l0(at)
            if 150 < x_vp < 400 and 200 < y_vp < 420:  # nothing else is drawn there
                found.append(_has(view, colors[n % 2], at, picture))
        assert len(found) > 20
        assert all(found)


@pytest.mark.parametrize("turn", [0.0, 37.0])
def test_many_that_are_dragged_are_drawn_where_they_are_now(
    view: SlideView, qtbot: QtBot, turn: float
) -> None:
    many = [
        Annotation.drawn(
            Kind.ELLIPSE, Frame(1800 + 30 * (n % 8), 1400 + 30 * (n // 8), 24, 24), _RED
        )
        for n in range(64)
    ]
    _show(view, many)
    view.zoom_to_magnification(10.0)
    view.set_rotation(turn)
    view.center_on(Point(2000, 1500))
    _settle(view, qtbot)
    view.annotations.lift(many)
    view.annotations.show_moved(QTransform.fromTranslate(150, 40))
    _settle(view, qtbot)
    picture = shown(view)
    for each in many:
        left, top, right, _ = each.bounds
        above = Point((left + right) / 2, top)
        assert _has(view, _RED, Point(above.x + 150, above.y + 40), picture)
    assert not any(
        _has(view, _RED, Point(1800 + 30 * column, 1400 - 12), picture) for column in range(4)
    )
    view.annotations.drop()


def test_without_annotations_nothing_is_made(view: SlideView, qtbot: QtBot) -> None:
    before = view.grab().toImage()
    by_id = _show(view, [])
    _settle(view, qtbot)
    assert view.viewport is not None
    assert view.annotations.layers(view.viewport) == ()
    assert not any("annotations" in thread.name for thread in threading.enumerate())
    assert view.grab().toImage() == before
    made = Annotation.drawn(Kind.POINTS, shapely.Point(2000, 1500), _RED)
    _change(view, by_id, None, made)
    assert _has(view, _RED, Point(2000, 1500), shown(view))


def test_closing_does_not_wait_for_all_shapes(
    view: SlideView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being made of many shapes ends after the few that are worked on."""
    started, goes_on = threading.Event(), threading.Event()
    parts = 0

    def held(annotations: Sequence[Annotation], px_l0: float) -> list[list[Line]]:
        nonlocal parts
        parts += 1
        started.set()
        goes_on.wait(20)
        return lines_of(annotations, px_l0)

    monkeypatch.setattr(annotation_maker, "lines_of", held)
    _show(
        view,
        [
            Annotation.drawn(Kind.RECTANGLE, Frame(1000 + n % 50, 1000 + n // 50, 30, 30), _RED)
            for n in range(1000)
        ],
    )
    shown(view)
    qtbot.waitUntil(started.is_set, timeout=20_000)
    threading.Timer(0.05, goes_on.set).start()  # while it is being closed
    assert view.annotations.close(20.0)
    assert parts == 1
