"""Checks that patches and display tiles are read from the right stored level."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bachview.core.geometry import Point, Size
from bachview.core.patches import PatchGeometry, PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.models.verification import Check
from bachview.selftest.chart import GLASS, Chart
from bachview.slide.patches import PatchReader
from bachview.slide.reader import RGB, SlideMetadata, SlideReader
from bachview.slide.tiles.display_tiles import read_display_tile
from bachview.viewing.viewport import Viewport
from bachview.viewing.wanted import wanted_tiles

#: A level must be finer than the models' mpp by the first factor, and may be coarser than that by
#: the second.
_REDUCTION, _MPP_SLACK = 2, 1.1

#: Mean difference between a patch and the colour of its square, grey levels.
_COLOR_SLACK = 4.0


class WatchedReader:
    """A reader that records which levels are read. Any thread; does not close the reader."""

    def __init__(self, reader: SlideReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self.levels: set[int] = set()

    @property
    def metadata(self) -> SlideMetadata:
        return self._reader.metadata

    @property
    def route(self) -> str:
        return self._reader.route

    def read(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
        """As that of the reader, and recorded."""
        with self._lock:
            self.levels.add(level)
        return self._reader.read(level, x_lv, y_lv, width, height)

    def read_associated(self, name: str) -> RGB:
        return self._reader.read_associated(name)

    def close(self) -> None:
        """Do nothing: the owner of the reader closes it."""


def check_patch_level(
    reader: SlideReader, chart: Chart, geometry: PatchGeometry, pixel_size: PixelSize
) -> Check:
    """Check that patches come from the coarsest sufficient level and show the physical field.

    Fields are read as in a run, and with half as many px, which require a coarser level.

    Parameters
    ----------
    geometry, pixel_size : as used by the run; the chart has the truth.
    """
    name = "level and size of patches"
    grid = PatchGrid.over(reader.metadata.pyramid.extent, pixel_size, geometry)
    if (grid.rows, grid.columns) != chart.squares.shape:
        return Check(
            name,
            False,
            f"The patch grid is {grid.rows} × {grid.columns}; the chart has "
            f"{chart.squares.shape[0]} × {chart.squares.shape[1]} squares.",
        )
    halved = replace(geometry, input_px=geometry.input_px // 2, mpp=geometry.mpp * 2)
    found = []
    for wanted in (geometry, halved):
        fault, level = _read_patches(reader, chart, grid, wanted, pixel_size)
        if fault:
            return Check(name, False, fault)
        found.append(f"{wanted.input_px} px at {wanted.mpp:g} µm/px come from level {level}")
    return Check(name, True, f"Patches of {' and of '.join(found)} and show their field.")


def _read_patches(
    reader: SlideReader,
    chart: Chart,
    grid: PatchGrid,
    geometry: PatchGeometry,
    pixel_size: PixelSize,
) -> tuple[str, int]:
    """What is wrong with the patches of the chart's squares, or empty; and the right level."""
    watched = WatchedReader(reader)
    patches = PatchReader(watched, pixel_size, geometry)
    mpps = [chart.mpp * level.downsample for level in reader.metadata.pyramid.levels]
    most = geometry.mpp / _REDUCTION * _MPP_SLACK
    right = max((i for i, mpp in enumerate(mpps) if mpp <= most), default=0)
    for row, column in np.argwhere(chart.squares != GLASS):
        patch = patches.read(grid.field(int(row), int(column)))
        color = chart.colors[chart.squares[row, column]]
        # A quarter at each corner: a field that is too large shows a neighbour there, one of the
        # right size only in its outermost px.
        side = patch.shape[0] // 4
        for corner in (patch[1:side, 1:side], patch[-side:-1, -side:-1]):
            if np.abs(corner.mean(axis=(0, 1)) - color).max() > _COLOR_SLACK:
                return f"The patch at row {row}, column {column} shows another place.", right
    if watched.levels != {right}:
        read = f"Patches at {geometry.mpp:g} µm/px were read from level {sorted(watched.levels)}"
        return f"{read}; level {right} is right.", right
    return "", right


def check_display_level(reader: SlideReader) -> Check:
    """Check that tiles come from the coarsest level without loss, counted in device px."""
    name = "level on the screen"
    pyramid = reader.metadata.pyramid
    seen: set[int] = set()
    for viewport in _viewports(pyramid.extent.center):
        wanted = wanted_tiles(viewport, pyramid)
        watched = WatchedReader(reader)
        for key in wanted.tiles[:1]:
            read_display_tile(watched, key)
        device = viewport.device_downsample
        fine = [lv.index for lv in pyramid.levels if lv.downsample <= max(device, 1) * 1.01]
        # Tile level and screen differ by less than a factor of two.
        exact = 2**wanted.level <= max(device, 1) * 1.01
        near = wanted.level == pyramid.top_display_level or 2 ** (wanted.level + 1) > device
        best = max(i for i in fine if pyramid.levels[i].downsample <= 2**wanted.level * 1.01)
        if not (exact and near and watched.levels == {best}):
            return Check(
                name,
                False,
                f"At {device:g} level-0 px per device px level {sorted(watched.levels)} is shown "
                f"(tiles of {2**wanted.level}); level {best} is right.",
            )
        seen |= watched.levels
    return Check(
        name,
        True,
        f"Levels {', '.join(map(str, sorted(seen)))} were each used at their zooms, counted in "
        "device pixels.",
    )


def _viewports(center: Point) -> Iterator[Viewport]:
    for ratio in (1.0, 1.25, 1.5, 2.0):
        for downsample in (0.1, 0.9, 1.0, 1.7, 2.0, 2.5, 4.0, 7.9, 8.1):
            yield Viewport(center, downsample, Size(300, 200), ratio)
