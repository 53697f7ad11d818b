"""Which of the images in a TIFF file is the slide, which are its levels, and which its label.

The order in which they are stored says nothing, and neither does their size alone: a label may be
larger than a small scan, and some writers store a pyramid from small to large.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.core.pixel_size import PixelSize
from bachview.core.stack import USUAL, Choice, Stack, chosen_number
from bachview.slide.formats.tiff_codecs import UnsupportedTiffError
from bachview.slide.levels import rising_levels

#: A file that claims to have more has lied: each takes at least a directory or some bytes.
_MOST_PAGES = 2**20

#: Words of a name or description that say that an image is beside the slide, not the slide.
_BESIDE = ("label", "macro", "overview", "thumbnail", "barcode")

#: NewSubfileType: reduced resolution of another image; with bit 3, a macro as Aperio marks it.
_REDUCED, _MACRO = 1, 9

#: Pixels of a scan are at most this large, um; a 2x objective has 5, a photo of the glass 20.
_COARSEST_SCAN_UM = 8.0

#: Associated images that claim more pixels are not offered.
_MOST_BESIDE_PX = 2**27


@dataclass(frozen=True, slots=True)
class SlideImages:
    """The images of one file.

    Attributes
    ----------
    index : of the slide's series among all of them.
    levels : tifffile's series of each level, level 0 first.
    beside : tifffile's series of the associated images, by name.
    stack : which of several pictures this is.
    """

    index: int
    levels: tuple[Any, ...]
    beside: dict[str, Any]
    stack: Stack
    _page: int = 0

    def pages(self, series: Any) -> "list[Any]":
        """The pages of the chosen picture in one of the levels; see `pages_of`."""
        return pages_of(series, self._page, self.stack.plane, self.stack.time_point)


def slide_images(
    series: Sequence[Any],
    pixel_size: Callable[[int, Any], PixelSize],
    choice: Choice = USUAL,
    file_name: str = "",
    is_copy: Callable[[Any, Any], bool] = lambda large, small: True,
) -> SlideImages:
    """Find the slide among `series`.

    Images that are called label, macro, overview, thumbnail or barcode are beside it. A level of
    another image is not one of its own. Of the rest, an image whose pixels have the size of a
    scan's comes first, then one with levels, then the largest. If several are left, these and the
    pages of one size in a series are what `Choice.image` counts, in the order of the file.

    Parameters
    ----------
    series : of tifffile, in any order.
    pixel_size : of level 0 of a series, by its number and itself, as the file states it.
    choice : which of the images, planes and time points.
    is_copy : whether the second of two series, which is smaller, shows what the first shows.

    Raises
    ------
    ValueError
        There is no image, or the file claims more pages than any has.
    UsageError
        There is no such image, plane or time point.
    """
    # tifffile takes a smaller image of the same shape for a level, whatever it shows.
    guessed = [level for one in series for level in _guessed(one) if not is_copy(one, level)]
    series = [*series, *guessed]
    everything = [(index, one) for index, one in enumerate(series) if min(_size(one)) > 0]
    if not everything:
        raise ValueError("it has no image")
    named = {index: name for index, one in everything if (name := _name_beside(one))}
    images = [pair for pair in everything if pair[0] not in named]
    if not images:
        images, named = everything, {}
    # What is larger than all others reduces none of them, whatever its flag says.
    most = max((_area(one) for _, one in images if not _is_reduced(one)), default=0)
    whole = [pair for pair in images if not _is_reduced(pair[1]) or _area(pair[1]) > most]
    levels = {
        index: _levels(one, [other for _, other in images if other is not one], is_copy)
        for index, one in whole
    }
    whole = [
        (index, one)
        for index, one in whole
        if not any(
            _is_level_of(one, levels[index], other, levels[at]) and is_copy(other, one)
            for at, other in whole
        )
    ]

    def rank(pair: tuple[int, Any]) -> tuple[bool, bool, int]:
        index, one = pair
        return _is_scan(pixel_size(index, one)), len(levels[index]) > 1, _area(one)

    usual, _ = max(whole, key=rank)
    if sum(_counts(one).pages for _, one in whole) > _MOST_PAGES:
        raise ValueError("more pages than any file has")
    # Each image with its pages that are neither planes nor time points.
    pictures = [(at, page) for at, one in whole for page in range(_counts(one).pages)]
    number = chosen_number(
        choice.image, len(pictures), "image", file_name, pictures.index((usual, 0)) + 1
    )
    index, page = pictures[number - 1]
    counts = _counts(series[index])
    stack = Stack(
        number,
        len(pictures),
        chosen_number(choice.plane, counts.planes, "plane", file_name),
        counts.planes,
        chosen_number(choice.time_point, counts.time_points, "time_point", file_name),
        counts.time_points,
        pictures.index((usual, 0)) + 1,
    )
    beside: dict[str, Any] = {}
    for at, name in named.items():
        if _area(series[at]) <= _MOST_BESIDE_PX:
            beside[_free(name, beside)] = series[at]
    return SlideImages(index, levels[index], beside, stack, page)


@dataclass(frozen=True, slots=True)
class _Counts:
    """How many pictures a series has along each kind of axis; `pages` are of no known kind."""

    planes: int
    time_points: int
    pages: int


def _outer(series: Any) -> list[tuple[str, int]]:
    """(axis, length) of what is not within a picture, the slowest first."""
    axes, shape = str(series.axes), tuple(series.shape)
    return [(a, int(n)) for a, n in zip(axes, shape, strict=True) if a not in "YXS"]


def _counts(series: Any) -> _Counts:
    outer = _outer(series)
    return _Counts(
        math.prod(n for a, n in outer if a == "Z"),
        math.prod(n for a, n in outer if a == "T"),
        math.prod(n for a, n in outer if a not in "ZTC"),
    )


def channel_count(series: Any) -> int:
    """How many channels lie in pages of their own."""
    return math.prod(n for a, n in _outer(series) if a == "C")


def pages_of(series: Any, page: int = 0, plane: int = 1, time_point: int = 1) -> "list[Any]":
    """The pages of one picture: one, or one for each channel.

    Parameters
    ----------
    page : along all axes that are neither planes, time points nor channels, from 0.
    plane, time_point : from 1.

    Raises
    ------
    UnsupportedTiffError
        A page is missing, or it is not known where it is.
    """
    outer = _outer(series)
    shape = [n for _, n in outer]
    if math.prod(shape) > _MOST_PAGES:
        raise ValueError("more pages than any file has")
    wanted = {"Z": plane - 1, "T": time_point - 1, "": page}
    counts = _counts(series)
    numbers = np.arange(math.prod(shape)).reshape(shape)
    # Each kind of axis becomes one, in this order: other pages, time points, planes, channels.
    order = [
        at for kind in ("", "T", "Z", "C") for at, (a, _) in enumerate(outer) if _kind(a) == kind
    ]
    by_kind = numbers.transpose(order).reshape(
        counts.pages, counts.time_points, counts.planes, channel_count(series)
    )
    chosen = by_kind[wanted[""], wanted["T"], wanted["Z"]]
    stored = list(series.pages)
    if len(stored) == 1 and numbers.size > 1:
        return [_ContiguousPage.of(stored[0], int(number)) for number in chosen]
    if len(stored) != numbers.size or any(stored[number] is None for number in chosen):
        raise UnsupportedTiffError("incomplete: a page is missing")
    return [stored[number] for number in chosen]


def _kind(axis: str) -> str:
    return axis if axis in "TZC" else ""


@dataclass(frozen=True, slots=True)
class _ContiguousPage:
    """One picture of a stack that has a single page, as ImageJ writes those above 4 GB.

    The pictures follow each other without compression.
    """

    keyframe: Any
    dataoffsets: npt.NDArray[np.int64]
    databytecounts: npt.NDArray[np.int64]
    jpegtables: None = None

    @classmethod
    def of(cls, first: Any, number: int) -> "_ContiguousPage":
        """The picture `number`, from 0, of the stack that begins with the page `first`.

        Raises
        ------
        UnsupportedTiffError
            Its place is not known, or not in the file.
        """
        if int(first.compression) != 1 or not first.is_contiguous:
            raise UnsupportedTiffError("a compressed stack in a single page")
        offsets = np.asarray(first.dataoffsets, np.int64)
        counts = np.asarray(first.databytecounts, np.int64)
        offsets = offsets + number * int(first.nbytes)
        if int(offsets[-1] + counts[-1]) > int(first.parent.filehandle.size):
            raise UnsupportedTiffError("incomplete: a page is missing")
        return cls(first.keyframe, offsets, counts)


def _size(series: Any) -> tuple[int, int]:
    """(width, height) of level 0, px."""
    key = series.keyframe
    return int(key.imagewidth), int(key.imagelength)


def _area(series: Any) -> int:
    width, height = _size(series)
    return width * height


def _name_beside(series: Any) -> str | None:
    """Which kind of associated image it is called; None if it is not called one."""
    key = series.keyframe
    text = str(series.name or "") if series.kind == "ome" else str(key.description or "")
    # A long description is a report on the scan, which may mention its label.
    words = "".join(c if c.isalpha() else " " for c in text[:80].lower()).split()
    found = next((word for word in _BESIDE if word in words), None)
    return found or ("macro" if int(key.subfiletype) == _MACRO else None)


def _free(name: str, taken: dict[str, Any]) -> str:
    """`name`, or with the first number that is not taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def _is_reduced(series: Any) -> bool:
    key = series.keyframe
    return bool(int(key.subfiletype) & _REDUCED) or bool(key.is_subifd)


