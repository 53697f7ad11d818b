"""Texts in tables are texts in a spreadsheet, too, and come back as they were."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachview.csv_lines import csv_line, plain_text, safe_text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=x", "'\t'=x"),
        ("＝1", "'＝1"),
        ("'=x", "''=x"),
        # A program in another country parts cells by semicolons.
        ("a;=1+1;b", "a;'=1+1;b"),
        ("a\n@b", "a\n'@b"),
        ("-5", "-5"),
        ("-2.5e-3", "-2.5e-3"),
        ("-2+3", "'-2+3"),
        ("a = b; it's 3-4", "a = b; it's 3-4"),
        ("", ""),
    ],
)
def test_formulas_become_texts_and_others_stay(text: str, cell: str) -> None:
    assert safe_text(text) == cell
    assert plain_text(cell) == text


@given(st.text(st.sampled_from("'=+-@;\t\r\n1a.e＝")))
def test_every_text_comes_back_and_no_cell_begins_as_a_formula(text: str) -> None:
    line = csv_line([text, -1.5])
    ((cell, number),) = csv.reader(io.StringIO(line, newline=""))
    assert plain_text(cell) == text
    assert number == "-1.5"
    for part in re.split("[;\t\r\n]", cell):
        assert not part.startswith(("=", "+", "@", "＝"))
        assert not part.startswith("-") or re.fullmatch(r"-[0-9.]+(e[+-]?\d+)?", part)
