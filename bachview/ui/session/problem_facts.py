"""What a problem report says of Qt, the screens and the settings: nothing that names anything."""

import sys
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QLibraryInfo, QSysInfo, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from bachview.models.bundle.installed import shipped_bundles
from bachview.ui.session.settings import Settings

#: Every setting whose value is a switch, a number or one of a few words. Others are not told.
_TOLD = (
    *("theme", "colour_management", "kinetic_pan", "minimap", "overlay_opacity", "overlay_marks"),
    *("overlay_drawing", "device", "export_names", "research_use_seen", "cache_bytes", "reopen"),
    "thumbnails",
    *("window_x", "window_y", "window_width", "window_height", "window_maximized"),
)


@dataclass(frozen=True, slots=True)
class ToldSettings:
    """Settings for a report.

    Attributes
    ----------
    facts : what is told.
    private : paths in the settings, whose names must not be told.
    """

    facts: dict[str, object]
    private: tuple[Path, ...]


def told_settings(settings: Settings) -> ToldSettings:
    """The values without paths and texts, and the counts of what is remembered. Any thread."""
    facts: dict[str, object] = {name: getattr(settings, name) for name in _TOLD}
    # The name of any other may be that of a laboratory.
    is_ours = settings.bundle in shipped_bundles()
    facts["bundle"] = settings.bundle if is_ours else "another than those of the program"
    facts["recent files"] = len(settings.recent)
    facts["slides with a remembered position"] = len(settings.slides)
    folders = (settings.opening_folder, settings.export_folder)
    private = [*settings.recent, *(folder for folder in folders if folder is not None)]
    if not is_ours:
        private.append(Path(settings.bundle))
    return ToldSettings(facts, tuple(private))


def window_facts() -> dict[str, object]:
    """Qt, the platform, and the geometry of each screen. GUI thread."""
    facts: dict[str, object] = {
        "Qt": qVersion(),
        "Qt is built for": QLibraryInfo.build(),
        "system": QSysInfo.prettyProductName(),
    }
    application = QGuiApplication.instance()
    if not isinstance(application, QApplication):
        return facts | {"screens": "no window is open"}
    facts |= {
        "platform": QGuiApplication.platformName(),
        "painting": "by the processor",
        "rounding of scale": QGuiApplication.highDpiScaleFactorRoundingPolicy().name,
        "font": f"{QApplication.font().pointSizeF():g} pt",
        "remote": _remote_text(),
    }
    for number, screen in enumerate(QGuiApplication.screens(), 1):
        place, size = screen.geometry(), screen.physicalSize()
        facts[f"screen {number}"] = (
            f"{place.width()} × {place.height()} at {place.x()}, {place.y()}, "
            f"scale {screen.devicePixelRatio():g}, {screen.logicalDotsPerInch():g} dpi, "
            f"{screen.refreshRate():g} Hz, {screen.depth()} bits, "
            f"{size.width():.0f} × {size.height():.0f} mm"
        )
    return facts


def _remote_text() -> str:
    """Whether Windows says that the session is a remote one; other systems do not say."""
    if sys.platform == "win32":
        import ctypes

        remote_session = 0x1000  # SM_REMOTESESSION
        return "yes" if ctypes.windll.user32.GetSystemMetrics(remote_session) else "no"
    return "not known"
