"""Areas painted with a round brush: what a stroke adds or erases."""

import math
from typing import TYPE_CHECKING

from bachview.marks.shapes import Place, mended_area, valid_area

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: What is nearer than this touches, level-0 px.
_TOUCHES_PX = 1e-6

#: Fewest and most segments of a quarter of the brush's circle.
_QUARTER = 4, 24


class Stroke:
    """What a brush has passed over since it was put down. One thread.

    Parameters
    ----------
    tolerance_px : how far the outline may be from the exact one, level-0 px; a part of a px of the
        screen, as finer vertices would not be seen and slow everything down.

    Attributes
    ----------
    shape : polygon or multi-polygon, level-0 px; None before the first place.
    """

    def __init__(self, tolerance_px: float) -> None:
        self.tolerance_px = tolerance_px
        self.shape: BaseGeometry | None = None
        self._last: Place | None = None

    def move_to(self, place: Place, radius_px: float) -> None:
        """Pass the brush over the straight way from the last place to this one."""
        import shapely

        last, self._last = self._last, place
        way = shapely.Point(place) if last in (None, place) else shapely.LineString([last, place])
        quarter = quarter_segments(radius_px, self.tolerance_px)
        self.add(way.buffer(radius_px, quad_segs=quarter))

    def add(self, area: "BaseGeometry") -> None:
        """Add any area."""
        if self.shape is not None:
            area = self.shape.union(area).simplify(self.tolerance_px / 2)
        self.shape = mended_area([area])


def quarter_segments(radius_px: float, tolerance_px: float) -> int:
    """Segments of a quarter circle that are within the tolerance of it."""
    fewest, most = _QUARTER
    half_angle = math.sqrt(2 * max(tolerance_px, 1e-9) / max(radius_px, 1e-9))
    return max(fewest, min(most, math.ceil(math.pi / 4 / half_angle)))


def painted(area: "BaseGeometry | None", stroke: "BaseGeometry") -> "BaseGeometry":
    """The area with a stroke added; the stroke alone where there was none.

    The outline stays exactly as it is where the stroke has not been.
    """
    if area is None:
        return stroke
    return mended_area([valid_area(area).union(stroke)]) or area


def erased(
    area: "BaseGeometry", stroke: "BaseGeometry", least_px2: float = 0.0
) -> "BaseGeometry | None":
    """The area without what the stroke has passed over; None where nothing is left.

    A stroke across it leaves several parts, and one inside it a hole.

    Parameters
    ----------
    least_px2 : smaller rests beside the stroke go too, level-0 px²: specks that nobody sees.
    """
    import shapely

    parts = shapely.get_parts(valid_area(area).difference(stroke))
    return mended_area(
        [part for part in parts if part.area >= least_px2 or part.distance(stroke) > _TOUCHES_PX]
    )
