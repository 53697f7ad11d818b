"""Drawing of a class activation map, and of the key that says what its greys mean."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPainter,
    QPainterPath,
    QPolygonF,
    QTransform,
)

from bachview.core.geometry import Point, Region
from bachview.ui.look.plates import plate, writing_on
from bachview.ui.look.spacing import APART, NEAR, PLATE_PX
from bachview.ui.view.painting import Layer, ViewPlane, Window, image_of
from bachview.viewing.activation import VEIL_GREY, ActivationMap, veil_of
from bachview.viewing.viewport import Viewport

_RAMP_VP = (72.0, 12.0)
#: What the ramp of the key lies on, in place of tissue.
_UNDER_THE_RAMP = QColor(225, 225, 225)


def paint_activation(painter: QPainter, viewport: Viewport, found: ActivationMap) -> None:
    """Veil a field place by place, without smoothing. GUI thread."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    if viewport.rotation_deg % 90:
        painter.setTransform(QTransform(*viewport.vp_from_l0_affine), combine=True)
        painter.drawImage(QRectF(*found.region), _veil_image(found))
    else:
        _fill_places(painter, viewport, found)
    painter.restore()


def _veil_image(found: ActivationMap) -> QImage:
    alpha = found.veil.astype(np.uint16)
    grey = alpha * VEIL_GREY // 255
    pixels = np.stack([grey, grey, grey, alpha], axis=-1).astype(np.uint8)
    return image_of(np.ascontiguousarray(pixels), with_alpha=True)


def _fill_places(painter: QPainter, viewport: Viewport, found: ActivationMap) -> None:
    """Fill rectangles whose edges lie on whole device px, so that none overlap."""
    veil, region, ratio = found.veil, found.region, viewport.pixel_ratio
    rows, columns = veil.shape
    screen = QRectF(0, 0, viewport.size.width, viewport.size.height)

    def corner(row: int, column: int) -> QPointF:
        x = region.x + region.width * column / columns
        y = region.y + region.height * row / rows
        x_vp, y_vp = viewport.vp_from_l0(Point(x, y))
        return QPointF(round(x_vp * ratio) / ratio, round(y_vp * ratio) / ratio)

    for row in range(rows):
        for column in range(columns):
            place = QRectF(corner(row, column), corner(row + 1, column + 1)).normalized()
            if place.intersects(screen):
                grey = QColor(VEIL_GREY, VEIL_GREY, VEIL_GREY, int(veil[row, column]))
                painter.fillRect(place, grey)


@dataclass(frozen=True, slots=True)
class Outside:
    """A layer that leaves a region of the slide as it is. Any thread.

    Attributes
    ----------
    layer : what is drawn elsewhere.
    region : left free, level-0 px.
    """

    layer: Layer
    region: Region

    def __call__(self, painter: QPainter, plane: ViewPlane, window: Window) -> None:
        """Draw the layer over what lies outside the region."""
        left, top, right, bottom = window
        if plane.region_of(window).intersects(self.region):
            free = QPainterPath()
            free.addRect(left, top, right - left, bottom - top)
            free.addPolygon(QPolygonF([plane.from_l0(p.x, p.y) for p in self.region.corners]))
            free.closeSubpath()
            painter.setClipPath(free, Qt.ClipOperation.IntersectClip)
        self.layer(painter, plane, window)


@dataclass(frozen=True, slots=True)
class KeyText:
    """What the key says: the class, and whether the map is still being computed."""

    class_name: str
    is_delayed: bool = False


class ActivationKey:
    """The key of an activation map, above the scale bar; redrawn only when it changes."""

    def __init__(self) -> None:
        self._key: object = None
        self._image = QImage()

    def paint(self, painter: QPainter, viewport: Viewport, text: KeyText, below_vp: float) -> None:
        """Draw it at the left, `below_vp` px above the lower edge of the view."""
        key = (text, viewport.pixel_ratio)
        if key != self._key:
            self._key = key
            self._image = _drawn_key(*key)
        height = self._image.height() / viewport.pixel_ratio
        painter.drawImage(QPointF(APART, viewport.size.height - below_vp - height), self._image)


def _drawn_key(text: KeyText, ratio: float) -> QImage:
    font = QFont()
    font.setPixelSize(PLATE_PX)
    metrics = QFontMetricsF(font)
    before, after = f"Contributed to {text.class_name}:  little", "most"
    if text.is_delayed:
        after += "  (is being computed…)"
    ramp_width, ramp_height = _RAMP_VP
    ramp_x = NEAR + metrics.horizontalAdvance(before) + NEAR
    after_x = ramp_x + ramp_width + NEAR
    width = after_x + metrics.horizontalAdvance(after) + NEAR
    height = metrics.height() + NEAR
    image = plate(width, height, ratio)
    with writing_on(image, width, height, font) as painter:
        baseline = (height - metrics.height()) / 2 + metrics.ascent()
        painter.drawText(QPointF(NEAR, baseline), before)
        painter.drawText(QPointF(after_x, baseline), after)
        ramp = QRectF(ramp_x, (height - ramp_height) / 2, ramp_width, ramp_height)
        painter.fillRect(ramp, _UNDER_THE_RAMP)
        veil = veil_of(np.linspace(0, 1, round(ramp_width), dtype=np.float32))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        for place, alpha in enumerate(veil.tolist()):
            line = QRectF(ramp.x() + place, ramp.y(), 1, ramp_height)
            painter.fillRect(line, QColor(VEIL_GREY, VEIL_GREY, VEIL_GREY, alpha))
    return image
