"""What each tool makes of clicks and drags on a view, upright and turned."""

import math
from collections.abc import Sequence

import pytest
import shapely
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from bachview.core.geometry import Point
from bachview.core.pixel_size import Origin, PixelSize
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.measures import measures_of
from bachview.marks.working_set import changed
from bachview.ui.view.slide_view import SlideView
from bachview.ui.view.tools.angle import AngleTool
from bachview.ui.view.tools.base import Tool
from bachview.ui.view.tools.frames import EllipseTool, RectangleTool
from bachview.ui.view.tools.freehand import FreehandTool
from bachview.ui.view.tools.line import LineTool
from bachview.ui.view.tools.points import CounterTool, PointTool
from bachview.ui.view.tools.polygon import PolygonTool
from tests.support.slide_views import drag, shown
from tests.support.tool_contexts import Context

_SHIFT = Qt.KeyboardModifier.ShiftModifier
_ALT = Qt.KeyboardModifier.AltModifier
_NONE = Qt.KeyboardModifier.NoModifier
_TUMOUR = AnnotationClass("Invasive", (214, 39, 10))


@pytest.fixture(params=[0.0, 37.0])
def context(request: pytest.FixtureRequest, view: SlideView) -> Context:
    """A view at 10x, which has square pixels of 0.5 um: two level-0 px to one of the screen."""
    view.zoom_to_magnification(10.0)
    view.center_on(Point(2000, 1500))
    view.set_rotation(request.param)
    return Context(view)


def _click(view: SlideView, x: int, y: int, modifiers: Qt.KeyboardModifier = _NONE) -> None:
    QTest.mouseMove(view, QPoint(x, y))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, modifiers, QPoint(x, y))


def _use(context: Context, tool: Tool) -> SlideView:
    context.view.input.set_tool(tool)
    return context.view


def _all(context: Context) -> list[Annotation]:
    return list(context.annotations.values())


def _last(context: Context) -> Annotation:
    return _all(context)[-1]


def _vertices(context: Context, annotation: Annotation) -> list[tuple[float, float]]:
    """Where the vertices are on the screen."""
    assert context.view.viewport is not None
    places = shapely.get_coordinates(annotation.geometry).tolist()
    return [context.view.viewport.vp_from_l0(Point(x, y)) for x, y in places]


def _near(places: Sequence[tuple[float, float]]) -> object:
    return [pytest.approx(place) for place in places]


def test_points_are_set_and_counted(context: Context) -> None:
    context.annotation_class = _TUMOUR
    view = _use(context, PointTool(context))
    _click(view, 200, 150)
    _click(view, 260, 150)
    assert [each.kind for each in _all(context)] == [Kind.POINTS, Kind.POINTS]
    assert _last(context).annotation_class == _TUMOUR
    assert context.selected == {_last(context).id}

    _use(context, CounterTool(context))
    for x in (100, 200, 300):
        _click(view, x, 220)
    counted = _last(context)
    assert len(_all(context)) == 3
    assert measures_of(counted, context.pixel_size).count == 3
    assert _vertices(context, counted) == _near([(100, 220), (200, 220), (300, 220)])
    shown(view)
    _click(view, 203, 222, _ALT)
    QTest.mouseClick(view, Qt.MouseButton.RightButton, _NONE, QPoint(400, 400))  # none is there
    assert _vertices(context, _last(context)) == _near([(100, 220), (300, 220)])
    context.working_set.undo()
    context.working_set.undo()
    assert _vertices(context, _last(context)) == _near([(100, 220), (200, 220)])
    QTest.keyClick(view, Qt.Key.Key_Return)
    _click(view, 400, 300)
    assert len(_all(context)) == 4
    context.select([counted.id])
    _use(context, CounterTool(context))
    _click(view, 420, 300)
    assert measures_of(context.annotations[counted.id], context.pixel_size).count == 3
    _use(context, PointTool(context))
    assert context.selected == {counted.id}
    _use(context, CounterTool(context))
    _click(view, 440, 300)
    assert measures_of(context.annotations[counted.id], context.pixel_size).count == 4
    now = context.annotations[counted.id]
    context.apply(changed("hide", [(now, now.with_changes(is_hidden=True))]))
    _click(view, 460, 300)  # nobody counts on what they do not see
    assert len(_all(context)) == 5
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert not context.selected


def test_a_line_is_a_drag_or_clicks_and_stays(context: Context) -> None:
    view = _use(context, LineTool(context))
    drag(view, QPoint(200, 250), QPoint(230, 290))
    assert measures_of(_last(context), context.pixel_size).length_um == pytest.approx(50)
    assert view.input.tool is not None

    _click(view, 100, 100)
    _click(view, 200, 100)
    QTest.mouseMove(view, QPoint(206, 190))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, _SHIFT, QPoint(206, 190))
    _click(view, 300, 300)
    shown(view)
    QTest.keyClick(view, Qt.Key.Key_Backspace)
    assert len(_all(context)) == 1
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert _vertices(context, _last(context)) == _near([(100, 100), (200, 100), (200, 190)])
    assert view.input.tool is not None

    _click(view, 100, 100)  # one vertex is no line
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert len(_all(context)) == 2
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert view.input.tool is None


