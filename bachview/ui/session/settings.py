"""What is remembered between sessions: an INI file in the user's configuration folder.

`Settings` has a row for each value: its key in the file, its limits and its default. The file
can be edited by anyone, so every value is checked on its way in; one that makes no sense is
treated as absent. The administrator's policy gives defaults, and locks that the file cannot undo.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints

from PySide6.QtCore import QSettings

from bachview.marks.annotation import AnnotationClass
from bachview.policy.in_force import in_force
from bachview.ui.look.theme import ThemeChoice
from bachview.ui.session import stored_values as stored
from bachview.ui.session.settings_format import (
    FORMAT_KEY,
    SETTINGS_FORMAT,
    format_of,
    notice_of_newer,
    take_over,
)
from bachview.ui.session.slide_memory import Opened, SlideMemory
from bachview.ui.session.stored_values import MOST_RECENT, MOST_SLIDES
from bachview.viewing.overlay import Drawing, Marks

FILE_NAME = "bachview.ini"
DEFAULT_BUNDLE = "default"

_log = logging.getLogger(__name__)


class Device(StrEnum):
    """What the networks are asked to run on."""

    AUTO = "AUTO"
    CPU = "CPU"
    GPU = "GPU"
    NPU = "NPU"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is remembered, with the key, the limits and the default of each value."""

    theme: Annotated[ThemeChoice, stored.Choice("view/theme", ThemeChoice)] = ThemeChoice.SYSTEM
    """Light, dark, or as the system."""

    colour_management: Annotated[bool, stored.Flag("view/colour_management")] = True
    """Whether the scanner's colour profile is applied to slides that have one."""

    kinetic_pan: Annotated[bool, stored.Flag("view/kinetic_pan")] = False
    """Whether a pushed slide glides on."""

    minimap: Annotated[bool, stored.Flag("view/minimap")] = True
    """Whether the minimap is shown where there is room for it."""

    annotation_values: Annotated[bool, stored.Flag("view/annotation_values")] = True
    """Whether measured values stand at all annotations, or only at what is selected."""

    grid: Annotated[bool, stored.Flag("view/grid")] = False
    """Whether a grid is drawn over slides."""

    tools: Annotated[bool, stored.Flag("view/tools")] = True
    """Whether the tools for annotations are shown beside the slide."""

    brush_px: Annotated[float, stored.Number("tools/brush", 2, 250)] = 20.0
    """Radius of the brush, device-independent px."""

    wand_tolerance: Annotated[float, stored.Number("tools/wand", 0.2, 8)] = 1.0
    """How different colours may be for the magic wand."""

    overlay_opacity: Annotated[float, stored.Number("overlay/opacity", 0, 1)] = 0.5
    """How much the overlay's colours cover the tissue: 0 not at all, 1 completely."""

    overlay_marks: Annotated[Marks, stored.Choice("overlay/marks", Marks)] = Marks.NONE
    """Letters or hatching on the cells of the overlay."""

    overlay_drawing: Annotated[Drawing, stored.Choice("overlay/drawing", Drawing)] = Drawing.AUTO
    """Tint or contours of the overlay."""

    folding: Annotated[Mapping[str, bool], stored.Folding("panel/folding")] = field(
        default_factory=dict
    )
    """Of parts of the panel, by their names, whether the user has folded or unfolded them."""

    annotation_classes: Annotated[
        tuple[AnnotationClass, ...], stored.Classes("annotations/classes")
    ] = ()
    """Classes of annotations that the reader has made; at most `MOST_CLASSES`."""

    panel_annotations: Annotated[bool, stored.Flag("panel/annotations")] = False
    """Whether the panel shows the annotations rather than the result."""

    bundle: Annotated[str, stored.Text("classify/bundle")] = DEFAULT_BUNDLE
    """Installed name or path of the bundle to begin with; at most 4096 characters."""

    device: Annotated[Device, stored.Choice("classify/device", Device)] = Device.AUTO
    """What the networks are asked to run on."""

    opening_folder: Annotated[Path | None, stored.Folder("open/folder")] = None
    """Where slides were last opened; None means the user's home."""

    export_folder: Annotated[Path | None, stored.Folder("export/folder")] = None
    """Where results were last written; None means the user's home."""

    export_names: Annotated[bool, stored.Flag("export/names")] = True
    """Whether the name of the slide is written into exported files."""

    export_choices: Annotated[str, stored.Text("export/choices")] = ""
    """What was last chosen of the files, see `ExportChoices`; empty for the usual."""

    recent: Annotated[tuple[Path, ...], stored.Recent("recent/files")] = ()
    """Slides that were opened, newest first; at most `MOST_RECENT`."""

    openings: Annotated[Mapping[Path, Opened], stored.Openings("recent/opened")] = field(
        default_factory=dict
    )
    """When each of `recent` was opened last; nothing of those that an earlier version added."""

    thumbnails: Annotated[bool, stored.Flag("recent/pictures")] = True
    """Whether small pictures of the slides that were opened are kept for the start page."""

    reopen: Annotated[bool, stored.Flag("session/reopen")] = False
    """Whether the slides of the last session are opened at start."""

    slides: Annotated[Mapping[str, SlideMemory], stored.Slides("slides")] = field(
        default_factory=dict
    )
    """By slide fingerprint, the one viewed longest ago first; at most 300."""

    dialog_sizes: Annotated[Mapping[str, tuple[int, int]], stored.Sizes("window/dialogs")] = field(
        default_factory=dict
    )
    """Width and height of dialogs that the user has resized, px, by their kind."""

    research_use_seen: Annotated[bool, stored.Flag("start/research_use_seen")] = False
    """Whether the user has answered the notice that the program is for research only."""

    cache_bytes: Annotated[int, stored.Whole("cache/bytes", 64 << 20, 16 << 30)] = 192 << 20
    """Bound of the tile cache, 64 MiB to 16 GiB. Only set by editing the file."""

    window_x: Annotated[int | None, stored.Whole("window/x", -100_000, 100_000)] = None
    """Left edge of the window on the desktop, px; None while it was never closed."""

    window_y: Annotated[int | None, stored.Whole("window/y", -100_000, 100_000)] = None
    """Top edge of the window on the desktop, px."""

    window_width: Annotated[int | None, stored.Whole("window/width", 200, 100_000)] = None
    """Width of the window where it is not maximised, px, at least 200."""

    window_height: Annotated[int | None, stored.Whole("window/height", 200, 100_000)] = None
    """Height of the window where it is not maximised, px, at least 200."""

    window_maximized: Annotated[bool, stored.Flag("window/maximized")] = False
    """Whether the window fills the screen."""

    window_state: Annotated[bytes, stored.Bytes("window/state")] = b""
    """Places of the panels, as `QMainWindow.saveState` gives them."""

    def with_recent(self, path: Path, opened: Opened | None = None) -> "Settings":
        """These, with `path` as the slide opened last."""
        others = (other for other in self.recent if other != path)
        openings = {p: o for p, o in self.openings.items() if p != path}
        if opened is not None:
            openings[path] = opened
        return replace(self, openings=openings).with_only((path, *others)[:MOST_RECENT])

    def with_only(self, recent: tuple[Path, ...]) -> "Settings":
        """These, with nothing known of slides that are not among `recent`."""
        openings = {path: opened for path, opened in self.openings.items() if path in recent}
        return replace(self, recent=recent, openings=openings)

    def with_slide(self, fingerprint: str, memory: SlideMemory) -> "Settings":
        """These, with a slide viewed last; the ones viewed longest ago are forgotten."""
        slides = {name: kept for name, kept in self.slides.items() if name != fingerprint}
        slides[fingerprint] = memory
        return replace(self, slides=dict(list(slides.items())[-MOST_SLIDES:]))


