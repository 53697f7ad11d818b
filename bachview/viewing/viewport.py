"""The part of a slide on the screen. A frozen value; any thread.

Two frames are used here besides level 0: ``_vp`` device-independent viewport pixels (what Qt
calls logical pixels; origin top left, y down) and device pixels (``_vp`` times the pixel
ratio). `rotation_deg` rotates the picture clockwise on the screen about the viewport's centre.
"""

import math
from dataclasses import dataclass, replace

from bachview.core.geometry import Point, Region, Size
from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Pyramid
from bachview.core.units import magnification

#: Zooming in ends when one level-0 px covers this many device px: beyond 80x for every scanner
#: below 2 um/px.
FINEST_DEVICE_DOWNSAMPLE = 1 / 16

#: Zooming out ends when the slide takes up this part of the viewport.
SMALLEST_FIT = 0.5

#: How much of the slide stays on the screen when it is moved aside, device-independent px.
KEPT_VP = 64

Affine = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Viewport:
    """The visible part of a slide.

    Attributes
    ----------
    center : the level-0 point at the viewport's centre.
    downsample : level-0 px per device-independent px, > 0.
    size : device-independent px.
    pixel_ratio : device px per device-independent px (1, 1.25, 1.5, 2 ...).
    rotation_deg : clockwise rotation of the picture, degrees in 0..360.
    """

    center: Point
    downsample: float
    size: Size
    pixel_ratio: float = 1.0
    rotation_deg: float = 0.0

    def __post_init__(self) -> None:
        values = (self.center.x, self.center.y, self.downsample, self.pixel_ratio)
        if not all(map(math.isfinite, (*values, self.rotation_deg))):
            raise ValueError(f"a viewport needs finite numbers: {self}")
        if self.downsample <= 0 or self.pixel_ratio <= 0:
            raise ValueError(f"a viewport needs a positive downsample and pixel ratio: {self}")
        turn = self.rotation_deg % 360.0
        # -1e-20 % 360 is 360.0 in floats.
        object.__setattr__(self, "rotation_deg", 0.0 if turn == 360.0 else turn)

    # -- sizes ---------------------------------------------------------------------------

    @property
    def device_downsample(self) -> float:
        """Level-0 px per device px, which determines the level."""
        return self.downsample / self.pixel_ratio

    @property
    def device_size(self) -> Size:
        """Whole device px that show the viewport (a fraction at the edge counts)."""
        return Size(
            math.ceil(self.size.width * self.pixel_ratio - 1e-6),
            math.ceil(self.size.height * self.pixel_ratio - 1e-6),
        )

    @property
    def _turn(self) -> tuple[float, float]:
        """(cosine, sine) of the rotation; exact at quarter turns, so pixels stay exact."""
        quarter = {0.0: (1.0, 0.0), 90.0: (0.0, 1.0), 180.0: (-1.0, 0.0), 270.0: (0.0, -1.0)}
        if self.rotation_deg in quarter:
            return quarter[self.rotation_deg]
        angle = math.radians(self.rotation_deg)
        return math.cos(angle), math.sin(angle)

    # -- conversions ---------------------------------------------------------------------

    @property
    def vp_from_l0_affine(self) -> Affine:
        """(m11, m12, m21, m22, dx, dy) in Qt's order.

        ``x_vp = m11*x + m21*y + dx`` and ``y_vp = m12*x + m22*y + dy``.
        """
        cosine, sine = self._turn
        a, b = cosine / self.downsample, sine / self.downsample
        dx = self.size.width / 2 - a * self.center.x + b * self.center.y
        dy = self.size.height / 2 - b * self.center.x - a * self.center.y
        return a, b, -b, a, dx, dy

    @property
    def device_from_l0_affine(self) -> Affine:
        """The same as `vp_from_l0_affine` in device px."""
        m11, m12, m21, m22, dx, dy = (n * self.pixel_ratio for n in self.vp_from_l0_affine)
        return m11, m12, m21, m22, dx, dy

    def vp_from_l0(self, point: Point) -> tuple[float, float]:
        """(x_vp, y_vp) of a level-0 point."""
        cosine, sine = self._turn
        x, y = point.x - self.center.x, point.y - self.center.y
        return (
            (cosine * x - sine * y) / self.downsample + self.size.width / 2,
            (sine * x + cosine * y) / self.downsample + self.size.height / 2,
        )

    def l0_from_vp(self, x_vp: float, y_vp: float) -> Point:
        """Level-0 point at a position of the viewport."""
        cosine, sine = self._turn
        x = (x_vp - self.size.width / 2) * self.downsample
        y = (y_vp - self.size.height / 2) * self.downsample
        return Point(self.center.x + cosine * x + sine * y, self.center.y - sine * x + cosine * y)

    @property
    def outline(self) -> tuple[Point, Point, Point, Point]:
        """The viewport's corners in level 0: top left, top right, bottom right, bottom left."""
        width, height = self.size.width, self.size.height
        return (
            self.l0_from_vp(0, 0),
            self.l0_from_vp(width, 0),
            self.l0_from_vp(width, height),
            self.l0_from_vp(0, height),
        )

    @property
    def region(self) -> Region:
        """Level-0 bounding region of the visible part; larger than it if rotated."""
        xs, ys = [p.x for p in self.outline], [p.y for p in self.outline]
        return Region.between(min(xs), min(ys), max(xs), max(ys))

    def turned(self, region: Region) -> tuple[float, float]:
        """Width and height of a level-0 `region` on the screen, device-independent px.

        Of the upright rectangle around it where the picture is rotated.
        """
        cosine, sine = map(abs, self._turn)
        return (
            (cosine * region.width + sine * region.height) / self.downsample,
            (sine * region.width + cosine * region.height) / self.downsample,
        )

    def shows_whole(self, region: Region) -> bool:
        """Whether all of the level-0 `region` is visible, to within a px."""
        return all(
            -1 <= x_vp <= self.size.width + 1 and -1 <= y_vp <= self.size.height + 1
            for x_vp, y_vp in map(self.vp_from_l0, region.corners)
        )

    def shows(self, region: Region) -> bool:
        """Whether any of the level-0 `region` is visible (exact under rotation)."""
        if not self.region.intersects(region):
            return False
        cosine, sine = self._turn
        x_vp, y_vp = self.vp_from_l0(region.center)
        half_x, half_y = region.width / 2 / self.downsample, region.height / 2 / self.downsample
        reach_x = abs(cosine) * half_x + abs(sine) * half_y + self.size.width / 2
        reach_y = abs(sine) * half_x + abs(cosine) * half_y + self.size.height / 2
        return (
            abs(x_vp - self.size.width / 2) < reach_x and abs(y_vp - self.size.height / 2) < reach_y
        )

    def magnification(self, pixel_size: PixelSize) -> float | None:
        """Nominal magnification on the screen; None without a plausible pixel size."""
        mpp = pixel_size.mpp
        return None if mpp is None else magnification(mpp, self.device_downsample)

    # -- moving --------------------------------------------------------------------------

    def centered(self, point: Point) -> "Viewport":
        """The same with another centre."""
        return replace(self, center=point)

    def panned(self, dx_vp: float, dy_vp: float, pyramid: Pyramid | None = None) -> "Viewport":
        """The picture moved by this much on the screen, as by dragging.

        With a `pyramid` the slide cannot be moved off the screen.
        """
        middle = self.l0_from_vp(self.size.width / 2 - dx_vp, self.size.height / 2 - dy_vp)
        moved = self.centered(middle)
        return moved if pyramid is None else moved.kept_on(pyramid, self._distance_to(pyramid))

    def zoomed(self, factor: float, x_vp: float, y_vp: float, pyramid: Pyramid) -> "Viewport":
        """Zoomed in by `factor` (> 1 shows more detail); the point at (x_vp, y_vp) stays there.

        Clamped to `zoom_limits`; a viewport already beyond them may only come back. If the point is
        not on the slide, the slide is kept on the screen rather than the point in its place.
        """
        if not (factor > 0 and math.isfinite(factor)):
            raise ValueError(f"impossible zoom factor {factor}")
        finest, coarsest = zoom_limits(pyramid, self.size, self.pixel_ratio)
        finest, coarsest = min(finest, self.downsample), max(coarsest, self.downsample)
        downsample = min(max(self.downsample / factor, finest), coarsest)
        fixed = self.l0_from_vp(x_vp, y_vp)
        there = replace(self, downsample=downsample)
        offset = there.l0_from_vp(x_vp, y_vp) - there.center
        moved = there.centered(fixed - offset)
        return moved if pyramid.bounds.contains(fixed) else moved.kept_on(pyramid)

    def with_downsample(self, downsample: float) -> "Viewport":
        """The same centre at another downsample (level-0 px per device-independent px)."""
        return replace(self, downsample=downsample)

    def with_rotation(self, deg: float) -> "Viewport":
        """The picture rotated to `deg`."""
        return replace(self, rotation_deg=deg)

    def resized(self, size: Size, pixel_ratio: float | None = None) -> "Viewport":
        """The same centre and downsample in another window or on another screen."""
        return replace(self, size=size, pixel_ratio=pixel_ratio or self.pixel_ratio)

    def kept_on(self, pyramid: Pyramid, allowed_l0: float = 0.0) -> "Viewport":
        """Moved so that `KEPT_VP` px of the slide's scanned area stay on the screen.

        `allowed_l0` : distance from that area that is always allowed, level-0 px, so that a
            viewport left outside by zooming does not jump.
        """
        shorter = min(self.size.width, self.size.height)
        # Within the circle that fits into the viewport: the same at every rotation.
        reach = max(0.0, shorter / 2 - KEPT_VP) * self.downsample
        limit, distance = max(reach, allowed_l0), self._distance_to(pyramid)
        if distance <= limit:
            return self
        near = _nearest(pyramid.bounds, self.center)
        part = limit / distance
        return self.centered(
            Point(
                near.x + (self.center.x - near.x) * part, near.y + (self.center.y - near.y) * part
            )
        )

    def _distance_to(self, pyramid: Pyramid) -> float:
        return self.center.distance_to(_nearest(pyramid.bounds, self.center))

    # -- device pixels -------------------------------------------------------------------

    def part(self, x: int, y: int, width: int, height: int) -> "Viewport":
        """The viewport of a block of device px; its ``_vp`` px are device px."""
        ratio = self.pixel_ratio
        middle = self.l0_from_vp((x + width / 2) / ratio, (y + height / 2) / ratio)
        return replace(
            self,
            center=middle,
            downsample=self.device_downsample,
            size=Size(width, height),
            pixel_ratio=1.0,
        )

    def aligned(self) -> "Viewport":
        """Moved by less than a device px so that level 0's origin meets a device px corner.

        Then tile pixels coincide with device pixels at 1:1, and two aligned viewports that
        differ by a pan differ by whole device px.
        """
        *_, dx, dy = self.device_from_l0_affine
        shift_x, shift_y = round(dx) - dx, round(dy) - dy
        return self.panned(shift_x / self.pixel_ratio, shift_y / self.pixel_ratio)


def _nearest(region: Region, point: Point) -> Point:
    return Point(
        min(max(point.x, region.x), region.right), min(max(point.y, region.y), region.bottom)
    )


def fit(
    pyramid: Pyramid, size: Size, pixel_ratio: float = 1.0, rotation_deg: float = 0.0
) -> Viewport:
    """The whole scanned area, centred, as large as the viewport allows."""
    probe = Viewport(pyramid.bounds.center, 1.0, size, pixel_ratio, rotation_deg)
    width, height = probe.turned(pyramid.bounds)
    downsample = max(width / max(size.width, 1), height / max(size.height, 1), 1e-9)
    return probe.with_downsample(downsample)


def zoom_limits(pyramid: Pyramid, size: Size, pixel_ratio: float = 1.0) -> tuple[float, float]:
    """(finest, coarsest) downsample that the user can reach, level-0 px per viewport px."""
    finest = FINEST_DEVICE_DOWNSAMPLE * pixel_ratio
    coarsest = fit(pyramid, size, pixel_ratio).downsample / SMALLEST_FIT
    return finest, max(coarsest, finest)
