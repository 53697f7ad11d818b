"""``bachview predict``: classify whole photos, one line each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bachview import audit
from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_json, print_table, tell
from bachview.cli.policy_options import settled_device
from bachview.cli.progress import spinning
from bachview.cli.waiting import END_S, awaited
from bachview.core.stack import USUAL, Choice
from bachview.csv_lines import csv_line
from bachview.errors import (
    BachviewError,
    Cancelled,
    DatasetError,
    UnsuitableSlideError,
    UsageError,
)
from bachview.jobs.lanes import Lane
from bachview.policy.in_force import in_force

if TYPE_CHECKING:
    from bachview.core.classes import ClassSet
    from bachview.datasets.photo_mpp import PhotoMpp
    from bachview.inference.photos import PhotoPrediction, PhotoState
    from bachview.models.ensemble import Ensemble
    from bachview.slide.file_state import FileState


#: Columns with numbers of cells: that have a vote, and that have none.
_COUNTS = ("patches", "failed_patches", "outside_patches")


@dataclass(frozen=True, slots=True)
class _Photo:
    """A photo and its pixel size.

    Attributes
    ----------
    files : their state before anything was read from them.
    """

    path: Path
    known: "PhotoMpp"
    files: "FileState"


@dataclass(frozen=True, slots=True)
class _Line:
    """One photo and its answer.

    Attributes
    ----------
    photo : None if its pixel size is not known.
    answer : the prediction, or the error that says why there is none.
    """

    path: Path
    photo: _Photo | None
    answer: "PhotoPrediction | BachviewError"

    @property
    def state(self) -> "PhotoState":
        from bachview.inference.photos import PhotoState

        return PhotoState.of(self.answer)

    @property
    def note(self) -> str:
        """What a reader has to know; empty for a photo that was classified without a doubt."""
        doubt = self.photo.known.doubt if self.photo else ""
        return " ".join(filter(None, (doubt, self.finding)))

    @property
    def finding(self) -> str:
        """The note without what the file states of its pixel size."""
        if isinstance(self.answer, UnsuitableSlideError):
            return f"{self.answer} (--anyway does; the line of the photo then says so.)"
        if isinstance(self.answer, BachviewError):
            return str(self.answer)
        notes = []
        if self.answer.picture:
            notes.append(f"Judged: {self.answer.picture}.")
        if self.answer.warnings:
            notes.append(f"Classified although: {' '.join(self.answer.warnings)}")
        if failed := self.answer.failed:
            cells = f"{failed:,} of {len(self.answer.probabilities) + failed:,} cells"
            notes.append(f"{cells} could not be read; the class is that of the others.")
        if outside := self.answer.outside:
            cells = f"{outside:,} of {len(self.answer.probabilities) + outside:,} cells"
            notes.append(
                f"{cells} are outside the training material; the class is that of the others."
            )
        return " ".join(notes)


@dataclass(frozen=True, slots=True)
class _Names:
    """Names of the columns.

    Attributes
    ----------
    classes : in the bundle's order. Columns are named by their keys; values are their names.
    members : in the bundle's order.
    """

    classes: "ClassSet"
    members: tuple[str, ...]


def predict(
    bundle: str,
    files: Sequence[Path],
    *,
    output: Path,
    mpp: float | None,
    bach_submission: bool,
    device: str | None,
    as_json: bool,
    anyway: bool = False,
    choice: Choice = USUAL,
) -> int:
    """Classify photos and write the answers as CSV.

    A photo without H&E tissue has a state and no class. So has one that cannot be read or is not
    what the models know; it is named, and the exit code is that of bad input.
    Ctrl-C ends the command within half a second; the photos done by then are written, beside an
    earlier file rather than over it, and the exit code says so. Of a submission, which must be
    whole, nothing is written.

    Parameters
    ----------
    bundle : path, or the name of an installed bundle.
    files : photos; a folder stands for all photos in it and its subfolders.
    mpp : um/px of all photos; None: what each file states.
    bach_submission : write ``case,class`` instead of all columns.
    anyway : classify photos although the check of them speaks against it.
    choice : which of several focal planes and time points in each file.

    Raises
    ------
    BachviewError
        There are no photos, none can be read, one of a submission has no class, the bundle cannot
        be used, or the file cannot be written.
    Cancelled
        Ctrl-C before a photo was done, or in a submission.
    """
    from bachview.api.classification import load_ensemble
    from bachview.datasets.photo_mpp import first_contradiction
    from bachview.export.submission import case_numbers, class_numbers, write_submission
    from bachview.files import write_text
    from bachview.inference.photos import PhotoState
    from bachview.models.bundle.installed import bundle_in_use

    in_force().check_names("A table that names its photos")
    path, device = bundle_in_use(bundle), settled_device(device)
    photos = _expanded(files)
    cases = dict(zip(photos, case_numbers(photos), strict=True)) if bach_submission else {}
    _prepare(output)
    lines = _sized(photos, mpp)
    contradiction = first_contradiction(
        [(line.path, line.photo.known.of_file) for line in lines if line.photo], mpp
    )
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
            lines, was_cancelled = _judge(ensemble, lines, choice, anyway=anyway)
            names = _Names(ensemble.bundle.classes, ensemble.bundle.member_names)
            facts = {"name": manifest.name, "sha256": ensemble.bundle.sha256}
    for line in lines:
        if said := line.finding:  # pixel sizes were told of all photos at once
            tell(said if line.path.name in said else f"{line.path}: {said}")
    counts = Counter(line.state for line in lines)
    found = len(lines) - counts[PhotoState.FAILED]
    if was_cancelled and (bach_submission or not found):
        raise Cancelled
    if not found:
        raise DatasetError("None of the photos can be read; nothing was written.")
    audit.record(
        "export",
        bundle=facts["name"],
        bundle_sha256=facts["sha256"],
        names=True,
        photos=len(lines),
        output=[str(output.absolute())],
    )
    if bach_submission:
        write_submission(output, _cases(lines, cases, numbers))
    else:
        if was_cancelled and output.exists():
            output = output.with_name(f"{output.stem}.partial{output.suffix}")
        write_text(output, _table(names, lines))
    if as_json:
        print_json(
            {
                "photos": [
                    _entry(names, line) for line in lines if line.state is not PhotoState.FAILED
                ],
                "failed": [
                    {"file": str(line.path), "error": line.note, "state": line.state}
                    for line in lines
                    if line.state is PhotoState.FAILED
                ],
                "counts": {state: counts[state] for state in PhotoState},
                "bundle": facts,
                "output": str(output),
                "cancelled": was_cancelled,
            }
        )
    else:
        _print_counts(names, lines)
    if was_cancelled:
        tell(f"Cancelled; {output} has the {found:,} photos done of {len(photos):,}.")
        return ExitCode.CANCELLED
    tell(f"Wrote {output}.")
    refused = sum(counts[s] for s in (PhotoState.FAILED, PhotoState.UNSUITABLE, PhotoState.OUTSIDE))
    return ExitCode.BAD_INPUT if refused else ExitCode.DONE


def _cases(
    lines: "Sequence[_Line]", cases: "Mapping[Path, int]", numbers: Sequence[int]
) -> dict[int, int]:
    """The challenge's class number of each case.

    Raises
    ------
    DatasetError
        A photo has no class: the challenge has none for it, and counts a case that is left out.
    """
    from bachview.inference.photos import PhotoPrediction

    chosen = {
        cases[line.path]: numbers[line.answer.top_class]
        for line in lines
        if isinstance(line.answer, PhotoPrediction)
    }
    if without := sorted(cases[line.path] for line in lines if cases[line.path] not in chosen):
        named = ", ".join(f"{case}" for case in without)
        raise DatasetError(
            "Nothing was written: a submission has a class for every case, and there is none for "
            f"{named}. Mend these photos, leave them out, or write the table without "
            "--bach-submission."
        )
    return chosen


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
            and (inner.is_file() or not inner.exists())  # a link to nothing is to be reported
            and not is_litter(inner.relative_to(file))
        ]
        if not found:
            raise DatasetError(
                f"{file} contains no photos ({', '.join(PHOTO_SUFFIXES)}); give the folder that "
                "contains them, or use bachview classify for the slide in a folder of DICOM files."
            )
        found.sort(key=lambda inner: (inner.parent.as_posix(), natural(inner.stem)))
        photos.update(dict.fromkeys(found))
    if not photos:
        raise UsageError("No photo was given; name files or folders.")
    return list(photos)


def _sized(photos: Sequence[Path], given: float | None) -> list[_Line]:
    """A line for each photo that has no pixel size; one to be answered for each other."""
    from bachview.datasets.photo_mpp import photo_mpp
    from bachview.slide.file_state import FileState

    lines = []
    for path in photos:
        photo, answer = None, BachviewError("not classified yet")
        if not path.is_file():
            answer = DatasetError(f"{path.name} was not found; check its name and its drive.")
        else:
            try:
                files = FileState.of(path)
                photo = _Photo(path, photo_mpp(path, given), files)
            except OSError:
                answer = DatasetError(f"{path.name} cannot be read; check its drive.")
            except DatasetError as error:
                answer = error
        lines.append(_Line(path, photo, answer))
    return lines


def _judge(
    ensemble: "Ensemble", lines: Sequence[_Line], choice: Choice, *, anyway: bool
) -> tuple[list[_Line], bool]:
    """Classify on a lane, and show its progress here.

    Returns
    -------
    The lines with their answers, and whether Ctrl-C has ended it before all photos were looked at.
    """
    from bachview.inference.photos import try_photos

    sized = [(line.photo.path, line.photo.known.value) for line in lines if line.photo]
    answers: list[PhotoPrediction | BachviewError] = []
    was_cancelled = False
    lane = Lane("inference", low_priority=True)
    try:
        awaited(
            lane,
            lambda token, told: try_photos(
                ensemble,
                sized,
                anyway=anyway,
                choice=choice,
                token=token,
                on_progress=lambda done, total: told("photos", done, total),
                on_answer=answers.append,
            ),
        )
    except Cancelled:
        was_cancelled = True
    finally:
        lane.close(END_S)
    done, left = [], iter(list(answers))
    for line in lines:
        if line.photo is None:
            done.append(line)
        elif (answer := next(left, None)) is not None:
            done.append(replace(line, answer=_of_same_file(line.photo, answer)))
    return done, was_cancelled


def _of_same_file(
    photo: _Photo, answer: "PhotoPrediction | BachviewError"
) -> "PhotoPrediction | BachviewError":
    """The answer, or that the file has changed: its pixel size may have been read long before."""
    try:
        photo.files.check()
    except BachviewError as error:
        return error
    return answer


def _table(names: _Names, lines: Sequence[_Line]) -> str:
    """The CSV, one line for each photo; empty where there is no prediction."""
    from bachview.inference.photos import PhotoPrediction

    probabilities = [f"prob_{key}" for key in names.classes.keys]
    measures = [*probabilities, "entropy", "disagreement", *names.members]
    table = [csv_line(["file", "state", "class", *measures, *_COUNTS, "note"])]
    for line in lines:
        row = [str(line.path), line.state]
        if isinstance(prediction := line.answer, PhotoPrediction):
            row += [
                names.classes[prediction.top_class].name,
                *(f"{value:.6f}" for value in prediction.photo_probabilities),
                f"{prediction.entropy:.6f}",
                f"{prediction.disagreement:.6f}",
                *(names.classes[c].name for c in prediction.photo_members.argmax(axis=1)),
                f"{len(prediction.probabilities)}",
                f"{prediction.failed}",
                f"{prediction.outside}",
            ]
        else:
            row += [""] * (1 + len(measures) + len(_COUNTS))
        table.append(csv_line([*row, line.note]))
    return "".join(table)


def _entry(names: _Names, line: _Line) -> dict[str, Any]:
    """One photo of the JSON document; null where there is no prediction."""
    from bachview.inference.photos import PhotoPrediction

    assert line.photo is not None  # noqa: S101  # only a photo that was looked at
    found: dict[str, Any] = dict.fromkeys(
        ("class", "probabilities", "entropy", "disagreement", "members")
    )
    patches = failed = outside = 0
    if isinstance(prediction := line.answer, PhotoPrediction):
        votes = prediction.photo_members.argmax(axis=1)
        found = {
            "class": names.classes[prediction.top_class].name,
            "probabilities": {
                one.name: float(value)
                for one, value in zip(names.classes, prediction.photo_probabilities, strict=True)
            },
            "entropy": prediction.entropy,
            "disagreement": prediction.disagreement,
            "members": {
                n: names.classes[c].name for n, c in zip(names.members, votes, strict=True)
            },
        }
        patches, failed = len(prediction.probabilities), prediction.failed
        outside = prediction.outside
    return {
        "file": str(line.path),
        "state": line.state,
        **found,
        "patches": patches,
        "failed_patches": failed,
        "outside_patches": outside,
        "mpp": line.photo.known.value,
        "mpp_origin": line.photo.known.origin,
        "note": line.note,
    }


def _print_counts(names: _Names, lines: Sequence[_Line]) -> None:
    """Photos of each class, and those without one by their state."""
    from bachview.inference.photos import PhotoPrediction, PhotoState

    without = (state for state in PhotoState if state is not PhotoState.CLASSIFIED)
    classes = Counter(
        names.classes[line.answer.top_class].name
        for line in lines
        if isinstance(line.answer, PhotoPrediction)
    )
    states = Counter(line.state for line in lines)
    print_table(
        f"{len(lines):,} photos",
        [("Class or state", False), ("Photos", True)],
        [
            *((one.name, f"{classes[one.name]:,}") for one in names.classes),
            *((state.value, f"{states[state]:,}") for state in without if states[state]),
        ],
    )
