"""What a reader has corrected on a slide, for use in notebooks, and as a data set."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bachview import audit
from bachview.config import results_folder
from bachview.core.pixel_size import PixelSize
from bachview.jobs.tokens import CancelToken
from bachview.marks.correction import Correction
from bachview.slide.reader import SlideMetadata, SlideReader

if TYPE_CHECKING:
    from bachview.datasets.corrections import WrittenPatches


def saved_corrections(metadata: SlideMetadata, folder: Path | None) -> tuple[Correction, ...]:
    """The corrections that are saved with a slide, of cells of whatever model.

    Parameters
    ----------
    folder : of the results; None for the user's.

    Raises
    ------
    StoreError
        They cannot be read; a `LockedError` if the administrator allows another folder only.
    """
    from bachview.store.of_slide import existing_results, open_results

    folder = results_folder(folder, f"Corrections in {folder}")
    if existing_results(folder, metadata.fingerprint, metadata.former) is None:
        return ()
    with open_results(folder, metadata.fingerprint, metadata.former) as store:
        if store.notice:
            warnings.warn(store.notice, stacklevel=3)
        saved = store.marks()
        if saved.damaged:
            warnings.warn(
                f"{saved.damaged} of the saved marks of {metadata.path.name} cannot be read and "
                "are left out; they stay in the results file.",
                stacklevel=3,
            )
        return tuple(mark for mark in saved.marks if isinstance(mark, Correction))


def save_as_dataset(
    folder: Path,
    reader: SlideReader,
    pixel_size: PixelSize,
    *,
    bundle: str | None,
    patient: str,
    store: Path | None,
    cancel: CancelToken | None,
    progress: Callable[[int, int], object] | None,
) -> "WrittenPatches":
    """See `Slide.save_corrections`."""
    from bachview.datasets.corrections import write_corrections
    from bachview.models.bundle.installed import bundle_in_use
    from bachview.models.bundle.opened import open_bundle
    from bachview.slide.colour import srgb_transform

    metadata = reader.metadata
    made = saved_corrections(metadata, store)
    with open_bundle(bundle_in_use(bundle)) as model:
        audit.record(
            "export",
            file=str(metadata.path),
            fingerprint=metadata.fingerprint,
            bundle=model.name,
            bundle_sha256=model.sha256,
            region=None,
            names=False,
            output=[str(folder.absolute())],
        )
        return write_corrections(
            folder,
            made,
            reader,
            pixel_size,
            model.geometry,
            model.classes,
            transform=srgb_transform(metadata.icc_profile),
            patient=patient,
            token=cancel,
            progress=progress or (lambda done, total: None),
        )
