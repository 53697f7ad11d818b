"""What a tool gets of mouse, wheel and keys, and what still navigates."""

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.ui.view.slide_view import SlideView
from bachview.ui.view.tools.base import Pointer, Tool
from tests.support.slide_views import drag, wheel
from tests.support.tool_contexts import Context


class _Noted(Tool):
    """Notes what it is told."""

    takes_right_button = True

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.told: list[str] = []
        self.last = Pointer(QPointF(), Point(0, 0))
        self.busy = False

    def _note(self, what: str, at: Pointer) -> None:
        self.last = at
        if self.told[-1:] != [what]:
            self.told.append(what)

    def press(self, at: Pointer) -> None:
        self._note("press", at)
        self.busy = True

    def drag(self, at: Pointer) -> None:
        self._note("drag", at)

    def release(self, at: Pointer) -> None:
        self._note("release", at)

    def hover(self, at: Pointer) -> None:
        self._note("hover", at)

    def double_click(self, at: Pointer) -> bool:
        self._note("double click", at)
        return True

    def wheel(self, steps: float, modifiers: Qt.KeyboardModifier) -> bool:
        return bool(modifiers & Qt.KeyboardModifier.ControlModifier)

    def takes_key(self, event: QKeyEvent) -> bool:
        return event.key() == Qt.Key.Key_BracketLeft

    def key_press(self, event: QKeyEvent) -> bool:
        return event.key() == Qt.Key.Key_BracketLeft

    def end(self) -> bool:
        was_busy, self.busy = self.busy, False
        return was_busy


def test_a_tool_gets_the_mouse_and_the_view_still_moves(qtbot: QtBot, view: SlideView) -> None:
    view.zoom_to_magnification(20.0)
    tool = _Noted(Context(view))
    view.input.set_tool(tool)
    assert view.viewport is not None
    before = view.viewport
    drag(view, QPoint(200, 250), QPoint(230, 290), Qt.KeyboardModifier.ShiftModifier)
    assert tool.told == ["press", "drag", "release"]
    assert tool.last.has_shift
    buttons = [tool.last.button]
    assert tool.last.point == view.point_at(QPointF(230, 290))
    assert view.viewport == before

    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.viewport.center.x == before.center.x + 60
    assert tool.told[-1] == "drag"
    assert tool.last.point == view.point_at(QPointF(100, 100))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))

    wheel(view, QPointF(200, 150), 120)
    assert view.viewport.downsample < before.downsample
    center = view.viewport.center
    QTest.mousePress(view, Qt.MouseButton.MiddleButton, pos=QPoint(300, 300))
    QTest.mouseMove(view, QPoint(310, 320))
    QApplication.processEvents()
    QTest.mouseRelease(view, Qt.MouseButton.MiddleButton, pos=QPoint(310, 320))
    assert view.viewport.center != center
    assert tool.told[-1] == "hover"

    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(300, 300))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(300, 300))
    assert "double click" in tool.told
    QTest.mouseClick(view, Qt.MouseButton.RightButton, pos=QPoint(300, 300))
    buttons.append(tool.last.button)
    assert buttons == [Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton]
    menus: list[QPointF] = []
    view.menuRequested.connect(menus.append)
    at = QPoint(300, 300)
    QApplication.sendEvent(view, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, at))
    assert menus == []


def test_escape_ends_the_shape_and_then_the_tool(qtbot: QtBot, view: SlideView) -> None:
    tool = _Noted(Context(view))
    view.input.set_tool(tool)
    chosen: list[object] = []
    view.input.toolChanged.connect(chosen.append)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert chosen == []
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert chosen == [None]
    assert view.input.tool is None

    view.input.set_tool(tool)
    tool.busy = True
    view.input.set_tool(None)
    assert not tool.end()  # it was asked already
