"""Checks that slide and overlay are drawn where the chart says, to the pixel.

Every drawn pixel is mapped back to level 0 and compared with the square of the chart there. Pixels
closer to the edge of a square than a tolerance may belong to either side.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Point, Size
from bachview.core.predictions import Prediction
from bachview.core.pyramid import Pyramid, TileKey
from bachview.core.uncertainty import Thresholds
from bachview.models.verification import Check
from bachview.selftest.chart import COLUMNS, GLASS, ROWS, SQUARE_PX, Chart
from bachview.selftest.renderer import Pixels, Renderer
from bachview.viewing.overlay import OverlayPicture, OverlayRenderer, OverlayStyle
from bachview.viewing.viewport import Viewport

GetTile = Callable[[TileKey], Pixels | None]

#: Device px between a cell's edge and the drawn one: the effect of rounding to whole px.
OVERLAY_TOLERANCE_PX = 0.5

#: Device px, and level-0 px, over which a smooth picture of the slide spreads an edge.
SLIDE_TOLERANCE_PX = 1.0
_SLIDE_SPREAD_L0 = 0.5

#: (level-0 px per device px, clockwise degrees, pixel ratio).
VIEWS = (
    (0.23, 0.0, 1.0),
    (0.23, 127.0, 2.0),
    (1.0, 0.0, 1.0),
    (1.0, 90.0, 1.0),
    (1.0, 33.0, 1.25),
    (1.6, 0.0, 1.5),
    (1.6, 180.0, 1.25),
    (2.0, 301.5, 1.0),
    (3.3, 0.0, 2.0),
    (3.3, 270.0, 1.0),
    (3.3, 45.0, 1.5),
    (6.5, 0.0, 1.25),
    (6.5, 12.0, 1.0),
)

_SIZE = Size(480, 360)
_OPAQUE = OverlayStyle(opacity=1.0)

#: Grey levels by which a drawn colour may differ: none for the overlay, the grain for the slide.
_OVERLAY_SLACK = 2
_SLIDE_SLACK = 24

#: Grey level from which on glass counts as bare.
_GLASS_LEVEL = 225


@dataclass(frozen=True, slots=True)
class _Traced:
    """What the chart says about every device pixel.

    Attributes
    ----------
    squares : (H, W) int8, class index or GLASS.
    edge_px : (H, W) float64, device px to the nearest edge of a square.
    """

    squares: npt.NDArray[np.int8]
    edge_px: npt.NDArray[np.float64]


def views(pyramid: Pyramid) -> Iterator[Viewport]:
    """Viewports at several zooms, rotations and pixel ratios, deliberately not at whole px."""
    middle = pyramid.extent.center
    for place, (downsample, degrees, ratio) in enumerate(VIEWS):
        center = Point(middle.x + 37.31 * (place % 5 - 2), middle.y + 23.17 * (place % 3 - 1))
        yield Viewport(center, downsample * ratio, _SIZE, ratio, degrees).aligned()


def trace(viewport: Viewport, chart: Chart) -> _Traced:
    """The chart at the centre of every device pixel; glass outside it."""
    size, ratio = viewport.device_size, viewport.pixel_ratio
    columns = (np.arange(size.width) + 0.5) / ratio
    rows = (np.arange(size.height) + 0.5) / ratio
    x_vp, y_vp = np.meshgrid(columns, rows)
    origin, right, down = (viewport.l0_from_vp(x, y) for x, y in ((0, 0), (1, 0), (0, 1)))
    x = (origin.x + x_vp * (right.x - origin.x) + y_vp * (down.x - origin.x)) / SQUARE_PX
    y = (origin.y + x_vp * (right.y - origin.y) + y_vp * (down.y - origin.y)) / SQUARE_PX
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    inside = (column >= 0) & (column < COLUMNS) & (row >= 0) & (row < ROWS)
    squares = np.full(inside.shape, GLASS, np.int8)
    squares[inside] = chart.squares[row[inside], column[inside]]
    nearest = np.minimum(np.abs(x - np.round(x)), np.abs(y - np.round(y)))
    return _Traced(squares, nearest * SQUARE_PX / viewport.device_downsample)


def check_overlay(
    chart: Chart,
    prediction: Prediction,
    pyramid: Pyramid,
    get_tile: GetTile,
    render: Renderer,
    pictured: Callable[[OverlayPicture], OverlayPicture] = lambda picture: picture,
) -> Check:
    """Check that the drawn overlay shows each square's class up to its edge.

    Parameters
    ----------
    pictured : changes the picture before it is drawn; to show that a fault is detected.
    """
    renderer = OverlayRenderer(prediction)
    colors = np.array([c.color for c in prediction.classes], np.int16)
    sure = Thresholds(confidence=0.0, disagreement=1.0)

    def draw(viewport: Viewport) -> Pixels:
        picture = renderer.picture(_OPAQUE, sure, viewport.region)
        overlay = None if picture is None else pictured(picture)
        return render(viewport, pyramid, get_tile, overlay)

    return _compare("overlay alignment", chart, pyramid, draw, colors, is_overlay=True)


def check_slide(chart: Chart, pyramid: Pyramid, get_tile: GetTile, render: Renderer) -> Check:
    """Check that the drawn slide shows each square's colour up to its edge."""

    def draw(viewport: Viewport) -> Pixels:
        return render(viewport, pyramid, get_tile, None)

    colors = chart.colors.astype(np.int16)
    return _compare("slide alignment", chart, pyramid, draw, colors, is_overlay=False)


