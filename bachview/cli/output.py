"""Output of the commands: documents, tables, sentences."""

import contextlib
import dataclasses
import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Self, TextIO, cast

from bachview.errors import ExportError
from bachview.file_names import ESCAPED, json_text

if TYPE_CHECKING:
    from bachview.models.verification import Check


_STREAMS: Final = (0, 1, 2)
#: Control characters but for tabs and ends of lines, and those that turn the direction of writing.
_COMMANDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class OutputClosed(Exception):  # noqa: N818  # it is not an error
    """The reader of standard output has closed it. Not an error: the command ends quietly."""


class _Stream:
    """A standard stream whose failures are reported in our own words.

    Standard output carries the result: a full disk is an `ExportError`, a reader that has gone is
    `OutputClosed`. What cannot be written to standard error is dropped: there is no one to report
    it to, and the work goes on.
    """

    def __init__(self, stream: TextIO, *, is_result: bool) -> None:
        self._stream = stream
        self._is_result = is_result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._explained():
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        with self._explained():
            self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.flush()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._silence()
            if not self._is_result:
                return
            # Windows reports EINVAL for a pipe that nobody reads.
            if isinstance(error, BrokenPipeError) or error.errno == errno.EINVAL:
                raise OutputClosed from error
            raise ExportError(
                f"Standard output cannot be written ({error.strerror}): send it to a place "
                "with room."
            ) from error

    def _silence(self) -> None:
        """Redirect the stream to nowhere: flushing its buffer at exit would fail again."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


class Streams:
    """The standard streams of one command."""

    def __init__(self, output: _Stream) -> None:
        self._output = output

    def deliver(self) -> bool:
        """Flush; False, and a sentence, if standard output has no room.

        Raises
        ------
        OutputClosed
            Its reader has closed it.
        """
        try:
            self._output.flush()
        except ExportError as error:
            tell(str(error))
            return False
        return True


@contextlib.contextmanager
def standard_streams() -> Iterator[Streams]:
    """Streams that accept any text and report their failures, while a command runs.

    A stream that was closed before we started (``>&-``) is discarded: the command still works.
    """
    _occupy_closed_numbers()
    before = sys.stdout, sys.stderr
    reopened: list[TextIO] = []
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            stream = _reopened(number)
            reopened.append(stream)
        # File names and units are not always ASCII; a console with another code page, or a name
        # that is not UTF-8, must not end the command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors=ESCAPED)
        setattr(sys, name, _Stream(stream, is_result=number == 1))
    output = cast("_Stream", sys.stdout)
    try:
        yield Streams(output)
    finally:
        with contextlib.suppress(OutputClosed, ExportError):
            output.flush()
        sys.stdout, sys.stderr = before
        for stream in reopened:
            with contextlib.suppress(OSError):
                stream.close()


def _reopened(number: int) -> TextIO:
    """A stream for a number that Python found closed.

    A program of Windows with a window has none at all, and there the number cannot be opened.
    """
    try:
        return open(number, "w", encoding="utf-8", closefd=False)
    except OSError:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


def _occupy_closed_numbers() -> None:
    """Open the null device for each standard stream that is closed.

    Otherwise the next file opened, a slide or a store, would become standard output for every
    library that writes there.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) in _STREAMS:
        os.set_inheritable(number, True)
    os.close(number)


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json_text(document) + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def clean_stdout() -> Iterator[None]:
    """Send whatever libraries print within the context, even from C, to standard error.

    So that with ``--json`` standard output holds one document and nothing else.
    """
    sys.stdout.flush()
    with contextlib.redirect_stdout(sys.stderr):
        try:
            number = sys.__stdout__.fileno() if sys.__stdout__ is not None else -1
            kept = os.dup(number)
            os.dup2(2, number)
        except (OSError, ValueError):  # not backed by a real file
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
    columns : (heading, whether it holds numbers, which are right-aligned).
    rows : texts; rich markup in them is not interpreted.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(visible(title)),
        title_justify="left",
        header_style="bold",
        show_header=any(heading for heading, _ in columns),
    )
    for heading, is_number in columns:
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    # A file or a pipe has no window width.
    width = None if sys.stdout.isatty() else 120
    Console(highlight=False, width=width).print(table)


def print_checks(
    title: str, checks: "Sequence[Check]", *, as_json: bool, program: str | None = None
) -> bool:
    """Print a report of checks as a table or a document; whether all of them hold.

    Parameters
    ----------
    program : the program that was checked, if it is the one.
    """
    is_good = all(check.ok for check in checks)
    if as_json:
        about = {} if program is None else {"program": program}
        found = [dataclasses.asdict(check) for check in checks]
        print_json({"ok": is_good, **about, "checks": found})
    else:
        print_table(
            title if program is None else f"{title} of {program}",
            [("check", False), ("", False), ("", False)],
            [(check.name, "ok" if check.ok else "FAILED", check.message) for check in checks],
        )
    return is_good


def visible(text: str) -> str:
    """`text` with what commands a terminal written out: a file may have any name."""
    return _COMMANDING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def time_text(time: str) -> str:
    """An ISO 8601 time as that of this place, e.g. ``2026-05-04 13:37``."""
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")


def tell(sentence: str) -> None:
    """Print a sentence on standard error."""
    sys.stderr.write(visible(sentence) + "\n")
    sys.stderr.flush()
