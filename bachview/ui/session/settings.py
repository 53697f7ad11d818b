"""What is remembered between sessions: an INI file in the user's configuration folder.

`Settings` has a row for each value: its key in the file, its limits and its default. The file
can be edited by anyone, so every value is checked on its way in; one that makes no sense is
treated as absent. The administrator's policy gives defaults, and locks that the file cannot undo.
"""

import functools
import json
import logging
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeGuard, get_type_hints

from PySide6.QtCore import QByteArray, QSettings

from bachview.core.geometry import Point
from bachview.core.pixel_size import PLAUSIBLE_MPP
from bachview.file_names import printable
from bachview.marks.annotation import AnnotationClass
from bachview.policy.in_force import in_force
from bachview.ui.look.theme import ThemeChoice
from bachview.ui.session.settings_format import (
    FORMAT_KEY,
    SETTINGS_FORMAT,
    format_of,
    notice_of_newer,
    take_over,
)
from bachview.viewing.overlay import Drawing, Marks

FILE_NAME = "bachview.ini"
MOST_RECENT = 12
DEFAULT_BUNDLE = "default"

_log = logging.getLogger(__name__)
#: Own classes of annotations, and letters of the name of one.
MOST_CLASSES, MOST_CLASS_NAME = 200, 60
_MOST_SLIDES = 300
_MOST_TEXT = 4096
#: Several windows may add to the list before one of them shortens it.
_MOST_OPENINGS = 4 * MOST_RECENT
_MOST_FOLDS = 50
_MOST_DIALOGS = 50
#: Least and largest side of a remembered size, px.
_SIDES = (100, 20_000)


class Device(StrEnum):
    """What the networks are asked to run on."""

    AUTO = "AUTO"
    CPU = "CPU"
    GPU = "GPU"
    NPU = "NPU"


@dataclass(frozen=True, slots=True)
class SlideMemory:
    """The user's position on a slide, and the pixel size that they stated.

    Attributes
    ----------
    center : level-0 px; None for the whole slide, fitted to the window.
    device_downsample : level-0 px per device px, whatever the screen's pixel ratio.
    rotation_deg : clockwise.
    typed_mpp : um/px at level 0 as the user stated it; None if they did not.
    """

    center: Point | None
    device_downsample: float
    rotation_deg: float
    typed_mpp: float | None


@dataclass(frozen=True, slots=True)
class Opened:
    """When a slide was opened last, ISO 8601 UTC, and the fingerprint that it had."""

    at: str
    fingerprint: str


# -- how a value stands in the file --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stored(ABC):
    """A value's key. `decode` returns None if the file holds nothing sensible."""

    key: str

    @abstractmethod
    def decode(self, raw: object) -> Any: ...

    def encode(self, value: Any) -> object:
        return value

    def is_same(self, one: Any, other: Any) -> bool:
        if one is None or other is None:
            return one is other
        # As texts: of two mappings with the same slides the order counts, too.
        return one is other or self.encode(one) == self.encode(other)

    def merge(self, earlier: Any, value: Any, there: Any) -> Any:
        """What to write where `earlier` became `value`, and the file now has `there`."""
        return value


class _Flag(_Stored):
    def decode(self, raw: object) -> bool | None:
        return {"true": True, "false": False}.get(str(raw).lower())

    def encode(self, value: Any) -> str:
        return "true" if value else "false"


@dataclass(frozen=True, slots=True)
class _Number(_Stored):
    low: float
    high: float

    def decode(self, raw: object) -> float | None:
        value = _number(raw)
        return value if value is not None and self.low <= value <= self.high else None


class _Whole(_Number):
    def decode(self, raw: object) -> int | None:
        value = super().decode(raw)
        return None if value is None else round(value)

    def encode(self, value: Any) -> float:
        return float(value)


class _Text(_Stored):
    """Also a name that is no UTF-8, which only its bytes keep whole."""

    def decode(self, raw: object) -> str | None:
        text = os.fsdecode(bytes(raw.data())) if isinstance(raw, QByteArray) else raw
        return text if _is_text(text) else None

    def encode(self, value: Any) -> str | QByteArray:
        return value if printable(value) == value else QByteArray(os.fsencode(value))


class _Folder(_Text):
    def decode(self, raw: object) -> Path | None:  # type: ignore[override]
        text = super().decode(raw)
        return None if text is None else Path(text)

    def encode(self, value: Any) -> str | QByteArray:
        return super().encode(str(value))


