"""What painting a canvas costs on this machine, and whether a frame has time for it."""

import math

from bachview.viewing.viewport import Viewport

#: A canvas that would take longer than this is painted at half resolution while the view is zoomed
#: or rotated; the frame at rest has the full one. The time is measured, since machines, overlays
#: and rotations differ; on one 2026 server core it is 2 to 4 ms at 1920x1080, and 28 ms at
#: 3840x2160 with an overlay (9 ms at half the resolution).
_CANVAS_S = 0.004
_FIRST_GUESS_S_PER_PX = 1.2e-9

#: A quarter of the px takes about a third of the time.
_HALF_RESOLUTION_SAVES = 3.0


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
