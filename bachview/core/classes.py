"""The ordered class set: names, letters, colours. The order comes with the bundle."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TissueClass:
    """One category.

    Attributes
    ----------
    name : as shown, e.g. ``In situ``.
    key : as written in column and file names, e.g. ``InSitu``.
    letter : one character, for the letter overlay.
    color : (red, green, blue), each 0..255.
    """

    name: str
    key: str
    letter: str
    color: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class ClassSet:
    """The classes in the order of the probability columns."""

    classes: tuple[TissueClass, ...]

    def __post_init__(self) -> None:
        for what in ("name", "key", "letter"):
            values = [getattr(c, what) for c in self.classes]
            if len(set(values)) != len(values):
                raise ValueError(f"two classes share a {what}: {values}")

    def __len__(self) -> int:
        return len(self.classes)

    def __iter__(self) -> Iterator[TissueClass]:
        return iter(self.classes)

    def __getitem__(self, index: int) -> TissueClass:
        return self.classes[index]

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys in order."""
        return tuple(c.key for c in self.classes)


#: The four classes of BACH in the challenge's order. Colours from Okabe and Ito, "Color
#: Universal Design" (2008): distinct under protanopia, deuteranopia and tritanopia, and
#: away from the pink and purple of H&E.
BACH_CLASSES = ClassSet(
    (
        TissueClass("Normal", "Normal", "N", (0, 158, 115)),
        TissueClass("Benign", "Benign", "B", (86, 180, 233)),
        TissueClass("In situ", "InSitu", "S", (240, 228, 66)),
        TissueClass("Invasive", "Invasive", "I", (213, 94, 0)),
    )
)
