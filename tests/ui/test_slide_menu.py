"""The menu on the slide acts at the place where it was opened."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.core.patches import PatchGrid
from bachview.core.predictions import Prediction
from bachview.core.tissue_cells import TissueCells
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def ask_for_menu(
    widget: QWidget,
    at: QPoint,
    reason: QContextMenuEvent.Reason = QContextMenuEvent.Reason.Mouse,
) -> None:
    QApplication.sendEvent(widget, QContextMenuEvent(reason, at, widget.mapToGlobal(at)))


def choose(menu: QMenu, text: str) -> None:
    """Choose by keyboard what a reader would by mouse, in the menu or one of its own."""
    for each in (menu, *menu.findChildren(QMenu)):
        for action in each.actions():
            if action.text().replace("&", "") == text:
                if each is not menu:
                    menu.setActiveAction(each.menuAction())
                each.setActiveAction(action)
                QTest.keyClick(each, Qt.Key.Key_Return)
                QApplication.processEvents()
                return
    raise AssertionError(f"nothing in the menu is called {text}")


def test_its_commands_act_where_it_was_opened(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(3000, 2000))
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        view, menu = page.view, window.slide_menu
        at = QPoint(view.width() // 2 - 90, view.height() // 2 + 60)
        place = view.point_at(QPointF(at))

        ask_for_menu(view, at)
        assert menu.isVisible()
        choose(menu, "20x")
        assert not menu.isVisible()
        assert view.is_at_magnification(20)
        assert view.point_at(QPointF(at)).distance_to(place) < 1e-6

        ask_for_menu(view, at)
        choose(menu, "Copy position")
        copied = [int(value) for value in QGuiApplication.clipboard().text().split(", ")]
        assert copied == [int(place.x), int(place.y)]

        asked: list[Any] = []
        monkeypatch.setattr(
            page.document, "classify", lambda *_, **options: asked.append(options["region"])
        )
        ask_for_menu(view, at)
        choose(menu, "Classify the cell under the cursor")
        (region,) = asked
        bundle = window.selector.of(page.document.path)
        assert bundle is not None
        assert region.contains(place)
        assert region.width == pytest.approx(bundle.geometry.stride_um / 0.5)

        # What is known to be glass is not given to the model.
        grid = PatchGrid.over(
            page.document.metadata.pyramid.bounds, page.document.pixel_size, bundle.geometry
        )
        glass = TissueCells.centred(np.zeros((grid.rows, grid.columns), np.bool_))
        page.document.prediction = Prediction(grid, bundle.classes, ("a",), glass)
        ask_for_menu(view, at)
        choose(menu, "Classify the cell under the cursor")
        assert len(asked) == 1
        assert "no H&E tissue" in window.messages.texts[-1]

        # Once it is closed, the same commands are of the middle again.
        assert view.viewport is not None
        middle = view.viewport.center
        window.view_commands.magnifications[3].trigger()
        assert view.viewport.center.distance_to(middle) < 1e-6


def test_the_top_left_corner_is_a_place_as_any_other(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(3000, 2000))
    with open_window(qtbot) as window:
        view, corner = page_of(qtbot, window, path).view, QPointF(0, 0)
        view.zoom_by(8)
        place = view.point_at(corner)
        ask_for_menu(view, QPoint(0, 0))
        assert view.pointed_at == place
        choose(window.slide_menu, "20x")
        assert view.is_at_magnification(20)
        assert view.point_at(corner).distance_to(place) < 1e-6


def test_it_closes_with_its_slide(qtbot: QtBot, tmp_path: Path) -> None:
    """Another focal plane takes its place when it has been read, whatever is open then."""
    path = write_pyramid(tmp_path / "a.tiff", gradient(3000, 2000))
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        ask_for_menu(page.view, QPoint(50, 50))
        window.close_page(page)
        assert not window.slide_menu.isVisible()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()


def test_it_opens_by_keyboard_at_the_middle_and_not_on_what_lies_over_the_slide(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(3000, 2000))
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        view, menu = page.view, window.slide_menu
        view.zoom_by(3)
        view.center_on(Point(1000, 1000))
        ask_for_menu(page.minimap, QPoint(20, 20))
        shown = [menu.isVisible()]
        ask_for_menu(view, QPoint(0, 0), QContextMenuEvent.Reason.Keyboard)
        shown.append(menu.isVisible())
        assert shown == [False, True]
        assert view.pointed_at is not None
        assert view.pointed_at.distance_to(Point(1000, 1000)) < 5
        QTest.keyClick(menu, Qt.Key.Key_Escape)
        QTest.keyClick(view, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
        shown.append(menu.isVisible())
        assert shown == [False, True, True]
        QTest.keyClick(menu, Qt.Key.Key_Escape)
        assert view.anchor is not None  # what was chosen would be done first
        QApplication.processEvents()
        qtbot.waitUntil(lambda: view.anchor is None)
        view.center_on(Point(2950, 1000))
        view.anchor = QPointF(view.width() - 5, 300)
        window.place_commands.copy_position.trigger()
        assert "beside the slide" in " ".join(window.messages.texts)
