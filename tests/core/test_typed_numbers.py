"""What is typed means the same everywhere, or is refused with a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.core.typed_numbers import stated_number, typed_number, typed_whole_number
from bachview.errors import UsageError


@pytest.mark.parametrize(
    ("text", "number"),
    [("0.25", 0.25), ("0,25", 0.25), (" 0,250 ", 0.25), (".5", 0.5), ("2", 2), ("1.2345", 1.2345)],
)
def test_point_and_comma_are_both_decimal_marks(text: str, number: float) -> None:
    assert typed_number(text, 0.05, 20) == number


@given(st.floats(0.05, 20))
def test_what_python_writes_is_read_again(number: float) -> None:
    for text in (f"{number:.4f}", f"{number:.4f}".replace(".", ",")):
        assert typed_number(text, 0, 21) == float(f"{number:.4f}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        ",",
        "0..25",
        "0.2.5",
        "1,000.5",
        "--1",
        "-",
        "+1",
        "0.25 µm",
        "1e-1",
        "nan",
        "٣",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a number"):
        typed_number(text, -10, 10_000)


@pytest.mark.parametrize("text", ["-12,5", "-12.5", "\u221212.5"])
def test_a_number_may_be_negative_where_that_is_within_the_limits(text: str) -> None:
    assert typed_number(text, -360, 360) == -12.5
    with pytest.raises(UsageError, match="is not between 0 and 360"):
        typed_number(text, 0, 360)


@pytest.mark.parametrize(
    ("text", "number"),
    [("0.25", 0.25), ("0,25", 0.25), ("2.5e-1", 0.25), (".25", 0.25), ("1.234", 1.234), ("-3", -3)],
)
def test_an_option_states_a_number_as_programs_write_it_or_with_a_comma(
    text: str, number: float
) -> None:
    assert stated_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "1,234", "1.000,5", "0_5", "nan", "inf", "0.25 µm", "٠٫٢٥", "e", "1 000"]
)
def test_an_option_that_can_be_misread_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        stated_number(text)


def test_a_number_outside_the_limits_is_refused() -> None:
    for text in ("0.04", "25", "20,5"):
        with pytest.raises(UsageError, match=r"is not between 0\.05 and 20\."):
            typed_number(text, 0.05, 20)


@pytest.mark.parametrize("text", ["1,000", "1.000"])
def test_what_can_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"1\.000 or as 1000: type 1\.0000 or 1000"):
        typed_number(text, 0.1, 100_000)
    # Unless only one of them is possible.
    assert typed_number(text, 0.05, 20) == 1
    assert typed_number(text, 50, 100_000) == 1000


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1200", 1200),
        ("1,200", 1200),
        ("1.200", 1200),
        ("1 200", 1200),
        ("1\u202f200\u202f000", 1_200_000),
        (" 0 ", 0),
    ],
)
def test_whole_numbers_may_have_their_thousands_set_apart(text: str, number: int) -> None:
    assert typed_whole_number(text, 0, 2_000_000) == number


@pytest.mark.parametrize("text", ["", "12.5", "1,20", "1,200.000", "1200,000", "-1", "12 px", "²"])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a whole number"):
        typed_whole_number(text, -10, 10**7)


def test_a_whole_number_outside_the_limits_is_refused() -> None:
    with pytest.raises(UsageError, match="3000 is not between 1 and 2,000"):
        typed_whole_number("3000", 1, 2000)
