"""Geometry of the minimap: the overview of the slide and the viewport's frame in it."""

from dataclasses import dataclass

from bachview.core.geometry import Point, Region, Size
from bachview.core.pyramid import Pyramid
from bachview.viewing.viewport import Viewport, fit

#: A smaller frame cannot be seen or grabbed; it is drawn larger around the same centre.
_LEAST_FRAME_PX = 8.0

#: Even a long, narrow slide gets a minimap that can be clicked.
_LEAST_SIDE_PX = 24


@dataclass(frozen=True, slots=True)
class MinimapGeometry:
    """Position of the slide in a minimap, in device-independent widget px.

    The minimap is rotated like the view, so that the viewport's frame in it is always upright.

    Attributes
    ----------
    whole : the minimap as a viewport.
    extent : the level-0 region that it shows: the scanned area.
    """

    whole: Viewport
    extent: Region

    @classmethod
    def of(
        cls, pyramid: Pyramid, longest_px: int, pixel_ratio: float = 1.0, rotation_deg: float = 0.0
    ) -> "MinimapGeometry":
        """The scanned area, rotated, with a longer side of `longest_px`."""
        square = fit(pyramid, Size(longest_px, longest_px), pixel_ratio, rotation_deg)
        width, height = (
            min(max(_LEAST_SIDE_PX, round(side)), longest_px)
            for side in square.turned(pyramid.bounds)
        )
        whole = fit(pyramid, Size(width, height), pixel_ratio, rotation_deg)
        return cls(whole, pyramid.bounds)

    @property
    def size(self) -> Size:
        """Of the minimap, px."""
        return self.whole.size

    def from_l0(self, point: Point) -> tuple[float, float]:
        """Minimap px of a level-0 point."""
        return self.whole.vp_from_l0(point)

    def to_l0(self, x_px: float, y_px: float) -> Point:
        """Level-0 point of a position in the minimap."""
        return self.whole.l0_from_vp(x_px, y_px)

    def target(self, x_px: float, y_px: float) -> Point:
        """Where a click moves the viewport's centre: the nearest point of the slide."""
        point, extent = self.to_l0(x_px, y_px), self.extent
        return Point(
            min(max(point.x, extent.x), extent.right), min(max(point.y, extent.y), extent.bottom)
        )

    def frame(self, viewport: Viewport) -> tuple[float, float, float, float]:
        """The viewport's frame: left, top, width, height in minimap px.

        At least 8 px wide and high, so that it is visible at every zoom. It may reach beyond the
        minimap.
        """
        x, y = self.from_l0(viewport.center)
        scale = viewport.downsample / self.whole.downsample
        width = max(viewport.size.width * scale, _LEAST_FRAME_PX)
        height = max(viewport.size.height * scale, _LEAST_FRAME_PX)
        return x - width / 2, y - height / 2, width, height

    def holds(self, viewport: Viewport, x_px: float, y_px: float) -> bool:
        """Whether a position is inside the frame, so that a drag moves it without a jump."""
        left, top, width, height = self.frame(viewport)
        return left <= x_px <= left + width and top <= y_px <= top + height

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
