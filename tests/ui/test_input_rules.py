"""Wheel, keyboard focus and dragged files, tried with events as Qt sends them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QEnterEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QSlider,
    QSpinBox,
    QTabBar,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from bachview.ui.window.input_rules import InputRules
from bachview.ui.window.main_window import MainWindow
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import open_window, page_of

# What the offscreen platform cannot do.
pytestmark = pytest.mark.qt_log_ignore(
    "propagateSizeHints", "support raise", "grabbing the keyboard", extend=True
)


class Desk(QWidget):
    """One control of each kind above something that takes the keyboard, as a slide does."""

    def __init__(self) -> None:
        super().__init__()
        self.slide = QWidget(self)
        self.slide.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.slide.setMinimumHeight(40)
        self.combo, self.spin, self.tabs = QComboBox(self), QSpinBox(self), QTabBar(self)
        self.slider, self.check = QSlider(Qt.Orientation.Horizontal, self), QCheckBox("a", self)
        self.text, self.note = QLineEdit(self), QPlainTextEdit(self)
        for name in "abcd":
            self.combo.addItem(name)
            self.tabs.addTab(name)
        column = QVBoxLayout(self)
        for each in (self.slide, *self.controls, self.check, self.text, self.note):
            column.addWidget(each)

    @property
    def controls(self) -> tuple[QWidget, ...]:
        return self.combo, self.spin, self.slider, self.tabs

    @property
    def values(self) -> tuple[int, ...]:
        tabs = self.tabs.currentIndex()
        return self.combo.currentIndex(), self.spin.value(), self.slider.value(), tabs


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[Desk]:
    desk = Desk()
    qtbot.addWidget(desk)
    rules = InputRules(desk, lambda: desk.slide)
    desk.show()
    qtbot.waitUntil(desk.isActiveWindow)
    desk.slide.setFocus()
    yield desk
    rules.stop()


def turn_wheel(over: QWidget) -> bool:
    """Whether it was used. Qt offers to a parent only what comes from the system."""
    at = QPointF(over.rect().center())
    event = QWheelEvent(
        at,
        over.mapToGlobal(at),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(over, event)
    return event.isAccepted()


def test_the_wheel_over_an_unfocused_control_is_left_to_what_lies_behind(desk: Desk) -> None:
    before = desk.values
    for control in desk.controls:
        at = QPointF(control.rect().center())
        QApplication.sendEvent(control, QEnterEvent(at, at, control.mapToGlobal(at)))
        assert not turn_wheel(control)
        # Otherwise Qt would give it the keyboard before it asks anybody.
        assert control.focusPolicy() != Qt.FocusPolicy.WheelFocus
    assert desk.values == before


def test_the_wheel_turns_the_control_that_has_the_keyboard(desk: Desk) -> None:
    desk.spin.setValue(5)
    desk.spin.setFocus()
    assert turn_wheel(desk.spin)
    assert desk.spin.value() == 4


def test_the_wheel_passes_the_controls_of_a_dialog_and_scrolls_its_lists(desk: Desk) -> None:
    dialog = QDialog(desk)
    area, inside = QScrollArea(dialog), QWidget()
    column, box = QVBoxLayout(inside), QComboBox(inside)
    box.addItems(["a", "b"])
    column.addWidget(box)
    column.addSpacing(2000)
    area.setWidget(inside)
    dialog.show()
    area.setFocus()
    assert not turn_wheel(box)
    assert box.currentIndex() == 0
    assert turn_wheel(area.verticalScrollBar())
    assert area.verticalScrollBar().value() > 0
    dialog.close()


@pytest.mark.parametrize("name", ["check", "slider"])
def test_a_control_used_with_the_mouse_gives_the_keyboard_back(
    qtbot: QtBot, desk: Desk, name: str
) -> None:
    control = getattr(desk, name)
    QTest.mouseClick(control, Qt.MouseButton.LeftButton)
    assert control.hasFocus()
    qtbot.waitUntil(desk.slide.hasFocus)


def test_a_list_that_was_opened_with_the_mouse_gives_the_keyboard_back(
    qtbot: QtBot, desk: Desk
) -> None:
    QTest.mouseClick(desk.combo, Qt.MouseButton.LeftButton)
    choices = desk.combo.view()
    qtbot.waitUntil(choices.isVisible)
    choices.setCurrentIndex(desk.combo.model().index(1, 0))
    QTest.keyClick(choices, Qt.Key.Key_Return)
    assert desk.combo.currentIndex() == 1
    qtbot.waitUntil(lambda: desk.focusWidget() is desk.slide)


def test_a_control_that_vanishes_when_it_is_pressed_leaves_the_keyboard_to_the_slide(
    qtbot: QtBot, desk: Desk
) -> None:
    desk.check.clicked.connect(desk.check.hide)  # Qt goes on to the text field
    QTest.mouseClick(desk.check, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(desk.slide.hasFocus)


def test_who_goes_by_tab_key_stays_until_enter_or_escape(qtbot: QtBot, desk: Desk) -> None:
    desk.combo.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(desk.combo, Qt.Key.Key_Down)
    QTest.keyClick(desk.combo, Qt.Key.Key_Tab)
    assert desk.spin.hasFocus()
    QTest.keyClick(desk.spin, Qt.Key.Key_Escape)
    assert desk.slide.hasFocus()
    desk.check.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(desk.check, Qt.Key.Key_Space)
    QApplication.processEvents()
    assert desk.check.hasFocus()
    QTest.keyClick(desk.check, Qt.Key.Key_Return)
    qtbot.waitUntil(desk.slide.hasFocus)


def test_a_text_field_keeps_the_keyboard_until_escape(desk: Desk) -> None:
    QTest.mouseClick(desk.text, Qt.MouseButton.LeftButton)
    QTest.keyClicks(desk.text, "12")
    QApplication.processEvents()
    assert desk.text.hasFocus()
    assert desk.text.text() == "12"
    QTest.keyClick(desk.text, Qt.Key.Key_Escape)
    assert desk.slide.hasFocus()
    desk.note.setFocus()
    QTest.keyClick(desk.note, Qt.Key.Key_Escape)
    assert desk.slide.hasFocus()


def test_in_the_window_the_arrows_move_the_slide_after_a_control_was_used(
    qtbot: QtBot, tmp_path: Path
) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(900, 900)))
        qtbot.waitUntil(window.isActiveWindow)
        slider = window.panel.overlay.findChildren(QSlider)[0]
        QTest.mouseClick(slider, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(page.view.hasFocus)
        boxes = window.panel.findChildren(QComboBox)
        assert all(box.focusPolicy() != Qt.FocusPolicy.WheelFocus for box in boxes)
        # Not the tabs, when one of them is closed.
        other = page_of(qtbot, window, write_pyramid(tmp_path / "b.tiff", gradient(900, 900)))
        QTest.keyClick(other.view, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
        assert page.view.hasFocus()


# -- dragged files -------------------------------------------------------------------------


MOVE, COPY = Qt.DropAction.MoveAction, Qt.DropAction.CopyAction


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    with open_window(qtbot) as window:
        yield window


def test_files_are_copied_even_if_a_move_is_proposed(window: MainWindow, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "none.svs"))])
    kinds = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
    at = QPoint(99, 99)
    for event in (
        QDragEnterEvent(at, MOVE | COPY, data, *kinds),
        QDragMoveEvent(at, MOVE | COPY, data, *kinds),
        QDropEvent(QPointF(at), MOVE | COPY, data, *kinds),
    ):
        event.setDropAction(MOVE)
        QApplication.sendEvent(window, event)
        assert event.isAccepted()
        assert event.dropAction() == COPY


def test_files_over_a_text_field_are_not_its(qtbot: QtBot, desk: Desk, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.svs"))])
    kinds = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDragEnterEvent(QPoint(5, 5), MOVE | COPY, data, *kinds)
    QApplication.sendEvent(desk.text, event)
    assert not event.isAccepted()
