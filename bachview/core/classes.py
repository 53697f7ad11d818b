"""The ordered class set: names, letters, colours. The order comes with the bundle."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TissueClass:
    """One category.

    Attributes
    ----------
    name : as displayed, e.g. ``In situ``.
    key : for column and file names, e.g. ``InSitu``.
    letter : one character, for the letter overlay.
    color : (red, green, blue), each 0..255.
    """

    name: str
    key: str
    letter: str
    color: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class ClassSet:
    """The classes in the order of the probability columns.

    Attributes
    ----------
    negative : key of the class that means "nothing of interest": tissue outside of all outlines of
        an annotated slide is of it. None: of the class with the key ``Normal``, if there is one.
    """

    classes: tuple[TissueClass, ...]
    negative: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.negative is not None and self.negative not in self.keys:
            raise ValueError(f"negative is {self.negative}, which is none of {list(self.keys)}")
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

    @property
    def negative_label(self) -> int | None:
        """Index of the negative class; None where no class is."""
        key = self.negative or "Normal"
        return self.keys.index(key) if key in self.keys else None


#: The four classes of BACH in the challenge's order. The colours were chosen for two properties,
#: which a test checks: half transparent over H&E, each stays closest in hue to its own swatch in
#: the legend (yellow over purple turns orange, so no class is orange, which rules out the palette
#: of Okabe and Ito); and all can be told apart with protanopia, deuteranopia and tritanopia
#: (simulated after Machado et al., IEEE TVCG 15:1291, 2009).
BACH_CLASSES = ClassSet(
    (
        TissueClass("Normal", "Normal", "N", (0, 158, 80)),
        TissueClass("Benign", "Benign", "B", (40, 110, 220)),
        TissueClass("In situ", "InSitu", "S", (240, 228, 66)),
        TissueClass("Invasive", "Invasive", "I", (214, 39, 10)),
    )
)
