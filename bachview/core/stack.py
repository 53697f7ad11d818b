"""Which of several pictures of one file is shown: its image, focal plane and time point."""

from dataclasses import dataclass

from bachview.errors import UsageError

#: What there may be several of: the attribute, its name, and its plural.
_KINDS = (
    ("image", "image", "images"),
    ("plane", "focal plane", "focal planes"),
    ("time_point", "time point", "time points"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which picture of a file is wanted.

    Attributes
    ----------
    image : of several scans or pages in the file, from 1, in their order; None for the one that is
        usually shown.
    plane : focal plane, from 1; None for the first.
    time_point : from 1; None for the first.
    """

    image: int | None = None
    plane: int | None = None
    time_point: int | None = None


#: What is shown unless somebody chooses.
USUAL = Choice()


@dataclass(frozen=True, slots=True)
class Stack:
    """The pictures of a file, and which of them is shown.

    Attributes
    ----------
    image, plane, time_point : what is shown, from 1.
    images, planes, time_points : how many there are.
    usual_image : the image that is shown if none is asked for.
    """

    image: int = 1
    images: int = 1
    plane: int = 1
    planes: int = 1
    time_point: int = 1
    time_points: int = 1
    usual_image: int = 1

    @property
    def is_single(self) -> bool:
        """Whether there is nothing to choose."""
        return self.images == self.planes == self.time_points == 1

    @property
    def choice(self) -> Choice:
        """What opens the same picture again."""
        return Choice(self.image, self.plane, self.time_point)

    @property
    def counts_text(self) -> str:
        """E.g. ``3 focal planes, 2 time points``; empty if there is one picture."""
        return ", ".join(
            f"{count:,} {plural}"
            for kind, _, plural in _KINDS
            if (count := int(getattr(self, f"{kind}s"))) > 1
        )

    @property
    def shown_text(self) -> str:
        """E.g. ``focal plane 2 of 3, time point 1 of 2``; empty if there is one picture."""
        return ", ".join(
            f"{name} {getattr(self, kind)} of {count:,}"
            for kind, name, _ in _KINDS
            if (count := int(getattr(self, f"{kind}s"))) > 1
        )

    @property
    def text(self) -> str:
        """E.g. ``3 focal planes, 2 time points; plane 2, time point 1 shown``; empty if one."""
        if self.is_single:
            return ""
        shown = ", ".join(
            f"{name.removeprefix('focal ')} {getattr(self, kind)}"
            for kind, name, _ in _KINDS
            if getattr(self, f"{kind}s") > 1
        )
        return f"{self.counts_text}; {shown} shown"

    @property
    def suffix(self) -> str:
        """What tells this picture from the one that is usually shown, for its fingerprint.

        E.g. ``:z2t3``; empty for the usual one, which so keeps what was saved of the file.
        """
        parts = (
            ("i", self.image, self.usual_image),
            ("z", self.plane, 1),
            ("t", self.time_point, 1),
        )
        text = "".join(f"{letter}{number}" for letter, number, usual in parts if number != usual)
        return f":{text}" if text else ""


#: Of a file with one picture.
SINGLE = Stack()


def chosen_number(wanted: int | None, count: int, kind: str, file_name: str, usual: int = 1) -> int:
    """The number of the picture that is wanted, from 1.

    Parameters
    ----------
    wanted : None for the `usual` one.
    kind : ``image``, ``plane`` or ``time_point``.

    Raises
    ------
    UsageError
        The file has no such picture.
    """
    if wanted is None or 1 <= wanted <= count:
        return usual if wanted is None else wanted
    name, plural = next((name, plural) for key, name, plural in _KINDS if key == kind)
    has = f"one {name}" if count == 1 else f"{count:,} {plural}, numbered from 1"
    raise UsageError(f"{file_name} has no {name} {wanted}; it has {has}.")


def check_single(choice: Choice, file_name: str) -> None:
    """Refuse a choice in a file of one picture.

    Raises
    ------
    UsageError
        Something other than number 1 is wanted.
    """
    for kind, _, _ in _KINDS:
        chosen_number(getattr(choice, kind), 1, kind, file_name)
