"""Scores of an ensemble on annotated slides: pixel by pixel, and as in Part B of BACH.

Truth and answer are compared on one raster of `RASTER_MPP` over the scanned area. The answer
at a pixel is the class of the patch cell that it lies in, uncertain or not; where the run
found no tissue it is of the negative class (BACH: Normal), as no class means glass. Cells that
could not be read are left out and counted.

The score of Part B (Aresta et al., BACH: Grand challenge on breast cancer histology images,
Medical Image Analysis 56:122-139, 2019, the section on the evaluation of Part B) is, over all
pixels i of all slides, with the classes 0 Normal, 1 Benign, 2 In situ, 3 Invasive, and
bin(c) = 0 for Normal, else 1::

    s = 1 - sum |pred - gt| / sum max(|gt - 0|, |gt - 3|) * [1 - (1 - bin(pred)) (1 - bin(gt))]

so that errors count by their distance, and pixels that are Normal in both do not count at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import Prediction
from bachview.datasets.samples import AnnotatedSlide
from bachview.errors import DatasetError
from bachview.inference.slides import SlideRun
from bachview.jobs.progress import Progress
from bachview.jobs.tokens import CancelToken

if TYPE_CHECKING:
    from bachview.datasets.annotations import AnnotatedRegion
    from bachview.models.ensemble import Ensemble

Table = npt.NDArray[np.int64]

#: um per pixel of the raster: a tenth of a typical stride, so that outlines matter, not cells.
RASTER_MPP = 10.0
_UNREAD = 255
#: Raster rows processed at once; the coordinates of all pixels of a large slide would take 300 MB.
_STRIP = 256


@dataclass(frozen=True, slots=True)
class Raster:
    """Pixels of equal physical size over a region of a slide.

    Attributes
    ----------
    region : level-0 px; the last row and column may reach past it.
    step_x, step_y : size of a pixel, level-0 px.
    """

    region: Region
    step_x: float
    step_y: float

    @classmethod
    def over(cls, region: Region, pixel_size: PixelSize, mpp: float = RASTER_MPP) -> "Raster":
        """Raster of `mpp` um; the pixel size is plausible."""
        if pixel_size.mpp_x is None or pixel_size.mpp_y is None:
            raise ValueError("a raster needs a pixel size")
        return cls(region, mpp / pixel_size.mpp_x, mpp / pixel_size.mpp_y)

    @property
    def xs(self) -> npt.NDArray[np.float64]:
        """(w,) float64: centres of the columns, level-0 px."""
        return self._centres(self.region.x, self.region.width, self.step_x)

    @property
    def ys(self) -> npt.NDArray[np.float64]:
        """(h,) float64: centres of the rows, level-0 px."""
        return self._centres(self.region.y, self.region.height, self.step_y)

    @staticmethod
    def _centres(start: float, length: float, step: float) -> npt.NDArray[np.float64]:
        count = max(1, int(np.ceil(length / step - 1e-6)))
        return np.asarray(start + (np.arange(count) + 0.5) * step, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class SlideScore:
    """Truth and predictions of the pixels of one or several slides.

    Attributes
    ----------
    name : of the file; ``""`` for several.
    classes : in order.
    table : (C, C) int64, pixels of tissue or inside an outline, truth by prediction.
    unread : pixels that could not be classified; not in the table.
    """

    name: str
    classes: ClassSet
    table: Table
    unread: int

    @property
    def score(self) -> float | None:
        """The score of Part B; None if no pixel counts, or the classes are not BACH's."""
        return part_b_score(self.table) if self.classes.keys == BACH_CLASSES.keys else None

    @property
    def accuracy(self) -> float | None:
        """Share of the table's pixels that are correct."""
        total = int(self.table.sum())
        return float(np.trace(self.table)) / total if total else None

    def to_document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        hits, truths, answers = (
            np.diagonal(self.table),
            self.table.sum(axis=1),
            self.table.sum(axis=0),
        )
        per_class = {}
        for c, key in enumerate(self.classes.keys):
            union = int(truths[c] + answers[c] - hits[c])
            per_class[key] = {
                "pixels": int(truths[c]),
                "accuracy": float(hits[c] / truths[c]) if truths[c] else None,
                "iou": float(hits[c] / union) if union else None,
            }
        return {
            "score": self.score,
            "pixel_accuracy": self.accuracy,
            "pixels": int(self.table.sum()),
            "unread_pixels": self.unread,
            "confusion": self.table.tolist(),
            "per_class": per_class,
        }


def part_b_score(table: Table) -> float | None:
    """The score of BACH's Part B, see the module; None if no pixel counts.

    Parameters
    ----------
    table : (4, 4) int64, pixels, truth by prediction. Pixels that are Normal in both may be
        omitted.
    """
    truth, answer = np.indices(table.shape)
    worst = np.maximum(truth, 3 - truth) * ((truth > 0) | (answer > 0))
    whole = float((table * worst).sum())
    return 1 - float((table * np.abs(answer - truth)).sum()) / whole if whole else None


