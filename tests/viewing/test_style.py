"""How tint and contours share the picture at each magnification."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.viewing.style import (
    Drawing,
    OverlayMode,
    OverlayStyle,
    contour_strength,
    tint_strength,
)

AUTO = OverlayStyle()


def test_the_tint_is_whole_at_overview_and_gone_at_reading_magnification() -> None:
    assert AUTO.drawing is Drawing.AUTO
    assert [tint_strength(AUTO, times) for times in (0.2, 1.25, 2.5)] == [1, 1, 1]
    assert tint_strength(AUTO, 5.0) == pytest.approx(0.5)
    assert [tint_strength(AUTO, times) for times in (10, 20, 80)] == [0, 0, 0]
    assert [contour_strength(AUTO, times) for times in (2.5, 10)] == [0, 1]
    assert tint_strength(AUTO, None) == 1


def test_contours_of_a_faint_overlay_are_faint() -> None:
    shares = [
        contour_strength(OverlayStyle(drawing=Drawing.CONTOURS, opacity=opacity), 10)
        for opacity in (0, 0.2, 0.5, 1)
    ]
    assert shares == [0, 0.4, 1, 1]


@given(st.floats(0.1, 100), st.floats(1, 1.02))
def test_the_tint_fades_smoothly_while_the_view_is_zoomed_in(times: float, step: float) -> None:
    before, after = tint_strength(AUTO, times), tint_strength(AUTO, times * step)
    assert 0 <= before - after < 0.06
    assert contour_strength(AUTO, times) == pytest.approx(1 - before)


@pytest.mark.parametrize("times", [None, 1.0, 5.0, 40.0])
def test_the_other_drawings_are_the_same_at_every_magnification(times: float | None) -> None:
    shares = {
        drawing: (tint_strength(style, times), contour_strength(style, times))
        for drawing in Drawing
        if drawing is not Drawing.AUTO
        for style in [OverlayStyle(drawing=drawing)]
    }
    assert shares == {Drawing.TINT: (1, 0), Drawing.CONTOURS: (0, 1), Drawing.BOTH: (1, 1)}
    for mode in OverlayMode:
        if mode is not OverlayMode.CLASS:  # a value has no contours
            style = OverlayStyle(mode, drawing=Drawing.CONTOURS)
            assert (tint_strength(style, times), contour_strength(style, times)) == (1, 0)
