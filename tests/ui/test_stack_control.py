"""Another focal plane or time point takes the place of the one before, and all that is its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point, Region
from bachview.core.pixel_size import PixelSize
from bachview.core.stack import SINGLE, Choice, Stack
from bachview.slide.opening import opened_slide
from bachview.ui.dialogs.export_dialog import ExportDialog
from bachview.ui.session.run_status import RunState
from bachview.ui.window.exports import folder_names
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.slide_page import SlidePage
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import LONG_MS, open_window, page_of, wait_for

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

PLANES, TIMES = 3, 2


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Of each plane and time point another grey, without a pixel size."""
    greys = np.arange(1, PLANES * TIMES + 1, dtype=np.uint8).reshape(TIMES, PLANES, 1, 1, 1) * 30
    pixels = np.broadcast_to(greys, (TIMES, PLANES, 600, 800, 3))
    path = tmp_path / "stack.ome.tif"
    tifffile.imwrite(path, pixels, photometric="rgb", metadata={"axes": "TZYXS"})
    return path


def _grey(page: SlidePage) -> int:
    return int(page.document.reader.read(0, 0, 0, 1, 1)[0, 0, 0])


def _shown(qtbot: QtBot, window: MainWindow, stack: Stack) -> SlidePage:
    """The page in front, once it shows this."""

    def is_there() -> bool:
        page = window.tabs.page
        return page is not None and page.document.metadata.stack == stack

    qtbot.waitUntil(is_there, timeout=LONG_MS)
    assert window.tabs.page is not None
    return window.tabs.page


def _at(plane: int, time: int) -> Stack:
    return Stack(plane=plane, planes=PLANES, time_point=time, time_points=TIMES)


def test_planes_and_time_points_are_chosen_by_key_at_the_same_place(
    qtbot: QtBot, tmp_path: Path, stack: Path
) -> None:
    with open_window(qtbot) as window:
        other = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(300, 300)))
        assert window.status.stack.isHidden()
        assert not any(step.isEnabled() for step in window.stack_commands.steps)
        first = page_of(qtbot, window, stack)
        fields = window.status.stack.fields
        assert [fields[kind].text() for kind in ("plane", "time_point")] == [
            "Focal plane 1 of 3",
            "Time point 1 of 2",
        ]
        assert fields["image"].isHidden()
        first.view.zoom_by(4)
        first.view.center_on(Point(100, 50))
        first.document.calibrate(PixelSize.typed(0.5))
        place = first.view.viewport
        QTest.keyClick(window, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
        second = _shown(qtbot, window, _at(2, 1))
        QTest.keyClick(window, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
        third = _shown(qtbot, window, _at(2, 2))
        assert (second.document.path, _grey(third)) == (stack, 5 * 30)
        assert window.tabs.pages == [other, third]
        assert third.view.viewport is not None
        assert place is not None
        assert third.view.viewport.center == place.center
        assert third.view.viewport.downsample == place.downsample
        assert third.document.pixel_size == PixelSize.typed(0.5)
        assert fields["time_point"].text() == "Time point 2 of 2"
        QTest.keyClick(window, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
        assert _grey(_shown(qtbot, window, _at(1, 2))) == 4 * 30
        window.tabs.setCurrentWidget(other)
        assert window.status.stack.isHidden()


def test_of_quick_steps_the_last_counts(qtbot: QtBot, stack: Path) -> None:
    with open_window(qtbot) as window:
        page_of(qtbot, window, stack)
        for plane in (2, 3, 1, 3):
            window.status.stack.chosen.emit(Choice(1, plane, 1))
        _shown(qtbot, window, _at(3, 1))
        assert len(window.tabs.pages) == 1
        assert window.status.stack.fields["plane"].value() == 3


def test_a_picture_that_is_gone_leaves_the_one_before(qtbot: QtBot, stack: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, stack)
        stack.unlink()
        window.status.stack.fields["plane"].stepUp()
        qtbot.waitUntil(lambda: bool(window.messages.texts), timeout=LONG_MS)
        qtbot.waitUntil(lambda: window.status.stack.fields["plane"].value() == 1, timeout=LONG_MS)
        assert window.tabs.page is page


def test_a_picture_that_is_not_waited_for_is_not_said_to_be_shown(
    qtbot: QtBot, stack: Path
) -> None:
    with open_window(qtbot) as window:
        page_of(qtbot, window, stack)
        window.status.stack.fields["plane"].stepUp()
        window.status.stopRequested.emit(stack)
        assert window.status.stack.fields["plane"].value() == 1


def test_results_of_each_plane_are_exported_into_a_folder_of_their_own(
    qtbot: QtBot, tmp_path: Path
) -> None:
    pink = gradient(600, 600) // 3 + np.array([150, 60, 120], dtype=np.uint8)
    path = tmp_path / "stack.ome.tif"
    details = {"axes": "ZYXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    tifffile.imwrite(path, np.stack([pink] * 2), photometric="rgb", metadata=details)
    with open_window(qtbot) as window:
        page_of(qtbot, window, path)
        window.status.stack.fields["plane"].stepUp()
        page = _shown(qtbot, window, Stack(plane=2, planes=2))
        page.regionDrawn.emit(Region(0, 0, 256, 256))
        wait_for(qtbot, page, RunState.DONE)
        window.classify_commands.ask_export()
        (dialog,) = page.findChildren(ExportDialog)
        assert dialog.folder.name == "stack.ome-z2"
        assert "Focal plane 2 of 2" in [label.text() for label in dialog.findChildren(QLabel)]
        dialog.reject()


def test_folders_for_results_tell_slides_and_pictures_apart(stack: Path) -> None:
    with opened_slide(stack, choice=Choice(plane=2, time_point=2)) as reader:
        metadata = reader.metadata
    short = metadata.fingerprint.removeprefix("c2:")[:12]
    assert folder_names(metadata) == ("stack.ome-z2t2", f"slide-{short}-z2t2")
    # A text field would drop these bytes, and write elsewhere than it says.
    other = replace(metadata, path=Path("gr\udcf6\udcdfe.tif"), stack=SINGLE)
    assert folder_names(other)[0] == "gr_xf6_xdfe"
