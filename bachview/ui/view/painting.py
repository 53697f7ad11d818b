"""Drawing of display tiles with QPainter, and whole pictures for benchmarks and the self-test.

The *plane* is level 0 rotated and scaled to device px (or to coarser px during movement), with the
same origin as level 0. Tiles, overlay and marks have fixed places in it, and a viewport is a window
whose corner lies on a whole plane px. So moving the window never shifts anything by a fraction of a
px, and a picture painted in strips equals the picture painted at once.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QTransform

from bachview.core.geometry import Point, Region
from bachview.core.pyramid import TILE_PX, Pyramid, TileKey, display_level_for
from bachview.ui.view.tile_places import TurnedPlaces, UprightPlaces
from bachview.viewing.frames import FAILED_TILE, compose_frame
from bachview.viewing.viewport import Viewport

Pixels = npt.NDArray[np.uint8]

#: Paints one layer (overlay, marks) over the tiles: (painter, plane, window in plane px).
#: The painter's px are plane px, and it is clipped to the window. Where it has an attribute
#: `at_rest`, that layer is painted in its place where there is time.
Layer = Callable[[QPainter, "ViewPlane", "Window"], None]

#: left, top, right, bottom in whole plane px; half-open.
Window = tuple[int, int, int, int]

#: Stands for the level of a place for which there is no tile at all.
BLANK = 99


def image_of(pixels: Pixels, *, with_alpha: bool = False) -> QImage:
    """A QImage that shares memory with `pixels` and keeps them alive.

    Parameters
    ----------
    pixels : (H, W, 4) uint8 in Qt's byte order: BGRX, or premultiplied BGRA.
    """
    height, width = pixels.shape[:2]
    kind = QImage.Format.Format_ARGB32_Premultiplied if with_alpha else QImage.Format.Format_RGB32
    return QImage(pixels.data, width, height, pixels.strides[0], kind)


class _Memory:
    """A QImage's memory as seen by numpy; keeps the image alive."""

    def __init__(self, image: QImage) -> None:
        self.image = image
        self.__array_interface__ = np.frombuffer(image.bits(), np.uint8).__array_interface__


