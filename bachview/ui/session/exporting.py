"""Writes the results of a slide into a folder, off the GUI thread."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bachview.core.geometry import Region
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.scope import WHOLE_SLIDE
from bachview.core.uncertainty import Thresholds
from bachview.export.content import Content
from bachview.export.formats import ExportFormat, write_files
from bachview.export.options import ExportOptions
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideReader
from bachview.slide.tiles.display_tiles import ColourTransform
from bachview.store.log import latest_speed
from bachview.ui.session.slide_results import SlideResults

#: What the view shows, as a part of the slide.
VISIBLE_PART = "Visible part"


def parts_of(
    scanned: Region, *, visible: Region | None, classified: Region | None
) -> dict[str, Region | None]:
    """What can be written of a slide, by the words for it; None stands for all of it.

    Parameters
    ----------
    scanned : the part of the slide that has cells; all in level-0 px.
    visible : what the view shows; None without a view.
    classified : region of the last run; None for the whole slide.
    """
    regions = {VISIBLE_PART: visible, "Region last classified": classified}
    return {
        WHOLE_SLIDE: None,
        **{text: r for text, r in regions.items() if r is not None and r.intersects(scanned)},
    }


@dataclass(frozen=True, slots=True)
class ExportSource:
    """Saved cells of a slide, on the screen or not, and what is needed to write them.

    Attributes
    ----------
    grid_id : in the slide's store.
    scanned : the part of the slide that these cells cover, level-0 px.
    pixel_size : that they were computed with.
    measured : how often the model was right; empty if that is unknown.
    is_managed : whether the colour profile was applied to their patches.
    """

    grid_id: int
    scanned: Region
    pixel_size: PixelSize
    thresholds: Thresholds
    measured: str
    is_managed: bool


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to write, and where.

    Attributes
    ----------
    grid_id : of the saved cells: the files contain what is saved when they are written.
    measured : how often the model was right; empty if that is unknown.
    region : what to write of the slide, level-0 px; None: the whole slide.
    slide_name : the file's name; None where names are not to be written.
    options : what was chosen of the single files.
    progress : called with the parts of a picture that are drawn and their number; any thread.
    """

    reader: SlideReader
    results: SlideResults
    grid_id: int
    thresholds: Thresholds
    transform: ColourTransform | None
    folder: Path
    kinds: tuple[ExportFormat, ...]
    measured: str = ""
    region: Region | None = None
    slide_name: str | None = None
    options: ExportOptions = ExportOptions()  # noqa: RUF009  # frozen
    progress: Callable[[int, int], object] = lambda _, __: None


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
    used = record.provenance
    seconds, rate = latest_speed(store.runs(request.grid_id))
    content = Content(
        prediction,
        # Theirs, whatever has been stated since.
        PixelSize(used.mpp_x, used.mpp_y, Origin(used.mpp_origin)),
        request.thresholds,
        used,
        request.reader,
        request.transform,
        region=request.region,
        slide_name=request.slide_name,
        measured=request.measured,
        warnings=record.warnings,
        corrections=store.corrections(),
        seconds=round(seconds, 3),
        patches_per_second=round(rate, 2),
        options=request.options,
        progress=request.progress,
        token=token,
    )
    paths, _ = write_files(request.folder, request.kinds, content)
    return paths
