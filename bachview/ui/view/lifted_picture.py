"""Many annotations that are dragged together: a picture that is moved, as their lines take long."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QTransform

from bachview.marks.annotation import Annotation
from bachview.ui.view.annotation_units import level_of, units_of
from bachview.ui.view.painting_annotations import Rgb, paint_units
from bachview.viewing.viewport import Viewport

#: Beside the view, of its sides, since what lies there may be dragged into it. What lies farther
#: away is drawn once it is dropped.
_BEYOND = 0.25


class LiftedPicture:
    """A picture of annotations in a view. GUI thread."""

    def __init__(self) -> None:
        self._of: tuple[Viewport, Sequence[Annotation]] | None = None
        self._image = QImage()

    def forget(self) -> None:
        """Release the picture."""
        self._of, self._image = None, QImage()

    def paint(
        self,
        painter: QPainter,
        annotations: Sequence[Annotation],
        viewport: Viewport,
        move: QTransform,
        stamps: dict[tuple[Rgb, bool], QImage],
    ) -> None:
        """Draw annotations moved, in device-independent px of the view.

        Parameters
        ----------
        annotations : the same sequence as long as they are the same.
        move : from level-0 px to level-0 px.
        stamps : marks of points; those that are needed are added.
        """
        if self._of is None or self._of[0] != viewport or self._of[1] is not annotations:
            self._of = viewport, annotations
            self._image = _picture(annotations, viewport, stamps)
        in_view = QTransform(*viewport.vp_from_l0_affine)
        inverse, _ = in_view.inverted()
        width, height = (self._image.width(), self._image.height())
        size = viewport.device_size
        ratio = viewport.pixel_ratio
        left, top = (width - size.width) / 2 / ratio, (height - size.height) / 2 / ratio
        painter.save()
        painter.setTransform(inverse * move * in_view, combine=True)
        painter.drawImage(QRectF(-left, -top, width / ratio, height / ratio), self._image)
        painter.restore()


def _picture(
    annotations: Sequence[Annotation],
    viewport: Viewport,
    stamps: dict[tuple[Rgb, bool], QImage],
) -> QImage:
    """Those in the view and a little beyond, device px."""
    size, ratio = viewport.device_size, viewport.pixel_ratio
    right, down = round(size.width * _BEYOND), round(size.height * _BEYOND)
    image = QImage(
        size.width + 2 * right,
        size.height + 2 * down,
        QImage.Format.Format_ARGB32_Premultiplied,
    )
    image.fill(0)
    seen = viewport.region
    region = seen.expanded(_BEYOND * max(seen.width, seen.height))
    near = [
        each
        for each, (left, top, end, bottom) in ((each, each.bounds) for each in annotations)
        if left <= region.right and end >= region.x and top <= region.bottom and bottom >= region.y
    ]
    units = units_of(near, level_of(viewport), ratio, frozenset(), stamps)
    in_view = QTransform(*viewport.vp_from_l0_affine)
    on_image = in_view * QTransform(ratio, 0, 0, ratio, right, down)
    painter = QPainter(image)
    try:
        paint_units(painter, units, on_image, 1.0, ratio, stamps)
    finally:
        painter.end()
    return image
