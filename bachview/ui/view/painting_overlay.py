"""Drawing of the prediction: one texel for each cell, and optional letters."""

import itertools
import math
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from bachview.core.geometry import Region
from bachview.ui.view.painting import ViewPlane, Window, image_of
from bachview.ui.view.whole_px import first_px
from bachview.viewing.letters import Letter
from bachview.viewing.overlay import (
    OverlayPicture,
)
from bachview.viewing.style import (
    FAILED,
    FIRST,
    OUTSIDE,
    UNCERTAIN,
)
from bachview.viewing.texels import LARGEST_TEXEL_PX, enlarged, sampled, texel_px

#: A strip narrower than this is due to rounding, level-0 px.
_NOTHING_L0 = 1e-3

#: Up to this many cells are filled one by one.
_FEW_CELLS = 400

#: Letters of the states other than classes.
_STATE_LETTERS = {UNCERTAIN: "?", OUTSIDE: "×", FAILED: "!"}


@dataclass(frozen=True, slots=True, eq=False)  # arrays do not compare to one bool
class OverlayLayer:
    """The coloured cells as a layer. Any thread; frozen, like the picture it was made from.

    Attributes
    ----------
    strength : share of the picture's opacity, 0..1.
    faded : the level-0 region in which the picture is drawn with this strength, as something else
        shows its classes there; elsewhere it has its whole opacity. None: there is no such place.
    """

    picture: OverlayPicture
    strength: float = 1.0
    faded: Region | None = None

    def __call__(self, painter: QPainter, plane: ViewPlane, window: Window) -> None:
        """Draw the cells over a window of the plane, without smoothing."""
        faded, seen = self.faded, plane.region_of(window).intersection(self.picture.region)
        if faded is None or self.strength == 1 or not faded.intersects(seen):
            self._draw(painter, plane, window, 1.0)
            return
        around = (
            Region.between(seen.x, seen.y, seen.right, faded.y),
            Region.between(seen.x, faded.bottom, seen.right, seen.bottom),
            Region.between(seen.x, faded.y, faded.x, faded.bottom),
            Region.between(faded.right, faded.y, seen.right, faded.bottom),
        )
        parts = [part.intersection(seen) for part in around]
        parts = [part for part in parts if min(part.width, part.height) > _NOTHING_L0]
        if not parts:
            self._draw(painter, plane, window, self.strength)
            return
        for region, strength in ((faded, self.strength), *((part, 1.0) for part in parts)):
            painter.save()
            placed = painter.transform()
            painter.setTransform(plane.transform, combine=True)
            painter.setClipRect(QRectF(*region), Qt.ClipOperation.IntersectClip)
            painter.setTransform(placed)
            self._draw(painter, plane, window, strength)
            painter.restore()

    def _draw(self, painter: QPainter, plane: ViewPlane, window: Window, strength: float) -> None:
        picture = self.picture
        visible = plane.region_of(window).intersection(picture.region).intersection(picture.clip)
        if visible.is_empty or not strength:
            return
        painter.setOpacity(strength)
        if plane.is_upright and texel_px(picture, plane.downsample) > LARGEST_TEXEL_PX:
            if not _fill_cells(painter, plane, window, picture):
                _draw_strips(painter, plane, window, picture)
            return
        if not plane.is_upright:
            picture = enlarged(picture, visible, plane.downsample)
        image = image_of(picture.image, with_alpha=True)
        region = picture.region.intersection(picture.clip)
        source = QRectF(
            (region.x - picture.region.x) / picture.region.width * image.width(),
            (region.y - picture.region.y) / picture.region.height * image.height(),
            region.width / picture.region.width * image.width(),
            region.height / picture.region.height * image.height(),
        )
        if plane.is_upright:
            scale = plane.along
        else:
            painter.setTransform(plane.transform, combine=True)
            scale = 1.0
        painter.drawImage(
            QRectF(region.x * scale, region.y * scale, region.width * scale, region.height * scale),
            image,
            source,
        )


