"""A slide that the tests watch, and what a hand does to a view of it."""

import threading
from functools import cache

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from bachview.ui.view.painting import pixels_of, render
from bachview.ui.view.slide_view import LIGHT_SURROUND, SlideView
from tests.support.slides import ArraySlide, gradient
from tests.support.tiles import Tiles

Pixels = npt.NDArray[np.uint8]


@cache
def large_slide() -> ArraySlide:
    """Made once: shrinking it takes seconds."""
    return ArraySlide(gradient(4000, 3000))


class WatchedSlide(ArraySlide):
    """The large slide; notes which threads read, and can hold the readers up."""

    def __init__(self) -> None:
        vars(self).update(vars(large_slide()))
        self.readers: set[threading.Thread] = set()
        self.gate = threading.Event()
        self.gate.set()

    def read(
        self, level: int, x_lv: int, y_lv: int, width: int, height: int
    ) -> npt.NDArray[np.uint8]:
        self.readers.add(threading.current_thread())
        assert self.gate.wait(20)
        return super().read(level, x_lv, y_lv, width, height)


def shown(view: SlideView) -> Pixels:
    image = view.grab().toImage()
    return pixels_of(image)[..., :3].copy()


def expected(view: SlideView, slide: ArraySlide) -> Pixels:
    assert view.viewport is not None
    image = render(
        view.viewport, slide.metadata.pyramid, Tiles(slide).get, background=LIGHT_SURROUND
    )
    return pixels_of(image)[..., :3].copy()


def middle_of(picture: Pixels) -> Pixels:
    """Without what is drawn in the corners."""
    return picture[210:420, 150:400]


def drag(
    view: SlideView,
    start: QPoint,
    end: QPoint,
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    QTest.mousePress(view, Qt.MouseButton.LeftButton, modifiers, start)
    for part in (0.3, 0.7, 1.0):
        QTest.mouseMove(view, start + (end - start) * part)
        QApplication.processEvents()
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, modifiers, end)


def wheel(
    view: SlideView,
    at: QPointF,
    units: int,
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    event = QWheelEvent(
        at,
        view.mapToGlobal(at),
        QPoint(),
        QPoint(0, units),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)