def _compare(
    name: str,
    chart: Chart,
    pyramid: Pyramid,
    draw: Callable[[Viewport], Pixels],
    colors: npt.NDArray[np.int16],
    *,
    is_overlay: bool,
) -> Check:
    """See the module. Squares may be of the overlay or the slide; glass is of the slide."""
    compared = 0
    slack = _OVERLAY_SLACK if is_overlay else _SLIDE_SLACK
    for viewport in views(pyramid):
        image = draw(viewport)
        size = viewport.device_size
        where = (
            f"at {viewport.device_downsample:.2f} level-0 px per px, rotated by "
            f"{viewport.rotation_deg:g}°, pixel ratio {viewport.pixel_ratio:g}"
        )
        if image.shape[:2] != (size.height, size.width):
            return Check(name, False, f"The picture {where} has the wrong size.")
        traced = trace(viewport, chart)
        # Glass next to the outermost squares is included: an edge has two sides.
        blurred = SLIDE_TOLERANCE_PX + _SLIDE_SPREAD_L0 / viewport.device_downsample
        near = OVERLAY_TOLERANCE_PX if is_overlay else blurred
        tissue = (traced.edge_px > near) & (traced.squares != GLASS)
        glass = (traced.edge_px > blurred) & (traced.squares == GLASS)
        shown = image[..., 2::-1].astype(np.int16)
        off = np.abs(shown[tissue] - colors[traced.squares[tissue]]).max(axis=1) > slack
        wrong = int(off.sum()) + int((shown[glass].min(axis=1) < _GLASS_LEVEL).sum())
        clear = int(tissue.sum()) + int(glass.sum())
        if wrong:
            return Check(
                name,
                False,
                f"{wrong} of {clear} pixels {where} do not show what is there.",
            )
        if len(np.unique(traced.squares[tissue])) < 2:
            return Check(name, False, f"The chart is not in the picture {where}.")
        compared += clear
    tolerance = OVERLAY_TOLERANCE_PX if is_overlay else SLIDE_TOLERANCE_PX
    return Check(
        name,
        True,
        f"{compared:,} pixels in {len(VIEWS)} views (zooms, rotations, pixel ratios) show what is "
        f"there, to within {tolerance:g} px of every edge.",
    )