def _fill_cells(
    painter: QPainter, plane: ViewPlane, window: Window, picture: OverlayPicture
) -> bool:
    """Fill a few large texels in a window one by one: fastest for thin windows.

    A px shows the texel at its centre, as in `_draw_strips`.

    Returns
    -------
    Whether there were few enough.
    """
    rows, columns = picture.image.shape[:2]
    region, clip, step = picture.region, picture.clip, plane.downsample
    shown = region.intersection(clip)
    cell_x, cell_y = region.width / columns, region.height / rows
    left, top = max(window[0], first_px(shown.x, step)), max(window[1], first_px(shown.y, step))
    right = min(window[2], first_px(shown.right, step))
    bottom = min(window[3], first_px(shown.bottom, step))
    if left >= right or top >= bottom:
        return True
    first_column = texel_of(left, step, region.x, cell_x, columns)
    last_column = texel_of(right - 1, step, region.x, cell_x, columns) + 1
    first_row = texel_of(top, step, region.y, cell_y, rows)
    last_row = texel_of(bottom - 1, step, region.y, cell_y, rows) + 1
    if (last_column - first_column) * (last_row - first_row) > _FEW_CELLS:
        return False
    edges_x = [first_px(region.x + n * cell_x, step) for n in range(first_column, last_column + 1)]
    edges_y = [first_px(region.y + n * cell_y, step) for n in range(first_row, last_row + 1)]
    edges_x[0], edges_x[-1] = left, right
    edges_y[0], edges_y[-1] = top, bottom
    texels = picture.image[first_row:last_row, first_column:last_column].view(np.uint32)[..., 0]
    for row, values in enumerate(texels.tolist()):
        y, height = edges_y[row], edges_y[row + 1] - edges_y[row]
        start = 0
        for value, run in itertools.groupby(values):
            stop = start + sum(1 for _ in run)
            if value >> 24:
                x = edges_x[start]
                painter.fillRect(x, y, edges_x[stop] - x, height, _color_of(value))
            start = stop
    return True


def texel_of(px: int, step: float, begin_l0: float, size_l0: float, count: int) -> int:
    """The texel at the centre of a px."""
    return min(max(math.floor(((px + 0.5) * step - begin_l0) / size_l0), 0), count - 1)


@lru_cache(maxsize=1024)
def _color_of(premultiplied: int) -> QColor:
    alpha = premultiplied >> 24
    red, green, blue = ((premultiplied >> shift & 255) * 255 / alpha for shift in (16, 8, 0))
    return QColor(min(255, round(red)), min(255, round(green)), min(255, round(blue)), alpha)


def _draw_strips(
    painter: QPainter, plane: ViewPlane, window: Window, picture: OverlayPicture
) -> None:
    """Draw large texels of an upright plane, with every edge on a whole px."""
    left, top, right, bottom = window
    step = plane.downsample
    strips = sampled(picture, left * step, top * step, step, right - left, bottom - top)
    if strips is None:
        return
    image = image_of(strips.pixels, with_alpha=True)
    width, x = image.width(), left + strips.left
    for row, (first, last) in enumerate(itertools.pairwise(strips.edges)):
        target = QRect(x, top + first, width, last - first)
        painter.drawImage(target, image, QRect(0, row, width, 1))


@dataclass(frozen=True, slots=True)
class LettersLayer:
    """Letters of regions. Any thread; frozen.

    Attributes
    ----------
    letters : where they stand.
    of_classes : the letter of each class, in order.
    ratio : device px per device-independent px.
    """

    letters: tuple[Letter, ...]
    of_classes: tuple[str, ...]
    ratio: float = 1.0

    def __call__(self, painter: QPainter, plane: ViewPlane, window: Window) -> None:
        """Draw the letters over a window of the plane."""
        left, top, right, bottom = window
        for letter in self.letters:
            text = _STATE_LETTERS.get(letter.code) or self.of_classes[letter.code - FIRST]
            glyph = _glyph(text, max(1, round(self.ratio)))
            at = plane.from_l0(letter.at.x, letter.at.y)
            # On whole px, so that the glyph stays crisp.
            x = math.floor(at.x()) - glyph.width() // 2
            y = math.floor(at.y()) - glyph.height() // 2
            if (left - glyph.width() < x < right) and (top - glyph.height() < y < bottom):
                painter.drawImage(QPointF(x, y), glyph)


@cache
def _glyph(letter: str, ratio: int) -> QImage:
    """A letter in white with a dark rim: legible on tissue and on every class colour."""
    side = 20 * ratio
    image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    font = QFont("sans-serif")
    font.setPixelSize(15 * ratio)
    font.setBold(True)
    painter.setFont(font)
    box = QRectF(0, 0, side, side)
    painter.setPen(QColor(0, 0, 0, 200))
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)):
        painter.drawText(box.translated(dx * ratio, dy * ratio), _CENTERED, letter)
    painter.setPen(QColor(Qt.GlobalColor.white))
    painter.drawText(box, _CENTERED, letter)
    painter.end()
    return image


_CENTERED = int(Qt.AlignmentFlag.AlignCenter)
