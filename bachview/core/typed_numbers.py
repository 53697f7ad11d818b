"""Numbers that people type: read the same in every country, or refused with a sentence.

A program that follows the locale reads ``0.25`` as 25 where the comma is the decimal mark. Here a
point and a comma both are, and a text that can be read in two ways is refused.
"""

import contextlib
import re

from bachview.errors import UsageError

_DECIMAL = re.compile(r"([-\u2212]?)([0-9]*)(?:[.,]([0-9]+))?")
#: No length or position that is stated is larger.
_LARGEST = 1e12
#: Thousands may be set apart by any of these, always by the same.
_GROUPED = re.compile(r"[0-9]{1,3}(?:([ .,'’\u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*")


def typed_number(text: str, low: float, high: float) -> float:
    """The number that `text` states, between `low` and `high`.

    ``1,234`` may mean 1.234 or 1234: it is read as the one that lies within the limits.

    Raises
    ------
    UsageError
        It is no number, lies outside the limits, or both readings lie within them. The sentence
        says what to type.
    """
    found = _DECIMAL.fullmatch(text.strip())
    if found is None or not (found[2] or found[3]):
        raise UsageError(f"“{text.strip()}” is not a number; type one such as 0.25.")
    digits, decimals = found[2], found[3] or ""
    whole = f"-{digits}" if found[1] else digits
    readings = [float(f"{whole}.{decimals or 0}")]
    if len(decimals) == 3 and 1 <= len(digits) <= 3 and digits[0] != "0":
        readings.append(float(whole + decimals))
    fitting = [reading for reading in readings if low <= reading <= high]
    if not fitting:
        raise UsageError(f"{text.strip()} is not between {low:g} and {high:,.10g}.")
    if len(fitting) > 1:
        raise UsageError(
            f"{text.strip()} can be read as {whole}.{decimals} or as {whole}{decimals}: type "
            f"{whole}.{decimals}0 or {whole}{decimals}."
        )
    return fitting[0]


def stated_number(text: str) -> float:
    """The number that an option states: as programs write it, or with a decimal comma.

    Raises
    ------
    UsageError
        It is no number, or can be read in two ways.
    """
    if re.fullmatch(r"[-+0-9.eE]+", text):
        with contextlib.suppress(ValueError):
            return float(text)
    return typed_number(text, -_LARGEST, _LARGEST)


def typed_whole_number(text: str, low: int, high: int) -> int:
    """The whole number that `text` states, with or without separators of thousands.

    Raises
    ------
    UsageError
        It is no whole number, or lies outside the limits. The sentence says what to type.
    """
    stripped = text.strip()
    grouped = _GROUPED.fullmatch(stripped)
    digits = stripped.replace(grouped[1], "") if grouped else stripped
    if not (digits.isascii() and digits.isdigit()):
        raise UsageError(f"“{stripped}” is not a whole number; type one such as 1200.")
    number = int(digits)
    if not low <= number <= high:
        raise UsageError(f"{stripped} is not between {low:,} and {high:,}.")
    return number
