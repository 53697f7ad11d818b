"""A bookmark: a view of the slide with a name and a thumbnail."""

import uuid
from dataclasses import dataclass

from bachview.core.geometry import Point
from bachview.marks.annotation import now_text


@dataclass(frozen=True, slots=True)
class Bookmark:
    """One bookmark.

    Attributes
    ----------
    id : random UUID.
    name : the reader's.
    center : level-0 px.
    downsample : level-0 px per device-independent px.
    rotation_deg : of the view.
    plane : focal plane and time point, each from 0.
    thumbnail : the view as a small PNG; empty without one.
    created : ISO 8601 UTC time.
    """

    id: str
    name: str
    center: Point
    downsample: float
    rotation_deg: float
    plane: tuple[int, int]
    thumbnail: bytes
    created: str

    @classmethod
    def made(
        cls,
        name: str,
        center: Point,
        downsample: float,
        rotation_deg: float = 0.0,
        *,
        plane: tuple[int, int] = (0, 0),
        thumbnail: bytes = b"",
    ) -> "Bookmark":
        """A bookmark of this moment."""
        return cls(
            str(uuid.uuid4()), name, center, downsample, rotation_deg, plane, thumbnail, now_text()
        )
