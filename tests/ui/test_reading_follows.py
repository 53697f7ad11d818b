"""In the window: reading, outlines and position are of the place under the cursor, always."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import PatchResults
from bachview.inference.slides import SlideRun
from bachview.models.bundle.installed import resolve_bundle
from bachview.models.bundle.opened import open_bundle
from bachview.slide.opening import opened_slide
from bachview.store.results import ResultStore
from bachview.ui.panels.cursor_reading import cell_at, reading_at
from bachview.ui.session.activation_maps import ActivationMaps
from bachview.ui.view.slide_view import SlideView
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.status_line import position_text
from tests.support.fake_ensemble import Facts, FakeEnsemble
from tests.support.slides import write_pyramid
from tests.support.windows import LONG_MS, NOWHERE, open_window, page_of

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

NOTHING = "Move the cursor over classified tissue."


def classified_slide(path: Path, *, seed: int) -> Path:
    """A slide of many colours, and so classes, with the results of the self-test bundle."""
    colours = np.random.default_rng(seed).integers(60, 250, (8, 8, 1), np.uint8)
    picture = np.full((1024, 1024, 3), (0, 60, 130), np.uint8)
    picture[..., :1] = colours.repeat(128, axis=0).repeat(128, axis=1)
    write_pyramid(path, picture)
    with (
        open_bundle(resolve_bundle("selftest")) as bundle,
        opened_slide(path) as reader,
        ResultStore.open(user_folders().results, reader.metadata.fingerprint) as store,
    ):
        facts = Facts(
            bundle.name, bundle.sha256, bundle.classes, bundle.geometry, bundle.member_names
        )
        with SlideRun(reader, FakeEnsemble(facts=facts), store) as run:
            run.work(anyway=True)
    return path


@pytest.fixture
def outlined(monkeypatch: pytest.MonkeyPatch) -> dict[SlideView, Region | None]:
    """The cell that each view outlines."""
    outlined: dict[SlideView, Region | None] = {}

    def set_field(view: SlideView, field: Region | None, cell: Region | None = None) -> None:
        outlined[view] = cell

    monkeypatch.setattr(SlideView, "set_field", set_field)
    return outlined


def is_of_the_cursor(
    window: MainWindow, page: SlidePage, outlined: dict[SlideView, Region | None]
) -> bool:
    """Whether everything that is tied to the place under the cursor is of it."""
    document, view = page.document, page.view
    prediction, thresholds = document.prediction, document.thresholds
    point = view.point_at(view.mapFromGlobal(QPointF(QCursor.pos())))
    statement, place = NOTHING, None
    if prediction is not None and thresholds is not None:
        cell = cell_at(prediction.grid, point)
        assert cell is not None
        reading = reading_at(prediction, thresholds, document.pixel_size, cell)
        statement = reading.statement
        place = prediction.grid.cell(*cell) if reading.patch_result else None
    return (
        window.tabs.page is page
        and not view.cursor_watch.is_looking
        and window.status.texts[1] == position_text(point, document.pixel_size)
        and window.panel.at_cursor.statement == statement
        and outlined.get(view) == place
    )


def test_every_change_of_view_is_followed(
    qtbot: QtBot, tmp_path: Path, outlined: dict[SlideView, Region | None]
) -> None:
    paths = [classified_slide(tmp_path / f"{n}.tiff", seed=n) for n in (1, 2)]
    with open_window(qtbot) as window:
        first, second = (page_of(qtbot, window, path) for path in paths)
        pages = first, second
        qtbot.waitUntil(lambda: all(page.document.prediction for page in pages), timeout=LONG_MS)
        for page in pages:
            page.view.zoom_to_magnification(20)
        QCursor.setPos(second.view.mapToGlobal(QPoint(150, 150)))
        qtbot.waitUntil(lambda: is_of_the_cursor(window, second, outlined))
        view_commands = window.view_commands
        changes: tuple[Callable[[], object], ...] = (
            lambda: QTest.keyClick(second.view, Qt.Key.Key_Left),
            view_commands.rotate_right.trigger,
            view_commands.full_screen.trigger,
            view_commands.full_screen.trigger,
            view_commands.panel.trigger,
            view_commands.panel.trigger,
            lambda: window.resize(1100, 750),
            lambda: second.document.calibrate(PixelSize.typed(0.5)),
        )
        for change in changes:
            change()
            qtbot.waitUntil(lambda: is_of_the_cursor(window, second, outlined))
        window.tabs.step(-1)
        qtbot.waitUntil(lambda: is_of_the_cursor(window, first, outlined))
        assert outlined[second.view] is None
        QCursor.setPos(NOWHERE)
        qtbot.waitUntil(lambda: window.status.texts[1] == "")
        assert outlined[first.view] is None
        QTest.keyClick(first.view, Qt.Key.Key_Left)
        qtbot.waitUntil(lambda: not first.view.cursor_watch.is_looking)
        assert (window.status.texts[1], window.panel.at_cursor.statement) == ("", NOTHING)


def test_a_cell_that_is_judged_under_a_resting_cursor_is_shown_and_explained(
    qtbot: QtBot,
    tmp_path: Path,
    outlined: dict[SlideView, Region | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted: list[tuple[int, int]] = []

    def want(maps: object, document: object, cell: tuple[int, int], device: str) -> None:
        wanted.append(cell)

    monkeypatch.setattr(ActivationMaps, "want", want)
    path = classified_slide(tmp_path / "a.tiff", seed=1)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        qtbot.waitUntil(lambda: page.document.prediction is not None, timeout=LONG_MS)
        window.panel.at_cursor.set_wants_map(True)
        QCursor.setPos(page.view.mapToGlobal(QPoint(150, 150)))
        qtbot.waitUntil(lambda: is_of_the_cursor(window, page, outlined))
        prediction: Any = page.document.prediction
        point = page.view.cursor_point
        assert point is not None
        cell = cell_at(prediction.grid, point)
        assert cell is not None
        assert wanted[-1] == cell
        del wanted[:-1]
        result = prediction.patch_result(*cell)
        place = np.array([cell], np.int32)
        for state in (CellState.FAILED, CellState.CLASSIFIED, CellState.CLASSIFIED):
            prediction.add(
                PatchResults(
                    place,
                    np.array([state], np.uint8),
                    result.members[None],
                    result.probabilities[None],
                )
            )
            page.document.predictionGrew.emit()
            assert is_of_the_cursor(window, page, outlined)
        assert wanted == [cell, cell]
