"""The rubber band: it selects what it touches, or with Alt what lies inside."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from bachview.marks.annotation import Annotation
from bachview.ui.look.plates import INK, SHADE
from bachview.ui.view.tools.base import Pointer, ToolContext
from bachview.viewing.viewport import Viewport


def _band(viewport: Viewport | None, start: Pointer, at: Pointer) -> QRectF | None:
    """On the screen; None while it is no more than a click."""
    if viewport is None or at.is_near(start):
        return None
    # The slide may have moved below it.
    return QRectF(QPointF(*viewport.vp_from_l0(start.point)), at.vp).normalized()


def selected_by(
    context: ToolContext,
    start: Pointer,
    at: Pointer,
    hit: Annotation | None,
    around: Annotation | None,
) -> frozenset[str] | None:
    """Ids that are selected after a band from `start`, or a click; None where nothing changes.

    Parameters
    ----------
    hit : in what the band began.
    around : the same if it was not selected: a band selects it by its outline only.
    """
    viewport, before = context.view.viewport, context.selected
    keeps = at.has_shift or at.has_control
    band = _band(viewport, start, at)
    if band is None or viewport is None:
        if hit is not None:  # a click inside of an area
            return before | {hit.id} if keeps else frozenset({hit.id})
        return None if keeps else frozenset()
    corners = [
        viewport.l0_from_vp(each.x(), each.y())
        for each in (band.topLeft(), band.topRight(), band.bottomRight(), band.bottomLeft())
    ]
    found = context.drawing.index.within(corners, whole=at.has_alt)
    ids = frozenset(each.id for each in found if around is None or each.id != around.id)
    if around is not None:
        before -= {around.id}
    if at.has_control:
        return before ^ ids
    return before | ids if at.has_shift else ids


def paint_band(painter: QPainter, viewport: Viewport, start: Pointer, at: Pointer) -> None:
    """Draw the band, in no colour of a class."""
    band = _band(viewport, start, at)
    if band is None:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, width in ((SHADE, 3.0), (INK, 1.0)):
        pen = QPen(color, width)
        if color is INK:
            pen.setDashPattern([4.0, 3.0])
        painter.setPen(pen)
        painter.drawRect(band)