def pixels_of(image: QImage) -> Pixels:
    """(H, W, 4) uint8 view of a 32-bit image's memory; keeps the image alive."""
    flat = np.asarray(_Memory(image))
    return flat.reshape(image.height(), image.bytesPerLine() // 4, 4)[:, : image.width()]


@dataclass(frozen=True, slots=True)
class ViewPlane:
    """How level 0 maps to whole px.

    Attributes
    ----------
    along, across : ``x_plane = along*x - across*y``, ``y_plane = across*x + along*y``.
    """

    along: float
    across: float

    @classmethod
    def of(cls, viewport: Viewport, shrink: int = 1) -> "ViewPlane":
        """The plane of a viewport, with `shrink` device px to one plane px."""
        m11, m12, *_ = viewport.device_from_l0_affine
        return cls(m11 / shrink, m12 / shrink)

    @property
    def downsample(self) -> float:
        """Level-0 px per plane px."""
        return 1.0 / math.hypot(self.along, self.across)

    @property
    def is_upright(self) -> bool:
        """Whether there is no rotation."""
        return self.across == 0 and self.along > 0

    @property
    def transform(self) -> QTransform:
        """Plane px from level-0 px."""
        return QTransform(self.along, self.across, -self.across, self.along, 0, 0)

    def from_l0(self, x: float, y: float) -> QPointF:
        """Place of a level-0 point, plane px."""
        return QPointF(self.along * x - self.across * y, self.across * x + self.along * y)

    def to_l0(self, u: float, v: float) -> Point:
        """Level-0 point of a place in the plane."""
        scale = self.along * self.along + self.across * self.across
        return Point(
            (self.along * u + self.across * v) / scale, (self.along * v - self.across * u) / scale
        )

    def region_of(self, window: Window) -> Region:
        """Level-0 bounding region of a window."""
        left, top, right, bottom = window
        corners = [self.to_l0(u, v) for u in (left, right) for v in (top, bottom)]
        xs, ys = [p.x for p in corners], [p.y for p in corners]
        return Region.between(min(xs), min(ys), max(xs), max(ys))

    def window_of(self, region: Region) -> Window:
        """Whole plane px that a level-0 region touches."""
        corners = [self.from_l0(p.x, p.y) for p in region.corners]
        us, vs = [p.x() for p in corners], [p.y() for p in corners]
        return (
            math.floor(min(us)),
            math.floor(min(vs)),
            math.ceil(max(us)),
            math.ceil(max(vs)),
        )


def snapped(viewport: Viewport) -> tuple[Viewport, int, int]:
    """The viewport shifted by at most half a device px so that its corner is a whole plane px.

    Returns
    -------
    The viewport, and the plane px (`shrink` 1) of its top left corner.
    """
    *_, dx, dy = viewport.device_from_l0_affine
    whole_x, whole_y = round(dx), round(dy)
    ratio = viewport.pixel_ratio
    moved = viewport.panned((whole_x - dx) / ratio, (whole_y - dy) / ratio)
    return moved, -whole_x, -whole_y


@dataclass(slots=True)
class TileImages:
    """Tiles as images, with their stand-ins. One thread.

    Attributes
    ----------
    pyramid : of the slide.
    image : a tile's image, the picture of a failed tile if it cannot be read, or None.
    """

    pyramid: Pyramid
    image: Callable[[TileKey], QImage | None]

    def best(self, key: TileKey) -> tuple[QImage, QRectF, int] | None:
        """Image for `key`, the part of it to show, and its level."""
        image = self.image(key)
        if image is not None:
            return image, QRectF(0, 0, TILE_PX, TILE_PX), key.level
        ancestor = key
        while ancestor.level < self.pyramid.top_display_level:
            ancestor = ancestor.parent
            image = self.image(ancestor)
            if image is not None and image is not FAILED_IMAGE:
                factor = 1 << (ancestor.level - key.level)
                side = TILE_PX / factor
                x = (key.column - ancestor.column * factor) * side
                y = (key.row - ancestor.row * factor) * side
                return image, QRectF(x, y, side, side), ancestor.level
        return None


FAILED_IMAGE = image_of(FAILED_TILE)

#: Stands for a tile of which there is nothing to show.
_NO_TILE = (None, QRectF(0, 0, TILE_PX, TILE_PX), BLANK)


def paint_tiles(
    painter: QPainter,
    plane: ViewPlane,
    window: Window,
    tiles: TileImages,
    background: QColor,
) -> dict[TileKey, int]:
    """Fill a window of the plane with tiles, fast, nearest px. GUI thread.

    The painter's px are plane px and it is clipped to the window; everything in the window is
    painted, with `background` outside the slide.

    Returns
    -------
    For each tile that a stand-in was drawn for, the stand-in's level or `BLANK`.
    """
    pyramid = tiles.pyramid
    extent = pyramid.extent
    region = plane.region_of(window)
    part = region.intersection(extent)
    left, top, right, bottom = window
    if part != region or plane.across:
        painter.fillRect(left, top, right - left, bottom - top, background)
    if part.is_empty:
        return {}
    missing: dict[TileKey, int] = {}
    level = display_level_for(pyramid, plane.downsample)
    side = TILE_PX << level
    places: TurnedPlaces | UprightPlaces
    if plane.across:
        places = TurnedPlaces(plane.transform, plane.downsample)
    else:
        places = UprightPlaces(plane.along, plane.downsample)
    middle, reach_u, reach_v = _reach(plane, window, side)
    painter.save()
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
    if places.transform is not None:
        painter.setTransform(places.transform, combine=True)
    for row in range(int(part.y // side), math.ceil(part.bottom / side)):
        y = row * side
        height = min(side, extent.bottom - y)
        for column in range(int(part.x // side), math.ceil(part.right / side)):
            x = column * side
            if reach_u:
                at = plane.from_l0(x + side / 2, y + side / 2)
                if (
                    abs(at.x() - middle.x()) > reach_u or abs(at.y() - middle.y()) > reach_v
                ):  # inside the bounding region, outside the rotated window
                    continue
            width = min(side, extent.right - x)
            key = TileKey(level, column, row)
            image, source, level_found = tiles.best(key) or _NO_TILE
            if level_found != level:
                missing[key] = level_found
            if width != side or height != side:
                source = QRectF(
                    source.x(),
                    source.y(),
                    source.width() * width / side,
                    source.height() * height / side,
                )
            place = places.of(x, y, width, height, source)
            if place is None:
                continue
            if image is None:
                painter.fillRect(place[0], background)
            else:
                painter.drawImage(place[0], image, place[1])
    painter.restore()
    return missing


def _reach(plane: ViewPlane, window: Window, side: float) -> tuple[QPointF, float, float]:
    """Centre of the window, and how far a tile's centre may be from it in u and v to touch it.

    Zeros where they are not turned against each other, as no test is needed.
    """
    left, top, right, bottom = window
    middle = QPointF((left + right) / 2, (top + bottom) / 2)
    if plane.across == 0:
        return middle, 0.0, 0.0
    half = side / 2 * (abs(plane.along) + abs(plane.across))
    return middle, (right - left) / 2 + half, (bottom - top) / 2 + half


def paint_layers(
    image: QImage,
    plane: ViewPlane,
    origin: tuple[int, int],
    layers: tuple[Layer, ...],
    window: Window,
) -> None:
    """Paint layers onto a part of an image whose top left px is the plane's `origin`."""
    painter = QPainter(image)
    try:
        painter.translate(-origin[0], -origin[1])
        left, top, right, bottom = window
        painter.setClipRect(left, top, right - left, bottom - top)
        for layer in layers:
            painter.save()
            layer(painter, plane, window)
            painter.restore()
    finally:
        painter.end()


def render(
    viewport: Viewport,
    pyramid: Pyramid,
    get_tile: Callable[[TileKey], Pixels | None],
    *,
    has_failed: Callable[[TileKey], bool] | None = None,
    layers: tuple[Layer, ...] = (),
    background: tuple[int, int, int] = (255, 255, 255),
) -> QImage:
    """The finished picture of a viewport, as the view shows it at rest. Any thread.

    Returns
    -------
    Format_RGB32 of `Viewport.device_size`, exactly at `viewport` shifted by at most half a device
    px (`snapped`).
    """
    exact, x, y = snapped(viewport)
    frame = compose_frame(
        exact,
        pyramid,
        get_tile,
        has_failed=has_failed or (lambda _: False),
        background=background,
    )
    if frame is None:
        raise AssertionError("a frame that must not be dropped was dropped")
    size = viewport.device_size
    image = QImage(size.width, size.height, QImage.Format.Format_RGB32)
    pixels_of(image)[:] = frame.image
    if layers:
        window = (x, y, x + size.width, y + size.height)
        paint_layers(image, ViewPlane.of(exact), (x, y), layers, window)
    return image