def _levels(
    series: Any, others: Sequence[Any], is_copy: Callable[[Any, Any], bool]
) -> tuple[Any, ...]:
    """Its own levels and others that are reduced copies of it, from large to small.

    Those are marked as reduced, or smaller by an integer.
    """
    wrong = [level for level in _guessed(series) if not is_copy(series, level)]
    stored = [level for level in series.levels if not any(level is one for one in wrong)]
    for other in others:
        if (
            series.kind != "ome"
            and (_is_reduced(other) or _is_integer_part(_size(other), _size(series)))
            and _looks_like(series, other)
            and _area(other) < _area(series)
            and is_copy(series, other)
        ):
            stored += other.levels
    stored[1:] = sorted(stored[1:], key=_size, reverse=True)
    _, used = rising_levels([_size(level) for level in stored])
    return tuple(stored[number] for number in used)


def _guessed(series: Any) -> list[Any]:
    """Levels that only tifffile calls so: the file has them neither below the image nor in OME."""
    if series.kind == "ome":
        return []
    return [level for level in series.levels[1:] if not level.keyframe.is_subifd]


def _looks_like(series: Any, other: Any) -> bool:
    first, second = series.keyframe, other.keyframe
    return bool(
        first.samplesperpixel == second.samplesperpixel
        and first.bitspersample == second.bitspersample
        and series.axes == other.axes
    )


def _is_level_of(one: Any, levels: Sequence[Any], other: Any, of: Sequence[Any]) -> bool:
    """Whether `one` only repeats `other` at an integer reduction.

    In OME-TIFF, which states the levels of each image, not if only `one` has some: then `other` is
    a larger picture that happens to fit.
    """
    size, full = _size(one), _size(other)
    if size[0] >= full[0] or not _looks_like(one, other):
        return False
    if one.kind == "ome" and len(levels) > 1 and len(of) == 1:
        return False
    return _is_integer_part(size, full)


def _is_integer_part(size: tuple[int, int], full: tuple[int, int]) -> bool:
    factor = round(full[0] / size[0])
    return factor > 1 and all(
        part in (whole // factor, -(-whole // factor))
        for whole, part in zip(full, size, strict=True)
    )


def _is_scan(pixel_size: PixelSize) -> bool:
    mpp = pixel_size.mpp_x or pixel_size.mpp_y
    return mpp is not None and 0 < mpp <= _COARSEST_SCAN_UM
