"""What is known of a cell, as it is stored, written, named and coloured."""

from enum import IntEnum

RGB = tuple[int, int, int]


class CellState(IntEnum):
    """The state of a cell. Only CLASSIFIED has a class.

    NO_TISSUE is said of whatever was not recognised as tissue stained with H&E: glass, pen and
    dust, but also tissue in another stain. The number is the one in arrays and in the store.
    UNCERTAIN is in neither: it is how a classified cell is shown and written that is beyond the
    thresholds (`core.uncertainty`). OUTSIDE is said of tissue that is unlike everything that the
    models were trained on: their answers would mean nothing there, and are not kept.

    Attributes
    ----------
    written : in files.
    shown : to the reader.
    """

    NO_TISSUE = 0, "no tissue", "No H&E tissue", None
    PENDING = 1, "pending", "Not yet classified", (190, 190, 190)
    CLASSIFIED = 2, "classified", "Classified", None
    FAILED = 3, "failed", "Failed to read", (25, 25, 25)
    UNCERTAIN = 4, "uncertain", "Uncertain", (150, 150, 150)
    OUTSIDE = 5, "outside", "Outside the training material", (95, 95, 95)

    written: str
    shown: str
    _color: RGB | None

    def __new__(
        cls, number: int, written: str = "", shown: str = "", color: RGB | None = None
    ) -> "CellState":
        """Make a state; a later call, with the number alone, looks it up."""
        state = int.__new__(cls, number)
        state._value_ = number
        state.written = written
        state.shown = shown
        state._color = color
        return state

    @property
    def color(self) -> RGB:
        """Grey, 0..255: every class has a hue, no state has one.

        Raises
        ------
        ValueError
            The state has none: nothing is drawn where there is no tissue, and a classified
            cell has the colour of its class.
        """
        if self._color is None:
            raise ValueError(f"{self.name} has no colour")
        return self._color


#: States of cells that the models have looked at.
JUDGED = (CellState.CLASSIFIED, CellState.OUTSIDE)


def shown_state(stored: int, *, is_uncertain: bool) -> CellState:
    """How a cell is written and shown: UNCERTAIN or as it is stored."""
    state = CellState(stored)
    return CellState.UNCERTAIN if state is CellState.CLASSIFIED and is_uncertain else state
