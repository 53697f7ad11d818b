"""What is remembered of a slide between sessions."""

from dataclasses import dataclass

from bachview.core.geometry import Point


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
