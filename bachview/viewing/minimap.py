"""Geometry of the minimap: the overview of the slide and the viewport's frame in it."""

from collections.abc import Callable
from dataclasses import dataclass

from bachview.core.geometry import Point, Region, Size
from bachview.core.pyramid import Pyramid
from bachview.viewing.frames import Frame, compose_frame
from bachview.viewing.mosaic import GetTile
from bachview.viewing.viewport import Viewport

#: A smaller frame cannot be seen or grabbed; it is drawn larger around the same centre.
_LEAST_FRAME_PX = 6.0


@dataclass(frozen=True, slots=True)
class MinimapGeometry:
    """Position of the slide in a minimap, in device-independent widget px.

    Attributes
    ----------
    extent : the level-0 region that the minimap shows: the scanned area.
    downsample : level-0 px per minimap px.
    left, top : minimap px of the extent's top left corner.
    """

    extent: Region
    downsample: float
    left: float
    top: float

    @classmethod
    def of(cls, pyramid: Pyramid, size: Size) -> "MinimapGeometry":
        """The scanned area centred in a widget of this size, as large as possible."""
        bounds = pyramid.bounds
        width, height = max(size.width, 1), max(size.height, 1)
        downsample = max(bounds.width / width, bounds.height / height, 1e-9)
        return cls(
            bounds,
            downsample,
            (width - bounds.width / downsample) / 2,
            (height - bounds.height / downsample) / 2,
        )

    def from_l0(self, point: Point) -> tuple[float, float]:
        """Minimap px of a level-0 point."""
        return (
            self.left + (point.x - self.extent.x) / self.downsample,
            self.top + (point.y - self.extent.y) / self.downsample,
        )

    def to_l0(self, x_px: float, y_px: float) -> Point:
        """Level-0 point of a position in the minimap."""
        return Point(
            self.extent.x + (x_px - self.left) * self.downsample,
            self.extent.y + (y_px - self.top) * self.downsample,
        )

    def target(self, x_px: float, y_px: float) -> Point:
        """Where a click moves the viewport's centre: the nearest point of the slide."""
        point, extent = self.to_l0(x_px, y_px), self.extent
        return Point(
            min(max(point.x, extent.x), extent.right), min(max(point.y, extent.y), extent.bottom)
        )

    def outline(self, viewport: Viewport) -> tuple[tuple[float, float], ...]:
        """The viewport's frame: four corners in minimap px, clockwise on the screen.

        At least 6 px wide and high, so that it is visible at every zoom. Rotates with the view.
        """
        size = viewport.size
        least = _LEAST_FRAME_PX * self.downsample / viewport.downsample
        half_x, half_y = max(size.width, least) / 2, max(size.height, least) / 2
        x, y = size.width / 2, size.height / 2
        corners = ((-half_x, -half_y), (half_x, -half_y), (half_x, half_y), (-half_x, half_y))
        return tuple(self.from_l0(viewport.l0_from_vp(x + dx, y + dy)) for dx, dy in corners)

    def holds(self, viewport: Viewport, x_px: float, y_px: float) -> bool:
        """Whether a position is inside the frame, so that a drag moves it without a jump."""
        corners = self.outline(viewport)
        for (ax, ay), (bx, by) in zip(corners, (*corners[1:], corners[0]), strict=True):
            if (bx - ax) * (y_px - ay) - (by - ay) * (x_px - ax) < 0:
                return False
        return True

    def dragged(
        self, viewport: Viewport, start: tuple[float, float], end: tuple[float, float]
    ) -> Point:
        """The viewport's new centre after a drag of its frame, kept on the slide.

        Parameters
        ----------
        viewport : as it was when the drag started.
        start, end : minimap px.
        """
        x, y = self.from_l0(viewport.center)
        return self.target(x + end[0] - start[0], y + end[1] - start[1])


def minimap_picture(
    pyramid: Pyramid,
    get_tile: GetTile,
    size: Size,
    pixel_ratio: float = 1.0,
    *,
    background: tuple[int, int, int] | None = None,
    is_stale: Callable[[], bool] | None = None,
) -> Frame | None:
    """The whole slide for a minimap of this size (see `compose_frame`)."""
    geometry = MinimapGeometry.of(pyramid, size)
    whole = Viewport(geometry.extent.center, geometry.downsample, size, pixel_ratio)
    return compose_frame(whole, pyramid, get_tile, background=background, is_stale=is_stale)
