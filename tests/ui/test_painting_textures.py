"""Drawing of textures: the same wherever a window of the plane begins."""

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from bachview.core.geometry import Region
from bachview.ui.view.painting import ViewPlane
from bachview.ui.view.painting_textures import TextureLayer
from bachview.viewing.style import Kind
from bachview.viewing.textures import texture


@pytest.mark.parametrize("cell", [20, 64])
def test_lines_go_on_across_cells_and_windows_and_are_sparse_in_large_cells(cell: int) -> None:
    codes = np.full((6, 10), Kind.UNCERTAIN, np.uint8)
    codes[0, :] = Kind.CLEAR
    whole = Region(0, 0, 10 * cell, 6 * cell)
    layer = TextureLayer(codes, whole, whole, frozenset({int(Kind.UNCERTAIN)}), 0.5, 1.0, 1.0)
    image = QImage(10 * cell, 6 * cell, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    layer(painter, ViewPlane(1.0, 0.0), (0, 0, image.width(), image.height()))
    painter.end()
    drawn = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    tile = texture(Kind.UNCERTAIN, 1.0, 0.5, is_sparse=cell == 64)
    y, x = np.indices((image.height(), image.width()))
    expected = tile[y % len(tile), x % len(tile)]
    first = -(-cell // 8) * 8  # tiles are drawn whole
    np.testing.assert_array_equal(drawn[first:], expected[first:])
    assert not drawn[: cell // 8 * 8 - 8].any()