@dataclass(frozen=True, slots=True)
class _Choice(_Stored):
    among: type[StrEnum]

    def decode(self, raw: object) -> StrEnum | None:
        return next((c for c in self.among if c.value.lower() == str(raw).lower()), None)

    def encode(self, value: Any) -> str:
        return str(value.value)


class _Folding(_Stored):
    def decode(self, raw: object) -> Mapping[str, bool] | None:
        found = _document(raw)
        if not isinstance(found, dict) or len(found) > _MOST_FOLDS:
            return None
        return {name: is_on for name, is_on in found.items() if isinstance(is_on, bool)}

    def encode(self, value: Any) -> str:
        return json.dumps(dict(value))

    def merge(self, earlier: Any, value: Any, there: Any) -> Mapping[str, bool]:
        new = {name: is_on for name, is_on in value.items() if (earlier or {}).get(name) != is_on}
        return {**(there or {}), **new}


class _Bytes(_Stored):
    """For a function of Qt that checks them itself."""

    def decode(self, raw: object) -> bytes | None:
        return bytes(raw.data()) if isinstance(raw, QByteArray) else None

    def encode(self, value: Any) -> QByteArray:
        return QByteArray(value)


class _Recent(_Stored):
    def decode(self, raw: object) -> tuple[Path, ...] | None:
        values = _document(raw)
        if not isinstance(values, list):
            return None
        return tuple(Path(value) for value in values if _is_text(value))[:MOST_RECENT]

    def encode(self, value: Any) -> str:
        return json.dumps([str(path) for path in value])

    def merge(self, earlier: Any, value: Any, there: Any) -> tuple[Path, ...]:
        earlier, there = set(earlier or ()), there or ()
        new = tuple(path for n, path in enumerate(value) if n == 0 or path not in earlier)
        gone = earlier - set(value)
        return (*new, *(p for p in there if p not in gone and p not in new))[:MOST_RECENT]


class _Openings(_Stored):
    def decode(self, raw: object) -> Mapping[Path, Opened] | None:
        values = _document(raw)
        if not isinstance(values, dict):
            return None
        found = {Path(path): _opened_from(entry) for path, entry in values.items() if path}
        return {path: opened for path, opened in found.items() if opened is not None}

    def encode(self, value: Any) -> str:
        return json.dumps({str(path): [each.at, each.fingerprint] for path, each in value.items()})

    def merge(self, earlier: Any, value: Any, there: Any) -> Mapping[Path, Opened]:
        earlier, there = earlier or {}, there or {}
        new = {path: opened for path, opened in value.items() if earlier.get(path) != opened}
        gone = earlier.keys() - value.keys()
        kept = {path: opened for path, opened in there.items() if path not in gone}
        return dict(list((kept | new).items())[-_MOST_OPENINGS:])


class _Sizes(_Stored):
    def decode(self, raw: object) -> Mapping[str, tuple[int, int]] | None:
        values = _document(raw)
        if not isinstance(values, dict):
            return None
        found = {name: _size_from(entry) for name, entry in values.items()}
        return {name: size for name, size in found.items() if size is not None}

    def encode(self, value: Any) -> str:
        return json.dumps(value)

    def merge(self, earlier: Any, value: Any, there: Any) -> Mapping[str, tuple[int, int]]:
        return dict(list({**(there or {}), **value}.items())[-_MOST_DIALOGS:])


class _Classes(_Stored):
    def decode(self, raw: object) -> tuple[AnnotationClass, ...] | None:
        values = _document(raw)
        if not isinstance(values, list):
            return None
        found = [each for each in map(_class_from, values[:MOST_CLASSES]) if each is not None]
        by_name = {each.name.casefold(): each for each in reversed(found)}
        return tuple(each for each in found if by_name[each.name.casefold()] is each)

    def encode(self, value: Any) -> str:
        return json.dumps([[each.name, *each.color] for each in value])

    def merge(self, earlier: Any, value: Any, there: Any) -> tuple[AnnotationClass, ...]:
        gone = {each.name for each in earlier or ()} | {each.name for each in value}
        others = (each for each in there or () if each.name not in gone)
        return (*value, *others)[:MOST_CLASSES]


