"""What is measured of an annotation: area, perimeter, length, angle, count."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bachview.core.pixel_size import PixelSize
from bachview.core.units import angle_text, area_text, count_text, length_text
from bachview.marks.annotation import AREAS, Annotation, Frame, Kind

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True)
class Measures:
    """Measured values; each is None where the kind of annotation has none.

    Those in um are None too where the pixel size is unknown or implausible.

    Attributes
    ----------
    area_mm2, area_px2 : without holes; level-0 px.
    perimeter_um, perimeter_px : of all outlines, those of holes too.
    length_um, length_px : of all parts of a line.
    angle_deg : 0 to 180, in um where the pixel size is known, as pixels may not be square.
    count : of points.
    """

    area_mm2: float | None = None
    area_px2: float | None = None
    perimeter_um: float | None = None
    perimeter_px: float | None = None
    length_um: float | None = None
    length_px: float | None = None
    angle_deg: float | None = None
    count: int | None = None


def measures_of(annotation: Annotation, pixel_size: PixelSize) -> Measures:
    """The measured values of an annotation. Any thread.

    An ellipse is measured by its axes, not by the polygon that stands for it; the perimeter of one
    by Ramanujan's second approximation (1914), exact to some 1e-5 for axes of 1:10.
    """
    kind = annotation.kind
    if kind is Kind.TEXT:
        return Measures()
    if kind is Kind.POINTS:
        return Measures(count=len(getattr(annotation.geometry, "geoms", (None,))))
    sides = pixel_size.um_per_px
    geometry = annotation.geometry
    in_um = geometry if sides is None else _scaled(geometry, *sides)
    if kind in AREAS:
        area_px2, perimeter_px = geometry.area, geometry.length
        area_um2, perimeter_um = in_um.area, in_um.length
        frame = annotation.shape
        if kind is Kind.ELLIPSE and isinstance(frame, Frame):
            area_px2 = math.pi * frame.width * frame.height / 4
            perimeter_px = _ellipse_perimeter(frame.width / 2, frame.height / 2)
            if sides is not None:
                area_um2 = area_px2 * sides[0] * sides[1]
                perimeter_um = _ellipse_perimeter(*_half_axes(frame, *sides))
        return Measures(
            area_mm2=None if sides is None else area_um2 / 1e6,
            area_px2=area_px2,
            perimeter_um=None if sides is None else perimeter_um,
            perimeter_px=perimeter_px,
        )
    if kind is Kind.ANGLE:
        return Measures(angle_deg=_angle(in_um))
    return Measures(length_um=None if sides is None else in_um.length, length_px=geometry.length)


def measures_text(measures: Measures) -> str:
    """The one value that stands at the shape, e.g. ``1.25 mm²``, ``85 px``; empty for none."""
    if measures.area_px2 is not None:
        if measures.area_mm2 is None:
            return f"{count_text(measures.area_px2)} px²"
        return area_text(measures.area_mm2)
    if measures.length_px is not None:
        if measures.length_um is None:
            return f"{count_text(measures.length_px)} px"
        return length_text(measures.length_um)
    if measures.angle_deg is not None:
        return angle_text(measures.angle_deg)
    if measures.count is not None and measures.count > 1:
        return count_text(measures.count)
    return ""


def _scaled(geometry: "BaseGeometry", mpp_x: float, mpp_y: float) -> "BaseGeometry":
    import shapely

    return shapely.transform(geometry, lambda places: places * (mpp_x, mpp_y))


def _angle(line: "BaseGeometry") -> float:
    (ax, ay), (x, y), (bx, by) = line.coords
    turn = math.atan2(ay - y, ax - x) - math.atan2(by - y, bx - x)
    deg = abs(math.degrees(turn)) % 360
    return min(deg, 360 - deg)


def _half_axes(frame: Frame, mpp_x: float, mpp_y: float) -> tuple[float, float]:
    """Half axes in um of an ellipse: singular values of the map from the unit circle."""
    if mpp_x == mpp_y:
        return frame.width * mpp_x / 2, frame.height * mpp_x / 2
    import numpy as np

    turn = math.radians(frame.angle_deg)
    half_width, half_height = frame.width / 2, frame.height / 2
    to_um = np.array(
        [
            [mpp_x * math.cos(turn) * half_width, -mpp_x * math.sin(turn) * half_height],
            [mpp_y * math.sin(turn) * half_width, mpp_y * math.cos(turn) * half_height],
        ]
    )
    long, short = np.linalg.svd(to_um, compute_uv=False)
    return float(long), float(short)


def _ellipse_perimeter(a: float, b: float) -> float:
    h = ((a - b) / (a + b)) ** 2
    return math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))
