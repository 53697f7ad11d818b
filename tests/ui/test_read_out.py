"""What is written in the corner of a slide's view, and the plate that sets it upright."""

import itertools
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Point, Size
from bachview.core.pixel_size import Origin, PixelSize
from bachview.slide.tiles.cache import TileCache
from bachview.ui.view.painting import pixels_of
from bachview.ui.view.read_out import read_out_texts
from bachview.ui.view.scope_chip import ChipText, ScopeChip
from bachview.ui.view.slide_view import SlideView
from bachview.viewing.viewport import Viewport
from tests.support.slide_views import WatchedSlide

KNOWN = PixelSize(0.5, 0.5, Origin.FILE)


@pytest.mark.parametrize(
    ("downsample", "pixel_ratio", "magnification", "beyond"),
    [
        (1.0, 1.0, "20x", ""),
        (0.5, 1.0, "40x", "beyond the scan"),
        (1.0, 2.0, "40x", "beyond the scan"),  # a px of the slide on four of a dense screen
        (2.0, 2.0, "20x", ""),
        (0.995, 1.0, "20.1x", ""),
    ],
)
def test_it_says_where_there_is_nothing_more_to_see(
    downsample: float, pixel_ratio: float, magnification: str, beyond: str
) -> None:
    viewport = Viewport(Point(0, 0), downsample, Size(800, 600), pixel_ratio)
    texts = read_out_texts(viewport, KNOWN, 20.0)
    assert (texts.magnification, texts.beyond) == (magnification, beyond)
    assert texts.objective == "20x objective"
    unknown = read_out_texts(viewport, PixelSize.unknown())
    assert (unknown.beyond, unknown.objective) == (beyond, "")


def test_the_objective_of_the_slide_is_written(qtbot: QtBot) -> None:
    pictures = []
    for power in (None, 20.0):
        slide = WatchedSlide()
        slide.metadata = replace(slide.metadata, objective_power=power)
        view = SlideView()
        qtbot.addWidget(view)
        view.resize(500, 350)
        view.set_slide(slide, TileCache(50 << 20), slide.metadata.pixel_size)
        pictures.append(pixels_of(view.grab().toImage())[280:, :400].copy())
        assert view.close_slide()
    assert (pictures[0] != pictures[1]).any()


@pytest.mark.parametrize(
    ("width", "height"), [(500, 350), (360, 640), (359, 400), (800, 600), (1280, 360)]
)
def test_nothing_that_lies_on_the_slide_covers_anything_else(
    view: SlideView, width: int, height: int
) -> None:
    """With everything there is to say, at the longest."""
    view.set_pixel_size(PixelSize.typed(0.5))  # stated by you
    chip = ScopeChip(view, view.minimap)
    warning = "Most of the slide is dark, as in fluorescence."
    chip.show_text(ChipText("Whole slide · 99.5 % judged", "BACH ensemble", "right", warning))
    chip.show()
    view.resize(width, height)
    for magnification, turn in ((40, 0.0), (80, 30.0), (5, 359.99)):
        view.set_rotation(turn)
        view.zoom_to_magnification(magnification)
        QApplication.processEvents()
        view.grab()
        plates = {
            "chip": chip.geometry(),
            "minimap": view.minimap.geometry(),
            "scale": view.read_out.place.toAlignedRect(),
        }
        assert view.minimap.isVisible()
        if turn:
            plates["rotation"] = view.angle.geometry()
        for name, plate in plates.items():
            assert view.rect().contains(plate), name
        for (one, first), (other, second) in itertools.combinations(plates.items(), 2):
            assert not first.intersects(second), (one, other)


def test_a_click_on_the_rotation_sets_the_slide_upright(view: SlideView) -> None:
    assert not view.angle.isVisible()
    view.set_rotation(12.5)
    assert view.angle.isVisible()
    assert view.angle.text() == "Rotated 12.5°"
    view.setFocus()
    QTest.mouseClick(view.angle, Qt.MouseButton.LeftButton)
    assert view.viewport is not None
    assert view.viewport.rotation_deg == 0
    assert not view.angle.isVisible()
    assert QApplication.focusWidget() in (view, None)  # without a window manager, none has it
    view.set_rotation(359.99)
    assert view.angle.text() == "Rotated > 359.9°"
    view.close_slide()
    assert not view.angle.isVisible()
