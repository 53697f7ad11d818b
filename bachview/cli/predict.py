"""``bachview predict``: classify whole photos, one line each."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_json, print_table, tell
from bachview.cli.progress import spinning
from bachview.cli.waiting import END_S, awaited
from bachview.errors import BachviewError, Cancelled, DatasetError, UsageError
from bachview.file_names import printable
from bachview.jobs.lanes import Lane

if TYPE_CHECKING:
    from bachview.inference.photos import PhotoPrediction
    from bachview.models.ensemble import Ensemble
    from bachview.slide.file_state import FileState


@dataclass(frozen=True, slots=True)
class _Photo:
    """A photo and its pixel size.

    Attributes
    ----------
    origin : where the pixel size came from.
    files : their state before anything was read from them.
    """

    path: Path
    mpp: float
    origin: str
    files: "FileState"


@dataclass(frozen=True, slots=True)
class _Line:
    """One photo and its prediction."""

    photo: _Photo
    prediction: "PhotoPrediction"


@dataclass(frozen=True, slots=True)
class _Names:
    """Names of the columns.

    Attributes
    ----------
    classes : keys, in the bundle's order.
    members : in the bundle's order.
    """

    classes: tuple[str, ...]
    members: tuple[str, ...]


def predict(
    bundle: str,
    files: Sequence[Path],
    *,
    output: Path,
    mpp: float | None,
    bach_submission: bool,
    device: str,
    as_json: bool,
) -> int:
    """Classify photos and write the answers as CSV.

    A photo that cannot be classified is named and skipped, and the exit code is that of bad input.
    Ctrl-C ends the command within half a second; the photos classified by then are written, and the
    exit code says so. Of a submission, which must be whole, nothing is written.

    Parameters
    ----------
    bundle : path, or the name of an installed bundle.
    files : photos; a folder stands for all photos in it and its subfolders.
    mpp : um/px of all photos; None: what each file states.
    bach_submission : write ``case,class`` instead of all columns.

    Raises
    ------
    BachviewError
        There are no photos, the bundle cannot be used, or the file cannot be written.
    Cancelled
        Ctrl-C before a photo was classified, or in a submission.
    """
    from bachview.api.classification import load_ensemble
    from bachview.datasets.photo_mpp import first_contradiction
    from bachview.export.submission import case_numbers, class_numbers, write_submission
    from bachview.files import write_text
    from bachview.models.bundle.installed import resolve_bundle

    path = resolve_bundle(bundle)
    photos = _expanded(files)
    cases = dict(zip(photos, case_numbers(photos), strict=True)) if bach_submission else {}
    _prepare(output)
    known, failures = _sized(photos, mpp)
    contradiction = first_contradiction((photo.path for photo in known), mpp)
    if contradiction is not None:
        tell(f"{contradiction[0].name}: {contradiction[1]}")
    with clean_stdout():
        with spinning("Loading and checking the bundle"):
            loaded = load_ensemble(path, device=device)
        with loaded as ensemble:
            manifest = ensemble.bundle.manifest
            numbers = class_numbers(ensemble.bundle.classes) if bach_submission else ()
            if not manifest.is_for_tissue:
                tell(
                    f"The model {manifest.name} was not trained on tissue: "
                    "its answers say nothing about tissue."
                )
            lines, was_cancelled = _judge(ensemble, known, failures)
            names = _Names(ensemble.bundle.classes.keys, ensemble.bundle.member_names)
            facts = {"name": manifest.name, "sha256": ensemble.bundle.sha256}
    for failed, sentence in failures:
        tell(sentence if failed.name in sentence else f"{failed}: {sentence}")
    if was_cancelled and (bach_submission or not lines):
        raise Cancelled
    if not lines:
        raise DatasetError("None of the photos can be classified; nothing was written.")
    if bach_submission:
        chosen = {cases[line.photo.path]: numbers[line.prediction.top_class] for line in lines}
        write_submission(output, chosen)
    else:
        write_text(output, _table(names, lines))
    if as_json:
        print_json(
            {
                "photos": [_entry(names, line) for line in lines],
                "failed": [{"file": str(file), "error": sentence} for file, sentence in failures],
                "bundle": facts,
                "output": str(output),
                "cancelled": was_cancelled,
            }
        )
    else:
        _print_counts(names, lines)
    if was_cancelled:
        tell(f"Cancelled; {output} has the {len(lines):,} photos done of {len(photos):,}.")
        return ExitCode.CANCELLED
    tell(f"Wrote {output}.")
    return ExitCode.BAD_INPUT if failures else ExitCode.DONE


def _prepare(output: Path) -> None:
    """Create the output folder now: better to fail before the work than after it.

    Raises
    ------
    UsageError
        It is a folder.
    ExportError
        It cannot be written.
    """
    from bachview.files import check_writable

    if output.is_dir():
        raise UsageError(f"{output} is a folder; give --output the name of a CSV file.")
    check_writable(output)


def _expanded(files: Sequence[Path]) -> list[Path]:
    """The photos in the order given, each once; those of a folder in numerical order.

    Raises
    ------
    DatasetError
        A folder contains none.
    UsageError
        Nothing was given.
    """
    from bachview.datasets.numbering import natural
    from bachview.datasets.tables import PHOTO_SUFFIXES
    from bachview.file_names import is_litter

    photos: dict[Path, None] = {}
    for file in files:
        if not file.is_dir():
            photos[file] = None
            continue
        found = [
            inner
            for inner in file.rglob("*")
            if inner.suffix.lower() in PHOTO_SUFFIXES
            and inner.is_file()
            and not is_litter(inner.relative_to(file))
        ]
        if not found:
            raise DatasetError(
                f"{file} contains no photos ({', '.join(PHOTO_SUFFIXES)}); give the folder that "
                "contains them."
            )
        found.sort(key=lambda inner: (inner.parent.as_posix(), natural(inner.stem)))
        photos.update(dict.fromkeys(found))
    if not photos:
        raise UsageError("No photo was given; name files or folders.")
    return list(photos)


def _sized(
    photos: Sequence[Path], given: float | None
) -> tuple[list[_Photo], list[tuple[Path, str]]]:
    """Those whose pixel size is known; (photo, sentence) for the others."""
    from bachview.datasets.photo_mpp import photo_mpp
    from bachview.slide.file_state import FileState

    known, failures = [], []
    for photo in photos:
        if not photo.is_file():
            failures.append((photo, f"{photo.name} was not found; check its name and its drive."))
            continue
        try:
            files = FileState.of(photo)
            mpp, origin = photo_mpp(photo, given)
        except OSError:
            failures.append((photo, f"{photo.name} cannot be read; check its drive."))
        except DatasetError as error:
            failures.append((photo, str(error)))
        else:
            known.append(_Photo(photo, mpp, str(origin), files))
    return known, failures


def _judge(
    ensemble: "Ensemble",
    photos: Sequence[_Photo],
    failures: list[tuple[Path, str]],
) -> tuple[list[_Line], bool]:
    """Classify on a lane, and show its progress here; adds to `failures`.

    Returns
    -------
    The lines, and whether Ctrl-C has ended it before all photos were looked at.
    """
    from bachview.inference.photos import try_photos

    sized = [(photo.path, photo.mpp) for photo in photos]
    answers: list[PhotoPrediction | BachviewError] = []
    was_cancelled = False
    lane = Lane("inference", low_priority=True)
    try:
        awaited(
            lane,
            lambda token, told: try_photos(
                ensemble,
                sized,
                token=token,
                on_progress=lambda done, total: told("photos", done, total),
                on_answer=answers.append,
            ),
        )
    except Cancelled:
        was_cancelled = True
    finally:
        lane.close(END_S)
    lines = []
    for photo, answer in zip(photos, list(answers), strict=not was_cancelled):
        try:
            if isinstance(answer, BachviewError):
                raise answer
            photo.files.check()  # its pixel size may have been read long before
        except BachviewError as error:
            failures.append((photo.path, str(error)))
        else:
            lines.append(_Line(photo, answer))
    return lines, was_cancelled


def _table(names: _Names, lines: Sequence[_Line]) -> str:
    """CSV: ``file, class, prob_<Class>..., entropy, disagreement, <member>...``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    probabilities = (f"prob_{key}" for key in names.classes)
    writer.writerow(["file", "class", *probabilities, "entropy", "disagreement", *names.members])
    for line in lines:
        prediction = line.prediction
        writer.writerow(
            [
                printable(str(line.photo.path)),
                names.classes[prediction.top_class],
                *(f"{value:.6f}" for value in prediction.photo_probabilities),
                f"{prediction.entropy:.6f}",
                f"{prediction.disagreement:.6f}",
                *(names.classes[c] for c in prediction.photo_members.argmax(axis=1)),
            ]
        )
    return text.getvalue()


def _entry(names: _Names, line: _Line) -> dict[str, Any]:
    """One photo of the JSON document."""
    prediction = line.prediction
    votes = prediction.photo_members.argmax(axis=1)
    return {
        "file": str(line.photo.path),
        "class": names.classes[prediction.top_class],
        "probabilities": dict(
            zip(names.classes, map(float, prediction.photo_probabilities), strict=True)
        ),
        "entropy": prediction.entropy,
        "disagreement": prediction.disagreement,
        "members": {name: names.classes[c] for name, c in zip(names.members, votes, strict=True)},
        "patches": len(prediction.probabilities),
        "mpp": line.photo.mpp,
        "mpp_origin": line.photo.origin,
    }


def _print_counts(names: _Names, lines: Sequence[_Line]) -> None:
    counts = [0] * len(names.classes)
    for line in lines:
        counts[line.prediction.top_class] += 1
    print_table(
        f"{len(lines):,} photos",
        [("Class", False), ("Photos", True)],
        [(key, f"{count:,}") for key, count in zip(names.classes, counts, strict=True)],
    )
