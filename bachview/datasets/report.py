"""Counts of a data set: the document of ``bachview dataset check``."""

from collections import Counter
from typing import Any

from bachview.datasets.reading import Scan


def dataset_document(scan: Scan) -> dict[str, Any]:
    """Count photos, patients, sizes, pixel sizes and outlines.

    See ``resources/schemas/dataset-check.schema.json``.
    """
    dataset = scan.dataset
    keys = dataset.classes.keys
    photos = dataset.photos
    per_class = Counter(photo.label for photo in photos)
    patients = {(photo.label, photo.patient) for photo in photos}
    sizes = Counter(facts.size for facts in scan.facts)
    pixels = Counter(
        (round(photo.mpp, 4), facts.mpp_origin)
        for photo, facts in zip(photos, scan.facts, strict=True)
    )
    return {
        "folder": str(dataset.folder),
        "photos": {
            "count": len(photos),
            "per_class": {key: per_class[label] for label, key in enumerate(keys)},
            "without_class": per_class[None],
            "sizes": [
                {"width": width, "height": height, "count": count}
                for (width, height), count in sizes.most_common()
            ],
            "mpp": [
                {"mpp": mpp, "origin": origin, "count": count}
                for (mpp, origin), count in pixels.most_common()
            ],
        },
        "patients": {
            "origin": "list" if scan.patients is not None else "numbering",
            "count": len({patient for _, patient in patients}),
            "per_class": {
                key: sum(of == label for of, _ in patients) for label, key in enumerate(keys)
            },
        },
        "slides": {
            "annotated": [
                {"file": slide.path.name, "outlines": dict(zip(keys, counts, strict=True))}
                for slide, counts in zip(dataset.slides, scan.outlines, strict=True)
            ],
            "unlabelled": [path.name for path in dataset.unlabelled_slides],
        },
        "problems": [
            {"kind": problem.kind, "file": problem.file, "message": problem.message}
            for problem in dataset.problems
        ],
    }
