"""CSV as spreadsheets of any country and system write it."""

import csv
import io
import re
from pathlib import Path

from bachview.csv_lines import plain_text
from bachview.errors import DatasetError
from bachview.text_files import decoded

_LARGEST_BYTES = 16_000_000
_DELIMITERS = ",;\t"
_SEP_LINE = re.compile(r'"?sep=(?P<mark>\\t|[^"\r\n])"?[ \t,;]*(?:\r\n|\r|\n|$)', re.IGNORECASE)


def read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """(line number, cells without spaces around them) of the lines that are not empty.

    The apostrophes that keep a spreadsheet from carrying out a cell are taken away.

    In any encoding of `decoded`, with any line ends; commas, semicolons or tabs, as a first line
    ``sep=;`` says or as fits the lines.

    Raises
    ------
    DatasetError
        It cannot be read, is too large, or is not a text in lines and cells.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise DatasetError(f"{path.name} is too large to be a table of photos.")
        text = decoded(path.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"{path.name} cannot be read ({error.strerror}); check its path."
        ) from error
    if "\0" in text:
        raise DatasetError(f"{path.name} is not a text; save the table as CSV.")
    stated = _SEP_LINE.match(text)
    body = text[stated.end() :] if stated else text
    skipped = 1 if stated else 0
    try:
        rows = _parsed(body, stated["mark"].replace(r"\t", "\t")) if stated else _fitting(body)
    except csv.Error as error:
        raise DatasetError(f"{path.name} is not a CSV file ({error}).") from error
    return [(number + skipped, row) for number, row in rows]


def _fitting(text: str) -> list[tuple[int, list[str]]]:
    """The rows with the delimiter that cuts all lines alike, else the first one in the text."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    # A delimiter in quotes is part of a cell.
    bare = re.sub(r'"[^"]*"', "", first)
    present = sorted((mark for mark in _DELIMITERS if mark in bare), key=bare.index)
    readings = [_parsed(text, mark) for mark in present or _DELIMITERS[0]]
    even = (rows for rows in readings if len({len(row) for _, row in rows}) == 1)
    return next(even, readings[0])


def _parsed(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found = []
    for row in reader:
        cells = [plain_text(cell.strip()) for cell in row]
        if any(cells):
            found.append((reader.line_num, cells))
    return found
