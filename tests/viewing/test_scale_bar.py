import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.viewing.scale_bar import scale_bar


@given(st.floats(1e-3, 1e5), st.floats(1, 4000))
def test_the_bar_is_round_fits_and_is_the_longest(mpp: float, longest: float) -> None:
    bar = scale_bar(mpp, longest)
    digits = bar.length_um / 10 ** math.floor(math.log10(bar.length_um) + 1e-9)
    assert min(abs(digits - n) for n in (1, 2, 5)) < 1e-9
    assert bar.length_px * mpp == pytest.approx(bar.length_um)
    assert bar.length_px <= longest * (1 + 1e-8)
    assert bar.length_px * 2.5 > longest * (1 - 1e-8)  # the next is at most 2.5 times as long


@pytest.mark.parametrize(
    ("mpp", "longest", "text"),
    [
        (0.5, 200, "100 µm"),
        (0.1, 10, "1 µm"),
        (16, 150, "2 mm"),
        (0.03, 150, "2 µm"),
        (1, 7, "5 µm"),
    ],
)
def test_the_bar_has_a_round_length(mpp: float, longest: float, text: str) -> None:
    assert scale_bar(mpp, longest).text == text


@pytest.mark.parametrize(
    ("mpp", "longest"), [(0, 1), (1, 0), (-1, 5), (math.nan, 5), (1, math.inf)]
)
def test_nonsense_is_refused(mpp: float, longest: float) -> None:
    with pytest.raises(ValueError):
        scale_bar(mpp, longest)
