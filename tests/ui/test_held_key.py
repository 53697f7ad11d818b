"""Space, held: a look at the tissue below the overlay, or at the overlay that is off."""

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point
from bachview.core.uncertainty import Thresholds
from bachview.ui.view.slide_view import SlideView
from bachview.viewing.style import Drawing, OverlayStyle
from tests.support.predictions import prediction
from tests.support.slide_views import middle_of, shown

TINT = OverlayStyle(opacity=0.8, drawing=Drawing.TINT)


@pytest.fixture
def classified(qtbot: QtBot, view: SlideView) -> SlideView:
    assert view.viewport is not None
    view.set_viewport(view.viewport.with_downsample(1.0).centered(Point(900, 600)))
    view.set_overlay_style(TINT)
    view.set_prediction(prediction(), Thresholds(0.4, 0.6))
    return view


def settled(qtbot: QtBot, view: SlideView) -> npt.NDArray[np.int_]:
    shown(view)  # paints what has changed
    qtbot.waitUntil(lambda: view.is_settled, timeout=20_000)
    return middle_of(shown(view)).astype(int)


def repeat(view: SlideView) -> None:
    """What the system sends while a key stays down."""
    for kind in (QEvent.Type.KeyRelease, QEvent.Type.KeyPress):
        event = QKeyEvent(kind, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier, " ", autorep=True)
        QApplication.sendEvent(view, event)


def test_the_overlay_is_away_while_space_is_held_and_back_on_release(
    qtbot: QtBot, classified: SlideView
) -> None:
    tinted = settled(qtbot, classified)
    classified.set_overlay_style(OverlayStyle(is_shown=False))
    plain = settled(qtbot, classified)
    assert np.abs(tinted - plain).max() > 60
    classified.set_overlay_style(TINT)
    QTest.keyPress(classified, Qt.Key.Key_Space)
    repeat(classified)
    assert np.abs(settled(qtbot, classified) - plain).max() <= 2
    QTest.keyRelease(classified, Qt.Key.Key_Space)
    np.testing.assert_array_equal(settled(qtbot, classified), tinted)


def test_an_overlay_that_is_off_is_shown_while_space_is_held(
    qtbot: QtBot, classified: SlideView
) -> None:
    tinted = settled(qtbot, classified)
    classified.set_overlay_style(OverlayStyle(opacity=0.8, drawing=Drawing.TINT, is_shown=False))
    plain = settled(qtbot, classified)
    QTest.keyPress(classified, Qt.Key.Key_Space)
    np.testing.assert_array_equal(settled(qtbot, classified), tinted)
    QTest.keyRelease(classified, Qt.Key.Key_Space)
    np.testing.assert_array_equal(settled(qtbot, classified), plain)


@pytest.mark.parametrize(
    "reason", [Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason, None]
)
def test_a_release_that_never_comes_leaves_nothing_hidden(
    qtbot: QtBot, classified: SlideView, reason: Qt.FocusReason | None
) -> None:
    tinted = settled(qtbot, classified)
    QTest.keyPress(classified, Qt.Key.Key_Space)
    if reason is None:
        classified.hide()  # another tab
        classified.show()
    else:
        QApplication.sendEvent(classified, QFocusEvent(QEvent.Type.FocusOut, reason))
    np.testing.assert_array_equal(settled(qtbot, classified), tinted)