_STORED: Final[Mapping[str, stored.Stored]] = {
    name: annotation.__metadata__[0]
    for name, annotation in get_type_hints(Settings, include_extras=True).items()
}


class SettingsFile:
    """Reads and writes the INI file. GUI thread only.

    Attributes
    ----------
    notice : a sentence for the user if the file is of a newer program; otherwise empty.
    """

    def __init__(self, folder: Path) -> None:
        """Read `folder`/`FILE_NAME`; neither needs to exist."""
        path = folder / FILE_NAME
        self._file = QSettings(str(path), QSettings.Format.IniFormat)
        self.notice = ""
        #: By field, what was set since the file was found to be of a newer program.
        self._unwritten: dict[str, Any] = {}
        if not self._is_newer():
            take_over(self._file, path)

    @property
    def now(self) -> Settings:
        """What is remembered, also by another window on the same file.

        Set it to remember something else: ``file.now = replace(file.now, minimap=False)``.
        Only what changes is written, and nothing if the file is of a newer program.
        """
        given = {name: value for name, value in self._found().items() if value is not None}
        given |= self._unwritten
        return Settings(**{**_policy_defaults(), **given, **_locks()})

    @now.setter
    def now(self, settings: Settings) -> None:
        before = self.now
        changes = {}
        for name, row in _STORED.items():
            value, earlier = getattr(settings, name), getattr(before, name)
            if name not in _locks() and not row.is_same(value, earlier):
                changes[name] = (earlier, value)
        if not changes:
            return
        self._file.sync()  # another program may have written since
        if self._is_newer():
            self._unwritten |= {name: value for name, (_, value) in changes.items()}
            return
        self._file.setValue(FORMAT_KEY, SETTINGS_FORMAT)
        there = self._found()
        for name, (earlier, value) in changes.items():
            row = _STORED[name]
            if value is None:
                self._file.remove(row.key)
            else:
                self._file.setValue(row.key, row.encode(row.merge(earlier, value, there[name])))

    def save(self) -> bool:
        """Write the file now; False (and a log line) if it cannot be written."""
        self._file.sync()
        # A format error is of what was read, and past.
        if self._file.status() != QSettings.Status.AccessError and not self._is_newer():
            return True
        _log.info("The settings file cannot be written; nothing is remembered.")
        return False

    def _found(self) -> dict[str, Any]:
        """The values in the file; None where it has none that makes sense."""
        return {name: row.decode(self._file.value(row.key)) for name, row in _STORED.items()}

    def _is_newer(self) -> bool:
        version = format_of(self._file)
        self.notice = notice_of_newer(version) if version > SETTINGS_FORMAT else ""
        return bool(self.notice)


def _policy_defaults() -> dict[str, Any]:
    policy = in_force()
    set_there = {
        "bundle": policy.bundle,
        "device": None if policy.device is None else Device(policy.device),
        "export_names": policy.names_in_exports,
    }
    return {name: value for name, value in set_there.items() if value is not None}


def _locks() -> dict[str, Any]:
    keys = {"bundle": "bundle", "device": "device", "export_names": "names_in_exports"}
    policy = in_force()
    return {n: v for n, v in _policy_defaults().items() if policy.is_locked(keys[n])}
