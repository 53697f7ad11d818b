"""Reading and writing files of annotations, as jobs of a lane."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bachview.api.annotations import named, record_export
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
from bachview.slide.reader import SlideMetadata


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
        same = all(
            present.get(one.id) == self.present.get(one.id) for one in self.found.annotations
        )
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


def write_file(
    path: Path,
    kind: AnnotationFormat,
    annotations: Sequence[Annotation],
    frame: SlideFrame,
    metadata: SlideMetadata,
    token: CancelToken,
    told: Callable[[int, int], object],
) -> tuple[str, ...]:
    """Write a file; returns sentences on what the format has no place for.

    Raises
    ------
    ExportError
        It cannot be written.
    Cancelled
        The token was cancelled; an existing file is untouched.
    """
    record_export(metadata, path)
    return write_annotations(kind, path, annotations, named(frame), Watch(token, told))