class _Slides(_Stored):
    def decode(self, raw: object) -> Mapping[str, SlideMemory] | None:
        return _slides_of(raw) if isinstance(raw, str) else None

    def encode(self, value: Any) -> str:
        return json.dumps({name: memory_entry(memory) for name, memory in value.items()})

    def merge(self, earlier: Any, value: Any, there: Any) -> Mapping[str, SlideMemory]:
        earlier, there, last = earlier or {}, there or {}, list(value)[-1:]
        new = {n: m for n, m in value.items() if earlier.get(n) != m or n in last}
        gone = earlier.keys() - value.keys()
        kept = {n: m for n, m in there.items() if n not in new and n not in gone}
        return dict(list((kept | new).items())[-_MOST_SLIDES:])


# -- the values ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is remembered, with the key, the limits and the default of each value."""

    theme: Annotated[ThemeChoice, _Choice("view/theme", ThemeChoice)] = ThemeChoice.SYSTEM
    """Light, dark, or as the system."""

    colour_management: Annotated[bool, _Flag("view/colour_management")] = True
    """Whether the scanner's colour profile is applied to slides that have one."""

    kinetic_pan: Annotated[bool, _Flag("view/kinetic_pan")] = False
    """Whether a pushed slide glides on."""

    minimap: Annotated[bool, _Flag("view/minimap")] = True
    """Whether the minimap is shown where there is room for it."""
    annotation_values: Annotated[bool, _Flag("view/annotation_values")] = True
    """Whether measured values stand at all annotations, or only at what is selected."""

    grid: Annotated[bool, _Flag("view/grid")] = False
    """Whether a grid is drawn over slides."""

    tools: Annotated[bool, _Flag("view/tools")] = True
    """Whether the tools for annotations are shown beside the slide."""

    brush_px: Annotated[float, _Number("tools/brush", 2, 250)] = 20.0
    """Radius of the brush, device-independent px."""

    wand_tolerance: Annotated[float, _Number("tools/wand", 0.2, 8)] = 1.0
    """How different colours may be for the magic wand."""

    overlay_opacity: Annotated[float, _Number("overlay/opacity", 0, 1)] = 0.5
    """How much the overlay's colours cover the tissue: 0 not at all, 1 completely."""

    overlay_marks: Annotated[Marks, _Choice("overlay/marks", Marks)] = Marks.NONE
    """Letters or hatching on the cells of the overlay."""

    overlay_drawing: Annotated[Drawing, _Choice("overlay/drawing", Drawing)] = Drawing.AUTO
    """Tint or contours of the overlay."""

    folding: Annotated[Mapping[str, bool], _Folding("panel/folding")] = field(default_factory=dict)
    """Of parts of the panel, by their names, whether the user has folded or unfolded them."""

    annotation_classes: Annotated[tuple[AnnotationClass, ...], _Classes("annotations/classes")] = ()
    """Classes of annotations that the reader has made; at most `MOST_CLASSES`."""

    panel_annotations: Annotated[bool, _Flag("panel/annotations")] = False
    """Whether the panel shows the annotations rather than the result."""

    bundle: Annotated[str, _Text("classify/bundle")] = DEFAULT_BUNDLE
    """Installed name or path of the bundle to begin with; at most 4096 characters."""

    device: Annotated[Device, _Choice("classify/device", Device)] = Device.AUTO
    """What the networks are asked to run on."""

    opening_folder: Annotated[Path | None, _Folder("open/folder")] = None
    """Where slides were last opened; None means the user's home."""

    export_folder: Annotated[Path | None, _Folder("export/folder")] = None
    """Where results were last written; None means the user's home."""

    export_names: Annotated[bool, _Flag("export/names")] = True
    """Whether the name of the slide is written into exported files."""

    export_choices: Annotated[str, _Text("export/choices")] = ""
    """What was last chosen of the files, see `ExportChoices`; empty for the usual."""

    recent: Annotated[tuple[Path, ...], _Recent("recent/files")] = ()
    """Slides that were opened, newest first; at most `MOST_RECENT`."""

    openings: Annotated[Mapping[Path, Opened], _Openings("recent/opened")] = field(
        default_factory=dict
    )
    """When each of `recent` was opened last; nothing of those that an earlier version added."""

    thumbnails: Annotated[bool, _Flag("recent/pictures")] = True
    """Whether small pictures of the slides that were opened are kept for the start page."""

    reopen: Annotated[bool, _Flag("session/reopen")] = False
    """Whether the slides of the last session are opened at start."""

    slides: Annotated[Mapping[str, SlideMemory], _Slides("slides")] = field(default_factory=dict)
    """By slide fingerprint, the one viewed longest ago first; at most 300."""

    dialog_sizes: Annotated[Mapping[str, tuple[int, int]], _Sizes("window/dialogs")] = field(
        default_factory=dict
    )
    """Width and height of dialogs that the user has resized, px, by their kind."""

    research_use_seen: Annotated[bool, _Flag("start/research_use_seen")] = False
    """Whether the user has answered the notice that the program is for research only."""

    cache_bytes: Annotated[int, _Whole("cache/bytes", 64 << 20, 16 << 30)] = 192 << 20
    """Bound of the tile cache, 64 MiB to 16 GiB. Only set by editing the file."""

    window_x: Annotated[int | None, _Whole("window/x", -100_000, 100_000)] = None
    """Left edge of the window on the desktop, px; None while it was never closed."""

    window_y: Annotated[int | None, _Whole("window/y", -100_000, 100_000)] = None
    """Top edge of the window on the desktop, px."""

    window_width: Annotated[int | None, _Whole("window/width", 200, 100_000)] = None
    """Width of the window where it is not maximised, px, at least 200."""

    window_height: Annotated[int | None, _Whole("window/height", 200, 100_000)] = None
    """Height of the window where it is not maximised, px, at least 200."""

    window_maximized: Annotated[bool, _Flag("window/maximized")] = False
    """Whether the window fills the screen."""

    window_state: Annotated[bytes, _Bytes("window/state")] = b""
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
        return replace(self, slides=dict(list(slides.items())[-_MOST_SLIDES:]))


