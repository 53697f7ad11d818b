"""The chip on a slide says what its colours are of, at any width, and is in nobody's way."""

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QFont, QFontMetricsF, QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Region
from bachview.ui.session.run_status import RunState
from bachview.ui.view.scope_chip import ChipText, ScopeChip, lines_of
from bachview.ui.view.slide_view import SlideView
from bachview.ui.window.chip_text import chip_text
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

SCOPE = "Whole slide · 37 % of its tissue judged, 1,234 cells not yet classified"
TEXT = ChipText(
    SCOPE,
    "A model with a very long name of many words",
    "In cross-validation it was right on 62 % of photos",
    details="everything",
)


@pytest.fixture
def metrics(qapp: QApplication) -> QFontMetricsF:
    font = QFont(qapp.font())
    font.setPixelSize(13)
    return QFontMetricsF(font)


@pytest.mark.parametrize("width", [150, 250, 400, 600, 800, 1200, 2400])
def test_the_scope_is_whole_at_any_width(width: int, metrics: QFontMetricsF) -> None:
    lines = lines_of(TEXT, width, metrics)
    words = " ".join(lines).replace("\u00a0", " ").replace(" ·", "").split(" ")
    assert words[: len(SCOPE.replace(" ·", "").split())] == SCOPE.replace(" ·", "").split()
    assert all(metrics.horizontalAdvance(line) <= width for line in lines)


def test_the_models_name_is_shortened_in_the_middle_and_first(metrics: QFontMetricsF) -> None:
    assert len(lines_of(TEXT, 2000, metrics)) == 1
    last = lines_of(TEXT, 480, metrics)[-1]
    assert last.endswith(f" · {TEXT.measured}")
    assert last.startswith("A mod")
    assert "…" in last
    assert TEXT.model not in last


def test_a_long_warning_is_first_and_leaves_room(metrics: QFontMetricsF) -> None:
    warned = ChipText(SCOPE, "Model", "", "Classified although: " + "many words " * 60)
    lines = lines_of(warned, 400, metrics)
    assert lines[0].startswith("Classified although:")
    assert lines[2].endswith("…")
    assert lines[3].startswith("Whole slide")


@pytest.mark.parametrize("size", [(300, 300), (400, 420), (560, 500), (700, 500), (1600, 900)])
@pytest.mark.parametrize("with_minimap", [True, False])
def test_it_covers_neither_minimap_nor_scale_bar(
    view: SlideView, size: tuple[int, int], *, with_minimap: bool
) -> None:
    view.minimap.set_wanted(on=with_minimap)
    chip = ScopeChip(view, view.minimap)
    chip.show()
    chip.show_text(TEXT)
    view.resize(*size)
    assert view.rect().contains(chip.geometry())
    assert view.minimap.isHidden() or not chip.geometry().intersects(view.minimap.geometry())
    assert chip.geometry().bottom() < view.height() - 60
    before = chip.geometry()
    view.minimap.set_wanted(on=False)
    assert chip.width() >= before.width()


@pytest.mark.qt_log_ignore("does not support raise", extend=True)
def test_the_mouse_goes_through_it(qtbot: QtBot, view: SlideView) -> None:
    chip = ScopeChip(view, view.minimap)
    chip.show()
    chip.show_text(TEXT)
    place = chip.geometry().center()
    assert view.childAt(place) is None
    asked = QHelpEvent(QHelpEvent.Type.ToolTip, place, view.mapToGlobal(place))
    QApplication.sendEvent(view, asked)
    assert QToolTip.text() == "everything"
    QToolTip.hideText()
    qtbot.waitUntil(lambda: not QToolTip.isVisible())


def test_a_moving_slide_does_not_draw_it_again(view: SlideView) -> None:
    chip = ScopeChip(view, view.minimap)
    chip.show()
    chip.show_text(TEXT)
    view.zoom_by(3)  # the minimap comes
    drawn = chip._image.cacheKey()
    view.zoom_by(2)
    view.pan_by(40, 30)
    view.grab()
    assert chip._image.cacheKey() == drawn
    chip.show_text(ChipText("Not classified"))
    assert chip._image.cacheKey() != drawn


def test_it_is_as_sharp_as_the_screen(view: SlideView, monkeypatch: pytest.MonkeyPatch) -> None:
    chip = ScopeChip(view, view.minimap)
    chip.show_text(TEXT)
    place, side = chip.geometry(), chip._image.width()
    monkeypatch.setattr(view, "devicePixelRatioF", lambda: 2.0)
    QApplication.sendEvent(view, QEvent(QEvent.Type.DevicePixelRatioChange))
    assert chip._image.devicePixelRatio() == 2
    assert abs(chip._image.width() - 2 * side) <= 1
    assert (chip.geometry().center() - place.center()).manhattanLength() <= 2


def test_it_is_legible_on_any_slide_and_red_for_a_warning(view: SlideView) -> None:
    chip = ScopeChip(view, view.minimap)
    chip.show_text(TEXT)
    plain = chip._image.pixelColor(3, chip._image.height() // 2)
    # White text on the plate over white glass: at least 4.5:1, the worst case.
    assert plain.redF() * plain.alphaF() + 1 - plain.alphaF() <= 0.46
    assert plain.red() == plain.green() == plain.blue()
    chip.show_text(ChipText(SCOPE, warning="Classified although: it is blue"))
    warned = chip._image.pixelColor(3, chip._image.height() // 2)
    assert warned.red() > 3 * warned.green()


def test_it_follows_the_cells_of_the_slide(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        assert page.chip.isVisible()
        qtbot.waitUntil(lambda: page.chip.lines == ("Not classified",), timeout=LONG_MS)
        assert page.chip.text.details == "No results of the model Self-test with this pixel size."
        bundle = window.selector.of(path)
        assert bundle is not None
        page.document.classify(bundle, device="CPU", region=Region(0, 0, 600, 600))
        wait_for(qtbot, page, RunState.DONE)
        scope = page.chip.text.scope
        assert scope.startswith("Whole slide · ")
        assert "of its tissue judged" in scope
        assert "all of its tissue" not in scope
        assert "cells not yet classified" in scope
        assert page.chip.text.model == bundle.name
        window.panel.overlay.set_overlay_shown(False)
        assert page.chip.isVisible()
        assert page.chip.lines != ("Not classified",)

        page.document.warnings = ("It is blue.",)
        warned = chip_text(page.document, None)
        assert warned.warning == ""
        page.document.predictionChanged.emit()
        assert page.chip.text.warning == "Classified although: It is blue."
        assert "It is blue." in page.chip.text.details

        page.document.classify(bundle, device="CPU")
        wait_for(qtbot, page, RunState.DONE)
        assert page.chip.text.scope == "Whole slide · all of its tissue judged"
