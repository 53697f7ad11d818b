"""Which commands a few typed words mean, the likeliest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Named = TypeVar("Named", bound="CommandWords")


@dataclass(frozen=True, slots=True)
class CommandWords:
    """What a command can be found by.

    Attributes
    ----------
    text : its name, as menus show it, without marks.
    menu : where it is, e.g. ``View › Rotation``; empty if it is in no menu.
    keys : its shortcuts, as the system writes them.
    about : what it does, or why it is off, in a sentence.
    deletes : something of the reader's is gone afterwards.
    """

    text: str
    menu: str
    keys: tuple[str, ...]
    about: str
    deletes: bool

    @property
    def shown_keys(self) -> str:
        """The shortcuts in one line."""
        return ", ".join(self.keys)


def found(query: str, among: Iterable[Named]) -> list[Named]:
    """Those that every word of the query fits, the best first; in their own order where equal.

    What deletes something comes after all others, unless it is asked for by its verb.
    """
    words = query.casefold().split()
    ranked = []
    for entry in among:
        scores = [_score(word, entry) for word in words]
        if None not in scores:
            verb = entry.text.casefold()
            is_asked_for = any(len(word) > 1 and verb.startswith(word) for word in words)
            is_last = entry.deletes and not is_asked_for
            ranked.append(((is_last, sum(score or 0 for score in scores)), entry))
    return [entry for _, entry in sorted(ranked, key=lambda pair: pair[0])]


def _score(word: str, entry: CommandWords) -> int | None:
    """How far from an exact find a word is; None if it does not fit at all."""
    text = entry.text.casefold()
    keys = (key.casefold() for key in entry.keys)
    if word in keys or any(part.startswith(word) for part in _parts(text)):
        return 0
    if word in text:
        return 1
    if any(part.startswith(word) for part in _parts(entry.menu.casefold())):
        return 2
    if any(part.startswith(word) for part in _parts(entry.about.casefold())):
        return 4
    if len(word) > 1 and _are_in_order(word, text):
        return 8
    return None


def _parts(text: str) -> Sequence[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text).split()


def _are_in_order(letters: str, text: str) -> bool:
    """Whether the letters come in this order, the first at the start of a word."""
    starts = (n for n, letter in enumerate(text) if letter == letters[0])
    for start in starts:
        if start == 0 or not text[start - 1].isalnum():
            rest = iter(text[start:])
            if all(letter in rest for letter in letters):
                return True
    return False
