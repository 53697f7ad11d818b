"""Brush, wand and note on a view."""

import math

import pytest
import shapely
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.working_set import added, deleted
from bachview.slide.tiles.cache import TileCache
from bachview.ui.view.slide_view import SlideView
from bachview.ui.view.tools.brush import BrushTool
from bachview.ui.view.tools.note import NoteEditor, NoteTool
from bachview.ui.view.tools.wand import WandTool
from tests.support.slide_views import drag, shown, wheel
from tests.support.slides import ArraySlide
from tests.support.tool_contexts import Context

_ALT, _SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier
_NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def context(view: SlideView) -> Context:
    """Two level-0 px to one of the screen, turned."""
    view.zoom_to_magnification(10.0)
    view.center_on(Point(2000, 1500))
    view.set_rotation(37)
    return Context(view)


def _all(context: Context) -> list[Annotation]:
    return list(context.annotations.values())


def test_the_brush_paints_on_and_erases(context: Context) -> None:
    view = context.view
    view.input.set_tool(BrushTool(context))
    drag(view, QPoint(200, 200), QPoint(300, 200))
    (first,) = _all(context)
    capsule = 4 * (100 * 40 + math.pi * 20**2)
    assert first.geometry.area == pytest.approx(capsule, rel=0.01)
    shown(view)

    QTest.keyClick(view, Qt.Key.Key_BracketLeft)
    assert context.sizes.brush_vp == pytest.approx(20 / 1.15**2)
    before = view.viewport
    wheel(view, QPointF(200, 200), 120, Qt.KeyboardModifier.ControlModifier)
    assert context.sizes.brush_vp == pytest.approx(20 / 1.15)
    assert view.viewport == before
    drag(view, QPoint(250, 180), QPoint(250, 320))  # touches the selected area
    (cross,) = _all(context)
    assert cross.id == first.id
    assert cross.geometry.area > first.geometry.area
    drag(view, QPoint(450, 400), QPoint(500, 400))  # does not
    assert len(_all(context)) == 2
    drag(view, QPoint(450, 300), QPoint(500, 300), _SHIFT)  # is added all the same
    assert len(_all(context)) == 2
    assert isinstance(_all(context)[1].geometry, shapely.MultiPolygon)

    drag(view, QPoint(150, 200), QPoint(350, 200), _ALT)  # not of the one that is selected
    assert _all(context)[0] == cross
    context.select([cross.id])
    QTest.mousePress(view, Qt.MouseButton.RightButton, _NONE, QPoint(150, 200))
    QTest.mouseMove(view, QPoint(350, 200))
    QApplication.processEvents()
    shown(view)
    QTest.mouseRelease(view, Qt.MouseButton.RightButton, _NONE, QPoint(350, 200))
    assert _all(context)[0].geometry.area < cross.geometry.area
    context.sizes.brush_vp = 250
    drag(view, QPoint(250, 250), QPoint(260, 250), _ALT)
    assert cross.id not in context.annotations
    assert context.working_set.undo_text == "erase"
    context.working_set.undo()
    assert cross.id in context.annotations
    context.select([cross.id])
    view.input.set_tool(WandTool(context))  # which goes on with it
    assert context.selected == {cross.id}
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert not context.selected
    assert view.input.tool is not None


def test_a_stroke_whose_release_went_elsewhere_is_kept(context: Context) -> None:
    view = context.view
    view.input.set_tool(BrushTool(context))
    QTest.mousePress(view, Qt.MouseButton.LeftButton, _NONE, QPoint(100, 100))
    QTest.mousePress(view, Qt.MouseButton.LeftButton, _NONE, QPoint(400, 400))
    assert len(_all(context)) == 1
    view.input.set_tool(None)
    assert len(_all(context)) == 2


