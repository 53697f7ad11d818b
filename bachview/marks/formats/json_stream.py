"""Reads the objects of a large JSON file one after another.

The library reads a whole text at once and keeps every other thread of the program waiting
meanwhile, for seconds where there are many objects.
"""

import json
import re
from collections.abc import Generator, Iterator
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder()

#: Gives objects and the places where they end; returns where the walk ends.
_Walk = Generator[tuple[Any, int], None, int]


def objects_of(text: str) -> Iterator[tuple[Any, int]]:
    """The objects of a GeoJSON text, each with the place in the text where it ends.

    Those are the features of a collection, the elements of an array, or the whole; the last also
    of a collection or an array that is empty.

    Raises
    ------
    ValueError, RecursionError
        The text is no JSON. What comes before the fault has been given.
    """
    place = _after_space(text, 0)
    if text[place : place + 1] == "[":
        begin = place
        place = yield from _elements(text, place)
        if _after_space(text, begin + 1) == place - 1:
            yield [], place
    elif text[place : place + 1] == "{":
        place = yield from _members(text, place)
    else:
        raise ValueError("no object")
    if _after_space(text, place) != len(text):
        raise ValueError("more than one object")


def _members(text: str, place: int) -> _Walk:
    """An object as a whole, or its features in its place if it has any."""
    members: dict[str, Any] = {}
    has_features = False
    place = _after_space(text, place + 1)
    while text[place : place + 1] != "}":
        key, place = _value(text, place)
        if not isinstance(key, str):
            raise ValueError("a name is missing")
        place = _after_space(text, _expected(text, place, ":"))
        if key == "features" and text[place : place + 1] == "[":
            begin = _after_space(text, place + 1)
            has_features = has_features or text[begin : begin + 1] != "]"
            place = yield from _elements(text, place)
            members[key] = []
        else:
            members[key], place = _value(text, place)
        place = _next(text, place, "}")
    if not has_features:
        yield members, place + 1
    return place + 1


def _elements(text: str, place: int) -> _Walk:
    place = _after_space(text, place + 1)
    while text[place : place + 1] != "]":
        value, place = _value(text, place)
        yield value, place
        place = _next(text, place, "]")
    return place + 1


def _next(text: str, place: int, end: str) -> int:
    """Where the next element begins, or the end stands."""
    place = _after_space(text, place)
    if text[place : place + 1] == end:
        return place
    place = _after_space(text, _expected(text, place, ","))
    if text[place : place + 1] == end:
        raise ValueError("an element is missing")
    return place


def _value(text: str, place: int) -> tuple[Any, int]:
    return _decoder.raw_decode(text, place)


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return place if found is None else found.end()


def _expected(text: str, place: int, mark: str) -> int:
    place = _after_space(text, place)
    if text[place : place + 1] != mark:
        raise ValueError(f"{mark} is missing")
    return place + 1
