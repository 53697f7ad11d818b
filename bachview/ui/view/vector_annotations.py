"""Annotations as lines that stay lines, for files of vector graphics. GUI thread."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from bachview.core.geometry import Point
from bachview.core.pixel_size import PixelSize
from bachview.marks.annotation import Annotation, Kind
from bachview.ui.view.label_maker import LabelMaker
from bachview.ui.view.painting_annotations import NEUTRAL, POINT_VP, WIDE
from bachview.viewing.contour_look import DARK_HALO, LIGHT_HALO, has_dark_halo
from bachview.viewing.viewport import Viewport

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: Texts are pictures, this many px to a px of the view: legible when the file is enlarged.
_TEXT_RATIO = 4.0


def paint_as_vectors(
    painter: QPainter,
    viewport: Viewport,
    annotations: Sequence[Annotation],
    pixel_size: PixelSize,
    *,
    has_values: bool,
) -> None:
    """Draw annotations that are not hidden, in device-independent px of the view.

    Parameters
    ----------
    has_values : whether measured values and names stand at the shapes.
    """
    seen = [each for each in annotations if not each.is_hidden and _is_seen(each, viewport)]
    for each in seen:
        color = each.color or (each.annotation_class.color if each.annotation_class else NEUTRAL)
        halo = QColor(*(DARK_HALO if has_dark_halo(color) else LIGHT_HALO))
        if each.kind in (Kind.POINTS, Kind.TEXT):
            painter.setPen(QPen(halo, 2 * (WIDE.halo - WIDE.line)))
            painter.setBrush(QColor(*color))
            for place in _places(each.geometry, viewport):
                painter.drawEllipse(place, POINT_VP, POINT_VP)
            continue
        path = QPainterPath()
        for line in _lines(each.geometry):
            path.moveTo(_at(viewport, *line[0]))
            for x, y in line[1:]:
                path.lineTo(_at(viewport, x, y))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen_color, reach in ((halo, WIDE.halo), (QColor(*color), WIDE.line)):
            pen = QPen(pen_color, 2 * reach)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.drawPath(path)
    _paint_labels(painter, viewport, seen, pixel_size, has_values=has_values)


def _paint_labels(
    painter: QPainter,
    viewport: Viewport,
    annotations: Sequence[Annotation],
    pixel_size: PixelSize,
    *,
    has_values: bool,
) -> None:
    fine = replace(viewport, pixel_ratio=_TEXT_RATIO)
    # The zoom counts in powers of two; as it is only where texts are placed, the next will do.
    level = round(math.log2(fine.device_downsample))
    labels = LabelMaker().labels(
        annotations,
        fine,
        level,
        pixel_size,
        region=viewport.region,
        valued=None if has_values else frozenset(),
    )
    for label in labels:
        x, y = viewport.vp_from_l0(Point(label.x, label.y))
        left, top = x + label.right / _TEXT_RATIO, y + label.down / _TEXT_RATIO
        size = label.plate.size() / _TEXT_RATIO
        painter.drawImage(QRectF(left, top, size.width(), size.height()), label.plate)


def _at(viewport: Viewport, x: float, y: float) -> QPointF:
    return QPointF(*viewport.vp_from_l0(Point(x, y)))


def _is_seen(annotation: Annotation, viewport: Viewport) -> bool:
    left, top, right, bottom = annotation.bounds
    seen = viewport.region
    return left <= seen.right and right >= seen.x and top <= seen.bottom and bottom >= seen.y


def _places(geometry: "BaseGeometry", viewport: Viewport) -> Iterator[QPointF]:
    import shapely

    for x, y in shapely.get_coordinates(geometry):
        yield _at(viewport, float(x), float(y))


def _lines(geometry: "BaseGeometry") -> Iterator[list[tuple[float, float]]]:
    """Every line and ring of a shape, level-0 px."""
    import shapely

    for part in shapely.get_parts(geometry):
        is_area = shapely.get_type_id(part) == shapely.GeometryType.POLYGON
        for line in shapely.get_rings(part) if is_area else (part,):
            yield [(float(x), float(y)) for x, y in shapely.get_coordinates(line)]