def test_a_locked_area_is_not_painted_on_and_a_rectangle_becomes_an_outline(
    context: Context,
) -> None:
    view, tumour = context.view, AnnotationClass("Invasive", (214, 39, 10))
    frame = Frame(2000, 1500, 300, 200)
    rectangle = Annotation.drawn(Kind.RECTANGLE, frame, tumour)
    locked = Annotation.drawn(Kind.RECTANGLE, frame).with_changes(is_locked=True)
    context.apply(added("draw", [rectangle]))
    view.input.set_tool(BrushTool(context))
    drag(view, QPoint(300, 250), QPoint(450, 250))  # starts in it, but is of no class
    assert len(_all(context)) == 2
    context.annotation_class = tumour
    context.select(())
    drag(view, QPoint(300, 250), QPoint(450, 250))
    assert len(_all(context)) == 2
    changed = context.annotations[rectangle.id]
    assert changed.kind is Kind.AREA
    assert changed.annotation_class == tumour
    assert changed.geometry.area > rectangle.geometry.area
    context.apply(added("draw", [locked]))
    context.select([locked.id])
    drag(view, QPoint(300, 250), QPoint(310, 250), _ALT)
    assert context.annotations[locked.id] == locked
    assert context.notices == ["The annotation is locked: unlock first."]


def test_the_wand_takes_what_has_the_colour_of_the_place(qtbot: QtBot, view: SlideView) -> None:
    import numpy as np

    rows, columns = np.mgrid[:1200, :1200]
    pixels = np.full((1200, 1200, 3), 240, np.uint8)
    pixels[(rows - 600) ** 2 + (columns - 600) ** 2 < 100**2] = (120, 70, 150)
    assert view.close_slide()
    slide = ArraySlide(pixels)
    view.set_slide(slide, TileCache(50 << 20), slide.metadata.pixel_size)
    view.zoom_to_magnification(10.0)
    view.center_on(Point(600, 600))
    view.set_rotation(37)
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    context = Context(view)
    view.input.set_tool(WandTool(context))
    middle = view.rect().center()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, _NONE, middle + QPoint(10, 5))
    (found,) = _all(context)
    disc = shapely.Point(600, 600).buffer(100, quad_segs=64)
    assert disc.buffer(3).covers(found.geometry)
    assert found.geometry.covers(disc.buffer(-10))
    QTest.keyClick(view, Qt.Key.Key_BracketRight)
    assert context.sizes.wand_tolerance == pytest.approx(1.15**2)
    shown(view)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, _ALT, middle)
    left = sum(each.geometry.area for each in _all(context))
    assert left < 0.02 * found.geometry.area


def test_a_note_is_written_where_it_stands(qtbot: QtBot, context: Context) -> None:
    view = context.view
    view.input.set_tool(NoteTool(context))

    def click(x: int, y: int) -> None:
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, _NONE, QPoint(x, y))

    def editor() -> NoteEditor:
        return next(each for each in view.findChildren(NoteEditor) if each.isVisible())

    click(200, 200)
    QTest.keyClicks(editor(), "Mitosis?")
    QTest.keyClick(editor(), Qt.Key.Key_Return, _SHIFT)
    QTest.keyClicks(editor(), "ask")
    QTest.keyClick(editor(), Qt.Key.Key_Return)
    (note,) = _all(context)
    assert note.kind is Kind.TEXT
    assert note.note == "Mitosis?\nask"
    assert view.viewport is not None
    x, y = note.geometry.coords[0]
    assert Point(x, y).distance_to(view.point_at(QPointF(200, 200))) < 1e-6
    assert view.hasFocus()

    click(203, 199)  # on the note
    QTest.keyClicks(editor(), " Meier")
    QTest.keyClick(editor(), Qt.Key.Key_Escape)
    assert [each.note for each in _all(context)] == ["Mitosis?\nask Meier"]
    assert view.input.tool is not None
    click(400, 300)
    QTest.keyClicks(editor(), "Second")
    view.setFocus(Qt.FocusReason.MouseFocusReason)  # as with a click beside it
    click(300, 400)
    assert [each.note for each in _all(context)][1:] == ["Second"]
    assert not [each for each in view.findChildren(NoteEditor) if each.isVisible()]
    qtbot.wait(10)
    click(300, 400)  # nothing is written
    view.input.set_tool(NoteTool(context))
    assert len(_all(context)) == 2

    click(400, 300)  # one that is deleted while it is changed
    QTest.keyClicks(editor(), " thought")
    context.apply(deleted("delete", _all(context)))
    view.input.set_tool(None)
    assert [each.note for each in _all(context)] == ["Second thought"]
