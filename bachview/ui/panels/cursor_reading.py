"""The cell under the cursor, described in words."""

from dataclasses import dataclass

from bachview.core.cell_state import CellState
from bachview.core.geometry import Point
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import PatchResult, Prediction
from bachview.core.uncertainty import Thresholds, is_uncertain, is_weak
from bachview.core.units import length_text, percent_text

#: Why there are no votes.
_WITHOUT_VOTES = {
    CellState.OUTSIDE: "nothing like it was learnt",
    CellState.FAILED: "it could not be read",
    CellState.PENDING: "no run has reached it",
    CellState.NO_TISSUE: "only tissue is classified",
}


@dataclass(frozen=True, slots=True)
class CursorReading:
    """What is known about the cell under the cursor.

    Attributes
    ----------
    statement : the class, or the state of a cell without one.
    patch_result : None if the cell is not classified.
    reason : why it is not; empty if it is.
    field_text : physical size of the field, empty if there is no cell.
    """

    statement: str
    patch_result: PatchResult | None
    field_text: str
    reason: str = ""


def reading_at(
    prediction: Prediction,
    thresholds: Thresholds,
    pixel_size: PixelSize,
    cell: tuple[int, int],
    reader: str = "",
) -> CursorReading:
    """What is known about `cell` (row, column).

    Parameters
    ----------
    reader : the class that the reader has given it; empty if none.
    """
    said = f"Reader: {reader}; model: " if reader else ""
    row, column = cell
    field = prediction.field(row, column)
    size = ""
    if pixel_size.is_plausible and pixel_size.mpp_x and pixel_size.mpp_y:
        width = length_text(field.width * pixel_size.mpp_x)
        size = f"{width} × {length_text(field.height * pixel_size.mpp_y)}{pixel_size.remark}"
    state = CellState(int(prediction.states[row, column]))
    patch_result = prediction.patch_result(row, column)
    if patch_result is None:
        return CursorReading(f"{said}{state.shown}", None, size, _WITHOUT_VOTES.get(state, ""))
    top = int(patch_result.probabilities.argmax())
    best = float(patch_result.probabilities[top])
    name = prediction.classes[top].name
    text = f"{name}, {percent_text(best)}"
    if is_uncertain(best, patch_result.disagreement, thresholds):
        vote = "weak" if is_weak(best, thresholds) else "split"
        text = f"{CellState.UNCERTAIN.shown}, {vote} vote: {name} {percent_text(best)}"
    return CursorReading(f"{said}{text}", patch_result, size)


def cell_at(grid: PatchGrid, point: Point) -> tuple[int, int] | None:
    """The cell under a level-0 point, if it lies in the classified region."""
    return grid.at(point) if grid.region.contains(point) else None
