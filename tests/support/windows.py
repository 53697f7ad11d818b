"""A real window for tests: own settings, as a rule no warm-up, closed at the end."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.ui.look.theme import Theme, ThemeChoice
from bachview.ui.session.run_status import RunState
from bachview.ui.session.services import Services
from bachview.ui.session.settings import DEFAULT_BUNDLE, SettingsFile
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.slide_page import SlidePage
from tests.support.slides import gradient, write_pyramid

#: Loading the engine on a busy machine takes its time.
LONG_MS = 60_000
#: Where the cursor is on no window.
NOWHERE = QPoint(5000, 5000)


@contextmanager
def open_window(
    qtbot: QtBot, *, warms_up: bool = False, bundle: str = "selftest"
) -> Iterator[MainWindow]:
    """A window with the remembered bundle, or with `bundle` where that is the built-in one.

    As in the program, no worker collects garbage meanwhile, which may be a widget.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    theme = Theme(application, ThemeChoice.LIGHT)
    settings = SettingsFile(user_folders().config)
    if settings.now.bundle == DEFAULT_BUNDLE:
        # The stains of its slides are those of the self-test bundle.
        settings.now = replace(settings.now, bundle=bundle)
    services = Services.start(settings, theme, warms_up=warms_up)
    # Patient: on a busy machine a thread may need seconds to notice that it shall end.
    window = MainWindow(services, closing_s=30)
    window.resize(1280, 800)
    window.show()
    try:
        qtbot.waitUntil(lambda: not window.selector.is_loading, timeout=LONG_MS)
        yield window
    finally:
        window.close_unasked()
        window.deleteLater()
        theme.deleteLater()
        if was_enabled:
            gc.enable()


def page_of(qtbot: QtBot, window: MainWindow, path: Path) -> SlidePage:
    """Open `path` and wait for its page."""
    window.open_slides([path])
    qtbot.waitUntil(lambda: window.tabs.page_of(path) is not None, timeout=LONG_MS)
    page = window.tabs.page_of(path)
    assert page is not None
    return page


def wait_for(qtbot: QtBot, page: SlidePage, *states: RunState) -> None:
    """Wait until the page's run is in one of `states`."""
    run = page.document.run
    qtbot.waitUntil(lambda: run.status.state in states, timeout=LONG_MS)


def pink_slide(path: Path, *, side: int = 2048, mpp: float | None = 0.5) -> Path:
    """A slide that is tissue all over: saturated colours, no glass."""
    picture = gradient(side, side) // 3
    picture[..., 0] += 150
    picture[..., 1] += 60
    picture[..., 2] += 120
    return write_pyramid(path, picture, mpp=mpp)
