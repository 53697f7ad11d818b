"""A grid in round lengths, and places that are typed."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from PySide6.QtWidgets import QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point, Region, Size
from bachview.core.pixel_size import PixelSize
from bachview.marks.annotation import Annotation, Kind
from bachview.marks.working_set import added
from bachview.ui.dialogs.go_to_dialog import GoToDialog
from bachview.ui.view.painting_grid import grid_for, grid_lines
from bachview.viewing.viewport import Viewport
from tests.support.slide_views import shown
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import LONG_MS, open_window, page_of

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

EXTENT = Region(0, 0, 2000, 1000)


@pytest.mark.parametrize("downsample", [0.25, 1.0, 3.7, 50.0])
def test_the_grid_has_a_round_width_that_suits_the_view(downsample: float) -> None:
    viewport = Viewport(Point(1000, 500), downsample, Size(800, 600))
    grid = grid_for(viewport, PixelSize.of_file(0.5, 0.25))
    assert 64 <= grid.step_x / downsample <= 330
    assert grid.step_y == 2 * grid.step_x  # as long on the slide, whose pixels are not square
    unknown = grid_for(viewport, PixelSize.unknown())
    assert unknown.step_x == unknown.step_y
    assert unknown.text.endswith(" px")


def test_the_lines_are_at_the_multiples_of_its_width() -> None:
    grid = grid_for(Viewport(Point(0, 0), 1.0, Size(800, 600)), PixelSize.typed(0.5))
    assert (grid.step_x, grid.text) == (100, "50 µm")
    lines = list(grid_lines(grid, Region(150, 90, 200, 120)))
    assert {(a.x, b.x) for a, b in lines if a.x == b.x} == {(200, 200), (300, 300)}
    assert {(a.y, b.y) for a, b in lines if a.y == b.y} == {(100, 100), (200, 200)}


@pytest.mark.parametrize(
    ("text", "unit", "place"),
    [
        ("700, 400", 0, Point(700, 400)),
        ("700,400", 0, Point(700, 400)),
        ("10,5; 20.25", 1, Point(21, 40.5)),
        ("10,5 20,25", 1, Point(21, 40.5)),
        ("10 µm, 20.25µm", 0, Point(20, 40.5)),  # as the status bar shows a place
        ("700 px, 400 px", 1, Point(700, 400)),
        ("700 px, 400 µm", 0, None),
        ("2001, 5", 0, None),
        ("5", 0, None),
        ("a, b", 0, None),
        ("1, 2, 3", 0, None),
    ],
)
def test_a_typed_place_is_read_or_a_sentence_says_why_not(
    qtbot: QtBot, text: str, unit: int, place: Point | None
) -> None:
    dialog = GoToDialog(Point(3.5, 4.5), EXTENT, PixelSize.typed(0.5))
    qtbot.addWidget(dialog)
    chosen: list[Point] = []
    dialog.chosen.connect(chosen.append)
    choose_unit, field = dialog.findChild(QComboBox), dialog.findChild(QLineEdit)
    assert isinstance(choose_unit, QComboBox)
    assert isinstance(field, QLineEdit)
    choose_unit.setCurrentIndex(unit)
    field.setText(text)
    complaint = dialog._complaint.text()
    dialog.accept()
    assert chosen == ([] if place is None else [place])
    assert complaint.endswith(".") == (place is None)


def test_both_are_in_the_window(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(2000, 1000), mpp=0.5)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        window.place_commands.go_to.trigger()
        dialog = window.findChild(GoToDialog)
        assert isinstance(dialog, GoToDialog)
        field = dialog.findChild(QLineEdit)
        assert isinstance(field, QLineEdit)
        field.setText("1500, 250")
        dialog.accept()
        assert page.view.viewport is not None
        assert page.view.viewport.center == Point(1500, 250)
        qtbot.waitUntil(lambda: page.view.is_settled, timeout=LONG_MS)
        before = shown(page.view)
        window.view_commands.grid.trigger()
        qtbot.waitUntil(lambda: page.view.is_settled, timeout=LONG_MS)
        with_grid = shown(page.view)
        assert (with_grid != before).mean() > 0.005
        # Nothing crosses what says how wide it is.
        marks, seen = page.document.marks, page.view.viewport.region
        qtbot.waitUntil(lambda: marks.is_loaded, timeout=LONG_MS)
        y = seen.bottom - 22 * page.view.viewport.downsample
        line = shapely.LineString([(seen.x, y), (seen.right, y)])
        marks.apply(added("draw", [Annotation.drawn(Kind.LINE, line)]))
        plate = slice(-30, -15), slice(-90, -20)
        crossed = shown(page.view)
        assert (crossed != with_grid).any()
        through = np.abs(
            crossed[plate].astype(int) - with_grid[plate]
        )  # the plate lets some through
        assert through.max() < 60
        marks.undo()
        window.view_commands.grid.trigger()
        qtbot.waitUntil(lambda: page.view.is_settled, timeout=LONG_MS)
        np.testing.assert_array_equal(shown(page.view), before)
        window.view_commands.grid.trigger()
    with open_window(qtbot) as window:  # it is remembered
        assert window.view_commands.grid.isChecked()
