"""The whole training: data, pretraining, cross-validation, the final ensemble and its bundle.

Everything is saved to the output folder at once, and an interrupted run resumes from there:
finished folds are not repeated, and a network continues from its last epoch.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.datasets.reading import read_dataset
from bachview.datasets.samples import Dataset, Photo
from bachview.datasets.splits import folds, holdout, write_split
from bachview.errors import DatasetError, RecipeError, UsageError
from bachview.evaluation.labelled_predictions import (
    load_labelled,
    pooled,
    predict_with_bundle,
    save_labelled,
    with_uniform_share,
)
from bachview.evaluation.measures import Evaluation, evaluate
from bachview.file_names import BUNDLE_SUFFIX, ESCAPED, printable
from bachview.files import write_text
from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import Architecture, architecture_of
from bachview.models.bundle.opened import open_bundle
from bachview.models.engines.tensorflow_runtime import keras
from bachview.training.augmentation import write_batch_picture
from bachview.training.checkpoints import read_record
from bachview.training.cross_fitting import check_held, check_learnt
from bachview.training.curves import read_history, write_curves
from bachview.training.ensemble_fit import (
    EnsembleJob,
    fit_ensemble,
    save_calibration,
    shared_rows,
    write_fitted,
)
from bachview.training.first_weights import RANDOM, FirstWeights, first_weights
from bachview.training.fitting import FitWatcher
from bachview.training.images import TrainingImage, load_sources
from bachview.training.model_card import Card, model_card
from bachview.training.networks import check_cells
from bachview.training.pretraining import pretrain
from bachview.training.recipe import read_recipe
from bachview.training.request import TrainingRequest, check_name
from bachview.training.rows import Rows
from bachview.training.slide_windows import sample_windows
from bachview.training.teaching import TeachingJob, students_of, teach
from bachview.training.teaching_report import TeachingReport
from bachview.training.unlabelled_tissue import sized, unlabelled_tissue

PARTS = ("train", "held")
RUN_FILE = "run.json"
RECIPE_FILE = "recipe.toml"
SPLIT_FILE = "split.csv"
CROSS_VALIDATION_FILE = "cross_validation.json"
CARD_FILE = "MODEL_CARD.md"
CURVES_FILE = "curves.png"
AUGMENTATION_FILE = "augmentation.png"
FEATURES_FOLDER = "features"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The result of a training.

    Attributes
    ----------
    measured : the pooled cross-validation; None if the recipe has no folds.
    """

    bundle: Path
    measured: Evaluation | None


class TrainingWatcher(FitWatcher):
    """Callbacks of a training, on its own thread; override those of interest."""

    def phase(self, title: str) -> None:
        """Another part starts."""

    def problem(self, message: str) -> None:
        """Something about the data that the user should know."""


def train(
    request: TrainingRequest,
    token: CancelToken | None = None,
    watcher: TrainingWatcher | None = None,
) -> TrainingResult:
    """Train an ensemble according to the recipe. Takes hours on a CPU.

    Parameters
    ----------
    token : may be cancelled from another thread.
    watcher : called with the progress, on this thread.

    Raises
    ------
    DatasetError, RecipeError, UsageError
        The data, the recipe or the output folder cannot be used; the text says why.
    Cancelled
        `token` was cancelled; the same request with `resume` continues.
    EngineError
        Keras is not installed.
    ExportError
        The bundle cannot be written.
    """
    check_name(request.name)  # not after hours, nor after the seconds that the import takes
    keras()
    return _Run(request, token or CancelToken(), watcher or TrainingWatcher()).train()


