"""Several slides where one was to be opened: the user chooses."""

from dataclasses import dataclass
from pathlib import Path

from bachview.errors import SlideOpenError


@dataclass(frozen=True, slots=True)
class SlideChoice:
    """A slide that may be opened instead.

    Attributes
    ----------
    path : the file to open.
    place : its path as shown, below the folder that was opened.
    title : what the slide calls itself; empty if it does not.
    size : (width, height), px at level 0; None if not known before opening.
    date : of the scan, as year-month-day; empty if unknown.
    """

    path: Path
    place: str
    title: str = ""
    size: tuple[int, int] | None = None
    date: str = ""

    @property
    def size_text(self) -> str:
        """As ``2,048 × 1,536 px``; empty if unknown."""
        return f"{self.size[0]:,} × {self.size[1]:,} px" if self.size else ""

    def __str__(self) -> str:
        facts = ", ".join(filter(None, (self.title, self.size_text, self.date)))
        return f"{self.place} ({facts})" if facts else self.place


class SlideChoiceError(SlideOpenError):
    """One slide was to be opened, but the folder holds several, or files to be opened instead.

    Attributes
    ----------
    what : the beginning of the sentence: what there is instead of a slide.
    choices : at least one.
    """

    #: How many are named in the sentence.
    _NAMED = 8

    def __init__(self, what: str, choices: tuple[SlideChoice, ...]) -> None:
        self.what, self.choices = what, choices
        named = "; ".join(str(choice) for choice in choices[: self._NAMED])
        more = len(choices) - self._NAMED
        rest = f"; and {more:,} more" if more > 0 else ""
        which = "one of these files" if len(choices) > 1 else "this file"
        super().__init__(f"{what}; open {which}: {named}{rest}.")
