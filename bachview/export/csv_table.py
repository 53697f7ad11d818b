"""``predictions.csv``: one line for each tissue cell."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState, shown_state
from bachview.core.cells import CellBlock, tissue_blocks
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.predictions import Prediction
from bachview.core.probabilities import disagreement, entropy
from bachview.core.uncertainty import Thresholds
from bachview.csv_lines import csv_line
from bachview.files import FileGroup, atomic_file
from bachview.marks.corrected_cells import CorrectedCells


def csv_columns(prediction: Prediction) -> list[str]:
    """Names of the columns, in order.

    ``x, y, width, height`` : the cell, level-0 px, decimals with two places.
    ``state`` : classified, uncertain, outside (the training material), pending or failed.
    ``class`` : name of the ensemble's class, as on the screen; empty unless classified.
    ``prob_<key>`` : the ensemble's probability of each class; empty if not classified.
    ``class_<member>`` : name of each member's class; empty if not classified.
    ``entropy, disagreement`` : 0..1; empty if not classified.
    ``reader_class`` : name of the class that the reader has given the cell; empty if none.
    """
    return [
        *("x", "y", "width", "height", "state", "class"),
        *(f"prob_{key}" for key in prediction.classes.keys),
        *(f"class_{name}" for name in prediction.member_names),
        *("entropy", "disagreement"),
        "reader_class",
    ]


def write_csv(
    path: Path,
    prediction: Prediction,
    thresholds: Thresholds,
    *,
    region: Region | None = None,
    corrected: CorrectedCells | None = None,
    group: FileGroup | None = None,
) -> None:
    """Write every tissue cell as a line of UTF-8 CSV, streamed; see `csv_columns`.

    Parameters
    ----------
    corrected : cells by the reader; those without tissue have a line, too.
    region : level-0 px; only cells that touch it. None: the whole slide.
    group : the file appears with the others of this group.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    with atomic_file(path, group=group) as file:
        file.write(csv_line(csv_columns(prediction)).encode())
        readers = None if corrected is None else corrected.touching(region).on_grid()
        also = None if readers is None else readers >= 0
        for block in tissue_blocks(prediction, thresholds, region, also=also):
            file.write("".join(_lines(prediction, block, readers)).encode())


def _lines(
    prediction: Prediction, block: CellBlock, readers: npt.NDArray[np.int16] | None
) -> Iterator[str]:
    grid, shown_names = prediction.grid, [c.name for c in prediction.classes]
    classified = zip(
        block.probabilities.argmax(axis=1).tolist(),
        block.probabilities.tolist(),
        block.members.argmax(axis=2).tolist(),
        entropy(block.probabilities).tolist(),
        disagreement(block.members).tolist(),
        strict=True,
    )
    members, classes = len(prediction.member_names), len(shown_names)
    template = ",".join([*["%.6f"] * classes, *["%s"] * members, "%.6f", "%.6f"])
    nothing = "," * (classes + members + 1)
    # A name may hold a comma.
    fields = [csv_line([name]).removesuffix("\n") for name in shown_names]
    names = np.array(fields, dtype=object)
    said = [""] * len(block.cells)
    if readers is not None:
        labels = readers[block.cells[:, 0], block.cells[:, 1]].tolist()
        said = [fields[label] if label >= 0 else "" for label in labels]
    for place, state, is_uncertain, reader in zip(
        _places(grid, block),
        block.states.tolist(),
        block.is_uncertain.tolist(),
        said,
        strict=True,
    ):
        written = shown_state(state, is_uncertain=is_uncertain).written
        if state == CellState.CLASSIFIED:
            top, probabilities, votes, spread, split = next(classified)
            name = "" if is_uncertain else fields[top]
            rest = template % (*probabilities, *names[votes], spread, split)
        else:
            name, rest = "", nothing
        yield f"{place},{written},{name},{rest},{reader}\n"


def _places(grid: PatchGrid, block: CellBlock) -> Iterator[str]:
    size = f"{grid.stride_x:.2f},{grid.stride_y:.2f}"
    x = (grid.region.x + block.cells[:, 1] * grid.stride_x).tolist()
    y = (grid.region.y + block.cells[:, 0] * grid.stride_y).tolist()
    return (f"{left:.2f},{top:.2f},{size}" for left, top in zip(x, y, strict=True))
