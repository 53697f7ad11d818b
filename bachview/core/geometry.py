"""Points, sizes and regions.

There are three frames; the suffix of a name says which one a bare number is in:
``_l0`` level-0 pixels (the only frame that is stored or exchanged), ``_lv`` pixels of the
level at hand, ``_vp`` device-independent viewport pixels. Points and sizes are (x, y) and
(width, height); arrays are indexed [row, column].
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the level-0 reference frame, px."""

    x: float
    y: float

    def __add__(self, other: "Point") -> "Point":
        return Point(self.x + other.x, self.y + other.y)

    def __sub__(self, other: "Point") -> "Point":
        return Point(self.x - other.x, self.y - other.y)

    def distance_to(self, other: "Point") -> float:
        """Euclidean distance, level-0 px."""
        return math.hypot(self.x - other.x, self.y - other.y)


@dataclass(frozen=True, slots=True)
class Size:
    """A whole number of pixels in x and y, in the frame that the owner states."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 0 or self.height < 0:
            raise ValueError(f"size {self.width}x{self.height} is negative")


@dataclass(frozen=True, slots=True)
class Region:
    """Half-open rectangle [x, x+width) x [y, y+height) in level-0 px; may be empty."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if self.width < 0 or self.height < 0:
            raise ValueError(f"region {self.width}x{self.height} is negative")

    @classmethod
    def between(cls, left: float, top: float, right: float, bottom: float) -> "Region":
        """Region with these edges; empty where they cross."""
        return cls(left, top, max(0.0, right - left), max(0.0, bottom - top))

    @classmethod
    def around(cls, center: Point, width: float, height: float) -> "Region":
        """Region of this size centred on `center`."""
        return cls(center.x - width / 2, center.y - height / 2, width, height)

    @property
    def right(self) -> float:
        """First x outside."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """First y outside."""
        return self.y + self.height

    @property
    def center(self) -> Point:
        return Point(self.x + self.width / 2, self.y + self.height / 2)

    @property
    def is_empty(self) -> bool:
        return self.width <= 0 or self.height <= 0

    @property
    def corners(self) -> tuple[Point, Point, Point, Point]:
        """Top left, top right, bottom right, bottom left."""
        return (
            Point(self.x, self.y),
            Point(self.right, self.y),
            Point(self.right, self.bottom),
            Point(self.x, self.bottom),
        )

    def contains(self, point: Point) -> bool:
        """Whether `point` is inside (left and top edges belong to it, right and bottom not)."""
        return self.x <= point.x < self.right and self.y <= point.y < self.bottom

    def intersection(self, other: "Region") -> "Region":
        """The common part; empty if there is none."""
        return Region.between(
            max(self.x, other.x),
            max(self.y, other.y),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def intersects(self, other: "Region") -> bool:
        """Whether the common part has an area."""
        return not self.intersection(other).is_empty

    def expanded(self, margin: float) -> "Region":
        """Region with `margin` px more on each side (less where negative, never inside out)."""
        return Region.between(
            self.x - margin, self.y - margin, self.right + margin, self.bottom + margin
        )

    def __iter__(self) -> Iterator[float]:
        """Unpack as x, y, width, height."""
        return iter((self.x, self.y, self.width, self.height))
