"""Fitting of CNNs, classifiers and their calibration, up to the bundle."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bachview.config import RESEARCH_USE
from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.probabilities import soft_vote, temperature_scaled
from bachview.core.uncertainty import Thresholds
from bachview.evaluation.operating_point import choose_thresholds, fit_temperature, fit_weights
from bachview.files import write_text
from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import Architecture, architecture_of
from bachview.models.bundle.writer import Cnn, Description, FittedClassifier, write_bundle
from bachview.models.seen import SeenMaterial
from bachview.training.cross_fitting import (
    ROUNDS,
    cross_fitted_votes,
    fit_classifiers,
    fit_heads,
    group_folds,
)
from bachview.training.first_weights import FirstWeights, common_origin
from bachview.training.fitting import FitJob, FitWatcher, fit_network
from bachview.training.images import TrainingImage
from bachview.training.recipe import Recipe
from bachview.training.rows import Rows, kept_rows, rows_of
from bachview.training.seen_material import fit_seen
from bachview.training.shown_cells import plain_cells


def seen(classes: ClassSet) -> str:
    """What the networks have seen, and so can classify."""
    tissue = "H&E-stained breast tissue" if classes == BACH_CLASSES else "tissue of its data set"
    return f"It has seen {tissue} at the stated µm/px and nothing else."


@dataclass(frozen=True, slots=True)
class EnsembleJob:
    """Everything that one ensemble depends on.

    Attributes
    ----------
    train : images on which the CNNs are trained; all members, if the recipe has only heads.
    held_out : images of other patients, for the classifiers and the calibration; none if the recipe
        has only heads.
    folder : keeps checkpoints; the fit resumes from them.
    starts : the weights that each network starts from.
    rows : those of `train`, if the recipe has only heads and they are known.
    """

    name: str
    classes: ClassSet
    train: Sequence[TrainingImage]
    held_out: Sequence[TrainingImage]
    recipe: Recipe
    starts: Mapping[Architecture, FirstWeights]
    folder: Path
    seed: int
    rows: Rows | None = None


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Parameters fitted to unbiased votes, besides the members.

    Attributes
    ----------
    temperature : of patches.
    weights : of the members in the soft vote.
    coverage, risk : of `thresholds` on the patches of those votes.
    """

    temperature: float
    thresholds: Thresholds
    weights: tuple[float, ...]
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class FittedEnsemble:
    """Everything that goes into a bundle except its texts.

    Attributes
    ----------
    starts : the weights that each of `cnns` started from.
    """

    cnns: tuple[Cnn, ...]
    classifiers: tuple[FittedClassifier, ...]
    calibrated: Calibrated
    starts: tuple[FirstWeights, ...]
    golden_patches: npt.NDArray[np.uint8]
    golden_labels: npt.NDArray[np.int64]
    seen: SeenMaterial | None = None


def fit_ensemble(
    job: EnsembleJob,
    token: CancelToken,
    watcher: FitWatcher,
) -> FittedEnsemble:
    """Fit the members and their calibration.

    Raises
    ------
    Cancelled
        `token` was cancelled; finished epochs are kept, and the next call resumes.
    DatasetError
        Too few patients, or weights that cannot be used.
    """
    recipe = job.recipe
    cnns = _fitted_networks(job, token, watcher)
    # Networks without stages see no labels, so no patients need to be held out from them.
    sources = job.held_out if recipe.stages else job.train
    rows = job.rows
    if rows is None:
        rows = rows_of(
            cnns,
            sources,
            recipe,
            seed=job.seed,
            token=token,
            on_batch=lambda done, total: watcher.count("patches for the classifiers", done, total),
        )
    if recipe.heads is not None:
        for cnn, head in zip(cnns, fit_heads(rows, recipe.heads, seed=job.seed), strict=True):
            head.install(cnn.model)
    classifiers = fit_classifiers(
        rows,
        recipe.classifiers,
        seed=job.seed,
        token=token,
        on_member=lambda done, total: watcher.count("classifiers fitted", done, total),
    )
    token.check()
    votes = cross_fitted_votes(
        rows,
        recipe.classifiers,
        recipe.heads,
        seed=job.seed,
        token=token,
        on_member=lambda done, total: watcher.count("members cross-fitted", done, total),
    )
    calibrated = calibrate(rows, votes, recipe)
    count = len(cnns)
    golden, labels = _golden(sources, rows, votes, recipe, token)
    # Augmented views and windows too: other stains and sharpness are what they are there for.
    seen = fit_seen(rows.features, rows.labels, group_folds(rows, ROUNDS, job.seed), seed=job.seed)
    return FittedEnsemble(
        tuple(
            Cnn(cnn.name, cnn.architecture, cnn.model, weight)
            for cnn, weight in zip(cnns, calibrated.weights[:count], strict=True)
        ),
        tuple(
            FittedClassifier(member.name, member.estimator, member.fitted, weight)
            for member, weight in zip(classifiers, calibrated.weights[count:], strict=True)
        ),
        calibrated,
        tuple(job.starts[name] for name in recipe.networks),
        golden,
        labels,
        seen,
    )


