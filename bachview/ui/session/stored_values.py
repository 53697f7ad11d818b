"""How the values that are remembered stand in their files, which can be edited by anyone.

Each is checked on its way in; what makes no sense is treated as absent.
"""

import functools
import json
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeGuard

from PySide6.QtCore import QByteArray

from bachview.core.geometry import Point
from bachview.core.pixel_size import PLAUSIBLE_MPP
from bachview.file_names import printable
from bachview.marks.annotation import AnnotationClass
from bachview.ui.session.slide_memory import Opened, SlideMemory

MOST_RECENT = 12
#: Own classes of annotations, and letters of the name of one.
MOST_CLASSES, MOST_CLASS_NAME = 200, 60
MOST_SLIDES = 300
_MOST_TEXT = 4096
#: Several windows may add to the list before one of them shortens it.
_MOST_OPENINGS = 4 * MOST_RECENT
_MOST_FOLDS = 50
_MOST_DIALOGS = 50
#: Least and largest side of a remembered size, px.
_SIDES = (100, 20_000)


@dataclass(frozen=True, slots=True)
class Stored(ABC):
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


class Flag(Stored):
    """True or false."""

    def decode(self, raw: object) -> bool | None:
        return {"true": True, "false": False}.get(str(raw).lower())

    def encode(self, value: Any) -> str:
        return "true" if value else "false"


@dataclass(frozen=True, slots=True)
class Number(Stored):
    """A number within limits, which count as well."""

    low: float
    high: float

    def decode(self, raw: object) -> float | None:
        value = _number(raw)
        return value if value is not None and self.low <= value <= self.high else None


class Whole(Number):
    """A whole number within limits."""

    def decode(self, raw: object) -> int | None:
        value = super().decode(raw)
        return None if value is None else round(value)

    def encode(self, value: Any) -> float:
        return float(value)


class Text(Stored):
    """Also a name that is no UTF-8, which only its bytes keep whole."""

    def decode(self, raw: object) -> str | None:
        text = os.fsdecode(bytes(raw.data())) if isinstance(raw, QByteArray) else raw
        return text if _is_text(text) else None

    def encode(self, value: Any) -> str | QByteArray:
        return value if printable(value) == value else QByteArray(os.fsencode(value))


class Folder(Text):
    """The path of a folder."""

    def decode(self, raw: object) -> Path | None:  # type: ignore[override]
        text = super().decode(raw)
        return None if text is None else Path(text)

    def encode(self, value: Any) -> str | QByteArray:
        return super().encode(str(value))


@dataclass(frozen=True, slots=True)
class Choice(Stored):
    """One of an enumeration, by its value."""

    among: type[StrEnum]

    def decode(self, raw: object) -> StrEnum | None:
        return next((c for c in self.among if c.value.lower() == str(raw).lower()), None)

    def encode(self, value: Any) -> str:
        return str(value.value)


class Folding(Stored):
    """Parts of the panel, and whether each is unfolded."""

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


class Bytes(Stored):
    """For a function of Qt that checks them itself."""

    def decode(self, raw: object) -> bytes | None:
        return bytes(raw.data()) if isinstance(raw, QByteArray) else None

    def encode(self, value: Any) -> QByteArray:
        return QByteArray(value)


class Recent(Stored):
    """Paths of slides, newest first; what several windows add is kept."""

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


class Openings(Stored):
    """Of slides, by path, when they were opened."""

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


class Sizes(Stored):
    """Width and height of windows, px, by their kind."""

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


class Classes(Stored):
    """Classes of annotations, whose names differ in more than case."""

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


class Slides(Stored):
    """What is remembered of slides, by fingerprint."""

    def decode(self, raw: object) -> Mapping[str, SlideMemory] | None:
        return _slides_of(raw) if isinstance(raw, str) else None

    def encode(self, value: Any) -> str:
        return json.dumps({name: memory_entry(memory) for name, memory in value.items()})

    def merge(self, earlier: Any, value: Any, there: Any) -> Mapping[str, SlideMemory]:
        earlier, there, last = earlier or {}, there or {}, list(value)[-1:]
        new = {n: m for n, m in value.items() if earlier.get(n) != m or n in last}
        gone = earlier.keys() - value.keys()
        kept = {n: m for n, m in there.items() if n not in new and n not in gone}
        return dict(list((kept | new).items())[-MOST_SLIDES:])


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
