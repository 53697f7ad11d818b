"""``bachview dataset``: look a data set over before hours are spent on it, or make one."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_json, print_table
from bachview.cli.progress import ProgressLine, spinning
from bachview.core.stack import Choice

#: How many problems of one kind are listed; the JSON document has all of them.
_MOST_LISTED = 10

_MPP_ORIGINS = {
    "given": "given",
    "file": "from the files",
    "bach": "that of BACH, as these are BACH's files and state none",
}
_PATIENT_ORIGINS = {
    "list": "from the list",
    "numbering": "guessed: blocks of ten numbers of one class",
}


def check(folder: Path, *, mpp: float | None, patients: Path | None, as_json: bool) -> int:
    """Read a data set and print what it contains.

    Problems that leave the rest usable are listed; they are not failures.

    Parameters
    ----------
    mpp : um/px of all photos; None for what each file states.
    patients : CSV ``file,patient``; None for that of the data set, or blocks of neighbouring
        numbers.

    Raises
    ------
    DatasetError
        The data set cannot be used.
    UsageError
        `mpp` is implausible.
    """
    from bachview.datasets.reading import scan_dataset
    from bachview.datasets.report import dataset_document

    with clean_stdout(), spinning("Reading the photos"):
        scan = scan_dataset(folder, mpp=mpp, patients=patients)
    document = dataset_document(scan)
    if as_json:
        print_json(document)
        return ExitCode.DONE
    print_table(folder.resolve().name, [("", False), ("", False)], list(_rows(document)))
    if document["problems"]:
        print_table("Problems", [("", False)] * 3, list(_problems(document)))
    return ExitCode.DONE


def _rows(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    photos, patients, slides = document["photos"], document["patients"], document["slides"]
    yield "photos", f"{photos['count']:,}{_counts(photos['per_class'], photos['without_class'])}"
    if photos["count"]:
        sizes = [f"{one['width']:,} × {one['height']:,} px" for one in photos["sizes"]]
        yield "sizes", _listed(sizes, photos["sizes"])
        pixels = [f"{one['mpp']:g} µm ({_MPP_ORIGINS[one['origin']]})" for one in photos["mpp"]]
        yield "pixel size", _listed(pixels, photos["mpp"])
        yield "patients", f"{patients['count']:,}{_counts(patients['per_class'])}"
        yield "", _PATIENT_ORIGINS[patients["origin"]]
    if slides["annotated"]:
        yield "annotated slides", f"{len(slides['annotated'])}"
        for slide in slides["annotated"]:
            outlines = slide["outlines"]
            yield f"  {slide['file']}", f"outlines {sum(outlines.values()):,}{_counts(outlines)}"
    if slides["unlabelled"]:
        yield "other slides", f"{len(slides['unlabelled'])}"


def _counts(per_class: dict[str, int], without_class: int = 0) -> str:
    """E.g. ``: Normal 77, Benign 52``; empty where there is nothing to count."""
    parts = [f"{key} {count:,}" for key, count in per_class.items()]
    if without_class:
        parts.append(f"without a class {without_class:,}")
    return f": {', '.join(parts)}" if any(per_class.values()) or without_class else ""


def _listed(texts: list[str], entries: list[dict[str, Any]]) -> str:
    """The texts, most common first; with the number of photos of each where they differ."""
    if len(texts) == 1:
        return texts[0]
    return "\n".join(
        f"{entry['count']:,}: {text}" for text, entry in zip(texts, entries, strict=True)
    )


def _problems(document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for kind, found in groupby(document["problems"], key=lambda problem: str(problem["kind"])):
        problems = list(found)
        for problem in problems[:_MOST_LISTED]:
            yield kind, problem["file"], problem["message"]
        if len(problems) > _MOST_LISTED:
            yield kind, f"and {len(problems) - _MOST_LISTED:,} more", "See --json."


def write_corrections(
    slides: list[Path],
    output: Path,
    *,
    bundle: str | None,
    patient: str,
    mpp: float | None,
    store: Path | None,
    choice: Choice,
    as_json: bool,
) -> int:
    """Write a patch for each corrected cell of slides into a data set.

    Raises
    ------
    BachviewError
        A slide, the bundle or the corrections cannot be read, there are none, or the data set
        cannot be written; what was written of earlier slides stays.
    """
    import bachview

    found = []
    for path in slides:
        with (
            bachview.open_slide(path, mpp=mpp, **asdict(choice)) as slide,
            clean_stdout(),
            ProgressLine("Writing the patches", "patches") as line,
        ):
            written = slide.save_corrections(
                output, bundle=bundle, patient=patient, store=store, progress=line.update
            )
        found.append((path, written))
        if not as_json:
            print(f"{path.name}: {written.text}")
    if as_json:
        print_json(
            {
                "folder": str(output),
                "slides": [
                    {
                        "slide": path.name,
                        "patches": written.count,
                        "per_class": written.per_class,
                        "similar": written.similar,
                        "foreign": written.foreign,
                        "unreadable": written.unreadable,
                    }
                    for path, written in found
                ],
            }
        )
    return ExitCode.DONE