def test_the_value_at_the_cursor_says_whose_word_it_rests_on(context: Context) -> None:
    tool = LineTool(context)
    ends = [Point(0, 0), Point(300, 400)]
    context.pixel_size = PixelSize(0.5, 0.5, Origin.FILE)
    assert tool.text_of(ends) == "250 µm"
    context.pixel_size = PixelSize.typed(0.5)
    assert tool.text_of(ends) == "250 µm (stated by you)"
    context.pixel_size = PixelSize.unknown()
    assert tool.text_of(ends) == "500 px"


def test_three_clicks_make_an_angle(context: Context) -> None:
    view = _use(context, AngleTool(context))
    for x, y in ((300, 200), (200, 200), (200, 100)):
        _click(view, x, y)
        shown(view)
    assert measures_of(_last(context), context.pixel_size).angle_deg == pytest.approx(90)
    _click(view, 300, 200)
    drag(view, QPoint(200, 200), QPoint(200, 210))
    view.input.set_tool(None)
    assert len(_all(context)) == 1  # of two points nothing is left


def test_a_click_on_the_last_vertex_again_sets_none(context: Context) -> None:
    view = _use(context, AngleTool(context))
    for x, y in ((200, 200), (300, 200), (300, 200), (300, 330)):
        _click(view, x, y)
    assert measures_of(_last(context), context.pixel_size).angle_deg == pytest.approx(90)


def test_rectangles_and_ellipses_are_upright_on_the_screen(context: Context) -> None:
    view = _use(context, RectangleTool(context))
    assert view.viewport is not None
    drag(view, QPoint(200, 150), QPoint(300, 210))
    corners = _vertices(context, _last(context))[:4]
    assert corners == _near([(200, 150), (300, 150), (300, 210), (200, 210)])
    frame = _last(context).shape
    assert isinstance(frame, Frame)
    assert frame.angle_deg == pytest.approx(-view.viewport.rotation_deg % 360)
    drag(view, QPoint(200, 150), QPoint(170, 130), _SHIFT)
    square = _last(context).shape
    assert isinstance(square, Frame)
    assert square.width == square.height == pytest.approx(60)
    _click(view, 50, 50)
    assert len(_all(context)) == 2

    _use(context, EllipseTool(context))
    QTest.mousePress(view, Qt.MouseButton.LeftButton, _ALT, QPoint(250, 250))
    QTest.mouseMove(view, QPoint(290, 270))
    QApplication.processEvents()
    shown(view)
    QTest.keyClick(view, Qt.Key.Key_Right)  # the view moves below the mouse
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, _ALT, QPoint(290, 270))
    ellipse = _last(context)
    assert ellipse.kind is Kind.ELLIPSE
    assert isinstance(ellipse.shape, Frame)
    # Its centre has stayed on its tissue, 60 px to the left now.
    assert (ellipse.shape.width, ellipse.shape.height) == pytest.approx((400, 80))
    middle = view.viewport.vp_from_l0(Point(ellipse.shape.x, ellipse.shape.y))
    assert middle == pytest.approx((190, 250))


def test_a_polygon_is_closed_by_its_first_vertex_and_kept_by_escape(context: Context) -> None:
    view = _use(context, PolygonTool(context))
    square = [(200, 150), (300, 150), (300, 250), (200, 250)]
    for x, y in square:
        _click(view, x, y)
    assert view.viewport is not None
    before = view.viewport
    view.set_rotation(before.rotation_deg + 90)
    shown(view)
    view.set_viewport(before)
    _click(view, 203, 148)
    assert _vertices(context, _last(context))[:4] == _near(square)
    area = measures_of(_last(context), context.pixel_size).area_mm2
    assert area == pytest.approx(0.01)

    for x, y in square[:3]:
        _click(view, x + 150, y)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert len(_all(context)) == 2
    for x, y in (*square[:2], (250, 300)):
        _click(view, x, y)
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, _NONE, QPoint(250, 300))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, _NONE, QPoint(250, 300))
    assert len(_vertices(context, _last(context))) == 4
    assert len(_all(context)) == 3
    bow_tie = [square[0], square[2], square[1], square[3]]
    for x, y in bow_tie:
        _click(view, x, y)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert isinstance(_last(context).geometry, shapely.MultiPolygon)


def test_freehand_follows_the_mouse_with_few_vertices(context: Context) -> None:
    view = _use(context, FreehandTool(context))
    QTest.mousePress(view, Qt.MouseButton.LeftButton, _NONE, QPoint(350, 250))
    for step in range(180):
        turn = math.radians(2 * step)
        at = QPointF(250 + 100 * math.cos(turn), 250 + 100 * math.sin(turn)).toPoint()
        QTest.mouseMove(view, at)
    shown(view)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, _NONE, QPoint(349, 249))
    outline = _last(context)
    assert outline.geometry.area == pytest.approx(math.pi * 200**2, rel=0.01)
    assert 20 < len(_vertices(context, outline)) < 100
    _click(view, 100, 100)
    drag(view, QPoint(100, 100), QPoint(160, 100))  # a line has no area
    assert len(_all(context)) == 1
