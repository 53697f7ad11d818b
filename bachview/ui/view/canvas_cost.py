"""What painting a canvas costs on this machine, and whether a frame has time for it."""

import math

from bachview.viewing.viewport import Viewport

#: A canvas that would take longer than this is painted at half the resolution while the view
#: is zoomed or turned; the frame at rest brings the full one. What it takes is measured, since
#: machines, overlays and rotations differ; measured on one 2026 server core it takes 2 to 4 ms
#: at 1920x1080, and 28 ms at 3840x2160 with an overlay (9 ms at half the resolution).
_CANVAS_S = 0.004
_FIRST_GUESS_S_PER_PX = 1.2e-9

#: A quarter of the px takes about a third of the time.
_HALF_RESOLUTION_SAVES = 3.0


class CanvasCost:
    """An estimate that follows what was measured. GUI thread."""

    def __init__(self) -> None:
        self._s_per_px = _FIRST_GUESS_S_PER_PX

    def is_affordable(self, work_px: float) -> bool:
        """Whether so much work (see `work_px`) fits into a frame at the full resolution."""
        return self._s_per_px * work_px <= _CANVAS_S

    def learn(self, elapsed_s: float, work_px: float, shrink: int) -> None:
        """Follow a measurement, slowly, so that one slow frame changes little.

        Parameters
        ----------
        work_px : the work at the full resolution.
        shrink : 2 where it was painted at half the resolution, else 1.
        """
        s_per_px = elapsed_s / work_px
        if shrink > 1:
            s_per_px *= _HALF_RESOLUTION_SAVES
        self._s_per_px += 0.2 * (s_per_px - self._s_per_px)


def work_px(area_px: float, viewport: Viewport) -> float:
    """Tile px that are passed by for so many device px: up to four for each."""
    downsample = viewport.device_downsample
    if downsample <= 1:
        return area_px
    ratio = downsample / (1 << math.floor(math.log2(downsample)))
    return area_px * (1 + ratio * ratio) / 2
