"""Selecting, moving, resizing, turning annotations and their vertices with the mouse and keys."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import shapely
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.marks.annotation import Annotation, Frame, Kind
from bachview.marks.working_set import added, changed, deleted
from bachview.ui.view.slide_view import SlideView
from bachview.ui.view.tools import boxes, common_box
from bachview.ui.view.tools.base import ToolContext
from bachview.ui.view.tools.select import SelectTool
from bachview.viewing.viewport import Viewport
from tests.support.slide_views import drag
from tests.support.slides import gradient, write_pyramid
from tests.support.tool_contexts import Context
from tests.support.windows import open_window, page_of

_SHIFT = Qt.KeyboardModifier.ShiftModifier
_CONTROL = Qt.KeyboardModifier.ControlModifier
_ALT = Qt.KeyboardModifier.AltModifier
_NONE = Qt.KeyboardModifier.NoModifier
_LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(params=[0.0, 37.0])
def context(request: pytest.FixtureRequest, view: SlideView) -> Context:
    """Two level-0 px to one of the screen; the select tool has the mouse."""
    view.zoom_to_magnification(10.0)
    view.center_on(Point(2000, 1500))
    view.set_rotation(request.param)
    context = Context(view)
    view.input.set_tool(SelectTool(context))
    return context


def _l0(view: SlideView, x: float, y: float) -> tuple[float, float]:
    """Level-0 place of a place on the screen beside its middle."""
    point = view.point_at(QPointF(300 + x, 250 + y))
    return point.x, point.y


def _vp(view: SlideView, place: tuple[float, float]) -> QPoint:
    assert view.viewport is not None
    x, y = view.viewport.vp_from_l0(Point(*place))
    return QPoint(round(x), round(y))


def _square(view: SlideView, x: float, y: float, half: float = 30) -> Annotation:
    """An area upright on the screen."""
    ways = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    corners = [_l0(view, x + half * u, y + half * v) for u, v in ways]
    return Annotation.drawn(Kind.AREA, shapely.Polygon(corners))


def _add(context: Context, *annotations: Annotation) -> None:
    context.apply(added("add", annotations))


def _click(view: SlideView, x: float, y: float, modifiers: Qt.KeyboardModifier = _NONE) -> None:
    at = QPoint(round(300 + x), round(250 + y))
    QTest.mouseMove(view, at)
    QTest.mouseClick(view, _LEFT, modifiers, at)


def _drag(
    view: SlideView,
    start: tuple[float, float],
    end: tuple[float, float],
    modifiers: Qt.KeyboardModifier = _NONE,
) -> None:
    first = QPoint(round(300 + start[0]), round(250 + start[1]))
    last = QPoint(round(300 + end[0]), round(250 + end[1]))
    QTest.mousePress(view, _LEFT, modifiers, first)
    QTest.mouseMove(view, (first + last) / 2)
    QTest.mouseMove(view, last)
    QTest.mouseRelease(view, _LEFT, modifiers, last)


def _now(context: ToolContext, annotation: Annotation) -> Annotation:
    return context.annotations[annotation.id]


def _corners(context: Context, annotation: Annotation) -> list[tuple[float, float]]:
    """Of an area without holes; the first is repeated at the end."""
    return [(x, y) for x, y in _now(context, annotation).geometry.boundary.coords]


def test_clicks_and_bands_select(context: Context) -> None:
    view = context.view
    a, b, around = _square(view, -100, 0), _square(view, 60, 0), _square(view, 0, 0, 200)
    hidden = _square(view, -100, 0, 10).with_changes(is_hidden=True)
    _add(context, around, a, b, hidden)
    _click(view, -100, 0)
    assert context.selected == {a.id}
    _click(view, 60, 0, _SHIFT)
    assert context.selected == {a.id, b.id}
    _click(view, -100, 0, _CONTROL)
    assert context.selected == {b.id}
    # From inside of an area that is not selected, a drag is a band, which does not take that area.
    _drag(view, (-150, -60), (-60, 60))
    assert context.selected == {a.id}
    _drag(view, (20, -60), (70, 60), _SHIFT)
    assert context.selected == {a.id, b.id}
    _drag(view, (-150, -60), (70, 60), _ALT)  # only what is wholly inside
    assert context.selected == {a.id}
    _click(view, 0, 100)
    assert context.selected == {around.id}
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert context.selected == frozenset()
    assert isinstance(view.input.tool, SelectTool)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert view.input.tool is None


def test_a_drag_moves_what_is_selected_in_one_step(context: Context, qtbot: QtBot) -> None:
    view = context.view
    a, b = _square(view, -100, 0), _square(view, 60, 0)
    locked = _square(view, 60, 90).with_changes(is_locked=True)
    _add(context, a, b, locked)
    context.select({a.id, b.id, locked.id})
    _drag(view, (-100, 0), (-80, 25))
    (x0, y0), (x1, y1) = _l0(view, 0, 0), _l0(view, 20, 25)
    for each in (a, b):
        expected = shapely.affinity.translate(each.geometry, x1 - x0, y1 - y0)
        assert _now(context, each).geometry.equals_exact(expected, 1e-6)
    assert _now(context, locked) == locked
    assert "locked" in context.notices[-1]
    assert context.working_set.undo_text == "move 2 annotations"
    context.working_set.undo()
    assert _now(context, a) == a
    # Arrow keys: as far on the screen as told, all in one step.
    context.select({a.id})
    for key, modifiers in ((Qt.Key.Key_Right, _SHIFT), (Qt.Key.Key_Right, _NONE)):
        QTest.keyClick(view, key, modifiers)
    qtbot.waitUntil(lambda: _now(context, a) != a)
    x1, y1 = _l0(view, 11, 0)
    expected = shapely.affinity.translate(a.geometry, x1 - x0, y1 - y0)
    assert _now(context, a).geometry.equals_exact(expected, 1e-6)
    context.working_set.undo()
    assert _now(context, a) == a
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert a.id not in context.annotations
    context.working_set.undo()
    assert _now(context, a) == a
    # Escape puts back what is being dragged.
    start, end = QPoint(200, 250), QPoint(260, 300)
    context.select({a.id})
    QTest.mousePress(view, _LEFT, _NONE, start)
    QTest.mouseMove(view, end)
    assert view.annotations.lifted == {a.id}
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.mouseRelease(view, _LEFT, _NONE, end)
    assert _now(context, a) == a
    assert not view.annotations.lifted


def test_undo_puts_back_what_is_being_moved(context: Context) -> None:
    view = context.view
    a = _square(view, 0, 0)
    _add(context, a)
    context.select({a.id})
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Z, _CONTROL)
    assert not context.drawing.lifted
    QTest.mousePress(view, _LEFT, _NONE, QPoint(300, 250))
    QTest.mouseMove(view, QPoint(340, 250))
    QTest.keyClick(view, Qt.Key.Key_Z, _CONTROL)
    QTest.mouseRelease(view, _LEFT, _NONE, QPoint(340, 250))
    assert _now(context, a) is a
    assert context.working_set.undo_text == "add"
    assert isinstance(view.input.tool, SelectTool)
    assert not view.input.tool.is_busy


def test_what_is_hidden_is_not_moved(context: Context) -> None:
    view = context.view
    a, hidden = _square(view, -100, 0), _square(view, 60, 0).with_changes(is_hidden=True)
    _add(context, a, hidden)
    context.select({a.id, hidden.id})
    _drag(view, (-100, 0), (-80, 25))
    assert _now(context, a) != a
    assert _now(context, hidden) is hidden
    context.select({hidden.id})
    before = view.viewport
    QTest.keyClick(view, Qt.Key.Key_Right)  # moves the slide
    assert view.viewport != before


def test_an_outline_of_many_vertices_has_handles_where_they_can_be_told_apart(
    context: Context,
) -> None:
    view = context.view
    turns = [2 * math.pi * n / 5000 for n in range(5000)]
    places = [_l0(view, 200 * math.cos(turn), 200 * math.sin(turn)) for turn in turns]
    a = Annotation.drawn(Kind.AREA, shapely.Polygon(places))
    _add(context, a)
    context.select({a.id})
    assert isinstance(view.input.tool, SelectTool)
    view.input.tool.edit_vertices(a)

    def pull() -> None:
        """The first vertex, inwards."""
        at = _vp(view, places[0])
        QTest.mousePress(view, _LEFT, _CONTROL, at)
        QTest.mouseRelease(view, _LEFT, _CONTROL, at)

    pull()  # all are in the view: nothing is taken hold of
    assert _now(context, a) is a
    context.select({a.id})
    view.input.tool.edit_vertices(a)
    view.center_on(Point(*places[0]))
    view.zoom_to_magnification(40.0)
    pull()
    left = shapely.get_coordinates(_now(context, a).geometry)
    assert len(left) == 5000
    assert not (left == places[0]).all(axis=1).any()


def test_handles_resize_and_turn(context: Context) -> None:
    view = context.view
    x, y = _l0(view, 0, 0)
    assert view.viewport is not None
    frame = Frame(x, y, 200, 120, -view.viewport.rotation_deg % 360)
    made = Annotation.drawn(Kind.RECTANGLE, frame)
    area = _square(view, 0, 150)
    _add(context, made, area)
    context.select({made.id})
    _drag(view, (50, 30), (70, 40))  # the lower right corner
    after = _now(context, made).shape
    assert isinstance(after, Frame)
    assert (after.width, after.height) == pytest.approx((240, 140), abs=1)
    assert after.corners[0] == pytest.approx(frame.corners[0], abs=1)
    _drag(view, (70, 40), (120, 40), _SHIFT)
    after = _now(context, made).shape
    assert isinstance(after, Frame)
    assert after.width / after.height == pytest.approx(240 / 140)
    assert after.width == pytest.approx(340, abs=1)
    context.working_set.undo()
    context.working_set.undo()
    assert _now(context, made) == made
    _drag(view, (0, -30 - 26), (56 + 5, 0))  # the handle beyond the upper side
    after = _now(context, made).shape
    assert isinstance(after, Frame)
    assert (after.angle_deg - frame.angle_deg) % 360 == pytest.approx(90, abs=1)
    assert (after.x, after.y, after.width) == pytest.approx((x, y, 200))
    context.select({area.id})
    _drag(view, (30, 150), (60, 150))  # the middle of the right side
    assert _now(context, area).geometry.area == pytest.approx(area.geometry.area * 1.5, rel=0.02)
    # Locked ones have no handles.
    locked = Annotation.drawn(Kind.RECTANGLE, frame).with_changes(is_locked=True)
    context.working_set.undo()
    context.apply(deleted("delete", [_now(context, made)]))
    _add(context, locked)
    context.select({locked.id})
    _drag(view, (50, 30), (70, 40))
    assert _now(context, locked) == locked
    assert "locked" in context.notices[-1]


def test_several_have_a_common_box_that_resizes_and_turns(context: Context) -> None:
    view = context.view
    a, b = _square(view, -80, 0, 20), _square(view, 80, 20, 20)  # -100…100 by -20…40
    points = Annotation.drawn(Kind.POINTS, shapely.Point(_l0(view, 0, 10)))
    locked = _square(view, 0, 150).with_changes(is_locked=True)
    _add(context, a, b, points, locked)
    context.select({a.id, b.id, points.id, locked.id})

    def expect(of: Annotation, *corners: tuple[float, float]) -> None:
        places = shapely.get_coordinates(_now(context, of).geometry)[: len(corners)]
        expected = [_l0(view, *corner) for corner in corners]
        assert places.ravel().tolist() == pytest.approx(
            [value for place in expected for value in place], abs=3
        )

    _drag(view, (100, 40), (200, 40))  # the lower right corner, to the right
    expect(a, (-100, -20), (-40, -20))
    expect(b, (140, 0), (200, 0), (200, 40))
    expect(points, (50, 10))
    assert "locked" in context.notices[-1]
    assert _now(context, locked) == locked
    assert context.working_set.undo_text == "resize 3 annotations"
    context.working_set.undo()
    assert [_now(context, each) for each in (a, b, points)] == [a, b, points]
    _drag(view, (100, 40), (200, 40), _SHIFT | _ALT)  # in proportion, from the middle
    expect(b, (120, -10), (200, -10), (200, 70))
    expect(a, (-200, -50))
    context.working_set.undo()
    # A quarter turn around the middle, by a drag that is off by less than a step.
    _drag(view, (0, -46), (56, 14), _SHIFT)
    expect(a, (30, -90), (30, -50))
    expect(points, (0, 10))
    assert context.working_set.undo_text == "turn 3 annotations"
    context.working_set.undo()
    # Escape puts all of them back.
    QTest.mousePress(view, _LEFT, _NONE, QPoint(400, 290))
    QTest.mouseMove(view, QPoint(450, 320))
    assert view.annotations.lifted == {a.id, b.id, points.id}
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.mouseRelease(view, _LEFT, _NONE, QPoint(450, 320))
    assert not view.annotations.lifted
    assert _now(context, b) == b


def test_the_common_box_is_found_once_for_all_moves_of_the_mouse(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = context.view
    a, b = _square(view, -100, 0), _square(view, 60, 0)
    _add(context, a, b)
    context.select({a.id, b.id})
    found: list[int] = []

    def counted(annotations: Sequence[Annotation], viewport: Viewport) -> Frame | None:
        found.append(len(annotations))
        return boxes.common_box(annotations, viewport)

    monkeypatch.setattr(common_box, "common_box", counted)
    for x in range(5):
        QTest.mouseMove(view, QPoint(200 + x, 250))
    assert found == [2]
    context.apply(changed("lock", [(b, b.with_changes(is_locked=True))]))
    QTest.mouseMove(view, QPoint(210, 250))
    context.apply(changed("unlock", [(_now(context, b), b)]))
    QTest.mouseMove(view, QPoint(211, 250))
    assert found == [2, 2]


def test_rectangles_that_are_turned_alike_stay_rectangles_in_a_common_box(
    context: Context,
) -> None:
    view = context.view
    made = [
        Annotation.drawn(Kind.RECTANGLE, Frame(2000 + dx, 1500, 60, 40, angle))
        for dx, angle in ((-100, 0), (100, 90))
    ]
    _add(context, *made)
    context.select({each.id for each in made})
    # Of the box from 1870 to 2120 by 1470 to 1530.
    corner, to = _vp(view, (2120, 1530)), _vp(view, (2245, 1590))
    drag(view, corner, to)
    for each, sides in zip(made, ((90, 80), (60, 120)), strict=True):
        now = _now(context, each)
        assert now.kind is Kind.RECTANGLE
        left, top, right, bottom = now.bounds
        assert (right - left, bottom - top) == pytest.approx(sides, abs=4)


def test_vertices_are_moved_added_and_removed(context: Context) -> None:
    view = context.view
    area = _square(view, 0, 0, 40)
    _add(context, area)
    _click(view, 0, 0)
    QTest.mouseDClick(view, _LEFT, _NONE, QPoint(300, 250))
    _drag(view, (40, -40), (80, -60))
    corners = _corners(context, area)
    assert corners[1] == pytest.approx(_l0(view, 80, -60), abs=1)
    assert context.working_set.undo_text == "move a corner"
    context.working_set.undo()
    QTest.mouseClick(view, _LEFT, _ALT, QPoint(300, 290))  # on the lower edge
    assert len(_corners(context, area)) == 6
    _drag(view, (0, 40), (0, 80))
    assert _now(context, area).geometry.area > area.geometry.area * 1.2
    QTest.keyClick(view, Qt.Key.Key_Delete)  # the corner that was held last
    assert _now(context, area).geometry.equals(area.geometry)
    # An outline that crosses itself is mended.
    _drag(view, (40, -40), (-80, 20))
    assert _now(context, area).geometry.is_valid
    context.working_set.undo()
    QTest.mouseClick(view, _LEFT, _CONTROL, QPoint(340, 210))
    assert len(_corners(context, area)) == 4
    QTest.mouseClick(view, _LEFT, _CONTROL, QPoint(260, 210))
    assert len(_corners(context, area)) == 4
    assert "too few" in context.notices[-1]
    # A corner on the line between the others leaves no area.
    corners = _corners(context, area)
    a, b, c = (_vp(view, corner) for corner in corners[:3])
    before = _now(context, area)
    middle = (a + c) / 2
    _drag(view, (b.x() - 300, b.y() - 250), (middle.x() - 300, middle.y() - 250))
    now = _now(context, area)
    assert now == before or now.geometry.area > 0
    assert math.isfinite(now.geometry.area)


def test_the_hand_selects_by_a_click_and_opens_corners_by_a_double_click(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    write_pyramid(path, gradient(1024, 1024))
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        view, marks = page.view, page.document.marks
        qtbot.waitUntil(lambda: marks.is_loaded and view.is_settled)
        area = Annotation.drawn(Kind.AREA, shapely.box(400, 400, 500, 500))
        large = Annotation.drawn(Kind.AREA, shapely.box(10, 10, 900, 1000))
        marks.apply(added("add", [area, large]))
        QTest.mouseClick(view, _LEFT, _NONE, _vp(view, (450, 450)))
        assert marks.selection.ids == {area.id}
        QTest.mouseClick(view, _LEFT, _NONE, _vp(view, (970, 500)))
        assert not marks.selection.ids
        # A drag still moves the slide.
        assert view.viewport is not None
        before = view.viewport.center
        at = _vp(view, (450, 450))
        drag(view, at, at + QPoint(60, 0))
        assert view.viewport.center != before
        assert not marks.selection.ids
        assert _now(page.tool_context, area) == area
        # Inside of a large area a double click still zooms.
        downsample = view.viewport.downsample
        view.input.smooth_zoom = False
        QTest.mouseDClick(view, _LEFT, _NONE, _vp(view, (800, 800)))
        assert view.viewport.downsample < downsample
        QTest.mouseDClick(view, _LEFT, _NONE, _vp(view, (450, 450)))
        assert isinstance(view.input.tool, SelectTool)
        assert window.tool_commands.groups[0][1].isChecked()
        corner, to = _vp(view, (500, 500)), _vp(view, (530, 540))
        drag(view, corner, to)
        now = _now(page.tool_context, area)
        assert now.bounds[2:] == pytest.approx((530, 540), abs=1)
        view.input.set_tool(None)
        assert marks.selection.ids == {area.id}  # for what is done with it next
