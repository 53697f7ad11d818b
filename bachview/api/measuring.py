"""Evaluation of an ensemble on labelled photos and annotated slides."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bachview import audit
from bachview.core.classes import ClassSet
from bachview.core.units import percent_text
from bachview.datasets import reading
from bachview.datasets.samples import Dataset, Photo
from bachview.errors import (
    BachviewError,
    DatasetError,
    PixelSizeError,
    SlideOpenError,
    SlideReadError,
    UsageError,
)
from bachview.evaluation import measures
from bachview.evaluation.facts import report_facts
from bachview.evaluation.labelled_predictions import (
    JudgedPhotos,
    LabelledPredictions,
    labelled_predictions,
)
from bachview.evaluation.measures import Evaluation
from bachview.evaluation.report import ReportFacts, write_report
from bachview.evaluation.slide_scores import SlideScore, score_slide, slides_document
from bachview.inference.photos import PhotoState, try_photos
from bachview.jobs.tokens import CancelToken
from bachview.models.ensemble import Ensemble
from bachview.policy.in_force import in_force

#: Called with what is measured (``photos``, or the name of a slide), the amount done and the total.
Told = Callable[[str, int, int], object]

#: Photos named in one warning.
_MOST_NAMED = 5

#: How the photos in each part of a bundle's own split were used in its training.
_PART_USES = {
    "train": "it was trained on them",
    "held": "the classifiers, the temperature and the thresholds were fitted on them",
}


def read_dataset(
    folder: str | Path,
    *,
    mpp: float | None = None,
    patients: str | Path | None = None,
    classes: ClassSet | None = None,
) -> Dataset:
    """Read a folder of labelled photos and annotated slides; each photo is read once.

    Parameters
    ----------
    folder : contains ``Photos`` or ``WSI``, or is ``Photos``, or contains BACH's unpacked folder.
    mpp : um/px of all photos; None for what each file states, else BACH's if it is a BACH file.
    patients : CSV ``file,patient``; None for ``patients.csv`` in the data set, or blocks of
        neighbouring numbers.
    classes : in the order of the ensemble's; None for those of the folder's ``classes.toml``, else
        BACH's.

    Raises
    ------
    DatasetError, UsageError
        As of `bachview.datasets.reading.scan_dataset`.
    """
    return reading.read_dataset(
        Path(folder),
        mpp=mpp,
        patients=None if patients is None else Path(patients),
        classes=classes,
    )


@dataclass(frozen=True, slots=True)
class Measurement:
    """The figures of an ensemble on a data set, and how they were obtained.

    Attributes
    ----------
    evaluation : of photos and patches, with intervals.
    predictions : the predictions that were measured, with the truth.
    slides : scores of the annotated slides.
    facts : on how they were obtained, with the warnings.
    not_judged : photos that count in no figure, with the reason: no H&E tissue, or not what the
        models know. The warnings say how many they are.
    failures : a sentence for each slide that could not be measured; also among the warnings.
    bundle_name, bundle_sha256 : the ensemble that was measured.
    """

    evaluation: Evaluation
    predictions: LabelledPredictions
    slides: tuple[SlideScore, ...]
    facts: ReportFacts
    not_judged: tuple[tuple[Photo, BachviewError], ...]
    failures: tuple[str, ...]
    bundle_name: str
    bundle_sha256: str

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences to read before the figures."""
        return tuple(self.facts.warnings)

    def to_document(self) -> dict[str, Any]:
        """Plain values, for JSON: the keys of ``bachview evaluate --json``."""
        return {
            **self.evaluation.to_json(),
            "not_judged": [
                {"file": photo.path.name, "state": PhotoState.of(reason), "note": str(reason)}
                for photo, reason in self.not_judged
            ],
            "slides": slides_document(self.slides),
            "bundle": {"name": self.bundle_name, "sha256": self.bundle_sha256},
            "warnings": list(self.warnings),
            "provenance": dict(self.facts.provenance),
        }

    def write_report(self, path: str | Path) -> None:
        """Write an HTML report with plots, complete or not at all.

        Raises
        ------
        ExportError
            The file cannot be written.
        LockedError
            The administrator does not allow files that name slides.
        """
        check_report_names()
        audit.record(
            "export",
            bundle=self.bundle_name,
            bundle_sha256=self.bundle_sha256,
            names=True,
            output=[str(Path(path).absolute())],
        )
        write_report(Path(path), self.evaluation, self.predictions, self.facts, self.slides)


def check_report_names() -> None:
    """Check that a report may be written, which names slides, and photos in its warnings.

    Raises
    ------
    LockedError
        The administrator does not allow that.
    """
    in_force().check_names("A report that names its slides")


