"""In the window: a cell, and the wide field that it shares with others."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.core.geometry import Point, Region
from bachview.inference.slides import SlideRun
from bachview.models.bundle.opened import Bundle, open_bundle
from bachview.models.ensemble import Explanation
from bachview.slide.opening import opened_slide
from bachview.store.results import ResultStore
from bachview.ui.session.ensemble_service import EnsembleService
from bachview.ui.view.painting_activation import KeyText
from bachview.ui.view.slide_view import SlideView
from tests.support.bundles import edit_manifest, unpacked
from tests.support.fake_ensemble import Facts, FakeEnsemble
from tests.support.slides import write_pyramid
from tests.support.windows import LONG_MS, open_window, page_of

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

#: Cells of 8 um at 0.5 um/px, four by four of them in the middle of fields of 64 um.
CELL, SQUARE, FIELD = 16, 64, 128


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The self-test bundle, said to judge four by four cells; its networks are not asked."""

    def edit(document: dict[str, Any]) -> None:
        document["schema_version"] = 2
        document["patch"] |= {"stride_um": 8.0, "cells_per_side": 4}

    return edit_manifest(unpacked(tmp_path / "bundle"), edit)


def facts_of(bundle: Bundle) -> Facts:
    return Facts(bundle.name, bundle.sha256, bundle.classes, bundle.geometry, bundle.member_names)


@pytest.fixture
def slide(tmp_path: Path, bundle: Path) -> Path:
    """A slide whose cells are classified."""
    path = write_pyramid(tmp_path / "a.tiff", np.full((512, 512, 3), (180, 90, 150), np.uint8))
    with (
        open_bundle(bundle) as opened,
        opened_slide(path) as reader,
        ResultStore.open(user_folders().results, reader.metadata.fingerprint) as store,
        SlideRun(reader, FakeEnsemble(facts=facts_of(opened)), store) as run,
    ):
        run.work(anyway=True)
        assert run.new == (512 // CELL) ** 2
    return path


def test_the_cursor_shows_the_cell_and_the_field_of_its_patch(
    qtbot: QtBot, slide: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[Region | None, Region | None]] = []

    def outlined(view: SlideView, field: Region | None, cell: Region | None = None) -> None:
        shown.append((field, cell))

    monkeypatch.setattr(SlideView, "set_field", outlined)
    with open_window(qtbot, bundle=str(bundle)) as window:
        page = page_of(qtbot, window, slide)
        qtbot.waitUntil(lambda: page.document.prediction is not None, timeout=LONG_MS)
        field = Region(SQUARE - 32, 2 * SQUARE - 32, FIELD, FIELD)
        for cell in ((4, 8), (7, 11), (8, 8)):  # column and row; the last is of the next patch
            page.view.cursorMoved.emit(Point((cell[0] + 0.5) * CELL, (cell[1] + 0.5) * CELL))
            place = Region(cell[0] * CELL, cell[1] * CELL, CELL, CELL)
            expected = field if cell[0] < 8 else Region(field.x + SQUARE, field.y, FIELD, FIELD)
            assert shown[-1] == (expected, place)
        page.view.cursorMoved.emit(None)
        assert shown[-1] == (None, None)


def test_the_activation_map_shows_the_whole_field_and_what_the_cell_was_judged_by(
    qtbot: QtBot, slide: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []

    def explain(service: object, choice: object, read: Any, token: object) -> "Future[Explanation]":
        seen.append(read().shape)
        maps = np.ones((1, 8, 8, 4), np.float32)
        done: Future[Explanation] = Future()
        done.set_result(Explanation(maps, maps[0]))
        return done

    monkeypatch.setattr(EnsembleService, "explain", explain)
    with open_window(qtbot, bundle=str(bundle)) as window:
        page = page_of(qtbot, window, slide)
        qtbot.waitUntil(lambda: page.document.prediction is not None, timeout=LONG_MS)
        page.view.cursorMoved.emit(Point(7.5 * CELL, 11.5 * CELL))
        with qtbot.waitSignal(window.controller._maps.found, timeout=LONG_MS) as found:
            window.view_commands.activation_map.trigger()
        assert found.args is not None
        (shown,) = found.args
        assert (shown.values.shape, seen) == ((8, 8), [(64, 64, 3)])
        assert shown.region == Region(SQUARE - 32, 2 * SQUARE - 32, FIELD, FIELD)
        assert shown.class_name == window.panel.at_cursor.statement.split(",")[0]
        # The window of a cell is five places wide: the rest contributed nothing.
        assert np.argwhere(shown.values == 1).tolist() == [
            [row, column] for row in range(3, 8) for column in range(3, 8)
        ]


def test_a_map_goes_with_its_cell_and_one_that_takes_long_is_announced(
    qtbot: QtBot, slide: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Future[Explanation]] = []

    def explain(service: object, choice: object, read: Any, token: object) -> "Future[Explanation]":
        asked.append(Future())
        return asked[-1]

    def answer(future: "Future[Explanation]") -> None:
        maps = np.ones((1, 8, 8, 4), np.float32)
        future.set_result(Explanation(maps, maps[0]))

    monkeypatch.setattr(EnsembleService, "explain", explain)
    monkeypatch.setattr("bachview.ui.session.activation_maps._DELAYED_MS", 150)
    with open_window(qtbot, bundle=str(bundle)) as window:
        page = page_of(qtbot, window, slide)
        qtbot.waitUntil(lambda: page.document.prediction is not None, timeout=LONG_MS)
        view, maps = page.view, window.controller._maps
        for column in (4, 5, 6, 7):  # a cursor on its way
            view.cursorMoved.emit(Point((column + 0.5) * CELL, 11.5 * CELL))
        QTest.mousePress(view, Qt.MouseButton.LeftButton)  # nothing is computed during a drag
        with qtbot.waitSignal(maps.delayed, timeout=LONG_MS):
            window.view_commands.activation_map.trigger()
        assert not asked
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: bool(asked), timeout=LONG_MS)
        assert view.activation_key == KeyText(window.controller.class_name, is_delayed=True)
        assert len(asked) == 1
        with qtbot.waitSignal(maps.found, timeout=LONG_MS):
            answer(asked[0])
        field: Region | None = view.activation_region
        assert field == Region(SQUARE - 32, 2 * SQUARE - 32, FIELD, FIELD)
        view.cursorMoved.emit(Point(6.5 * CELL, 11.5 * CELL))
        key: KeyText | None
        field, key = view.activation_region, view.activation_key
        assert field is None
        assert key == KeyText(window.controller.class_name)
        qtbot.waitUntil(lambda: len(asked) == 2, timeout=LONG_MS)
        view.cursorMoved.emit(None)
        answer(asked[1])  # too late: the cursor has gone
        QApplication.processEvents()
        field, key = view.activation_region, view.activation_key
        assert field is None
        assert key is None
