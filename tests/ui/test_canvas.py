"""The wrapping canvas shows what a canvas painted at once would show."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given
from PySide6.QtGui import QImage, QPainter, qRgb

from bachview.core.geometry import Point, Size
from bachview.ui.view.canvas import ViewCanvas
from bachview.ui.view.painting import ViewPlane, Window, pixels_of
from bachview.viewing.viewport import Viewport

PLANE = ViewPlane.of(Viewport(Point(0, 0), 1.0, Size(1, 1)))


def paint(painter: QPainter, window: Window) -> None:
    """Each plane px has a colour of its own."""
    for v in range(window[1], window[3]):
        for u in range(window[0], window[2]):
            painter.fillRect(u, v, 1, 1, qRgb(u % 256, v % 256, (u // 256 + 7 * (v // 256)) % 256))


def shown(canvas: ViewCanvas, corner: tuple[int, int], size: tuple[int, int]) -> "np.ndarray":
    image = QImage(*size, QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    canvas.show(painter, corner)
    painter.end()
    return pixels_of(image)[..., :3].astype(int)


@given(
    st.sampled_from([1, 2]),
    st.tuples(st.integers(1, 24), st.integers(1, 24)),
    st.lists(st.tuples(st.integers(-40, 40), st.integers(-40, 40)), max_size=8),
)
def test_moves_leave_no_trace(
    shrink: int, size: tuple[int, int], moves: list[tuple[int, int]]
) -> None:
    corner = (300, -20)
    canvas = ViewCanvas(PLANE, shrink, corner, size)
    canvas.paint(canvas.window, paint)
    for dx, dy in moves:
        corner = (corner[0] + dx, corner[1] + dy)
        uncovered = canvas.move(corner)
        if uncovered is None:
            canvas = ViewCanvas(PLANE, shrink, corner, size, reuse=canvas)
            uncovered = [canvas.window]
        for window in uncovered:
            canvas.paint(window, paint)
    u = (corner[0] + np.arange(size[0])) // shrink
    v = (corner[1] + np.arange(size[1])) // shrink
    picture = shown(canvas, corner, size)
    np.testing.assert_array_equal(picture[..., 2], np.broadcast_to(u % 256, size[::-1]))
    np.testing.assert_array_equal(picture[..., 1], np.broadcast_to((v % 256)[:, None], size[::-1]))


def test_a_finished_picture_is_taken_over() -> None:
    image = QImage(6, 4, QImage.Format.Format_RGB32)
    image.fill(qRgb(1, 2, 3))
    canvas = ViewCanvas(PLANE, 1, (10, 20), (6, 4), image)
    assert canvas.window == (10, 20, 16, 24)
    assert (shown(canvas, (10, 20), (6, 4)) == (3, 2, 1)).all()
    assert canvas.move((17, 20)) is None
    assert canvas.window == (10, 20, 16, 24)
