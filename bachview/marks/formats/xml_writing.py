"""Writes an XML document that other programs read, element by element as it comes.

A document of a thousand outlines has some hundred thousand points, and as many elements: they are
written as ready lines.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape, quoteattr

from bachview.file_names import printable
from bachview.files import atomic_file

#: What XML 1.0 has no place for.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Readers take it for a line feed.
_RETURN = {"\r": "&#13;"}


class XmlWriter:
    """Writes a document, indented by tabs. Characters that XML forbids are left out. One thread."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._depth = 0
        file.write(b"<?xml version='1.0' encoding='utf-8'?>\n")

    @contextmanager
    def inside(self, name: str, attributes: Mapping[str, str] = {}) -> Iterator[None]:
        """An element; what is written meanwhile stands in it."""
        self._line(f"<{name}{_written(attributes)}>")
        self._depth += 1
        yield
        self._depth -= 1
        self._line(f"</{name}>")

    def element(self, name: str, attributes: Mapping[str, str] = {}, text: str = "") -> None:
        """An element with a text, or with nothing in it."""
        end = f">{escape(allowed(text), _RETURN)}</{name}>" if text else " />"
        self._line(f"<{name}{_written(attributes)}{end}")

    def lines(self, lines: Iterable[str]) -> None:
        """Elements as they are: the caller makes sure that nothing in them must be escaped."""
        start = "\t" * self._depth
        self._file.write("".join(f"{start}{line}\n" for line in lines).encode())

    def _line(self, line: str) -> None:
        self.lines((line,))


@contextmanager
def xml_file(path: Path) -> Iterator[XmlWriter]:
    """Write a document as UTF-8; without an error in between the file is there afterwards.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    with atomic_file(path) as file:
        yield XmlWriter(file)


def _written(attributes: Mapping[str, str]) -> str:
    return "".join(f" {name}={quoteattr(allowed(text))}" for name, text in attributes.items())


def allowed(text: str) -> str:
    """A text without the characters that XML forbids."""
    if text.isascii() and text.isprintable():
        return text
    return _FORBIDDEN.sub("", printable(text))
