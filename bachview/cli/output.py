"""What the commands print: documents, tables, sentences."""

import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bachview.models.verification import Check


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON document on standard output."""
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def clean_stdout() -> Iterator[None]:
    """Send to standard error whatever libraries print inside, also from C.

    So that ``--json`` puts one document on standard output and nothing else.
    """
    sys.stdout.flush()
    with contextlib.redirect_stdout(sys.stderr):
        try:
            number = sys.__stdout__.fileno() if sys.__stdout__ is not None else -1
            kept = os.dup(number)
            os.dup2(2, number)
        except (OSError, ValueError):  # no real file behind it
            yield
            return
        try:
            yield
        finally:
            os.dup2(kept, number)
            os.close(kept)


def print_table(
    title: str, columns: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]]
) -> None:
    """Print a table on standard output.

    Parameters
    ----------
    columns : (heading, whether it is a number and set to the right).
    rows : texts; rich markup is not read in them.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title,
        title_justify="left",
        header_style="bold",
        show_header=any(heading for heading, _ in columns),
    )
    for heading, is_number in columns:
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    # In a file or a pipe nobody has narrowed the window.
    width = None if sys.stdout.isatty() else 120
    Console(highlight=False, width=width).print(table)


def print_checks(title: str, checks: "Sequence[Check]", *, as_json: bool) -> bool:
    """Print a report of checks as a table or a document; whether all of them hold."""
    is_good = all(check.ok for check in checks)
    if as_json:
        print_json({"ok": is_good, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        print_table(
            title,
            [("check", False), ("", False), ("", False)],
            [(check.name, "ok" if check.ok else "FAILED", check.message) for check in checks],
        )
    return is_good


def tell(sentence: str) -> None:
    """Print a sentence on standard error."""
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()
