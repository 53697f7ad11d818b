"""One look on every machine, and no window left behind."""

import gc
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from bachview.slide.tiles.cache import TileCache
from bachview.ui.view.slide_view import SlideView
from tests.support.slide_views import WatchedSlide
from tests.support.windows import NOWHERE


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["bachview-tests", "-style", "Fusion"]


@pytest.fixture(autouse=True)
def same_look_as_before(qapp: QApplication) -> Iterator[None]:
    """A theme is the application's, which outlives the test."""
    palette, sheet = qapp.palette(), qapp.styleSheet()
    yield
    if qapp.palette() != palette:
        qapp.setPalette(palette)
    if qapp.styleSheet() != sheet:
        qapp.setStyleSheet(sheet)


@pytest.fixture(autouse=True)
def garbage_of_this_thread(qapp: QApplication) -> Iterator[None]:
    """As in the program (`bachview.ui.session.garbage`), no worker collects a widget.

    Python collects in whatever thread allocates: the process would crash, or both threads hang.
    """
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def cursor_elsewhere(qapp: QApplication) -> None:
    """Wherever the last test has left the cursor, it is on no window of this one."""
    QCursor.setPos(NOWHERE)


@pytest.fixture(autouse=True)
def no_leftover_widgets(qapp: QApplication) -> Iterator[None]:
    """A top-level widget that outlives its test is a leak in the program or in the test."""
    before = {id(widget) for widget in QApplication.topLevelWidgets()}
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    left = _left(before)
    if left:  # perhaps only waiting for the collector
        left.clear()
        gc.collect()
        left = _left(before)
    names = [f"{type(widget).__name__} {widget.objectName()!r}" for widget in left]
    for widget in left:
        widget.hide()
        widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not names, f"top-level widgets left behind: {names}"


def _left(before: set[int]) -> list[QWidget]:
    # A tool tip belongs to Qt, and a hidden widget with a parent goes with that.
    return [
        widget
        for widget in QApplication.topLevelWidgets()
        if id(widget) not in before
        and (widget.isVisible() or widget.parent() is None)
        and widget.metaObject().className() != "QTipLabel"
    ]


@pytest.fixture
def slide() -> WatchedSlide:
    return WatchedSlide()


@pytest.fixture
def view(qtbot: QtBot, slide: WatchedSlide) -> Iterator[SlideView]:
    view = SlideView()
    qtbot.addWidget(view)
    view.resize(600, 500)
    view.input.smooth_zoom = False
    view.show()
    view.set_slide(slide, TileCache(200 << 20), slide.metadata.pixel_size)
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    yield view
    slide.gate.set()
    assert view.close_slide(20)  # as long as a busy machine needs
    assert not slide.closed
