"""What is remembered between sessions: an INI file in the user's configuration folder.

The file can be edited by anyone, so every value is checked on its way in; one that makes no sense
is treated as absent.
"""

import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from bachview.core.geometry import Point
from bachview.core.pixel_size import PLAUSIBLE_MPP

FILE_NAME = "bachview.ini"

_log = logging.getLogger(__name__)
_MOST_SLIDES = 300
_MOST_TEXT = 4096


@dataclass(frozen=True, slots=True)
class SlideMemory:
    """The user's position on a slide, and the pixel size that they stated.

    Attributes
    ----------
    center : level-0 px; None if no position is remembered.
    device_downsample : level-0 px per device px, whatever the screen's pixel ratio.
    rotation_deg : clockwise.
    typed_mpp : um/px at level 0 as the user stated it; None if they did not.
    """

    center: Point | None
    device_downsample: float
    rotation_deg: float
    typed_mpp: float | None


class Settings:
    """Typed, validated access to the INI file. GUI thread only."""

    def __init__(self, folder: Path) -> None:
        """Read `folder`/`FILE_NAME`; neither needs to exist."""
        self._file = QSettings(str(folder / FILE_NAME), QSettings.Format.IniFormat)

    def flag(self, key: str, default: bool) -> bool:  # a stored value
        """A stored yes or no."""
        text = str(self._file.value(key, "")).lower()
        return {"true": True, "false": False}.get(text, default)

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A stored number within [low, high]; else the default."""
        value = _number(self._file.value(key))
        return value if value is not None and low <= value <= high else default

    def text(self, key: str, default: str = "") -> str:
        """A stored text of limited length."""
        value = self._file.value(key)
        return value if isinstance(value, str) and 0 < len(value) <= _MOST_TEXT else default

    def texts(self, key: str, most: int) -> list[str]:
        """A stored list of at most `most` texts."""
        values = self._document(key)
        if not isinstance(values, list):
            return []
        return [v for v in values if isinstance(v, str) and 0 < len(v) <= _MOST_TEXT][:most]

    def raw_bytes(self, key: str) -> QByteArray:
        """Stored bytes, for a Qt function that checks them itself."""
        value = self._file.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def put(self, key: str, value: bool | float | str | QByteArray) -> None:
        """Store a value."""
        if isinstance(value, bool):
            value = "true" if value else "false"
        self._file.setValue(key, value)

    def put_texts(self, key: str, values: list[str]) -> None:
        """Store a list of texts."""
        self._file.setValue(key, json.dumps(values))

    def slide_memory(self, fingerprint: str) -> SlideMemory | None:
        """What is remembered about the slide with this fingerprint."""
        slides = self._document("slides")
        entry = slides.get(fingerprint) if isinstance(slides, dict) else None
        if not isinstance(entry, dict):
            return None
        x, y, downsample, rotation, mpp = (
            _number(entry.get(key)) for key in ("x", "y", "downsample", "rotation", "mpp")
        )
        placed = x is not None and y is not None and downsample is not None and downsample > 0
        low, high = PLAUSIBLE_MPP
        return SlideMemory(
            Point(x, y) if placed and x is not None and y is not None else None,
            downsample if placed and downsample is not None else 1.0,
            (rotation or 0.0) % 360,
            mpp if mpp is not None and low <= mpp <= high else None,
        )

    def put_slide_memory(self, fingerprint: str, memory: SlideMemory) -> None:
        """Remember it; the slides viewed longest ago are forgotten."""
        slides = self._document("slides")
        slides = slides if isinstance(slides, dict) else {}
        slides.pop(fingerprint, None)
        entry: dict[str, float] = {
            "downsample": memory.device_downsample,
            "rotation": memory.rotation_deg,
        }
        if memory.center is not None:
            entry |= {"x": memory.center.x, "y": memory.center.y}
        if memory.typed_mpp is not None:
            entry["mpp"] = memory.typed_mpp
        slides[fingerprint] = entry
        kept = dict(list(slides.items())[-_MOST_SLIDES:])
        self._file.setValue("slides", json.dumps(kept))

    def save(self) -> bool:
        """Write the file now; False (and a log line) if it cannot be written."""
        self._file.sync()
        if self._file.status() == QSettings.Status.NoError:
            return True
        _log.info("The settings file cannot be written; nothing is remembered.")
        return False

    def _document(self, key: str) -> Any:  # JSON, checked by the caller
        value = self._file.value(key)
        if not isinstance(value, str):
            return None
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):  # the latter for an integer beyond the range of floats
        return None
    return number if math.isfinite(number) else None
