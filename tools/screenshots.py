"""Pictures of the window and its dialogs, to be looked at one by one.

    python -m tools.screenshots SLIDE FOLDER [--sizes 1280x720 …] [--scales 1 2] [--themes light …]

Each combination of size, scale and theme has an X display of its own with openbox, on which the
real window is used: start page, slide, classified slide, menus, dialogs. A size is in the px that
the program counts in: at scale 2 the display has twice as many. The slide is classified once,
with `--bundle`, before the first picture; settings and results are in a temporary folder.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QWidget

    from bachview.ui.window.main_window import MainWindow
    from bachview.ui.window.slide_page import SlidePage

_SIZES = ("1280x720", "1440x900", "1920x1080")
_THEMES = ("light", "dark")
#: Until nothing moves any more, ms: tiles, window manager, fonts.
_REST_MS = 400
_PATIENCE_S = 60.0
#: Lanes have a low priority: where others use the machine, a model takes minutes to load.
_PATIENCE_FOR_LANES_S = 300.0
#: From the whole slide to the tissue, in two steps.
_CLOSE_UP = 2.5
#: Dialogs, by the text of the command that opens them.
_DIALOGS = (
    ("information", "Slide information…"),
    ("images", "Label and overview images…"),
    ("results", "Results…"),
    ("export", "Export results…"),
    ("region", "Type a region to classify…"),
    ("angle", "Rotate by angle…"),
    ("go-to", "Go to…"),
    ("palette", "Find a command…"),
    ("classes", "Edit classes…"),
    ("agreement", "Model and reader…"),
    ("teach", "Teach the model…"),
    ("picture", "Save view as picture…"),
    ("shortcuts", "Keyboard and mouse"),
    ("guide", "User guide"),
    ("report", "Collect a problem report…"),
    ("card", "Model card…"),
    ("about", "About bachview"),
)
#: Menus of the menu bar, by their text.
MENUS = ("File", "View", "Annotate", "Classify", "Help")
#: Commands that are chosen, by their text.
COMMANDS = (
    "Class activation map",
    "Full screen",
    "Show panel",
    *(command for _, command in _DIALOGS),
)


def let_run(ms: int) -> None:
    """Handle events for so long. GUI thread.

    Unlike `QTest.qWait` this gives up the interpreter lock, without which all else is slow: loading
    a model takes five times as long.
    """
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


class Camera:
    """Uses the window and photographs the screen. GUI thread of the child."""

    def __init__(self, window: "MainWindow", application: "QApplication", folder: Path) -> None:
        self._window, self._application, self._folder = window, application, folder
        self._number = 0

    def wait(
        self, done: Callable[[], bool] = lambda: True, patience_s: float = _PATIENCE_S
    ) -> None:
        """Until `done`, but no longer than `patience_s`, and then until nothing moves."""
        ends = time.monotonic() + patience_s
        while not done() and time.monotonic() < ends:
            let_run(30)
        let_run(_REST_MS)

    def wait_for_lanes(self) -> None:
        """Until all is read that was asked for, and the ensemble is loaded."""
        services = self._window.services
        asked = [lane.submit(lambda token: None) for lane in (services.io, *services.service.lanes)]
        self.wait(lambda: all(future.done() for future in asked), _PATIENCE_FOR_LANES_S)
        if not all(future.done() for future in asked):
            print("the machine is too busy: something is still being read", file=sys.stderr)

    def shoot(self, name: str) -> None:
        """Keep what is on the screen."""
        self.wait()
        self._number += 1
        picture = self._application.primaryScreen().grabWindow(0)
        picture.save(str(self._folder / f"{self._number:02}-{name}.png"))

    def trigger(self, text: str) -> bool:
        """Choose the command with this text; False if there is none that can be chosen."""
        for command in self._window.commands.all:
            if command.text().replace("&", "") == text and command.isEnabled():
                command.trigger()
                return True
        print(f"no command “{text}” at this place", file=sys.stderr)
        return False

    def dialog(self, name: str, text: str) -> None:
        """Photograph the dialog that a command opens, and close it."""
        before = set(self._dialogs())
        if not self.trigger(text):
            return
        self.wait(lambda: bool(set(self._dialogs()) - before))
        self.wait_for_lanes()
        self.shoot(name)
        for dialog in set(self._dialogs()) - before:
            dialog.close()
        self.wait()

    def menu(self, text: str) -> None:
        """Photograph an open menu of the menu bar."""
        bar = self._window.menuBar()
        for action in bar.actions():
            if action.text().replace("&", "") == text:
                bar.setActiveAction(action)
                self.shoot(f"menu-{text.lower()}")
                popup = self._application.activePopupWidget()
                if popup is not None:
                    popup.close()
                self.wait()

    def point_at(self, right: float, down: float) -> None:
        """Move the cursor to a part of the slide's view, as shares of it."""
        from PySide6.QtCore import QPoint
        from PySide6.QtGui import QCursor

        page = self._window.tabs.page
        if page is not None:
            view = page.view
            place = QPoint(round(view.width() * right), round(view.height() * down))
            QCursor.setPos(view.mapToGlobal(place))
            self.wait()

    def _dialogs(self) -> "list[QWidget]":
        from PySide6.QtWidgets import QDialog

        tops = self._application.topLevelWidgets()
        return [top for top in tops if isinstance(top, QDialog) and top.isVisible()]


