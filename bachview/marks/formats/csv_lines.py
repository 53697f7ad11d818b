"""Lines of CSV that no spreadsheet carries out."""

import csv
import io
from collections.abc import Iterable

from bachview.file_names import printable

#: What a spreadsheet takes for a formula, however the file is quoted.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_text(text: str) -> str:
    """A text as a cell: with an apostrophe before it where it would be taken for a formula."""
    text = printable(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_line(cells: Iterable[object]) -> bytes:
    """A line of UTF-8 with its end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()