class _Run:
    def __init__(
        self, request: TrainingRequest, token: CancelToken, watcher: TrainingWatcher
    ) -> None:
        self._request = request
        self._recipe = request.read_recipe()
        self._output = Path(request.output)
        self._dataset = Path(request.dataset)
        self._token = token
        self._watcher = watcher
        self._starts: dict[Architecture, FirstWeights] = {}
        self._taught: TeachingReport | None = None
        self._rows: Rows | None = None
        self._tissue = unlabelled_tissue([Path(path) for path in request.tissue])
        if self._tissue and self._recipe.teacher is None:
            raise UsageError(
                "--tissue is for teaching, and the recipe has no [teacher]; choose another recipe, "
                "or leave it out."
            )

    def train(self) -> TrainingResult:
        watcher, request = self._watcher, self._request
        watcher.phase("Reading the data set")
        dataset = read_dataset(
            self._dataset,
            mpp=request.mpp,
            patients=None if request.patients is None else Path(request.patients),
        )
        for problem in dataset.problems:
            watcher.problem(f"{problem.file}: {problem.message}")
        with_tissue = tuple(photo for photo in dataset.photos if photo.has_tissue)
        dataset = replace(dataset, photos=with_tissue)
        photos = [photo for photo in with_tissue if photo.label is not None]
        if not photos:
            raise DatasetError(
                f"{self._dataset.name} has no labelled photos that show tissue: they are needed "
                "to hold patients out for the calibration."
            )
        # Detect this now, not after hours.
        check_cells(self._recipe)
        for seed, members in self._parts(photos, dataset.classes):
            self._held(members, dataset, seed)
        self._starts = self._first_weights()
        self._claim(photos, dataset.classes)
        patch = self._recipe.patch
        sources = load_sources(photos, patch.mpp, least_px=self._least_px(), token=self._token)
        windows = self._windows(dataset)
        write_batch_picture(
            self._output / AUGMENTATION_FILE, [*sources, *windows], self._recipe, dataset.classes
        )
        self._teach(dataset, photos)
        untaught = [name for name, start in self._starts.items() if start is RANDOM]
        if untaught and self._recipe.pretrain is not None:
            watcher.phase("Pretraining without labels")
            folder = self._output / "pretraining"
            self._starts |= pretrain(
                [*sources, *windows],
                self._recipe,
                untaught,
                folder,
                class_count=len(dataset.classes),
                token=self._token,
                watcher=watcher,
            )
            write_curves(
                folder / CURVES_FILE,
                {architecture_of(a).name: read_history(folder / a) for a in untaught},
            )
        measured, uniform_share = self._cross_validate(photos, sources, windows, dataset)
        bundle = self._final(photos, sources, windows, dataset, measured, uniform_share)
        return TrainingResult(bundle, measured)

    def _least_px(self) -> int:
        """Least side of a photo: of a wide patch, a part may lie beyond it."""
        recipe = self._recipe
        if recipe.patch.is_wide and recipe.heads is not None:
            return round(recipe.patch.stride_um / recipe.patch.mpp)
        return recipe.patch.input_px

    def _teach(self, dataset: Dataset, photos: Sequence[Photo]) -> None:
        recipe = self._recipe
        if recipe.teacher is None or not students_of(recipe, recipe.teacher, self._starts):
            return
        self._watcher.phase("Teaching without labels")
        folder = self._output / "teaching"
        others = [photo for photo in dataset.photos if photo.label is None]
        is_held = holdout(photos, recipe.data.holdout, seed=recipe.seed, classes=dataset.classes)
        job = TeachingJob(
            recipe,
            recipe.teacher,
            [*photos, *others],
            np.append(is_held, np.zeros(len(others), np.bool_)),
            [*self._tissue, *(slide.path for slide in dataset.slides)],
            dataset.classes,
            self._starts,
            self._request.imagenet,
            folder,
        )
        self._starts, self._taught = teach(job, self._token, self._watcher, self._watcher.problem)
        write_curves(
            folder / CURVES_FILE,
            {
                architecture_of(name).name: read_history(folder / name)
                for name in self._taught.networks
            },
        )

    def _parts(self, photos: Sequence[Photo], classes: ClassSet) -> list[tuple[int, list[Photo]]]:
        """Seed and photos of each fold's ensemble, then of the final one."""
        seed, count = self._recipe.seed, self._recipe.data.folds
        place = folds(photos, count, seed=seed, classes=classes) if count else np.zeros(0, np.int64)
        parts = [
            (
                seed + 100 * (fold + 1),
                [photo for photo, at in zip(photos, place, strict=True) if at != fold],
            )
            for fold in range(count)
        ]
        return [*parts, (seed, list(photos))]

    def _held(self, photos: Sequence[Photo], dataset: Dataset, seed: int) -> npt.NDArray[np.bool_]:
        """(N,) bool: the photos whose patients are held out from the CNNs; none without stages."""
        labels = np.array([photo.label or 0 for photo in photos], np.int64)
        if not self._recipe.stages:
            check_learnt(labels, len(dataset.classes))
            return np.zeros(len(photos), np.bool_)
        held_out = holdout(photos, self._recipe.data.holdout, seed=seed, classes=dataset.classes)
        check_held(labels[held_out], len(dataset.classes))
        return held_out

    def _first_weights(self) -> dict[Architecture, FirstWeights]:
        """As requested, or what is at hand; a resumed training keeps what it started with."""
        asked, networks = self._request.imagenet, self._recipe.networks
        if isinstance(asked, Path) and asked.is_file() and len(networks) > 1:
            raise UsageError(
                f"{asked.name} is one file, but the recipe names {len(networks)} networks: give a "
                "folder with a file for each."
            )
        before: Mapping[str, Any] = {}
        if self._request.resume and (self._output / RUN_FILE).is_file():
            before = _read_run(self._output / RUN_FILE).get("first_weights", {})
        if asked == "fetch":
            self._watcher.phase("Looking for ImageNet weights")
        starts = {
            name: RANDOM
            if before.get(name) == RANDOM.text and asked == "fetch"
            else first_weights(name, asked)
            for name in networks
        }
        without = [architecture_of(name).name for name, start in starts.items() if start is RANDOM]
        if without and asked == "fetch" and not before:
            self._watcher.problem(
                f"No ImageNet weights are installed or can be fetched for {', '.join(without)}: "
                "random weights are used. --imagenet-weights takes them from a folder."
            )
        return starts

    def _claim(self, photos: Sequence[Photo], classes: ClassSet) -> None:
        """Claim the output folder for this run, or check that it belongs to it."""
        output = self._output
        recipe = self._recipe_text()
        record: dict[str, Any] = {
            "recipe_sha256": hashlib.sha256(recipe.encode()).hexdigest(),
            "photos_sha256": hashlib.sha256(
                "".join(sorted(photo.sha256 for photo in photos)).encode()
            ).hexdigest(),
            "first_weights": {name: start.text for name, start in self._starts.items()},
        }
        if classes != BACH_CLASSES:
            record["classes"] = list(classes.keys)
        if self._tissue:
            record["tissue_sha256"] = hashlib.sha256(
                "\n".join(f"{size} {path.name}" for path, size in sized(self._tissue)).encode(
                    "utf-8", ESCAPED
                )
            ).hexdigest()
        path = output / RUN_FILE
        if path.is_file():
            if not self._request.resume:
                raise UsageError(
                    f"{output.name} already contains a training: give --resume to continue it, or "
                    "choose another folder."
                )
            if _read_run(path) != record:
                raise RecipeError(
                    f"The training in {output.name} was started with another recipe, other photos, "
                    "classes, tissue or initial weights: continue with those, or choose another "
                    "folder."
                )
        else:
            # A training that was killed here may have left a partial record.
            part = f".{RUN_FILE}."
            if output.is_dir() and any(not f.name.startswith(part) for f in output.iterdir()):
                raise UsageError(f"{output.name} is not empty: choose a new folder.")
            write_text(path, json.dumps(record, indent=1) + "\n")
        if not (output / RECIPE_FILE).is_file():
            write_text(output / RECIPE_FILE, recipe)

    def _recipe_text(self) -> str:
        """The recipe; as stored in the output folder if only its wording differs."""
        path = self._output / RECIPE_FILE
        if path.is_file() and read_recipe(path) == self._recipe:
            return path.read_bytes().decode()
        return self._recipe.to_toml()

    def _windows(self, dataset: Dataset) -> list[TrainingImage]:
        """Windows of the annotated slides; only the CNNs are trained on them."""
        wanted = self._recipe.slides.windows_per_class
        if not dataset.slides or not wanted:
            return []
        self._watcher.phase("Cutting windows out of the annotated slides")
        patch = self._recipe.patch
        # The mined class needs enough windows to leave some out.
        mined = dataset.classes.negative_label if self._recipe.slides.hard_negatives else None
        return sample_windows(
            dataset.slides,
            per_class=[wanted * (1 + (label == mined)) for label in range(len(dataset.classes))],
            field_um=patch.input_px * patch.mpp,
            mpp=patch.mpp,
            seed=self._recipe.seed,
            token=self._token,
            classes=dataset.classes,
        )

    def _cross_validate(
        self,
        photos: Sequence[Photo],
        sources: Sequence[TrainingImage],
        windows: Sequence[TrainingImage],
        dataset: Dataset,
    ) -> tuple[Evaluation | None, float]:
        """The pooled figures, and the uniform share of the final ensemble."""
        count = self._recipe.data.folds
        if not count:
            return None, 0.0
        answers, limits = [], None
        for fold, (seed, members) in enumerate(self._parts(photos, dataset.classes)[:-1]):
            folder = self._output / f"fold-{fold + 1}"
            bundle = folder / f"fold{BUNDLE_SUFFIX}"
            if not (folder / "judged.npz").is_file():
                self._watcher.phase(f"Fold {fold + 1} of {count}")
                inside = {photo.sha256 for photo in members}
                if not bundle.is_file():
                    self._fit(
                        bundle,
                        members,
                        photos,
                        sources,
                        windows,
                        dataset,
                        seed=seed,
                        card=None,
                    )
                labelled = predict_with_bundle(
                    bundle,
                    [photo for photo in photos if photo.sha256 not in inside],
                    token=self._token,
                    on_photo=lambda done, total: self._watcher.count("photos tested", done, total),
                )
                save_labelled(folder / "judged.npz", labelled)
            answers.append(load_labelled(folder / "judged.npz", dataset.classes))
            with open_bundle(bundle) as opened:
                limits = opened.thresholds
        assert limits is not None  # noqa: S101  # there is at least one fold
        answers, uniform_share = with_uniform_share(answers)
        measured = evaluate(pooled(answers), limits)
        document = json.dumps(measured.to_json(), indent=1) + "\n"
        write_text(self._output / CROSS_VALIDATION_FILE, document)
        return measured, uniform_share

    def _final(
        self,
        photos: Sequence[Photo],
        sources: Sequence[TrainingImage],
        windows: Sequence[TrainingImage],
        dataset: Dataset,
        measured: Evaluation | None,
        uniform_share: float,
    ) -> Path:
        bundle = self._output / f"{self._request.name}{BUNDLE_SUFFIX}"
        if not bundle.is_file():
            self._watcher.phase("The final ensemble, on all photos")
            request = self._request
            card = Card(
                request.name,
                self._recipe,
                dataset,
                measured,
                uniform_share,
                request.notes,
                self._taught,
            )
            seed = self._recipe.seed
            self._fit(bundle, photos, photos, sources, windows, dataset, seed=seed, card=card)
        return bundle

    def _fit(
        self,
        bundle: Path,
        photos: Sequence[Photo],
        all_photos: Sequence[Photo],
        all_sources: Sequence[TrainingImage],
        windows: Sequence[TrainingImage],
        dataset: Dataset,
        *,
        seed: int,
        card: Card | None,
    ) -> None:
        """Fit an ensemble on `photos`, some of `all_photos`, and write its bundle."""
        folder = bundle.parent if card is None else self._output / "final"
        folder.mkdir(parents=True, exist_ok=True)
        recipe = self._recipe
        is_held = self._held(photos, dataset, seed)
        write_split(
            folder / SPLIT_FILE,
            photos,
            [PARTS[int(held_out)] for held_out in is_held],
            classes=dataset.classes,
        )
        by_path = {photo.path: place for place, photo in enumerate(all_photos)}
        places = [by_path[photo.path] for photo in photos]
        own = [all_sources[place] for place in places]
        job = EnsembleJob(
            name=self._request.name,
            classes=dataset.classes,
            train=[
                *(s for s, held_out in zip(own, is_held, strict=True) if not held_out),
                *windows,
            ],
            held_out=[s for s, held_out in zip(own, is_held, strict=True) if held_out],
            recipe=recipe,
            starts=self._starts,
            folder=folder,
            seed=seed,
        )
        if not recipe.stages:
            images = [*all_sources, *windows]
            everything = self._shared_rows(job, images)
            places += range(len(all_sources), len(images))
            job = replace(job, rows=everything.of_sources(places))
        fitted = fit_ensemble(job, self._token, self._watcher)
        save_calibration(folder / "calibration.json", fitted.calibrated)
        write_curves(
            folder / CURVES_FILE,
            {architecture_of(a).name: read_history(folder / a) for a in recipe.networks},
        )
        text = "A fold of a cross-validation. Not for use.\n"
        metrics: dict[str, float] = {}
        if card is not None:
            text, metrics = model_card(card, fitted)
            write_text(self._output / CARD_FILE, text)
        write_fitted(
            bundle,
            fitted,
            job,
            data=f"{len(photos)} photos of {_as_text(self._dataset)}, "
            f"{len(windows)} windows of {len(dataset.slides)} annotated slides",
            split=f"{int(is_held.sum())} of {len(photos)} photos held out by patient from the "
            "CNNs, for the classifiers and the calibration"
            if recipe.stages
            else f"all {len(photos)} photos trained on; calibration cross-fitted by patient",
            model_card=text,
            metrics=metrics,
            photo_doubt=0.0 if card is None else card.photo_doubt,
        )

    def _shared_rows(self, job: EnsembleJob, images: Sequence[TrainingImage]) -> Rows:
        """The rows of all images; computed once, as the networks learn no label."""
        if self._rows is None:
            self._watcher.phase("Showing all photos to the networks")
            job = replace(job, train=images, folder=self._output / FEATURES_FOLDER)
            self._rows = shared_rows(job, self._token, self._watcher)
        return self._rows


def _read_run(path: Path) -> dict[str, Any]:
    """What a training was started with.

    Raises
    ------
    RecipeError
        The record is damaged.
    """
    return read_record(
        path,
        _object,
        remedy="start the training again in another folder",
        error=RecipeError,
    )


def _object(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ValueError("it is not an object")
    return document


def _as_text(folder: Path) -> str:
    """A folder's name for a manifest, even if it is not UTF-8."""
    return printable(folder.name)
