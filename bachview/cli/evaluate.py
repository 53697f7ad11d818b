"""``bachview evaluate``: how good a bundle is on labelled photos and annotated slides."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bachview.cli.evaluate_report import print_tables, report_facts
from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_json, tell
from bachview.cli.progress import spinning
from bachview.cli.waiting import END_S, Told, awaited
from bachview.errors import (
    DatasetError,
    PixelSizeError,
    SlideOpenError,
    SlideReadError,
    UsageError,
)
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken

if TYPE_CHECKING:
    from bachview.datasets.samples import AnnotatedSlide, Dataset, Photo
    from bachview.evaluation.measures import LabelledPredictions
    from bachview.evaluation.slide_scores import SlideScore
    from bachview.models.ensemble import Ensemble

_MOST_PROBLEMS = 10
#: What a bundle learnt from the photos in each part of its own split.
_LEARNT = {
    "train": "it has learnt from them",
    "held": "the classifiers, the temperature and the thresholds were fitted on them",
}


def evaluate(
    bundle: str,
    dataset: Path,
    *,
    output: Path | None,
    split: Path | None,
    part: str | None,
    mpp: float | None,
    patients: Path | None,
    device: str,
    as_json: bool,
    with_slides: bool = True,
) -> int:
    """Measure a bundle and print tables, or one JSON document; write the report.

    A slide that cannot be measured is named, the rest goes on, and the exit code is that of
    bad input. Ctrl-C ends it within half a second; then nothing is written.

    Parameters
    ----------
    bundle : path, or name of an installed one.
    output : of the HTML report; None: no report.
    split : CSV that says which photos the bundle was trained on; None: not known.
    part : measure only the photos of this part of `split`.
    mpp : um/px of all photos; None: each file's own.
    patients : CSV ``file,patient``; None: blocks of the numbering.

    Raises
    ------
    BachviewError
        The data set, the bundle, the split or the place of the report is not usable.
    Cancelled
        Ctrl-C.
    """
    from bachview.datasets.reading import read_dataset
    from bachview.evaluation.measures import evaluate as measure
    from bachview.evaluation.report import write_report
    from bachview.evaluation.slide_scores import slides_document
    from bachview.models.bundle.installed import resolve_bundle
    from bachview.models.ensemble import load_ensemble

    if part is not None and split is None:
        raise UsageError("--part names a part of a split; give the split's file with --split.")
    path = resolve_bundle(bundle)
    if output is not None:
        _prepare(output)
    with clean_stdout():
        with spinning("Reading the data set"):
            found = read_dataset(dataset, mpp=mpp, patients=patients)
        _tell_problems(found)
        photos, warnings = _chosen(found, split, part)
        for sentence in warnings:
            tell(sentence)
        with spinning("Loading and checking the bundle"):
            loaded = load_ensemble(path, device=device.upper())
        with loaded as ensemble:
            manifest = ensemble.bundle.manifest
            if manifest.class_set.keys != found.classes.keys:
                raise UsageError(
                    f"The classes of the bundle {manifest.name} are "
                    f"{', '.join(manifest.class_set.keys)}, those of the data set "
                    f"{', '.join(found.classes.keys)}: give a bundle of the same classes."
                )
            if not manifest.is_for_tissue:
                sentence = (
                    f"The model {manifest.name} was not trained on tissue: "
                    "these figures say nothing about tissue."
                )
                warnings = (*warnings, sentence)
                tell(sentence)
            slides = found.slides if with_slides else ()
            labelled, scores, failures = _judge(ensemble, photos, slides)
            warnings = (*warnings, *failures)
            evaluation = measure(labelled, ensemble.bundle.thresholds)
            facts = report_facts(ensemble, photos, split=split, part=part, warnings=warnings)
        if output is not None:
            write_report(output, evaluation, labelled, facts, scores)
        document: dict[str, Any] = {
            **evaluation.to_json(),
            "slides": slides_document(scores),
            "bundle": {"name": manifest.name, "sha256": ensemble.bundle.sha256},
            "warnings": list(warnings),
            "provenance": dict(facts.provenance),
            "report": None if output is None else str(output),
        }
    if as_json:
        print_json(document)
    else:
        print_tables(evaluation, scores, manifest.name)
    if output is not None:
        tell(f"Wrote {output}.")
    return ExitCode.BAD_INPUT if failures else ExitCode.DONE


def _prepare(output: Path) -> None:
    """Make the report's folder now: better to fail before the work than after it.

    Raises
    ------
    UsageError
        It is no name of an HTML file.
    ExportError
        It cannot be written.
    """
    from bachview.files import check_writable

    if output.suffix.lower() not in (".html", ".htm"):
        raise UsageError(
            f"The report is an HTML file; give --output a name such as {output.stem}.html."
        )
    check_writable(output)


def _tell_problems(dataset: "Dataset") -> None:
    for problem in dataset.problems[:_MOST_PROBLEMS]:
        tell(f"{problem.file}: {problem.message}")
    if len(dataset.problems) > _MOST_PROBLEMS:
        tell(
            f"{len(dataset.problems) - _MOST_PROBLEMS} more files have problems; "
            "see: bachview dataset check"
        )


def _chosen(
    dataset: "Dataset", split: Path | None, part: str | None
) -> tuple[list["Photo"], tuple[str, ...]]:
    """The photos to measure, and what must be said of them.

    Raises
    ------
    DatasetError
        There are none.
    """
    photos = [photo for photo in dataset.photos if photo.label is not None]
    if not photos:
        raise DatasetError(
            f"{dataset.folder.name} holds no photo whose class is known; put the photos into "
            "folders named after the classes."
        )
    if split is None:
        return photos, (
            "No split file was given: whether the bundle was trained on these photos is not known.",
        )
    from bachview.datasets.splits import read_split

    parts = read_split(split)
    if part is not None:
        photos = [photo for photo in photos if parts.get(photo.sha256) == part]
        if not photos:
            known = ", ".join(sorted(set(parts.values()))) or "none"
            raise DatasetError(
                f"No photo of the data set is in the part {part} of {split.name}; "
                f"its parts are: {known}."
            )
    counts = Counter(parts.get(photo.sha256) for photo in photos)
    return photos, tuple(
        f"{counts[name]} of the {len(photos)} photos are in the part {name} of {split.name}: "
        f"{learnt}, and the figures are better than for tissue that the bundle has not seen."
        for name, learnt in _LEARNT.items()
        if counts[name]
    )


def _judge(
    ensemble: "Ensemble", photos: Sequence["Photo"], slides: Sequence["AnnotatedSlide"]
) -> tuple["LabelledPredictions", list["SlideScore"], list[str]]:
    """What the ensemble says of the photos; the slides' scores; slides that failed."""
    from bachview.evaluation.labelled_predictions import labelled_predictions
    from bachview.inference.photos import predict_photos

    files = [(photo.path, photo.mpp) for photo in photos]
    scores: list[SlideScore] = []
    failures: list[str] = []
    lane = Lane("inference", low_priority=True)
    try:
        answers = awaited(
            lane,
            lambda token, told: list(
                predict_photos(ensemble, files, token=token, on_progress=told)
            ),
            "Judging photos",
            "photos",
        )
        labelled = labelled_predictions(photos, answers, ensemble.bundle.manifest)
        for slide in slides:
            try:
                score = awaited(lane, _slide_job(ensemble, slide), slide.path.name, "patches")
            except (PixelSizeError, DatasetError, SlideOpenError, SlideReadError) as error:
                failures.append(str(error))
                tell(str(error))
            else:
                scores.append(score)
    finally:
        lane.close(END_S)
    return labelled, scores, failures


def _slide_job(
    ensemble: "Ensemble", slide: "AnnotatedSlide"
) -> Callable[[CancelToken, Told], "SlideScore"]:
    from bachview.evaluation.slide_scores import score_slide

    def job(token: CancelToken, told: Told) -> "SlideScore":
        return score_slide(
            ensemble, slide, token, on_progress=lambda progress: told(progress.done, progress.total)
        )

    return job
