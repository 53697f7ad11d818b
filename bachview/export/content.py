"""What the files of an export tell of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bachview.export.options import ExportOptions
from bachview.jobs.tokens import CancelToken

if TYPE_CHECKING:
    from bachview.core.geometry import Region
    from bachview.core.pixel_size import PixelSize
    from bachview.core.predictions import Prediction
    from bachview.core.scope import Statement
    from bachview.core.uncertainty import Thresholds
    from bachview.marks.corrected_cells import Agreement, CorrectedCells
    from bachview.marks.correction import Correction
    from bachview.slide.reader import SlideReader
    from bachview.slide.tiles.display_tiles import ColourTransform
    from bachview.store.provenance import Provenance


@dataclass(frozen=True, slots=True)
class Content:
    """What the files tell of.

    Attributes
    ----------
    reader : open; the picture is drawn from it.
    region : what to write of the slide, level-0 px; None: the whole slide.
    slide_name : the file's name; None where names are not to be written.
    measured : how often the model was right when it was measured; empty if that is unknown.
    warnings : what spoke against classifying the slide; None if it was not checked.
    transform : the slide's colours to sRGB; None where they stay as they are.
    corrections : of cells by the reader, beside what the model says; also of other grids.
    seconds, patches_per_second : of the run that has just ended, or of the last one that added to
        saved results; 0 if it is not known.
    options : what the user chose of the single files.
    token : cancels between and within files.
    progress : called with the parts of a picture that are drawn and their number.
    """

    prediction: "Prediction"
    pixel_size: "PixelSize"
    thresholds: "Thresholds"
    provenance: "Provenance"
    reader: "SlideReader"
    transform: "ColourTransform | None"
    region: "Region | None" = None
    slide_name: str | None = None
    measured: str = ""
    warnings: tuple[str, ...] | None = ()
    corrections: "tuple[Correction, ...]" = ()
    seconds: float = 0.0
    patches_per_second: float = 0.0
    options: ExportOptions = ExportOptions()  # noqa: RUF009  # frozen
    token: CancelToken | None = None
    progress: Callable[[int, int], object] = lambda _, __: None

    @property
    def corrected(self) -> "CorrectedCells":
        """The cells of the prediction that are corrected, in what is written; found each time."""
        from bachview.marks.corrected_cells import corrected_cells

        prediction = self.prediction
        found = corrected_cells(self.corrections, prediction.grid, prediction.classes)
        return found.touching(self.region)

    @property
    def agreement(self) -> "Agreement":
        """Model against reader in these cells; counted anew each time."""
        from bachview.marks.corrected_cells import agreement

        return agreement(self.corrected, self.prediction, self.thresholds)

    @property
    def statement(self) -> "Statement":
        """What every file says that it is of; counted anew each time."""
        from bachview.core.pixel_size import contradiction_text
        from bachview.core.scope import Statement
        from bachview.core.summary import summarize

        region, covered = self.region, self.prediction.grid.region
        if region is None and covered != self.reader.metadata.pyramid.bounds:
            # Earlier versions kept the cells of a region alone.
            region = covered
        return Statement(
            summarize(self.prediction, self.pixel_size, self.thresholds, region=region),
            self.pixel_size,
            self.provenance.bundle_name,
            self.measured,
            self.warnings,
            self.slide_name,
            contradiction_text(self.reader.metadata.pixel_size, self.pixel_size),
            self.reader.metadata.stack.shown_text,
        )
