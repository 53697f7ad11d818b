"""The view's backing picture, painted in strips while the user pans, and what painting it costs."""

import math
from collections.abc import Callable, Iterator

from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QImage, QPainter

from bachview.ui.view.painting import ViewPlane, Window
from bachview.viewing.viewport import Viewport

#: A canvas that would take longer than this is painted at half resolution while the view is zoomed
#: or rotated; the frame at rest has the full one. The time is measured, since machines, overlays
#: and rotations differ; on one 2026 server core it is 2 to 4 ms at 1920x1080, and 28 ms at
#: 3840x2160 with an overlay (9 ms at half the resolution).
_CANVAS_S = 0.004
_FIRST_GUESS_S_PER_PX = 1.2e-9

#: A quarter of the px takes about a third of the time.
_HALF_RESOLUTION_SAVES = 3.0

#: Paints all of a window: (painter, window). The painter's px are plane px, and it is
#: clipped to the window.
PaintPart = Callable[[QPainter, Window], None]


class ViewCanvas:
    """A window of the plane, kept in an image that wraps around. GUI thread.

    When panning, everything that stays visible remains where it is in memory; only the uncovered
    strips are painted. One canvas px is `shrink` device px: while a large view is zoomed, half
    resolution saves most of the time, and at rest the full one follows.

    Attributes
    ----------
    plane : of the canvas's px.
    shrink : device px to a canvas px.
    device_size : width and height of the view, device px.
    """

    def __init__(
        self,
        plane: ViewPlane,
        shrink: int,
        corner: tuple[int, int],
        device_size: tuple[int, int],
        image: QImage | None = None,
        *,
        reuse: "ViewCanvas | None" = None,
    ) -> None:
        """Cover the device px from `corner` on.

        Parameters
        ----------
        corner : plane px at `shrink` 1 (device px) of the view's top left.
        device_size : width and height of the view, device px.
        image : a finished picture of exactly this window (`shrink` 1), owned from now on; without
            it the content is undefined until all of `window` is painted.
        reuse : a canvas that is no longer needed; allocating memory costs more than painting.
        """
        self.plane = plane
        self.shrink = shrink
        self.device_size = device_size
        self._width = -(-device_size[0] // shrink) + (shrink > 1)
        self._height = -(-device_size[1] // shrink) + (shrink > 1)
        self._left, self._top = corner[0] // shrink, corner[1] // shrink
        self._base = (self._left, self._top)
        if image is None and reuse is not None:
            image = reuse.image_of_size(self._width, self._height)
        self.image: QImage = image or QImage(self._width, self._height, QImage.Format.Format_RGB32)
        if (self.image.width(), self.image.height()) != (self._width, self._height):
            raise ValueError("the picture does not fit the canvas")

    def image_of_size(self, width: int, height: int) -> QImage | None:
        """The canvas's memory, if it has this size."""
        fits = self.image.width() == width and self.image.height() == height
        return self.image if fits else None

    @property
    def window(self) -> Window:
        """left, top, right, bottom, plane px."""
        return self._left, self._top, self._left + self._width, self._top + self._height

    def move(self, corner: tuple[int, int]) -> list[Window] | None:
        """Cover another window of the same size.

        Returns
        -------
        The uncovered parts, which the caller paints; None if nothing stays (the canvas has not
        moved then): a new one costs the same.
        """
        left, top = corner[0] // self.shrink, corner[1] // self.shrink
        dx, dy = left - self._left, top - self._top
        if abs(dx) >= self._width or abs(dy) >= self._height:
            return None
        old = self.window
        self._left, self._top = left, top
        new = self.window
        uncovered: list[Window] = []
        if dy:
            band = (old[3], new[3]) if dy > 0 else (new[1], old[1])
            uncovered.append((new[0], band[0], new[2], band[1]))
        if dx:
            band = (old[2], new[2]) if dx > 0 else (new[0], old[0])
            uncovered.append((band[0], max(old[1], new[1]), band[1], min(old[3], new[3])))
        return uncovered

    def pieces(self, window: Window) -> Iterator[tuple[Window, int, int]]:
        """Parts of `window` on the canvas, each contiguous in memory.

        Yields
        ------
        The part in plane px, and the offset to px of the image.
        """
        mine = self.window
        left, top = max(window[0], mine[0]), max(window[1], mine[1])
        right, bottom = min(window[2], mine[2]), min(window[3], mine[3])
        y = top
        while y < bottom:
            row = (y - self._base[1]) % self._height
            y_end = min(bottom, y + self._height - row)
            x = left
            while x < right:
                column = (x - self._base[0]) % self._width
                x_end = min(right, x + self._width - column)
                yield (x, y, x_end, y_end), column - x, row - y
                x = x_end
            y = y_end

    def paint(self, window: Window, paint: PaintPart) -> None:
        """Paint a window; parts that are not on the canvas are left out."""
        for part, dx, dy in self.pieces(window):
            painter = QPainter(self.image)
            try:
                painter.translate(dx, dy)
                painter.setClipRect(part[0], part[1], part[2] - part[0], part[3] - part[1])
                paint(painter, part)
            finally:
                painter.end()

    def show(self, painter: QPainter, corner: tuple[int, int]) -> None:
        """Draw the canvas so that plane px `corner` (device px) is at the painter's origin.

        The painter's px are device px.
        """
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        s = self.shrink
        for (left, top, right, bottom), dx, dy in self.pieces(self.window):
            source = QRect(left + dx, top + dy, right - left, bottom - top)
            if s == 1:
                place = QPointF(left - corner[0], top - corner[1])
                painter.drawImage(place, self.image, QRectF(source))
            else:
                painter.drawImage(
                    QRect(
                        left * s - corner[0],
                        top * s - corner[1],
                        (right - left) * s,
                        (bottom - top) * s,
                    ),
                    self.image,
                    source,
                )
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)


class CanvasCost:
    """An estimate of the cost that follows measurements. GUI thread."""

    def __init__(self) -> None:
        self._s_per_px = _FIRST_GUESS_S_PER_PX

    def is_affordable(self, work_px: float) -> bool:
        """Whether this much work (see `work_px`) fits into a frame at full resolution."""
        return self._s_per_px * work_px <= _CANVAS_S

    def learn(self, elapsed_s: float, work_px: float, shrink: int) -> None:
        """Take in a measurement, with low weight, so that one slow frame changes little.

        Parameters
        ----------
        work_px : the work at full resolution.
        shrink : 2 if it was painted at half resolution, else 1.
        """
        s_per_px = elapsed_s / work_px
        if shrink > 1:
            s_per_px *= _HALF_RESOLUTION_SAVES
        self._s_per_px += 0.2 * (s_per_px - self._s_per_px)


def work_px(area_px: float, viewport: Viewport) -> float:
    """Tile px read for this many device px: up to four for each."""
    downsample = viewport.device_downsample
    if downsample <= 1:
        return area_px
    ratio = downsample / (1 << math.floor(math.log2(downsample)))
    return area_px * (1 + ratio * ratio) / 2