def _photograph(camera: Camera, window: "MainWindow", slide: Path, at: tuple[float, float]) -> None:
    """All pictures of one combination."""
    from bachview.core.geometry import Point

    camera.shoot("start")
    window.messages.clear()
    camera.wait_for_lanes()
    camera.shoot("start-quiet")
    window.open_slides([slide])
    camera.wait(lambda: window.tabs.page is not None and window.tabs.page.view.is_settled)
    page = window.tabs.page
    if page is None:
        print(f"{slide} was not opened: {' '.join(window.messages.texts)}", file=sys.stderr)
        return
    camera.wait(lambda: page.document.prediction is not None)
    overlay = window.view_commands.overlay
    overlay.setChecked(False)
    camera.shoot("slide-without-overlay")
    overlay.setChecked(True)
    camera.point_at(0.4, 0.5)
    camera.shoot("classified")
    bounds = page.document.metadata.pyramid.bounds
    page.view.center_on(Point(bounds.x + at[0] * bounds.width, bounds.y + at[1] * bounds.height))
    for step in ("closer", "close"):
        page.view.zoom_by(_CLOSE_UP)
        camera.wait(lambda: page.view.is_settled)
        camera.point_at(0.45, 0.55)
        camera.shoot(step)
    _mark(page)
    window.panel_tabs.bar.setCurrentIndex(1)
    camera.wait(lambda: page.view.is_settled)
    camera.shoot("annotations")
    window.panel_tabs.bar.setCurrentIndex(0)
    camera.trigger("Class activation map")
    camera.wait_for_lanes()
    camera.shoot("activation-map")
    camera.trigger("Class activation map")
    camera.trigger("Full screen")
    camera.shoot("full-screen")
    camera.trigger("Full screen")
    camera.wait()
    camera.trigger("Show panel")
    camera.shoot("without-panels")
    camera.trigger("Show panel")
    window.messages.notice("A notice: the results are in /home/reader/results.")
    window.messages.problem("A problem: the slide was moved while it was read. Open it again.")
    camera.shoot("messages")
    window.messages.clear()
    for menu in MENUS:
        camera.menu(menu)
    for name, command in _DIALOGS:
        camera.dialog(name, command)


def _mark(page: "SlidePage") -> None:
    """Annotations and corrections in the middle of the view, one annotation being selected."""
    from shapely import LineString, MultiPoint, Point, Polygon

    from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
    from bachview.marks.working_set import added

    viewport = page.view.viewport
    if viewport is None:
        return
    seen = viewport.region
    x, y, part = seen.center.x, seen.center.y, min(seen.width, seen.height) / 10
    tumour, other = (
        AnnotationClass("Invasive", (213, 94, 0)),
        AnnotationClass("Vessel", (90, 60, 200)),
    )
    corners = [
        (x - 3 * part, y),
        (x - part, y - 2 * part),
        (x, y + part),
        (x - 2 * part, y + 3 * part),
    ]
    made = [
        Annotation.drawn(Kind.AREA, Polygon(corners), tumour),
        Annotation.drawn(Kind.ELLIPSE, Frame(x + 2 * part, y, 2 * part, 3 * part, 30.0), other),
        Annotation.drawn(Kind.LINE, LineString([(x, y - 3 * part), (x + 3 * part, y - 2 * part)])),
        Annotation.drawn(Kind.POINTS, MultiPoint([(x + n * part, y + 3 * part) for n in range(3)])),
        Annotation.drawn(
            Kind.TEXT, Point(x - 3 * part, y - 3 * part), note="Ask for a deeper section"
        ),
    ]
    page.document.marks.apply(added("draw", made))
    page.document.marks.selection.set(frozenset({made[0].id}))


