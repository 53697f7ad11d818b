"""Outlines around the cells that another model gives another class."""

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.ui.view.changed_cells import ChangedCellsLayer
from bachview.ui.view.painting import ViewPlane

_SIDE = 10


def _layer(cells: np.ndarray) -> ChangedCellsLayer:
    rows, columns = cells.shape
    region = Region(30, 20, columns * _SIDE, rows * _SIDE)
    return ChangedCellsLayer(cells, PatchGrid(region, _SIDE, _SIDE, 30, 30), 1.0, 0.5)


def _painted(layer: ChangedCellsLayer, plane: ViewPlane, *windows: tuple[int, int]) -> QImage:
    """Painted in columns of the plane."""
    image = QImage(320, 300, QImage.Format.Format_RGB32)
    image.fill(QColor(255, 255, 255))
    for left, right in windows:
        painter = QPainter(image)
        painter.setClipRect(left, 0, right - left, 300)
        layer(painter, plane, (left, 0, right, 300))
        painter.end()
    return image


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (64, 65), (130, 70)])
def test_the_lines_are_the_edges_between_cells(rows: int, columns: int) -> None:
    cells = np.random.default_rng(rows).random((rows, columns)) < 0.3
    layer = _layer(cells)
    lines = [line for block in layer._blocks(layer.grid.region) for line in block]
    padded = np.pad(cells, 1)
    edges = int((np.diff(padded.astype(int), axis=0) != 0).sum())
    edges += int((np.diff(padded.astype(int), axis=1) != 0).sum())
    assert sum(line.length() for line in lines) == edges * _SIDE


def test_only_the_outline_of_a_group_is_drawn_whole_or_in_strips(qapp: object) -> None:
    cells = np.zeros((12, 12), np.bool_)
    cells[2:4, 3:6] = True
    plane = ViewPlane(2.0, 0.0)
    image = _painted(_layer(cells), plane, (0, 320))
    left, top, right, bottom = 120, 80, 180, 120  # of the group, px of the plane
    for x, y in ((left, 100), (right, 100), (150, top), (150, bottom)):
        assert image.pixelColor(x, y) == QColor(0, 255, 255)
    assert image.pixelColor(150, 100) == QColor(255, 255, 255)  # no line between its cells
    assert image.pixelColor(60, 60) == QColor(255, 255, 255)
    assert _painted(_layer(cells), plane, (0, 121), (121, 179), (179, 320)) == image
