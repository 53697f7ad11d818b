"""What the file states and what the user states are told apart, and compared."""

import math

import pytest

from bachview.core.pixel_size import Origin, PixelSize, contradiction, contradiction_text


def of_file(mpp_x: float | None, mpp_y: float | None = None) -> PixelSize:
    return PixelSize(mpp_x, mpp_y or mpp_x, Origin.FILE)


@pytest.mark.parametrize("stated", [0.499, 0.5, 0.48, 0.52])
def test_a_few_per_cent_are_no_contradiction(stated: float) -> None:
    assert contradiction(of_file(0.499), PixelSize.typed(stated)) is None
    assert contradiction_text(of_file(0.499), PixelSize.typed(stated)) == ""


@pytest.mark.parametrize(("stated", "ratio"), [(0.25, 0.5), (0.55, 1.1), (1, 2)])
def test_what_differs_by_more_is(stated: float, ratio: float) -> None:
    assert contradiction(of_file(0.5), PixelSize.typed(stated)) == pytest.approx(ratio)


def test_an_implausible_value_of_the_file_is_contradicted_too() -> None:
    found = contradiction_text(of_file(28.97), PixelSize.typed(0.5))
    assert found == "The file states 28.97 µm per pixel; you stated 0.5 µm, 58 times smaller."
    found = contradiction_text(of_file(352.78), PixelSize.typed(0.5))
    assert found.endswith("you stated 0.5 µm, 706 times smaller.")


def test_each_direction_is_compared() -> None:
    # Their mean is what was stated, but neither of them.
    assert contradiction(of_file(0.25, 1), PixelSize.typed(0.5)) is not None
    assert "states 0.25 × 1 µm per pixel" in contradiction_text(
        of_file(0.25, 1), PixelSize.typed(0.5)
    )


def test_small_differences_are_told_in_per_cent() -> None:
    found = contradiction_text(of_file(0.5), PixelSize.typed(0.55))
    assert found.endswith("you stated 0.55 µm, 10 % larger.")
    found = contradiction_text(of_file(0.5), PixelSize.typed(0.4))
    assert found.endswith("you stated 0.4 µm, 20 % smaller.")


@pytest.mark.parametrize("nothing", [None, 0.0, -1.0, math.inf, math.nan])
def test_what_states_nothing_is_not_contradicted(nothing: float | None) -> None:
    assert contradiction(of_file(nothing), PixelSize.typed(0.5)) is None
    assert contradiction(of_file(0.5), PixelSize.unknown()) is None


def test_only_the_users_word_is_marked() -> None:
    assert PixelSize.typed(0.5).remark == " (stated by you)"
    assert of_file(0.5).remark == PixelSize.unknown().remark == ""
    assert PixelSize.unknown().text == "unknown"