def pooled(scores: Sequence[SlideScore]) -> SlideScore:
    """All slides pooled, each pixel with the same weight, as in the scoring of Part B."""
    return SlideScore(
        "",
        scores[0].classes,
        np.sum([score.table for score in scores], axis=0, dtype=np.int64),
        sum(score.unread for score in scores),
    )


def slides_document(scores: Sequence[SlideScore]) -> dict[str, Any] | None:
    """Plain values of all slides and of each, for JSON; None if there are none."""
    if not scores:
        return None
    return {
        "raster_mpp": RASTER_MPP,
        **pooled(scores).to_document(),
        "slides": [{"name": score.name, **score.to_document()} for score in scores],
    }


def score_slide(
    ensemble: "Ensemble",
    slide: AnnotatedSlide,
    classes: ClassSet,
    token: CancelToken,
    *,
    on_progress: Callable[[Progress], object] = lambda _: None,
) -> SlideScore:
    """Classify an annotated slide and compare. Blocking, may take long; nothing is kept.

    Call it on a low-priority lane.

    Raises
    ------
    DatasetError
        The outlines cannot be read, or the pixel size is unknown.
    SlideOpenError, SlideReadError, EngineError, Cancelled
        As `inference.run.classify`.
    """
    from bachview.datasets.annotations import read_annotations
    from bachview.slide.opening import opened_slide

    _negative(classes)
    annotations = read_annotations(slide.annotations, classes)
    with opened_slide(slide.path, token) as reader:
        pixel_size = reader.metadata.pixel_size
        if not pixel_size.is_plausible and annotations.mpp is not None:
            # The file with the outlines states what the scanner measured.
            pixel_size = PixelSize.typed(annotations.mpp)
        if not pixel_size.is_plausible:
            raise DatasetError(
                f"Neither {slide.path.name} nor {slide.annotations.name} states a plausible pixel "
                "size; remove the slide from the data set or correct one of them."
            )
        with SlideRun(reader, ensemble, pixel_size=pixel_size) as run:
            prediction = run.work(token, on_results=lambda _, progress: on_progress(progress))
    raster = Raster.over(prediction.grid.region, pixel_size)
    return compare(slide.path.name, prediction, annotations.regions, raster, classes)


def _negative(classes: ClassSet) -> int:
    """The class of tissue outside all outlines.

    Raises
    ------
    DatasetError
        None is named; hours of classifying would be in vain.
    """
    if classes.negative_label is None:
        raise DatasetError(
            "The data set does not say which class tissue outside all outlines is of: name it as "
            "negative in classes.toml."
        )
    return classes.negative_label


def compare(
    name: str,
    prediction: Prediction,
    regions: Sequence["AnnotatedRegion"],
    raster: Raster,
    classes: ClassSet,
) -> SlideScore:
    """Count the pixels of a raster by truth and prediction."""
    size = len(classes)
    negative = _negative(classes)
    rows, columns = (
        np.clip(((places - start) // stride).astype(np.int64), 0, count - 1)
        for places, start, stride, count in (
            (raster.ys, prediction.grid.region.y, prediction.grid.stride_y, prediction.grid.rows),
            (
                raster.xs,
                prediction.grid.region.x,
                prediction.grid.stride_x,
                prediction.grid.columns,
            ),
        )
    )
    answers = np.where(
        prediction.states == CellState.CLASSIFIED, prediction.top_class, np.uint8(negative)
    ).astype(np.uint8)
    answers[
        np.isin(prediction.states, (CellState.FAILED, CellState.PENDING, CellState.OUTSIDE))
    ] = _UNREAD
    has_tissue = prediction.states != CellState.NO_TISSUE
    table = np.zeros(size * size, np.int64)
    unread = 0
    for top in range(0, len(rows), _STRIP):
        strip = slice(top, top + _STRIP)
        truth, is_outlined = _truth(regions, raster.xs, raster.ys[strip], negative)
        cells = np.ix_(rows[strip], columns)
        answer = answers[cells]
        counts = has_tissue[cells] | is_outlined
        unread += int((counts & (answer == _UNREAD)).sum())
        counts &= answer != _UNREAD
        pairs = truth[counts].astype(np.int64) * size + answer[counts]
        table += np.bincount(pairs, minlength=size * size)
    return SlideScore(name, classes, table.reshape(size, size), unread)


def _truth(
    regions: Sequence["AnnotatedRegion"],
    xs: npt.NDArray[np.float64],
    ys: npt.NDArray[np.float64],
    negative: int,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """(h, w) uint8 class and (h, w) bool whether inside an outline; later outlines win."""
    import shapely

    truth = np.full((len(ys), len(xs)), negative, np.uint8)
    is_outlined = np.zeros(truth.shape, np.bool_)
    for region in regions:
        left, top, right, bottom = region.polygon.bounds
        columns = slice(*np.searchsorted(xs, (left, right)))
        rows = slice(*np.searchsorted(ys, (top, bottom)))
        if rows.start == rows.stop or columns.start == columns.stop:
            continue
        shapely.prepare(region.polygon)
        inside = shapely.contains_xy(region.polygon, *np.meshgrid(xs[columns], ys[rows]))
        truth[rows, columns][inside] = region.label
        is_outlined[rows, columns] |= inside
    return truth, is_outlined
