"""Writes the results of a slide into a folder, off the GUI thread."""

from dataclasses import dataclass
from pathlib import Path

from bachview.core.pixel_size import PixelSize
from bachview.core.uncertainty import Thresholds
from bachview.export.formats import Content, ExportFormat, write_files
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideReader
from bachview.slide.tiles.display_tiles import ColourTransform
from bachview.ui.session.slide_results import SlideResults


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to write, and where.

    Attributes
    ----------
    grid_id : of the saved cells: the files contain what is saved when they are written.
    """

    reader: SlideReader
    results: SlideResults
    grid_id: int
    pixel_size: PixelSize
    thresholds: Thresholds
    transform: ColourTransform | None
    folder: Path
    kinds: tuple[ExportFormat, ...]


def export(request: ExportRequest, token: CancelToken) -> tuple[Path, ...]:
    """Write the files and return their paths. Any thread but the GUI thread.

    Raises
    ------
    ExportError
        The folder cannot be written.
    StoreError
        The results cannot be read.
    Cancelled
        `token` was cancelled; existing files are untouched.
    """
    store = request.results.opened()
    # First: it explains why the results are gone.
    prediction = store.load(request.grid_id)
    record = next(grid for grid in store.grids() if grid.grid_id == request.grid_id)
    content = Content(
        prediction,
        request.pixel_size,
        request.thresholds,
        record.provenance,
        request.reader,
        request.transform,
        token=token,
    )
    paths, _ = write_files(request.folder, request.kinds, content)
    return paths
