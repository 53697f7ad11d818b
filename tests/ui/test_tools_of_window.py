"""Tools in the window: the strip beside the slide, keys, classes, several slides."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from bachview.core.classes import BACH_CLASSES
from bachview.marks.annotation import Kind
from bachview.ui.session.annotation_classes import AnnotationClasses
from bachview.ui.session.settings import SettingsFile
from bachview.ui.view.slide_view import SlideView
from bachview.ui.window.tool_strip import ClassButton, ToolStrip
from tests.support.slide_views import drag
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def _tool_of(view: SlideView) -> str:
    return "" if view.input.tool is None else view.input.tool.key


def _checked(strip: ToolStrip) -> list[str]:
    buttons = strip.findChildren(QToolButton)
    return [each.accessibleName() for each in buttons if each.isChecked()]


def test_tools_are_taken_by_key_and_button_and_go_along(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        strip = window.tool_strip
        assert strip.isHidden()
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(900, 700)))
        view = page.view
        assert strip.isVisible()
        assert _checked(strip) == ["Hand"]
        QTest.keyClick(view, Qt.Key.Key_R)
        assert (_tool_of(view), _checked(strip)) == ("rectangle", ["Rectangle"])
        window.services.annotation_classes.choose("Benign")
        drag(view, QPoint(200, 200), QPoint(300, 260))
        (drawn,) = page.document.marks.working_set.annotations.values()
        assert drawn.kind is Kind.RECTANGLE
        assert drawn.annotation_class is not None
        assert drawn.annotation_class.name == "Benign"
        assert page.document.marks.selected == (drawn,)
        assert _tool_of(view) == "rectangle"

        QTest.keyClick(view, Qt.Key.Key_B)
        opaque = window.panel.overlay.style_now.opacity
        size = window.services.tool_sizes.brush_vp
        QTest.keyClick(view, Qt.Key.Key_BracketRight)
        assert window.services.tool_sizes.brush_vp > size
        assert window.panel.overlay.style_now.opacity == opaque

        other = page_of(qtbot, window, write_pyramid(tmp_path / "b.tiff", gradient(800, 600)))
        assert (_tool_of(view), _tool_of(other.view)) == ("", "brush")
        QTest.keyClick(other.view, Qt.Key.Key_Escape)
        assert _checked(strip) == ["Hand"]
        assert window.services.settings.now.brush_px > size

        QTest.keyClick(other.view, Qt.Key.Key_F11)
        window.tabs.setCurrentWidget(page)
        window.tabs.setCurrentWidget(other)
        assert strip.isHidden()
        QTest.keyClick(other.view, Qt.Key.Key_M)
        assert _tool_of(other.view) == "line"
        QTest.keyClick(other.view, Qt.Key.Key_F11)
        assert strip.isVisible()
        QTest.keyClick(other.view, Qt.Key.Key_F7)
        assert strip.isHidden()
        assert not window.services.settings.now.tools


def test_a_known_length_is_measured_and_leaves_no_annotation(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        path = write_pyramid(tmp_path / "photo.tiff", gradient(900, 700), mpp=None)
        page = page_of(qtbot, window, path)
        measure = next(
            each for each in page.banner.findChildren(QPushButton) if "Measure" in each.text()
        )
        measure.click()
        assert _tool_of(page.view) == "known length"
        assert page.view.viewport is not None
        width = 60 * page.view.viewport.downsample
        y = page.banner.geometry().bottom() + 40
        drag(page.view, QPoint(300, y), QPoint(360, y))
        page.view.grab()
        page.banner._length.setText("100")
        page.banner._use_length.click()
        assert page.document.pixel_size.mpp == pytest.approx(100 / width)
        assert not page.document.marks.working_set.annotations
        assert _tool_of(page.view) == ""

        page.banner.ask_again(page.document.pixel_size, page.document.pixel_size)
        measure.click()
        QTest.keyClick(page.view, Qt.Key.Key_M)
        assert not measure.isChecked()
        assert _tool_of(page.view) == "line"


@pytest.mark.parametrize("height", [900, 470, 440, 200, 40])
def test_no_button_of_the_strip_is_cut_off(qtbot: QtBot, height: int) -> None:
    with open_window(qtbot) as window:
        groups = window.tool_commands.groups
        strip = ToolStrip(groups, window.services.annotation_classes)
        qtbot.addWidget(strip)
        strip.resize(strip.width(), height)
        strip.show()
        QApplication.processEvents()
        buttons = strip.findChildren(QToolButton)
        assert len(buttons) == sum(map(len, groups)) + 1  # the class
        assert all(strip.rect().contains(each.geometry()) for each in buttons)
        places = [(each.x(), each.y()) for each in buttons]
        assert len(set(places)) == len(places)
        strip.grab()


def test_new_annotations_get_the_class_that_is_chosen(qtbot: QtBot, tmp_path: Path) -> None:
    classes = AnnotationClasses(SettingsFile(tmp_path))
    strip = ToolStrip([], classes)
    qtbot.addWidget(strip)
    button = strip.findChild(ClassButton)
    assert isinstance(button, ClassButton)
    button.fill()
    names = [action.text() for action in button.menu().actions()]
    assert names == ["No class", "Normal", "Benign", "In situ", "Invasive"]
    button.menu().actions()[3].trigger()
    assert classes.present == classes.all[2]
    assert "In situ" in button.toolTip()
    classes.take_model(BACH_CLASSES.classes[:2])
    assert classes.present not in classes.all
    classes.take_model(BACH_CLASSES)
    assert classes.present == classes.all[2]
