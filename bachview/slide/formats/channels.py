"""Whether channels are red, green and blue, or something else that has no colours of its own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

#: Names that writers give where nobody has named a channel: "C1", "Channel 0", "Channel:0:1".
_NO_NAME: Final = re.compile(r"(channel|ch|c)?[\s:_#-]*\d*([\s:_-]\d+)*", re.IGNORECASE)
#: Stains that are known by what they shine with.
_FLUORESCENT: Final = re.compile(
    r"dapi|hoechst|fitc|tritc|texas|cy-?\d|[a-z]*fp\b|alexa|rhodamine|sytox|draq|opal|propidium",
    re.IGNORECASE,
)
_COLOUR_NAMES: Final = (("red", "r"), ("green", "g"), ("blue", "b"))
_COLOURS: Final = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
_WHITE: Final = (255, 255, 255)
_MOST_NAMED: Final = 8


@dataclass(frozen=True, slots=True)
class Channel:
    """What a file states of one channel.

    Attributes
    ----------
    name : empty if it has none.
    colour : red, green, blue it is displayed in, 0 to 255; None if not stated.
    is_fluorescence : its stain or wavelength of emission is stated.
    """

    name: str = ""
    colour: tuple[int, int, int] | None = None
    is_fluorescence: bool = False


def refused_channels(channels: Sequence[Channel], count: int) -> str | None:
    """Why `count` channels cannot be shown, to complete "it is ..."; None if they can.

    One channel is grey. Three are red, green and blue if the file says so, by names or colours, or
    says nothing of them.
    """
    stated = [channel for channel in channels[:count] if not _is_unnamed(channel.name)]
    shines = any(c.is_fluorescence or _FLUORESCENT.search(c.name) for c in channels[:count])
    if count == 1 or (count == 3 and not shines and _may_be_rgb(channels[:count])):
        return None
    names = [channel.name.strip() or "unnamed" for channel in channels[:count]] if stated else []
    if len(names) > _MOST_NAMED:
        names[_MOST_NAMED:] = ["…"]
    kind = "fluorescence channels" if shines else "channels"
    named = f" ({', '.join(names)})" if names else ""
    return f"of {count} {kind}{named}, neither RGB nor grey"


def _may_be_rgb(channels: Sequence[Channel]) -> bool:
    names = [c.name.strip().lower() for c in channels]
    if any(not _is_unnamed(name) for name in names):
        return len(names) == 3 and all(
            name in known or name.split()[0] in known
            for name, known in zip(names, _COLOUR_NAMES, strict=True)
            if name
        )
    colours = [c.colour for c in channels if c.colour not in (None, _WHITE)]
    return not colours or tuple(colours) == _COLOURS


def _is_unnamed(name: str) -> bool:
    return _NO_NAME.fullmatch(name.strip()) is not None


def imagej_channels(metadata: Mapping[str, Any] | None) -> tuple[Channel, ...]:
    """What ImageJ states of the channels of a stack: labels of their first slices, and colours."""
    if not metadata:
        return ()
    count = int(metadata.get("channels", 1))
    labels = [str(label or "") for label in metadata.get("Labels", ()) or ()]
    tables = metadata.get("LUTs", ()) or ()
    # A label of a slice that is no channel's is a file name or a number.
    labels = labels[:count] if len(labels) >= count and len(set(labels[:count])) == count else []
    return tuple(
        Channel(
            name=labels[number].splitlines()[0] if number < len(labels) and labels[number] else "",
            colour=_brightest(tables[number]) if number < len(tables) else None,
        )
        for number in range(count)
    )


def _brightest(table: Any) -> tuple[int, int, int] | None:
    """The last colour of a table (3, 256) uint8."""
    try:
        red, green, blue = (int(value) for value in table[:, -1])
    except (TypeError, ValueError, IndexError):
        return None
    return red, green, blue
