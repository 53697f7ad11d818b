"""``summary.json``, which is also what ``bachview classify --json`` prints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bachview.core.scope import Statement
from bachview.file_names import json_text
from bachview.files import FileGroup, write_text
from bachview.marks.corrected_cells import Agreement
from bachview.store.provenance import Provenance


def summary_document(
    statement: Statement,
    provenance: Provenance,
    agreement: Agreement,
    *,
    seconds: float,
    patches_per_second: float,
    output: Mapping[str, Path],
    sha256: Mapping[str, str],
) -> dict[str, Any]:
    """The document that scripts rely on; keys are only ever added.

    Parameters
    ----------
    statement : what it is of: all counts and areas are of its slide or region.
    agreement : model against reader, in the cells that the reader has corrected.
    seconds, patches_per_second : of this session of the run.
    output : kind of file (``csv``, ``csv_metadata``, ``geojson``, ``overlay``, ``summary``) to its
        path. Where names are not to be told only the files' own: folders are named after slides.
    sha256 : of the files of the same export, by name.

    Returns
    -------
    Plain values. ``patches`` counts classified patches: it is the sum over ``classes`` and
    ``uncertain``. ``share`` is of the tissue in the ``scope``; the shares of ``classes``,
    ``uncertain``, ``outside``, ``pending`` and ``failed`` add up to 1.
    """
    summary = statement.summary
    has_names = statement.slide_name is not None
    return {
        **statement.to_document(),
        "slide": {"name": statement.slide_name, "fingerprint": provenance.slide_fingerprint},
        "patches": summary.classified,
        "tissue_mm2": summary.tissue_mm2,
        "classes": {
            c.name: {**c.part.to_document(), "key": c.key, "color": list(c.color)}
            for c in summary.classes
        },
        "uncertain": summary.uncertain.to_document(),
        "pending": summary.pending.to_document(),
        "failed": summary.failed.to_document(),
        "outside": summary.outside.to_document(),
        "corrections": agreement.to_document(),
        "seconds": seconds,
        "patches_per_second": patches_per_second,
        "device": provenance.device,
        "precision": provenance.precision,
        "bundle": {"name": provenance.bundle_name, "sha256": provenance.bundle_sha256},
        "output": {kind: str(path) if has_names else path.name for kind, path in output.items()},
        "sha256": dict(sha256),
        "provenance": provenance.to_document(),
    }


def write_summary_json(
    path: Path, document: Mapping[str, Any], *, group: FileGroup | None = None
) -> None:
    """Write a `summary_document` as UTF-8 JSON; paths that are not UTF-8 are escaped.

    Parameters
    ----------
    group : the file appears with the others of this group.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    write_text(path, json_text(document) + "\n", group=group)
