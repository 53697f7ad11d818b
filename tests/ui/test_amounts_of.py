"""The legend says what its areas are of, and they are of just that."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from bachview.core.cell_state import CellState
from bachview.core.geometry import Point, Region
from bachview.core.summary import summarize
from bachview.core.units import area_column
from bachview.phantom.writer import write_phantom
from bachview.ui.panels.overlay_amounts import MOVING, AmountsOf
from bachview.ui.session.bundles import BundleSummary
from bachview.ui.session.run_status import RunState
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.slide_page import SlidePage
from tests.support.windows import LONG_MS, open_window, page_of, wait_for

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

REGION = Region(256, 256, 700, 600)


@pytest.fixture
def phantom(tmp_path: Path) -> Path:
    path = tmp_path / "phantom.tiff"
    write_phantom(path, width=3072, height=2048)
    return path


def bundle_of(window: MainWindow, page: SlidePage) -> BundleSummary:
    bundle = window.selector.of(page.document.path)
    assert bundle is not None
    return bundle


def classify(qtbot: QtBot, window: MainWindow, page: SlidePage, region: Region | None) -> None:
    page.document.classify(bundle_of(window, page), device="CPU", region=region)
    wait_for(qtbot, page, RunState.DONE, RunState.FAILED)
    assert page.document.run.status.state is RunState.DONE


def rows(window: MainWindow, page: SlidePage) -> list[tuple[str, str]]:
    legend = window.panel.result.legend
    classes = bundle_of(window, page).classes
    states = (CellState.UNCERTAIN, CellState.PENDING, CellState.FAILED, CellState.NO_TISSUE)
    return [legend.texts(key) for key in (*classes, *states)]


def expected_tissue(page: SlidePage, region: Region | None) -> list[str]:
    document = page.document
    assert document.prediction is not None
    assert document.thresholds is not None
    summary = summarize(
        document.prediction, document.pixel_size, document.thresholds, region=region
    )
    return area_column([part.part.area_mm2 for part in summary.classes], summary.tissue_mm2)


def offered(window: MainWindow) -> list[AmountsOf]:
    box = window.panel.result._amounts_of
    return [box.itemData(place) for place in range(box.count())]


def test_areas_are_of_what_the_legend_says(qtbot: QtBot, phantom: Path) -> None:
    with open_window(qtbot) as window:
        page, panel = page_of(qtbot, window, phantom), window.panel.result
        assert offered(window) == [AmountsOf.SLIDE, AmountsOf.VIEW]
        assert panel.coverage == ""
        classify(qtbot, window, page, REGION)
        assert panel.amounts_of is AmountsOf.SLIDE
        assert panel.coverage.startswith("Whole slide: ")
        assert "not yet classified" in panel.coverage
        whole = rows(window, page)
        pending = panel.legend.texts(CellState.PENDING)
        assert pending[1] not in {"0.0 %", "100.0 %"}
        assert [area for area, _ in whole[:4]] == expected_tissue(page, None)

        assert AmountsOf.REGION in offered(window)
        viewport = page.view.viewport
        assert viewport is not None
        edge = viewport.vp_from_l0(Point(REGION.x, REGION.center.y))
        qtbot.waitUntil(lambda: page.view.is_settled, timeout=LONG_MS)
        before = page.view.grab().toImage()
        panel.show_amounts_of(AmountsOf.REGION)
        changed = [
            x
            for x in range(round(edge[0]) - 4, round(edge[0]) + 5)
            if page.view.grab().toImage().pixel(x, round(edge[1]))
            != before.pixel(x, round(edge[1]))
        ]
        assert changed, "the region that is counted is not outlined"
        assert panel.coverage.startswith("Region 700 × 600 px at 256, 256 (")
        assert panel.coverage.endswith(": all of its tissue judged")
        assert panel.legend.texts(CellState.PENDING)[1] == "0.0 %"
        assert not panel.legend.is_listed(CellState.PENDING)
        assert "none left to classify" in panel.legend.none_text
        assert [a for a, _ in rows(window, page)[:4]] == expected_tissue(page, REGION)
        assert window.panel.run.status.scope.startswith("Region 700 × 600 px")

        # Another slide has no such region.
        panel.offer_region(on=False)
        assert page.view.grab().toImage() == before
        assert panel.amounts_of is AmountsOf.SLIDE
        assert rows(window, page) == whole


def test_areas_in_view_follow_the_view(qtbot: QtBot, phantom: Path) -> None:
    with open_window(qtbot) as window:
        page, panel = page_of(qtbot, window, phantom), window.panel.result
        classify(qtbot, window, page, None)
        panel.show_amounts_of(AmountsOf.VIEW)
        before = panel.coverage
        view = page.view
        view.zoom_at(6, 300, 300)
        # Until the new ones are known, none are shown: the old ones are of another part.
        assert {area for area, _ in rows(window, page)} == {"–"}
        assert panel.coverage == MOVING.coverage
        qtbot.waitUntil(lambda: panel.coverage != MOVING.coverage, timeout=LONG_MS)
        assert panel.coverage != before
        assert [a for a, _ in rows(window, page)[:4]] == expected_tissue(page, page.visible_region)

        view.rotate_by(30)
        qtbot.waitUntil(lambda: panel.coverage != MOVING.coverage, timeout=LONG_MS)
        assert "upright rectangle around it" in panel.coverage
        assert [a for a, _ in rows(window, page)[:4]] == expected_tissue(page, page.visible_region)

        view.center_on(Point(-50_000, -50_000))
        qtbot.waitUntil(lambda: panel.coverage != MOVING.coverage, timeout=LONG_MS)
        panel.show_amounts_of(AmountsOf.SLIDE)
        assert panel.coverage == "Whole slide: all of its tissue judged"


def test_a_region_leaves_the_rest_of_the_slide_as_it_was(qtbot: QtBot, phantom: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, phantom)
        classify(qtbot, window, page, None)
        slide = rows(window, page)
        assert page.document.prediction is not None
        classes = page.document.prediction.top_class.copy()
        qtbot.waitUntil(lambda: page.view.is_settled, timeout=LONG_MS)
        seen = page.view.grab().toImage()
        classify(qtbot, window, page, REGION)
        assert page.document.region is not None
        assert rows(window, page) == slide
        assert (page.document.prediction.top_class == classes).all()
        assert page.chip.text.scope == "Whole slide · all of its tissue judged"
        qtbot.waitUntil(lambda: page.view.is_settled, timeout=LONG_MS)
        assert page.view.grab().toImage() == seen

    with open_window(qtbot) as window:
        page = page_of(qtbot, window, phantom)
        qtbot.waitUntil(lambda: page.document.prediction is not None, timeout=LONG_MS)
        assert rows(window, page) == slide
        assert page.document.prediction is not None
        assert (page.document.prediction.top_class == classes).all()
        assert page.chip.text.scope == "Whole slide · all of its tissue judged"
