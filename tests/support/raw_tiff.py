"""TIFF files tag by tag, for what no writer writes."""

import struct
from collections.abc import Mapping, Sequence

_OFFSETS, _COUNTS = {False: 273, True: 324}, {False: 279, True: 325}
_SHORT, _LONG, _LONG8 = 3, 4, 16
_FORMS = {1: "B", 2: "B", _SHORT: "H", _LONG: "I", 7: "B", _LONG8: "Q"}

#: Tags whose values are SHORT; all others are LONG, and bytes are UNDEFINED.
_SHORTS = frozenset((258, 259, 262, 266, 274, 277, 284, 296, 317, 320, 338, 339, 530, 531))


def raw_tiff(
    tags: Mapping[int, int | Sequence[int] | bytes],
    segments: Sequence[bytes],
    *,
    byteorder: str = "<",
    big: bool = False,
    counts: Sequence[int] | None = None,
    offsets: Sequence[int] | None = None,
) -> bytes:
    """A file of one page.

    Parameters
    ----------
    tags : all but the offsets and lengths of the tiles (if there is a tag 322) or strips.
    counts : the lengths as the file states them; an empty sequence leaves the tag out.
    offsets : the places as the file states them, where they are not the true ones.
    """
    tiled = 322 in tags
    start = 16 if big else 8
    data, places = b"", []
    for segment in segments:
        data += bytes(-len(data) % 2)
        places.append(start + len(data))
        data += segment
    data += bytes(-(start + len(data)) % 8)
    stated = [len(segment) for segment in segments] if counts is None else list(counts)
    entries: dict[int, int | Sequence[int] | bytes] = dict(tags)
    entries[_OFFSETS[tiled]] = places if offsets is None else list(offsets)
    if stated:
        entries[_COUNTS[tiled]] = stated
    head, fits, word = ("Q", 8, "Q") if big else ("H", 4, "I")
    at = start + len(data)
    values_at = at + struct.calcsize("<" + head) + len(entries) * (20 if big else 12) + fits
    directory, values = struct.pack(byteorder + head, len(entries)), b""
    for tag, value in sorted(entries.items()):
        kind = 7 if isinstance(value, bytes) else _SHORT if tag in _SHORTS else _LONG
        listed = [value] if isinstance(value, int) else list(value)
        packed = struct.pack(f"{byteorder}{len(listed)}{_FORMS[kind]}", *listed)
        directory += struct.pack(byteorder + "HH" + word, tag, kind, len(listed))
        if len(packed) <= fits:
            directory += packed.ljust(fits, b"\0")
        else:
            values += bytes(-len(values) % 8)
            directory += struct.pack(byteorder + word, values_at + len(values))
            values += packed
    directory += bytes(fits)
    mark = b"II" if byteorder == "<" else b"MM"
    header = (
        struct.pack(byteorder + "2sHHHQ", mark, 43, 8, 0, at)
        if big
        else struct.pack(byteorder + "2sHI", mark, 42, at)
    )
    return header + data + directory + values
