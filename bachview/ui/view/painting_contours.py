"""Drawing of contours: thin lines in the colours of the classes, each with a halo.

Every line is drawn as parallel lines of one device px: those are what the raster painter draws
fast, tens of times faster than wide ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QByteArray, QDataStream
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from bachview.core.classes import ClassSet
from bachview.core.geometry import Region
from bachview.ui.view.painting import ViewPlane, Window
from bachview.viewing.contour_lines import Lines
from bachview.viewing.contour_look import DARK_HALO, HALO_VP, LIGHT_HALO, LINE_VP, has_dark_halo
from bachview.viewing.style import FIRST

#: Distance of parallel lines, device px.
_APART = 0.8

#: What Qt's stream has of an element of a path: move (0) or line (1), x, y.
_ELEMENT = np.dtype([("kind", ">i4"), ("x", ">f8"), ("y", ">f8")])


@dataclass(frozen=True, slots=True, eq=False)  # arrays do not compare to one bool
class Stroke:
    """Lines of one colour.

    Attributes
    ----------
    color : (red, green, blue, alpha).
    elements : (N,) `_ELEMENT`, level-0 px.
    starts : (M + 1,) where each piece starts, and the end.
    boxes : (M, 4) float64, as of `viewing.contour_lines.Lines`.
    """

    color: tuple[int, int, int, int]
    elements: npt.NDArray[np.void]
    starts: npt.NDArray[np.intp]
    boxes: npt.NDArray[np.float64]

    def path(self, region: Region) -> QPainterPath | None:
        """The pieces that touch a level-0 region."""
        box = self.boxes
        is_near = (box[:, 0] <= region.right) & (box[:, 2] >= region.x)
        is_near &= (box[:, 1] <= region.bottom) & (box[:, 3] >= region.y)
        if not is_near.any():
            return None
        elements = self.elements
        if not is_near.all():
            elements = elements[np.repeat(is_near, np.diff(self.starts))]
        data = QByteArray(len(elements).to_bytes(4, "big") + elements.tobytes() + bytes(8))
        path = QPainterPath()
        QDataStream(data) >> path
        return path


@dataclass(frozen=True, slots=True, eq=False)
class ContourLayer:
    """Contours of classes. Any thread; frozen.

    Attributes
    ----------
    strokes : drawn in this order.
    width_l0 : how far lines lie beside the border of their cells, level-0 px.
    opacity : 0..1.
    """

    strokes: tuple[Stroke, ...]
    width_l0: float
    opacity: float = 1.0

    @classmethod
    def of(
        cls, lines: Lines, classes: ClassSet, *, downsample: float, ratio: float
    ) -> "ContourLayer":
        """All of the lines, at a zoom of about `downsample` level-0 px per device px.

        Parameters
        ----------
        ratio : device px per device-independent px.
        """
        line, halo = max(1, round(LINE_VP * ratio)), max(1, round(HALO_VP * ratio))
        # Distances from the border of the cells, device px: half a halo, the line, a halo. They
        # overlap a little, as the painter spreads a line over the px that it lies between.
        between = [_APART * (n - (halo - 1) / 2) for n in range(halo)]
        colored = [_APART * (halo / 2 + 0.5 + n) for n in range(line)]
        inner = [_APART * (halo / 2 + line + 0.5 + n) for n in range(halo)]
        is_dark = np.zeros(256, np.bool_)
        for index, tissue_class in enumerate(classes):
            is_dark[FIRST + index] = has_dark_halo(tissue_class.color)
        dark_between = is_dark[lines.left] | is_dark[lines.right]
        halos: dict[_Color, list[_Part]] = {
            DARK_HALO: [(np.flatnonzero(dark_between), between)],
            LIGHT_HALO: [(np.flatnonzero(~dark_between), between)],
        }
        strokes: list[Stroke] = []
        for index, tissue_class in enumerate(classes):
            code = FIRST + index
            sides = [
                (np.flatnonzero(lines.left == code), 1.0),
                (np.flatnonzero(lines.right == code), -1.0),
            ]
            halo_color = DARK_HALO if is_dark[code] else LIGHT_HALO
            halos[halo_color] += [(which, [sign * n for n in inner]) for which, sign in sides]
            parts: list[_Part] = [(which, [sign * n for n in colored]) for which, sign in sides]
            strokes += _strokes(lines, (*tissue_class.color, 255), parts, downsample)
        below = [
            stroke
            for color, parts in halos.items()
            for stroke in _strokes(lines, color, parts, downsample)
        ]
        return cls((*below, *strokes), (halo * 1.5 + line + 1) * downsample)

    def __call__(self, painter: QPainter, plane: ViewPlane, window: Window) -> None:
        """Draw the contours over a window of the plane."""
        region = plane.region_of(window).expanded(2 * self.width_l0)
        painter.setOpacity(self.opacity)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setTransform(plane.transform, combine=True)
        for stroke in self.strokes:
            path = stroke.path(region)
            if path is not None:
                pen = QPen(QColor(*stroke.color), 1.0)
                pen.setCosmetic(True)
                painter.strokePath(path, pen)


_Color = tuple[int, int, int, int]
_Part = tuple[npt.NDArray[np.intp], list[float]]


def _strokes(
    lines: Lines,
    color: _Color,
    parts: Sequence[_Part],
    downsample: float,
) -> list[Stroke]:
    """One stroke of all parts: pieces, and distances to the left of them, device px."""
    elements: list[npt.NDArray[np.void]] = []
    sizes: list[npt.NDArray[np.intp]] = []
    boxes: list[npt.NDArray[np.float64]] = []
    for which, distances in parts:
        if not len(which):
            continue
        size = lines.starts[which + 1] - lines.starts[which]
        begins = np.cumsum(size) - size
        taken = np.repeat(lines.starts[which] - begins, size) + np.arange(int(size.sum()))
        points, normals = lines.points[taken], lines.normals[taken]
        for distance in distances:
            made = np.empty(len(taken), _ELEMENT)
            made["kind"] = 1
            made["kind"][begins] = 0
            made["x"] = points[:, 0] + normals[:, 0] * (distance * downsample)
            made["y"] = points[:, 1] + normals[:, 1] * (distance * downsample)
            elements.append(made)
            sizes.append(size)
            boxes.append(lines.boxes[which])
    if not elements:
        return []
    starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    return [Stroke(color, np.concatenate(elements, dtype=_ELEMENT), starts, np.concatenate(boxes))]