def evaluate(
    ensemble: Ensemble,
    dataset: Dataset,
    *,
    split: str | Path | None = None,
    part: str | None = None,
    with_slides: bool = True,
    progress: Told | None = None,
    cancel: CancelToken | None = None,
) -> Measurement:
    """Evaluate an ensemble on a data set. Blocking; nothing is saved.

    A slide that cannot be measured is named in the warnings and skipped. So are photos without H&E
    tissue and those that the models do not know, with the accuracy if they are counted as wrong.

    Parameters
    ----------
    split : CSV that states which photos the bundle was trained on; None: not known.
    part : measure only the photos of this part of `split`.
    with_slides : also score the annotated slides.
    progress : called on this thread.
    cancel : cancel it from another thread; answered within half a second.

    Raises
    ------
    UsageError
        The classes are not the ensemble's, or `part` is given without `split`.
    DatasetError
        There is no photo to measure, none can be judged, or a photo has no pixel size.
    PixelSizeError, SlideOpenError, SlideReadError
        A photo cannot be read.
    EngineError, Cancelled
        The engine failed; `cancel` was cancelled.
    """
    token, told = cancel or CancelToken(), progress or (lambda what, done, total: None)
    manifest = ensemble.bundle.manifest
    if ensemble.classes.keys != dataset.classes.keys:
        raise UsageError(
            f"The classes of the bundle {manifest.name} are {', '.join(ensemble.classes.keys)}, "
            f"those of the data set {', '.join(dataset.classes.keys)}: give a bundle with the same "
            "classes, or name those of the data set in its classes.toml."
        )
    path = None if split is None else Path(split)
    photos, warnings = chosen_photos(dataset, path, part)
    if not manifest.is_for_tissue:
        warnings.append(not_for_tissue(ensemble))
    answers = try_photos(
        ensemble,
        [(photo.path, photo.mpp) for photo in photos],
        token=token,
        on_progress=lambda done, total: told("photos", done, total),
    )
    judged = JudgedPhotos.of(photos, answers)
    labelled = labelled_predictions(judged.photos, judged.predictions, manifest)
    figures = measures.evaluate(labelled, ensemble.bundle.thresholds)
    warnings += not_judged(judged, figures) + unread(judged)
    slides, failures = _scored(ensemble, dataset if with_slides else None, token, told)
    return Measurement(
        figures,
        labelled,
        tuple(slides),
        report_facts(
            ensemble, judged.photos, split=path, part=part, warnings=[*warnings, *failures]
        ),
        judged.left_out,
        tuple(failures),
        manifest.name,
        ensemble.bundle.sha256,
    )


def not_judged(judged: JudgedPhotos, figures: Evaluation) -> list[str]:
    """The warning about photos that count in no figure; none if there are none."""
    if not judged.left_out:
        return []
    states = Counter(PhotoState.of(reason) for _, reason in judged.left_out)
    total = len(judged.photos) + len(judged.left_out)
    right = round(figures.photo.metrics.accuracy * len(judged.photos))
    named = ", ".join(photo.path.name for photo, _ in judged.left_out[:_MOST_NAMED])
    if len(judged.left_out) > _MOST_NAMED:
        named += ", …"
    sentence = (
        f"{len(judged.left_out):,} of the {total:,} photos were not judged and count in no figure "
        f"({', '.join(f'{count:,} {state}' for state, count in states.items())}): {named}. With "
        f"them as wrong answers, the accuracy would be {percent_text(right / total)}."
    )
    return [sentence]


def unread(judged: JudgedPhotos) -> list[str]:
    """The warning about cells that could not be read; none if there are none."""
    parts = [found.failed for found in judged.predictions if found.failed]
    if not parts:
        return []
    sentence = (
        f"{sum(parts):,} cells of {len(parts):,} photos could not be read: these photos were "
        "judged by their other cells."
    )
    return [sentence]


def _scored(
    ensemble: Ensemble, dataset: Dataset | None, token: CancelToken, told: Told
) -> tuple[list[SlideScore], list[str]]:
    """The scores of the annotated slides, and a sentence for each that failed."""
    scores: list[SlideScore] = []
    failures: list[str] = []
    if dataset is None:
        return scores, failures
    for slide in dataset.slides:
        name = slide.path.name
        try:
            score = score_slide(
                ensemble,
                slide,
                dataset.classes,
                token,
                on_progress=lambda found, name=name: told(  # type: ignore[misc]
                    name, found.done, found.total
                ),
            )
        except (PixelSizeError, DatasetError, SlideOpenError, SlideReadError) as error:
            failures.append(str(error))
        else:
            scores.append(score)
    return scores, failures


def not_for_tissue(ensemble: Ensemble) -> str:
    """The warning about figures of an ensemble that was not trained on tissue."""
    return (
        f"The model {ensemble.bundle.manifest.name} was not trained on tissue: "
        "these figures say nothing about tissue."
    )


def chosen_photos(
    dataset: Dataset, split: Path | None, part: str | None
) -> tuple[Sequence[Photo], list[str]]:
    """The photos to measure, and the warnings about them.

    Raises
    ------
    UsageError
        A part is given, but no split.
    DatasetError
        There are none.
    """
    if part is not None and split is None:
        raise UsageError("A part is one of a split: give the file of the split as well.")
    photos = [photo for photo in dataset.photos if photo.label is not None]
    if not photos:
        raise DatasetError(
            f"{dataset.folder.name} contains no photo with a known class; put the photos into "
            "folders named after the classes."
        )
    if split is None:
        return photos, [
            "No split file was given: it is unknown whether the bundle was trained on these photos."
        ]
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
    return photos, [
        f"{counts[name]} of the {len(photos)} photos are in the part {name} of {split.name}: "
        f"{use}, so the figures are better than for tissue that the bundle has not seen."
        for name, use in _PART_USES.items()
        if counts[name]
    ]
