"""``bachview annotations``: list, import, export."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bachview.cli.exits import ExitCode
from bachview.cli.output import print_json, print_table, tell, visible
from bachview.cli.policy_options import settled_results
from bachview.cli.progress import ProgressLine
from bachview.core.stack import Choice
from bachview.errors import UsageError

if TYPE_CHECKING:
    from bachview.api.slides import Slide
    from bachview.marks.annotation import Annotation
    from bachview.marks.inside import InsideAnnotation


def annotations(
    path: Path,
    folder: Path | None,
    choice: Choice,
    *,
    imported: list[Path],
    exported: list[Path],
    format_key: str | None,
    mask_mpp: float | None,
    mpp: float | None,
    bundle: str | None,
    as_json: bool,
) -> int:
    """Import files, then export to files; without either, list what the slide has.

    Raises
    ------
    BachviewError
        The slide or its annotations cannot be read, or a file cannot be read or written.
    """
    import bachview
    from bachview.marks.formats.table import MASKS, check_written, format_named, format_to_write
    from bachview.marks.inside import with_measurements

    if format_key is not None and not exported:
        raise UsageError("--format says how to export: give --export FILE with it.")
    for file in exported:  # before anything is changed
        chosen = format_to_write(file) if format_key is None else format_named(format_key)
        check_written(chosen)
        if mask_mpp is not None and chosen.key not in MASKS:
            raise UsageError(f"--mask-mpp is for masks, and {file.name} is none.")
    document: dict[str, Any] = {"slide": path.name}
    with bachview.open_slide(path, mpp=mpp, **asdict(choice)) as slide:
        marks = slide.annotations(settled_results(folder), notice=tell)
        document["imported"] = []
        for file in imported:
            with ProgressLine("Reading", "characters") as line:
                merged = marks.import_file(file, progress=line.update)
            counts = {
                name: getattr(merged, name) for name in ("added", "replaced", "unchanged", "locked")
            }
            document["imported"].append(
                {"file": str(file), **counts, "sentences": list(merged.sentences)}
            )
            for sentence in merged.sentences:
                tell(f"{file.name}: {sentence}")
        saved = marks.all()
        insides = {}
        if bundle is not None:
            insides = slide.inside(saved, bundle=bundle, folder=settled_results(folder))
            saved = tuple(with_measurements(each, insides.get(each.id)) for each in saved)
        document["exported"] = []
        for file in exported:
            with ProgressLine("Writing", "annotations") as line:
                sentences = marks.export_file(
                    file,
                    format_key,
                    annotations=saved,
                    mask_mpp=mask_mpp,
                    progress=line.update,
                )
            document["exported"].append(
                {"file": str(file), "annotations": len(saved), "sentences": list(sentences)}
            )
            for sentence in sentences:
                tell(f"{file.name}: {sentence}")
        document["annotations"] = [_document(one, slide, insides.get(one.id)) for one in saved]
    if as_json:
        print_json(document)
    elif not imported and not exported:
        _print_list(path, document["annotations"])
        for each in saved:
            if each.id in insides:
                _print_inside(each, insides[each.id])
    else:
        for one in document["exported"]:
            number = one["annotations"]
            many = "annotation" if number == 1 else "annotations"
            print(visible(f"Wrote {number:,} {many} to {one['file']}."))
    return ExitCode.DONE


def _document(
    annotation: "Annotation", slide: "Slide", found: "InsideAnnotation | None"
) -> dict[str, Any]:
    """One annotation of ``annotations --json``; see ``annotations.schema.json``."""
    from bachview.marks.measures import measures_of

    own = annotation.annotation_class
    measures = measures_of(annotation, slide.pixel_size)
    return {
        "id": annotation.id,
        "kind": annotation.kind.value,
        "type": annotation.object_type,
        "class": None if own is None else own.name,
        "name": annotation.name,
        "note": annotation.note,
        "bounds": [round(side, 2) for side in annotation.bounds],
        "area_mm2": measures.area_mm2,
        "perimeter_um": measures.perimeter_um,
        "length_um": measures.length_um,
        "angle_deg": measures.angle_deg,
        "count": measures.count,
        "locked": annotation.is_locked,
        "hidden": annotation.is_hidden,
        "changed": annotation.changed,
        "inside": None if found is None else found.to_document(),
    }


def _print_list(path: Path, found: list[dict[str, Any]]) -> None:
    """A line for each kind and class."""
    if not found:
        print(visible(f"{path.name} has no annotations."))
        return
    groups: Counter[tuple[str, str]] = Counter((one["class"] or "", one["kind"]) for one in found)
    rows = []
    for (name, kind), count in sorted(groups.items()):
        members = [one for one in found if (one["class"] or "", one["kind"]) == (name, kind)]
        areas = [one["area_mm2"] for one in members if one["area_mm2"] is not None]
        area = f"{sum(areas):,.4f}" if areas else ""
        rows.append((name or "–", kind, f"{count:,}", area))
    print_table(
        f"Annotations of {path.name}",
        [("class", False), ("kind", False), ("count", True), ("mm²", True)],
        rows,
    )


def _print_inside(annotation: "Annotation", found: "InsideAnnotation") -> None:
    """A line for each part of an annotation."""
    own = annotation.annotation_class
    name = annotation.name or (own.name if own else "") or annotation.kind.value
    rows = [(what, part.text) for what, _, part in found.rows if part.share > 0]
    print_table(
        visible(f"Inside {name}: {found.coverage_text}"), [("", False), ("area", True)], rows
    )
