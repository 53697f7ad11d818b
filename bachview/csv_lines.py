"""Lines of CSV that no spreadsheet carries out, and their cells as they were."""

import csv
import io
import re
from collections.abc import Iterable

from bachview.file_names import printable

_NEGATIVE_NUMBER = r"-(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:[;\t\r\n]|\Z)"
#: What a spreadsheet takes for a formula at the beginning of a cell, however the file is quoted;
#: the wide ones in East Asia.
_FORMULA = rf"(?!{_NEGATIVE_NUMBER})[=+\-@\uff1d\uff0b\uff0d\uff20]"
#: Where a cell begins, also in a spreadsheet that parts cells by semicolons or tabs.
_START = rf"(^(?='*(?:{_FORMULA}|[\t\r\n]))|[;\t\r\n](?='*{_FORMULA}))"
_UNSAFE = re.compile(_START)
_MADE_SAFE = re.compile(_START.replace("(?='*", "'(?='*"))


def safe_text(text: str) -> str:
    """A text as a cell, with an apostrophe before whatever would be taken for a formula.

    `plain_text` takes the apostrophes away again.
    """
    return _UNSAFE.sub(r"\1'", printable(text))


def plain_text(cell: str) -> str:
    """The text that `safe_text` has made this of."""
    return _MADE_SAFE.sub(lambda found: found[1][:-1], cell)


def csv_line(cells: Iterable[object]) -> str:
    """A line with its end, its texts made safe."""
    line = io.StringIO()
    safe = (safe_text(cell) if isinstance(cell, str) else cell for cell in cells)
    # A cell is quoted if it holds one of the characters of the end.
    csv.writer(line, lineterminator="\r\n").writerow(safe)
    return line.getvalue().removesuffix("\r\n") + "\n"
