"""What saved results say inside annotations."""

import warnings
from collections.abc import Iterable
from pathlib import Path

from bachview.config import results_folder
from bachview.core.pixel_size import PixelSize
from bachview.errors import StoreError
from bachview.marks.annotation import Annotation
from bachview.marks.inside import InsideAnnotation, inside
from bachview.slide.reader import SlideMetadata


def inside_annotations(
    metadata: SlideMetadata,
    pixel_size: PixelSize,
    annotations: Iterable[Annotation],
    *,
    bundle: str | None,
    folder: Path | None,
) -> dict[str, InsideAnnotation]:
    """See `Slide.inside`."""
    from bachview.inference.plan import make_plan
    from bachview.models.bundle.installed import bundle_in_use
    from bachview.models.bundle.opened import open_bundle
    from bachview.store.of_slide import existing_results, open_results

    folder = results_folder(folder, f"Results in {folder}")
    with open_bundle(bundle_in_use(bundle)) as model:
        plan = make_plan(metadata, pixel_size, model)
        prediction = None
        if existing_results(folder, metadata.fingerprint, metadata.former) is not None:
            with open_results(folder, metadata.fingerprint, metadata.former) as store:
                if store.notice:
                    warnings.warn(store.notice, stacklevel=3)
                record = store.find(plan.id)
                prediction = None if record is None else store.load(record.grid_id)
        if prediction is None:
            raise StoreError(
                f"{metadata.path.name} has no results of {model.name}; classify it first."
            )
        found = (
            (each.id, inside(prediction, model.thresholds, each, plan.pixel_size))
            for each in annotations
        )
        return {name: what for name, what in found if what is not None}