_STORED: Final[Mapping[str, _Stored]] = {
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


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= _MOST_TEXT


def _class_from(entry: object) -> AnnotationClass | None:
    if not isinstance(entry, list) or len(entry) != 4:
        return None
    name, *parts = entry
    is_name = _is_text(name) and name.isprintable() and name.strip() == name
    is_color = all(type(part) is int and 0 <= part <= 255 for part in parts)
    if not is_name or len(name) > MOST_CLASS_NAME or not is_color:
        return None
    return AnnotationClass(name, (parts[0], parts[1], parts[2]))


def _opened_from(entry: object) -> Opened | None:
    if not isinstance(entry, list) or len(entry) != 2:
        return None
    at, fingerprint = entry
    if not _is_text(at) or not _is_text(fingerprint):
        return None
    try:
        moment = datetime.fromisoformat(at)
        moment.astimezone()  # as it is shown; the first and the last day there are may have none
    except (ValueError, OverflowError):
        return None
    return Opened(at, fingerprint) if moment.tzinfo is not None else None


def _size_from(entry: object) -> tuple[int, int] | None:
    if not isinstance(entry, list) or len(entry) != 2:
        return None
    low, high = _SIDES
    width, height = (side if type(side) is int and low <= side <= high else 0 for side in entry)
    return (width, height) if width and height else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):  # the latter for an integer beyond the range of floats
        return None
    return number if math.isfinite(number) else None


def _document(raw: object) -> Any:  # JSON: checked by the caller
    if not isinstance(raw, str):
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


@functools.lru_cache(maxsize=1)  # it is asked for with every other value, and slow
def _slides_of(text: str) -> Mapping[str, SlideMemory] | None:
    slides = _document(text)
    if not isinstance(slides, dict):
        return None
    return MappingProxyType(
        {name: memory_from(entry) for name, entry in slides.items() if isinstance(entry, dict)}
    )


def memory_from(entry: Mapping[str, object]) -> SlideMemory:
    """Inverse of `memory_entry`; what makes no sense in it is left out."""
    x, y, downsample, rotation, mpp = (
        _number(entry.get(key)) for key in ("x", "y", "downsample", "rotation", "mpp")
    )
    center = None if x is None or y is None else Point(x, y)
    if downsample is None or downsample <= 0:
        center, downsample = None, 1.0
    low, high = PLAUSIBLE_MPP
    return SlideMemory(
        center,
        1.0 if center is None else downsample,
        (rotation or 0.0) % 360,
        mpp if mpp is not None and low <= mpp <= high else None,
    )


def memory_entry(memory: SlideMemory) -> dict[str, float]:
    """A slide's memory as values of JSON."""
    entry = {"downsample": memory.device_downsample, "rotation": memory.rotation_deg}
    if memory.center is not None:
        entry |= {"x": memory.center.x, "y": memory.center.y}
    if memory.typed_mpp is not None:
        entry["mpp"] = memory.typed_mpp
    return entry
