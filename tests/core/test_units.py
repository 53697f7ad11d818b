"""Text of lengths, areas, magnifications, shares and durations; plausible pixel sizes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.units import (
    angle_text,
    area_column,
    area_text,
    count_text,
    downsample_for_magnification,
    duration_text,
    length_text,
    magnification,
    magnification_text,
    percent_text,
    pixels_text,
    rate_text,
    ratio_text,
    round_length,
    significant_text,
    value_text,
)


@given(st.floats(0.05, 20), st.floats(0.1, 100))
def test_magnification_and_its_inverse_agree(mpp: float, times: float) -> None:
    assert magnification(mpp, downsample_for_magnification(mpp, times)) == pytest.approx(times)


def test_a_quarter_micrometre_is_forty_times() -> None:
    assert magnification(0.25, 1) == 40
    assert magnification(0.5, 2) == 10


@pytest.mark.parametrize(
    ("um", "text"),
    [(0, "0 µm"), (250, "250 µm"), (999.4, "999 µm"), (1250, "1.25 mm"), (0.52, "0.52 µm")],
)
def test_lengths_are_written_with_a_fitting_unit(um: float, text: str) -> None:
    assert length_text(um) == text


@pytest.mark.parametrize(
    ("mm2", "text"), [(0, "0 mm²"), (12.34, "12.3 mm²"), (0.00085, "850 µm²"), (0.5, "0.5 mm²")]
)
def test_areas_are_written_with_a_fitting_unit(mm2: float, text: str) -> None:
    assert area_text(mm2) == text


@pytest.mark.parametrize(("times", "text"), [(20, "20x"), (2.5, "2.5x"), (0.3125, "0.312x")])
def test_magnifications_are_written_with_fitting_digits(times: float, text: str) -> None:
    assert magnification_text(times) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (8.4, "8 s"),
        (200, "3 min 20 s"),
        (3900, "1 h 05 min"),
        (-3, "0 s"),
        (float("inf"), "unknown"),
    ],
)
def test_durations_are_written_with_fitting_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("pixel_size", "plausible", "mpp"),
    [
        (PixelSize.unknown(), False, None),
        (PixelSize(352.78, 352.78, Origin.FILE), False, None),
        (PixelSize(0.25, None, Origin.FILE), False, None),
        (PixelSize(0.25, 1.0, Origin.FILE), True, 0.5),
        (PixelSize.typed(0.5), True, 0.5),
    ],
)
def test_which_pixel_sizes_are_plausible(
    pixel_size: PixelSize, plausible: bool, mpp: float | None
) -> None:
    assert pixel_size.is_plausible is plausible
    assert pixel_size.mpp == mpp


@pytest.mark.parametrize(
    ("longest", "round_um"),
    [(1000, 1000), (999, 500), (0.25, 0.2), (0.5, 0.5), (10 * 0.1, 1), (7e5, 5e5)],
)
def test_the_longest_round_length(longest: float, round_um: float) -> None:
    assert round_length(longest) == round_um


@pytest.mark.parametrize("longest", [0, -1, math.inf, math.nan])
def test_no_round_length_below_nonsense(longest: float) -> None:
    with pytest.raises(ValueError, match="round length"):
        round_length(longest)


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0 %"), (0.0002, "< 0.1 %"), (0.9996, "> 99.9 %"), (1, "100.0 %")]
)
def test_a_share_is_never_rounded_to_a_certainty(share: float, text: str) -> None:
    assert percent_text(share) == text


@pytest.mark.parametrize(
    ("deg", "text"),
    [(0, "0°"), (0.01, "< 0.1°"), (12.34, "12.3°"), (90, "90°"), (359.97, "> 359.9°")],
)
def test_an_angle_is_never_rounded_to_upright(deg: float, text: str) -> None:
    assert angle_text(deg) == text


def test_areas_below_each_other_stand_in_line() -> None:
    assert area_column([13.171, 0, 0.0103, 1234.5], 11) == [
        "13.17 mm²",
        "0.00 mm²",
        "0.01 mm²",
        "1,234.50 mm²",
    ]
    assert area_column([0.0512, 0.004], 0.06) == ["0.0512 mm²", "0.0040 mm²"]
    assert area_column([0.001, 5e-3], 5) == ["< 0.01 mm²", "0.01 mm²"]
    assert area_column([0.00025, 0], 0.0005) == ["250 µm²", "0 µm²"]
    assert area_column([0], 0) == ["0.00 mm²"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0, 3, "0"), (0.25, 4, "0.25"), (0.123456, 4, "0.1235"), (1024, 3, "1024"), (16.0, 5, "16")],
)
def test_a_number_has_no_trailing_zeros_and_no_exponent(
    value: float, digits: int, text: str
) -> None:
    assert significant_text(value, digits) == text


def test_whole_numbers_and_rates_can_be_read() -> None:
    assert count_text(2141) == "2,141"
    assert pixels_text(10_752.4, 800) == "10,752 × 800 px"
    assert (rate_text(1240, "cells"), rate_text(3.21, "cells")) == ("1,240 cells/s", "3.2 cells/s")
    assert value_text(0.7) == "0.70"


@pytest.mark.parametrize(
    ("downsample", "text"), [(1, "1:1"), (2, "1:2"), (12.345, "1:12.3"), (0.25, "4:1")]
)
def test_ratios_are_those_of_the_buttons(downsample: float, text: str) -> None:
    assert ratio_text(downsample) == text
