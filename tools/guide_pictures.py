"""The pictures of the user guide, made again.

    python -m tools.guide_pictures SLIDE MOSAIC [--unseen SLIDE BUNDLE]
                                  [--folder docs/images]

SLIDE is ``CMU-1-Small-Region.svs`` of OpenSlide's test data, for whose tissue the shapes below are
drawn; MOSAIC is a slide on which the model finds several classes. Both are classified with
`--bundle`, and the demo slide by its own. The pictures of reading an overlay are of a mosaic and of
a bundle that has not seen its patients; without `--unseen` they stay as they are. All are made on
an X display of 1440 x 900 px with openbox, with settings and results in a temporary folder. They
have 256 colours, among them the flat ones of the window unchanged.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tools.screenshots import Camera, display, run_python

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from bachview.ui.window.main_window import MainWindow
    from bachview.ui.window.slide_page import SlidePage

_SIZE = 1440, 900
_COLOURS = 256
#: So many of the most frequent colours stay as they are: surfaces, texts, classes.
_EXACT = 96
_TURNED_DEG = 37.0
#: Shares of the mosaic that are shown closely.
_MOSAIC_AT = 0.5, 0.5
_MOSAIC_DOWNSAMPLE = 4.5
#: Middle of cells on the mosaic, level-0 px, and the class that they are given.
_CORRECTED = (((3450.0, 2750.0), 1), ((7250.0, 2750.0), 0), ((3450.0, 4350.0), 3))
#: What the cursor is on where the overlay is read, level-0 px of the mosaic of unseen patients.
_READ_AT = 11522.0, 4517.0
#: On the slide, level-0 px.
_MIDDLE = 1290.0, 1990.0
_EPIDERMIS = (
    (1096, 1865), (1306, 1842), (1399, 1935), (1353, 2145),
    (1341, 2285), (1213, 2402), (1166, 2332), (1096, 2215), (1084, 2052),
)  # fmt: skip
_DERMIS = (
    (1469, 2052),
    (1632, 1982),
    (1790, 2099),
    (1790, 2280),
    (1632, 2355),
    (1492, 2332),
    (1410, 2215),
)
_NUCLEI = (
    (925, 2060),
    (960, 2110),
    (1010, 2075),
    (1045, 2150),
    (940, 2200),
    (1000, 2250),
    (960, 2310),
)


class GuideCamera(Camera):
    """Keeps the window without the frame of the window manager. GUI thread of the child."""

    def shoot(self, name: str) -> None:
        self.wait()
        handle = self._window.windowHandle()
        whole = self._application.primaryScreen().grabWindow(0)
        path = self._folder / f"{name}.png"
        whole.copy(handle.geometry()).save(str(path))
        reduce_colours(path)

    def open(self, slide: Path) -> "SlidePage":
        """Open a slide and wait for its picture and its results."""
        window = self._window
        window.open_slides([slide])
        self.wait(lambda: window.tabs.page is not None and window.tabs.page.document.path == slide)
        page = window.tabs.page
        if page is None:
            sys.exit(f"{slide} was not opened: {' '.join(window.messages.texts)}")
        self.wait(lambda: page.document.prediction is not None and page.document.marks.is_loaded)
        self.settle(page)
        return page

    def settle(self, page: "SlidePage") -> None:
        self.wait(lambda: page.view.is_settled)
        for _ in range(3):  # thumbnails, annotations, what the cursor is on
            self.wait()

    def keys(self, *keys: object) -> None:
        """Press keys in the widget that has the keyboard."""
        from PySide6.QtTest import QTest

        for key in keys:
            widget = self._application.focusWidget() or self._window
            if isinstance(key, str):
                QTest.keyClicks(widget, key)
            else:
                QTest.keyClick(widget, key)  # type: ignore[call-overload]  # a key of Qt
            self.wait()


def reduce_colours(path: Path) -> None:
    """Write a PNG again with 256 colours.

    Median cut alone mixes the few px of a class's colour with the tissue around them, so the most
    frequent colours are taken first, as they are.
    """
    import numpy as np
    from PIL import Image

    with Image.open(path) as file:
        picture = file.convert("RGB")
    pixels = np.asarray(picture).reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    exact = colours[np.argsort(-counts)[:_EXACT]]
    cut = picture.quantize(_COLOURS - _EXACT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*exact.ravel().tolist(), *cut])
    reduced = picture.quantize(palette=palette, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)


def _annotate(page: "SlidePage", camera: GuideCamera) -> None:
    """One annotation of each kind, on tissue of the slide."""
    import shapely

    from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
    from bachview.marks.working_set import added

    classes = {
        name: AnnotationClass(name, colour)
        for name, colour in (
            ("Normal", (0, 158, 80)),
            ("Epidermis", (0, 190, 200)),
            ("Follicle", (170, 60, 160)),
        )
    }

    def area(*corners: tuple[float, float]) -> "BaseGeometry":
        return shapely.Polygon(corners).buffer(-25).buffer(50).buffer(-25)

    follicle = Annotation.drawn(Kind.ELLIPSE, Frame(1268, 2070, 130, 245, 28))
    epidermis = area(*_EPIDERMIS).difference(follicle.geometry.buffer(6))
    line = shapely.LineString
    parts: list[tuple[str, Kind, Frame | BaseGeometry, str, str]] = [
        ("Epidermis", Kind.AREA, epidermis, "Epidermis", ""),
        ("Dermis", Kind.AREA, area(*_DERMIS), "Normal", ""),
        ("Follicle", Kind.ELLIPSE, follicle.shape, "Follicle", ""),
        ("Field for counting", Kind.RECTANGLE, Frame(985, 2180, 190, 330), "", ""),
        ("Thickness", Kind.LINE, line([(1078, 1790), (1215, 1730)]), "", ""),
        ("Opening", Kind.ANGLE, line([(1240, 1640), (1337, 1835), (1490, 1655)]), "Follicle", ""),
        ("Nuclei", Kind.POINTS, shapely.MultiPoint(_NUCLEI), "", ""),
        ("", Kind.TEXT, shapely.Point(1540, 1760), "", "Ask for a deeper section"),
    ]
    made = [
        replace(Annotation.drawn(kind, shape, classes.get(own), note=note), name=name)
        for name, kind, shape, own, note in parts
    ]
    made[3] = replace(made[3], is_locked=True)
    page.document.marks.apply(added("draw", made))
    page.document.marks.selection.set(frozenset({made[0].id}))
    camera.settle(page)


def _demo(camera: GuideCamera, window: "MainWindow") -> None:
    """The drawn slide, classified by its own model."""
    from bachview.ui.session.run_status import RunState

    window.start_page.demoRequested.emit()
    for _ in range(5):  # on a busy machine it takes long to draw
        if window.tabs.page is None:
            camera.wait(lambda: window.tabs.page is not None)
    page = window.tabs.page
    if page is None:
        sys.exit(f"the demo slide was not opened: {' '.join(window.messages.texts)}")
    camera.wait(lambda: page.document.run.status.state is RunState.DONE)
    window.messages.clear()
    camera.settle(page)
    camera.point_at(0.47, 0.42)
    camera.shoot("demo")
    window.close_page(page)


def _reading(camera: GuideCamera, window: "MainWindow", slide: Path) -> None:
    """The overlay from afar, from near, and the activation map of a cell."""
    from bachview.core.geometry import Point

    page = camera.open(slide)
    for key, name in (("2", "mosaic"), ("4", "contours")):
        page.view.center_on(Point(*_READ_AT))
        page.view.setFocus()
        camera.keys(key)
        page.view.center_on(Point(*_READ_AT))
        camera.settle(page)
        camera.point_at(0.5, 0.5)
        camera.settle(page)
        camera.shoot(name)
    camera.trigger("Class activation map")
    camera.wait_for_lanes()
    camera.settle(page)
    camera.shoot("activation-map")
    camera.trigger("Class activation map")
    window.close_page(page)


def _annotating(camera: GuideCamera, window: "MainWindow", slide: Path) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QScrollArea

    from bachview.core.geometry import Point

    page = camera.open(slide)
    # Opaque colours would hide what is annotated.
    window.view_commands.overlay.setChecked(False)
    _annotate(page, camera)
    page.view.zoom_to_downsample(1.25)
    page.view.center_on(Point(*_MIDDLE))
    window.tool_commands.choose("polygon")
    window.panel_tabs.bar.setCurrentIndex(1)
    camera.settle(page)
    camera.point_at(0.03, 0.6)  # on glass: no cell is outlined
    camera.shoot("annotating")
    camera.keys(Qt.Key.Key_Escape)
    window.tool_commands.choose("select")
    window.view_commands.overlay.setChecked(True)
    page.view.set_rotation(_TURNED_DEG)
    camera.settle(page)
    camera.shoot("turned")
    page.view.set_rotation(0.0)
    window.tool_commands.choose("")
    window.panel_tabs.bar.setCurrentIndex(0)
    window.view_commands.overlay.setChecked(False)
    for factor, name, at in (
        (2.0, "Epidermis", Point(*_MIDDLE)),
        (1.0, "Follicle", Point(1268.0, 2070.0)),
        (0.5, "Dermis", Point(1640.0, 2160.0)),
    ):
        page.view.zoom_to_downsample(factor)
        page.view.center_on(at)
        camera.settle(page)
        camera.trigger("Add bookmark")
        marks = page.document.marks
        latest = list(marks.working_set.bookmarks.values())[-1]
        window.panel.bookmarks.renamed.emit(latest.id, name)
    page.view.zoom_to_downsample(1.25)
    page.view.center_on(Point(*_MIDDLE))
    camera.trigger("Grid")
    window.messages.clear()
    camera.settle(page)
    scrolled = window.panel.findChild(QScrollArea)
    assert isinstance(scrolled, QScrollArea)  # the panel scrolls
    scrolled.ensureWidgetVisible(window.panel.bookmarks)
    camera.shoot("bookmarks-grid")
    camera.trigger("Grid")
    page.view.setFocus()
    window.command_palette.toggle()
    camera.wait()
    camera.keys("anno")
    camera.shoot("command-palette")
    window.command_palette.leave()


def _teaching(camera: GuideCamera, window: "MainWindow", mosaic: Path) -> None:
    """Corrections of what the model is unsure of, their table, and a model that is taught them."""
    from bachview.core.geometry import Point
    from bachview.ui.dialogs.teach_dialog import TeachDialog
    from bachview.ui.panels.lesson_panel import LessonPanel

    page = camera.open(mosaic)
    window.view_commands.overlay.setChecked(True)
    bounds = page.document.metadata.pyramid.bounds
    right, down = _MOSAIC_AT
    page.view.zoom_to_downsample(_MOSAIC_DOWNSAMPLE)
    page.view.center_on(
        Point(bounds.x + right * bounds.width, bounds.y + down * bounds.height),
    )
    camera.settle(page)
    for (x, y), label in _CORRECTED:
        middle = page.correcting.cell_at(Point(x, y))
        if middle is not None:
            row, column = middle
            cells = [(row + i, column + j) for i in range(-2, 3) for j in range(-3, 4)]
            page.correcting.relabel(cells, label)
    page.view.setFocus()
    camera.settle(page)
    camera.point_at(0.5, 0.5)
    camera.dialog("corrections", "Model and reader…")
    camera.trigger("Teach the model…")
    camera.wait(lambda: window.findChild(TeachDialog) is not None)
    dialog = window.findChild(TeachDialog)
    assert isinstance(dialog, TeachDialog)  # it was waited for
    camera.wait()
    dialog.teach_button.click()
    tabs = window.panel_tabs
    for _ in range(5):  # a lesson takes longer than anything else
        if tabs.lesson is None:
            camera.wait(lambda: tabs.lesson is not None)
    lesson = tabs.lesson
    assert isinstance(lesson, LessonPanel)  # it was waited for
    for _ in range(5):
        if lesson.is_comparing:
            camera.wait(lambda: not lesson.is_comparing)
    window.messages.clear()
    page.view.zoom_to_downsample(2 * _MOSAIC_DOWNSAMPLE)  # half as wide as before
    camera.settle(page)
    camera.point_at(0.5, 0.98)
    camera.shoot("teaching")
    lesson.discard_button.click()
    camera.settle(page)


def _use(asked: argparse.Namespace) -> None:
    """In the child: the window on the display that it was given."""
    from PySide6.QtWidgets import QApplication

    from bachview.config import user_folders
    from bachview.ui.look.theme import Theme, ThemeChoice
    from bachview.ui.session.services import Services
    from bachview.ui.session.settings import SettingsFile
    from bachview.ui.window.main_window import MainWindow

    application = QApplication(["bachview"])
    settings = SettingsFile(user_folders().config)
    settings.now = replace(
        settings.now, theme=ThemeChoice.LIGHT, bundle=asked.bundle, research_use_seen=True
    )
    window = MainWindow(
        Services.start(settings, Theme(application, settings.now.theme)), closing_s=30
    )
    window.showMaximized()
    camera = GuideCamera(window, application, asked.folder.absolute())
    camera.wait(lambda: not window.selector.is_loading)
    _demo(camera, window)
    if asked.unseen:
        unseen, bundle = (Path(each).absolute() for each in asked.unseen)
        window.selector.choose(str(bundle))
        camera.wait(lambda: not window.selector.is_loading)
        _reading(camera, window, unseen)
        window.selector.choose(asked.bundle)
        camera.wait(lambda: not window.selector.is_loading)
    _annotating(camera, window, asked.slide.absolute())
    _teaching(camera, window, asked.mosaic.absolute())
    window.close_unasked()
    sys.stdout.flush()
    os._exit(0)  # the pictures are there; what Qt does at its very end is not part of it


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.guide_pictures")
    parser.add_argument("slide", type=Path)
    parser.add_argument("mosaic", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("docs/images"))
    parser.add_argument("--bundle", default="default-fast")
    parser.add_argument("--unseen", nargs=2, metavar=("SLIDE", "BUNDLE"))
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        _use(asked)
    with tempfile.TemporaryDirectory() as home, display(*_SIZE) as name:
        jobs = [(asked.slide, asked.bundle), (asked.mosaic, asked.bundle)]
        if asked.unseen:
            jobs.append((Path(asked.unseen[0]), asked.unseen[1]))
        for slide, bundle in jobs:
            files = ["--bundle", bundle, "--output", f"{home}/files-{slide.stem}"]
            if run_python(["-m", "bachview", "classify", str(slide), *files], BACHVIEW_HOME=home):
                return 1
        return run_python(
            ["-m", "tools.guide_pictures", *sys.argv[1:], "--child"],
            BACHVIEW_HOME=home,
            DISPLAY=name,
            QT_QPA_PLATFORM="xcb",
        )


if __name__ == "__main__":
    sys.exit(main())
