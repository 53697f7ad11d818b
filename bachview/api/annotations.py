"""The annotations of a slide for use in notebooks: read, imported, exported, measured."""

import contextlib
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bachview import audit
from bachview.config import results_folder
from bachview.core.pixel_size import PixelSize
from bachview.jobs.tokens import CancelToken
from bachview.marks.annotation import Annotation
from bachview.marks.formats.found import Watch
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.merging import Merge, merge
from bachview.marks.formats.table import (
    check_written,
    format_named,
    format_to_write,
    read_annotations,
    write_annotations,
)
from bachview.marks.working_set import Change
from bachview.policy.in_force import in_force
from bachview.slide.reader import SlideMetadata

if TYPE_CHECKING:
    from bachview.store.results import ResultStore


class SlideAnnotations:
    """The annotations that are saved with a slide, from `Slide.annotations`.

    Every call reads or changes the results file, where the viewer finds them; a window that shows
    the slide shows what is changed here. All methods: any thread.
    """

    def __init__(
        self,
        metadata: SlideMetadata,
        pixel_size: PixelSize,
        folder: Path | None = None,
        *,
        notice: Callable[[str], object] = warnings.warn,
    ) -> None:
        """Those in the user's results, or in a folder.

        Parameters
        ----------
        metadata, pixel_size : of the open slide.
        notice : called with a sentence if a part of the saved ones cannot be read.

        Raises
        ------
        LockedError
            The administrator allows another folder only.
        """
        self._metadata = metadata
        self._notice = notice
        self._folder = results_folder(folder, f"Annotations in {folder}")
        self._frame = SlideFrame.of(metadata, pixel_size)

    def all(self) -> tuple[Annotation, ...]:
        """The present annotations, in the order in which they were last changed.

        Raises
        ------
        StoreError
            They cannot be read.
        """
        with self._existing() as store:
            return () if store is None else tuple(self._saved(store).values())

    def __iter__(self) -> Iterator[Annotation]:
        return iter(self.all())

    def __len__(self) -> int:
        return len(self.all())

    def import_file(
        self,
        path: str | Path,
        *,
        progress: Callable[[int, int], object] | None = None,
        cancel: CancelToken | None = None,
    ) -> Merge:
        """Add the annotations of a file: GeoJSON, Aperio XML, ASAP XML or NDPA.

        One with the id of a present one takes its place; one that is there already is not added
        again. The answer counts them, and says in sentences what was left out and why.

        Parameters
        ----------
        progress : called with the work done and the total.
        cancel : may be cancelled from another thread.

        Raises
        ------
        AnnotationError
            The file cannot be read; nothing was changed.
        StoreError
            The annotations cannot be saved; nothing was changed.
        Cancelled
            `cancel` was cancelled; nothing was changed.
        """
        from bachview.store.of_slide import open_results

        path = Path(path)
        found = read_annotations(path, self._frame, Watch(cancel, progress))
        metadata = self._metadata
        with open_results(self._folder, metadata.fingerprint, metadata.former) as store:
            merged = merge(found, self._saved(store))
            if merged.edit.changes:
                store.save_marks(merged.edit.changes)
        return merged

    def export_file(
        self,
        path: str | Path,
        format: str | None = None,  # noqa: A002  # as everybody calls it
        *,
        annotations: Iterable[Annotation] | None = None,
        mask_mpp: float | None = None,
        progress: Callable[[int, int], object] | None = None,
        cancel: CancelToken | None = None,
    ) -> tuple[str, ...]:
        """Write annotations to a file; returns sentences on what the format has no place for.

        Parameters
        ----------
        format : ``geojson``, ``imagescope``, ``asap``, ``ndpa``, ``dicom-ann``,
            ``dicom-sr``, ``csv``, ``csv-excel``, ``coco``, ``mask`` or ``mask-tiff``. None: as the
            ending of the path says.
        annotations : None for all of the slide.
        mask_mpp : um per px of a mask; None: as fine as 4096 px for its longer side allow.

        Raises
        ------
        UsageError
            There is no such format, or it is only read.
        ExportError
            The file cannot be written, or the format needs what the slide does not state.
        StoreError
            The annotations cannot be read.
        Cancelled
            `cancel` was cancelled; an existing file is untouched.
        """
        path = Path(path)
        chosen = format_to_write(path) if format is None else format_named(format)
        check_written(chosen)
        written = tuple(self.all() if annotations is None else annotations)
        record_export(self._metadata, path)
        return write_annotations(
            chosen, path, written, named(self._frame), Watch(cancel, progress), mask_mpp=mask_mpp
        )

    def remove(self, annotations: Iterable[Annotation | str]) -> int:
        """Delete annotations, given as such or by their ids; returns how many there were.

        Raises
        ------
        StoreError
            They cannot be deleted.
        """
        ids = {one if isinstance(one, str) else one.id for one in annotations}
        with self._existing() as store:
            if store is None:
                return 0
            gone = [one for one in self._saved(store).values() if one.id in ids]
            if gone:
                store.save_marks([Change(one, None) for one in gone])
            return len(gone)

    @contextlib.contextmanager
    def _existing(self) -> "Iterator[ResultStore | None]":
        """The store; None if there is none: looking creates no file."""
        from bachview.store.of_slide import existing_results, open_results

        metadata = self._metadata
        if existing_results(self._folder, metadata.fingerprint, metadata.former) is None:
            yield None
            return
        with open_results(self._folder, metadata.fingerprint, metadata.former) as store:
            yield store

    def _saved(self, store: "ResultStore") -> dict[str, Annotation]:
        if store.notice:
            self._notice(store.notice)
        saved = store.marks()
        if saved.damaged:
            self._notice(
                f"{saved.damaged} of the saved marks of {self._metadata.path.name} cannot be read "
                "and are left out; they stay in the results file."
            )
        return {mark.id: mark for mark in saved.marks if isinstance(mark, Annotation)}

    def __repr__(self) -> str:
        return f"<annotations of {self._metadata.path.name}>"


def named(frame: SlideFrame) -> SlideFrame:
    """The frame as files may state it: without the slide's name where the policy says so."""
    policy = in_force()
    if policy.is_locked("names_in_exports") and not policy.names_in_exports:
        return replace(frame, name="slide")
    return frame


def record_export(metadata: SlideMetadata, path: Path) -> None:
    """Note in the audit log that a file of annotations is about to be written, if there is one."""
    audit.record(
        "export",
        file=str(metadata.path),
        fingerprint=metadata.fingerprint,
        annotations=True,
        output=[str(path.absolute())],
    )
