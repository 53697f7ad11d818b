"""Reads XML of unknown origin: refuses what is hostile, and keeps points as numbers.

Files of annotations are points for the most part, a hundred or more for each shape. As elements of
a tree they would take most of the time and, in memory, ten times the size of the file.
"""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element
from xml.parsers.expat import ExpatError, ParserCreate

import numpy as np

from bachview.errors import AnnotationError, BachviewError
from bachview.marks.formats.shapes import Places
from bachview.marks.formats.source import too_large, unreadable
from bachview.text_files import decoded

#: 10,000 outlines of 200 points have 140 MB.
MOST_XML_BYTES: Final = 256_000_000
#: Points; as many as can be kept.
_MOST_POINTS = 20_000_000
#: Elements that are no points, and attributes: each takes far more memory than its few characters.
_MOST_PARTS = 5_000_000
#: The formats have eight.
_MOST_DEPTH = 64
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class PointForm:
    """How points stand in a format.

    Attributes
    ----------
    name : of a point's element, in which no other element of that name stands.
    values : names of its values, in the order of `XmlFile.points_of`.
    are_elements : whether these are elements in the point, with texts; else they are attributes.
    """

    name: str
    values: tuple[str, ...]
    are_elements: bool = False


class _TooManyPartsError(Exception):
    pass


class _HostileError(Exception):
    pass


class XmlFile:
    """The elements of a file, without its points. One thread.

    Attributes
    ----------
    root : elements have texts only in formats whose points have them.
    """

    def __init__(
        self, root: Element, points: dict[Element, "array[float] | None"], form: PointForm
    ):
        self.root = root
        self._points = points
        self._width = len(form.values)

    def points_of(self, element: Element) -> Places | None:
        """The values of all points in an element, in their order; those that are missing are NaN.

        None if one of them is no number.
        """
        found = [self._points[one] for one in element.iter() if one in self._points]
        if any(values is None for values in found):
            return None
        arrays = [np.frombuffer(values) for values in found if values is not None]
        joined = np.concatenate(arrays) if arrays else np.empty(0)
        return joined.reshape(-1, self._width)


def read_xml(
    path: Path,
    form: PointForm,
    *,
    error: type[BachviewError] = AnnotationError,
    most: int = MOST_XML_BYTES,
) -> XmlFile:
    """Read an XML file, whatever encoding it is in. Any thread.

    Parameters
    ----------
    error : class of the error that is raised.

    Raises
    ------
    BachviewError
        An `error`: it cannot be read, is too large, or is no XML without declarations of types.
    """
    try:
        if path.stat().st_size > most:
            raise error(too_large(path, most))
        content = path.read_bytes()
    except OSError as cause:
        raise unreadable(path, cause, error) from cause
    try:
        try:
            return _Reading(form, None).file(content)
        except (ExpatError, ValueError, LookupError):
            # The file's own declaration of its encoding may be wrong.
            text = decoded(content).lstrip().encode("utf-8", "replace")
            return _Reading(form, "utf-8").file(text)
    except _TooManyPartsError as cause:
        raise error(
            f"{path.name} has more than {_MOST_POINTS:,} points or {_MOST_PARTS:,} other parts and "
            "is not read; divide it."
        ) from cause
    except (ExpatError, _HostileError, ValueError, LookupError) as cause:
        raise error(
            f"{path.name} is not an XML file that can be read; export the annotations again."
        ) from cause


class _Reading:
    """What was read so far."""

    def __init__(self, form: PointForm, encoding: str | None) -> None:
        self._form = form
        self._name = form.name
        self._values_of = itemgetter(*form.values)
        self._open: list[Element] = []
        self._root: Element | None = None
        self._points: dict[Element, array[float] | None] = {}
        self._parts = self._count = 0
        #: Values of the points of the innermost element so far, as texts; None for a missing one.
        self._values: list[str | None] = []
        #: Of the point that is being read, where its values are elements.
        self._point: dict[str, str] | None = None
        self._texts: list[str] = []
        parser = ParserCreate(encoding)
        parser.buffer_text = True
        parser.StartElementHandler = self._starts_element if form.are_elements else self._starts
        parser.EndElementHandler = self._ends_element if form.are_elements else self._ends
        if form.are_elements:
            parser.CharacterDataHandler = self._texts.append
        # Entities need one, and files of annotations none.
        parser.StartDoctypeDeclHandler = _refuse
        self._parser = parser

    def file(self, content: bytes) -> XmlFile:
        """Read it all."""
        view = memoryview(content)
        for start in range(0, len(view), _CHUNK):
            self._parser.Parse(view[start : start + _CHUNK].tobytes(), False)
            self._keep_points()  # as texts they take far more memory
        self._parser.Parse(b"", True)
        if self._root is None:
            raise ValueError("no element")
        return XmlFile(self._root, self._points, self._form)

    def _starts(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._name:
            self._add_point(attributes)
        else:
            self._starts_other(name, attributes)

    def _add_point(self, values: dict[str, str]) -> None:
        try:
            self._values += self._values_of(values)
        except KeyError:
            self._values += map(values.get, self._form.values)

    def _ends(self, name: str) -> None:
        if name != self._name:
            self._ends_other()

    def _starts_element(self, name: str, attributes: dict[str, str]) -> None:
        if self._point is not None:
            self._texts.clear()
        elif name == self._name:
            self._point = {}
        else:
            self._starts_other(name, attributes)
            self._texts.clear()

    def _ends_element(self, name: str) -> None:
        if self._point is None:
            if self._texts and not len(self._open[-1]):
                self._open[-1].text = "".join(self._texts)
            self._texts.clear()
            self._ends_other()
        elif name == self._name:
            self._add_point(self._point)
            self._point = None
        else:
            self._point[name] = "".join(self._texts)

    def _starts_other(self, name: str, attributes: dict[str, str]) -> None:
        self._keep_points()
        self._parts += 1 + len(attributes)
        if self._parts > _MOST_PARTS:
            raise _TooManyPartsError
        if len(self._open) >= _MOST_DEPTH:
            raise _HostileError
        element = Element(name, attributes)
        if self._open:
            self._open[-1].append(element)
        else:
            self._root = element
        self._open.append(element)

    def _ends_other(self) -> None:
        self._keep_points()
        self._open.pop()

    def _keep_points(self) -> None:
        """Give the points read so far to the innermost element."""
        if not self._values:
            return
        if not self._open:  # a point as the whole document
            raise _HostileError
        self._count += len(self._values) // len(self._form.values)
        if self._count > _MOST_POINTS:
            raise _TooManyPartsError
        numbers = _numbers(self._values)
        self._values = []
        element = self._open[-1]
        before = self._points.setdefault(element, numbers)
        if numbers is None or before is None:
            self._points[element] = None
        elif before is not numbers:
            before.extend(numbers)


def _refuse(*_: Any) -> None:
    raise _HostileError


def _numbers(texts: Sequence[str | None]) -> "array[float] | None":
    """Texts as numbers, missing ones as NaN; None if one is none."""
    try:
        return array("d", map(float, texts))  # type: ignore[arg-type]  # None is a TypeError
    except (TypeError, ValueError):
        pass
    try:
        return array("d", [math.nan if text is None else number(text) for text in texts])
    except ValueError:
        return None


def number(text: str) -> float:
    """A number as written in any country; no program groups the digits of these files.

    Raises
    ------
    ValueError
        It is none.
    """
    return float(text.replace(",", "."))