def _use(asked: argparse.Namespace) -> None:
    """In the child: the window on the display that it was given."""
    from PySide6.QtWidgets import QApplication

    from bachview.config import user_folders
    from bachview.ui.look.icons import application_icon
    from bachview.ui.look.theme import Theme, ThemeChoice
    from bachview.ui.session.services import Services
    from bachview.ui.session.settings import SettingsFile
    from bachview.ui.window.main_window import MainWindow

    application = QApplication(["bachview"])
    application.setWindowIcon(application_icon())
    slide: Path = asked.slide.absolute()
    (user_folders().config / "bachview.ini").unlink(missing_ok=True)
    settings = SettingsFile(user_folders().config)
    settings.now = replace(
        settings.now, theme=ThemeChoice(asked.child), bundle=asked.bundle, recent=(slide,)
    )
    theme = Theme(application, settings.now.theme)
    window = MainWindow(Services.start(settings, theme), closing_s=30)
    window.showMaximized()
    camera = Camera(window, application, asked.folder)
    camera.wait(lambda: not window.selector.is_loading)
    _photograph(camera, window, slide, asked.at)
    window.close_unasked()
    sys.stdout.flush()
    os._exit(0)  # the pictures are there; what Qt does at its very end is not part of it


@contextmanager
def display(width: int, height: int) -> Iterator[str]:
    """An X display of this many device px with a window manager, e.g. ``:17``."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as answer:
        name = f":{answer.readline().strip()}"
    environment = {**os.environ, "DISPLAY": name}
    quiet = subprocess.DEVNULL
    manager = subprocess.Popen(["openbox"], env=environment, stdout=quiet, stderr=quiet)
    try:
        yield name
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(10)


def run_python(arguments: Sequence[str], **variables: str) -> int:
    """The exit code of the same Python with these arguments and environment variables."""
    command = [sys.executable, "-X", "utf8", *arguments]
    return subprocess.run(command, env={**os.environ, **variables}, check=False).returncode


def main() -> int:
    """The pictures, each folder named by size, scale and theme; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.screenshots")
    parser.add_argument("slide", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", nargs="+", default=_SIZES, metavar="WIDTHxHEIGHT")
    parser.add_argument("--scales", nargs="+", type=int, default=(1, 2))
    parser.add_argument("--themes", nargs="+", default=_THEMES, choices=_THEMES)
    parser.add_argument("--bundle", default="default-fast")
    parser.add_argument(
        "--at",
        nargs=2,
        type=float,
        default=(0.5, 0.5),
        metavar=("RIGHT", "DOWN"),
        help="place of the slide to look at closely, as shares of its width and height",
    )
    parser.add_argument("--child", default="", choices=_THEMES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        _use(asked)
    for program in ("Xvfb", "openbox"):
        if shutil.which(program) is None:
            print(f"{program} is missing: install the packages xvfb and openbox.", file=sys.stderr)
            return 1
    with tempfile.TemporaryDirectory() as home:
        files = ["--bundle", asked.bundle, "--output", f"{home}/files"]
        if run_python(["-m", "bachview", "classify", str(asked.slide), *files], BACHVIEW_HOME=home):
            return 1
        codes = [
            _combination(asked, size, scale, theme, home)
            for size in asked.sizes
            for scale in asked.scales
            for theme in asked.themes
        ]
    return max(codes, default=1)


def _combination(asked: argparse.Namespace, size: str, scale: int, theme: str, home: str) -> int:
    """The exit code of the child that makes the pictures of one combination."""
    width, height = (int(side) * scale for side in size.split("x"))
    place = asked.folder / f"{size}-at-{scale}x-{theme}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    child = ["--child", theme, "--bundle", asked.bundle, "--at", *map(str, asked.at)]
    with display(width, height) as name:
        code = run_python(
            ["-m", "tools.screenshots", str(asked.slide), str(place), *child],
            BACHVIEW_HOME=home,
            DISPLAY=name,
            QT_QPA_PLATFORM="xcb",
            QT_SCALE_FACTOR=str(scale),
        )
    print(f"{place}: {len(list(place.glob('*.png')))} pictures", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
