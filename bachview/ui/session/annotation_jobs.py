"""Reading and writing files of annotations, as jobs of a lane."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bachview.api.annotations import named, record_export
from bachview.core.pixel_size import PixelSize
from bachview.core.uncertainty import Thresholds
from bachview.jobs.tokens import CancelToken
from bachview.marks.annotation import Annotation
from bachview.marks.formats.found import Found, Watch
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.merging import Merge, merge
from bachview.marks.formats.table import (
    AnnotationFormat,
    read_annotations,
    write_annotations,
)
from bachview.marks.inside import inside, with_measurements
from bachview.slide.reader import SlideMetadata
from bachview.ui.session.document import Document
from bachview.ui.session.slide_results import SlideResults

#: Formats that are there for measured values alone; others are to come back as they were.
_TABLES = ("csv", "csv-excel")


@dataclass(frozen=True, slots=True)
class ReadAnnotations:
    """The annotations of a file, merged already with those that the slide had meanwhile.

    Attributes
    ----------
    present : id to annotation, as they were when the file was read.
    """

    found: Found
    present: Mapping[str, Annotation]
    merged: Merge

    def merged_into(self, present: Mapping[str, Annotation]) -> Merge:
        """The import into the annotations of now; quick if none of the file's has changed."""
        pairs = ((present.get(one.id), self.present.get(one.id)) for one in self.found.annotations)
        same = all(now is then or now == then for now, then in pairs)
        return self.merged if same else merge(self.found, present)


def read_file(
    path: Path,
    frame: SlideFrame,
    present: Mapping[str, Annotation],
    token: CancelToken,
    told: Callable[[int, int], object],
) -> ReadAnnotations:
    """Read a file, and find out what it changes.

    Raises
    ------
    AnnotationError
        It cannot be read.
    Cancelled
        The token was cancelled.
    """
    found = read_annotations(path, frame, Watch(token, told))
    token.check()
    return ReadAnnotations(found, present, merge(found, present))


@dataclass(frozen=True, slots=True)
class ShownModel:
    """Saved cells of a slide, of which a table of measured values says what lies in annotations.

    Attributes
    ----------
    grid_id : in the slide's store.
    pixel_size : that the cells were computed with.
    """

    results: SlideResults
    grid_id: int
    thresholds: Thresholds
    pixel_size: PixelSize

    def measured(
        self, annotations: Sequence[Annotation], token: CancelToken
    ) -> Sequence[Annotation]:
        """The annotations with what the model says inside among their measurements.

        Raises
        ------
        StoreError
            The cells cannot be read.
        """
        prediction = self.results.opened().load(self.grid_id)
        found = []
        for each in annotations:
            token.check()
            what = inside(prediction, self.thresholds, each, self.pixel_size)
            found.append(with_measurements(each, what))
        return found


def shown_model(document: Document) -> ShownModel | None:
    """The model whose results a document shows; None if it shows none."""
    source = document.export_source
    if source is None:
        return None
    return ShownModel(document.results, source.grid_id, source.thresholds, source.pixel_size)


def write_file(
    path: Path,
    kind: AnnotationFormat,
    annotations: Sequence[Annotation],
    frame: SlideFrame,
    metadata: SlideMetadata,
    token: CancelToken,
    told: Callable[[int, int], object],
    *,
    model: ShownModel | None = None,
) -> tuple[str, ...]:
    """Write a file; returns sentences on what the format has no place for.

    Parameters
    ----------
    model : says in tables of measured values what lies in the annotations.

    Raises
    ------
    ExportError
        It cannot be written.
    StoreError
        The results of `model` cannot be read.
    Cancelled
        The token was cancelled; an existing file is untouched.
    """
    if model is not None and kind.key in _TABLES:
        annotations = model.measured(annotations, token)
    record_export(metadata, path)
    return write_annotations(kind, path, annotations, named(frame), Watch(token, told))