def shared_rows(job: EnsembleJob, token: CancelToken, watcher: FitWatcher) -> Rows:
    """The rows of all images, for every ensemble of a training whose recipe has only heads.

    Parameters
    ----------
    job : with all images as `train`; its folder keeps the rows, and the next call resumes.

    Raises
    ------
    Cancelled
        `token` was cancelled.
    DatasetError, SlideOpenError, SlideReadError
        Weights cannot be used, or a photo can no longer be read.
    """
    recipe = job.recipe
    starts = [job.starts[name].text for name in recipe.networks]
    return kept_rows(
        _fitted_networks(job, token, watcher),
        job.train,
        recipe,
        job.folder,
        key=f"{recipe.to_toml()}\n{starts}",
        class_count=len(job.classes),
        token=token,
        on_source=lambda done, total: watcher.count("images shown to the networks", done, total),
    )


def _fitted_networks(job: EnsembleJob, token: CancelToken, watcher: FitWatcher) -> list[Cnn]:
    recipe = job.recipe
    # Networks that learn no label are the same in every ensemble of a training.
    seed = job.seed if recipe.stages else recipe.seed
    cnns = []
    for place, name in enumerate(recipe.networks):
        fit = FitJob(
            name,
            job.classes,
            job.train,
            job.held_out,
            recipe,
            job.starts[name],
            job.folder / name,
            seed + place,
        )
        cnns.append(Cnn(architecture_of(name).name, name, fit_network(fit, token, watcher)))
    return cnns


def calibrate(rows: Rows, votes: npt.NDArray[np.float32], recipe: Recipe) -> Calibrated:
    """Member weights, temperature and thresholds from unbiased votes on plain patches."""
    members, labels = votes[rows.is_plain], rows.labels[rows.is_plain]
    weights = np.ones(members.shape[1], np.float32)
    if recipe.ensemble.member_weights:
        weights = fit_weights(members, labels)
    mean = soft_vote(members, weights)
    temperature = fit_temperature(mean, labels)
    labelled = temperature_scaled(mean, temperature)
    point = choose_thresholds(members, labelled, labels, target_risk=recipe.ensemble.target_risk)
    return Calibrated(
        temperature,
        point.thresholds,
        tuple(float(weight) for weight in weights),
        round(point.coverage, 4),
        round(point.risk, 4),
    )


def _golden(
    sources: Sequence[TrainingImage],
    rows: Rows,
    votes: npt.NDArray[np.float32],
    recipe: Recipe,
    token: CancelToken,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """For each class, the patch with the plain cell that the members predict most confidently."""
    plain = np.flatnonzero(rows.is_plain)
    labels = rows.labels[plain]
    own = votes[plain].mean(axis=1)[np.arange(len(plain)), labels]
    patches, classes = [], np.unique(labels)
    for label in classes:
        best = int(plain[np.where(labels == label, own, -1).argmax()])
        source = int(rows.sources[best])
        shown = plain_cells(sources[source], recipe, token)
        patch = shown.patch_of(best - int(np.searchsorted(rows.sources, source)))
        patches.append(shown.pixels[patch])
    return np.stack(patches), classes


def write_fitted(
    output: Path,
    fitted: FittedEnsemble,
    job: EnsembleJob,
    *,
    data: str,
    split: str,
    model_card: str,
    metrics: dict[str, float],
    photo_doubt: float,
) -> Path:
    """Write the bundle of a fitted ensemble; see `bachview.models.bundle.writer.write_bundle`."""
    recipe = job.recipe
    return write_bundle(
        output,
        cnns=fitted.cnns,
        classifiers=fitted.classifiers,
        description=Description(
            name=job.name,
            version=recipe.bundle.version,
            licence=recipe.bundle.licence,
            intended_use=f"{RESEARCH_USE} {seen(job.classes)}",
            classes=job.classes,
            geometry=recipe.patch.geometry,
            temperature=fitted.calibrated.temperature,
            photo_doubt=photo_doubt,
            thresholds=fitted.calibrated.thresholds,
            weights_origin=common_origin(fitted.starts),
            data=data,
            split=split,
            model_card=model_card,
            metrics=metrics,
        ),
        golden_patches=fitted.golden_patches,
        golden_labels=fitted.golden_labels,
        keras_weights=recipe.bundle.keras_weights,
        kernels=recipe.bundle.kernels,
        seen=fitted.seen,
    )


def save_calibration(path: Path, calibrated: Calibrated) -> None:
    """Write the calibration as JSON, for people and for the model card."""
    write_text(path, json.dumps(asdict(calibrated), indent=1) + "\n")
