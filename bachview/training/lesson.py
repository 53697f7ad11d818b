"""What a reader has taught on some slides becomes members that were fitted again.

Blocking functions for a low-priority lane. Nothing is written, and nothing of the model in use is
changed: `bachview.training.taught_bundle` keeps what they return, if the reader wants it.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from bachview.core.pixel_size import PixelSize
from bachview.errors import StoreError, UsageError
from bachview.evaluation.intervals import Interval, wilson
from bachview.evaluation.operating_point import fit_temperature
from bachview.inference.plan import make_plan
from bachview.jobs.tokens import CancelToken
from bachview.marks.annotation import Annotation
from bachview.marks.correction import Correction
from bachview.models.bundle.golden import read_golden
from bachview.models.bundle.manifest import Calibration, Manifest
from bachview.models.engines.base import CnnOutputs, joined
from bachview.slide.reader import SlideReader
from bachview.store.of_slide import existing_results
from bachview.store.results import ResultStore
from bachview.training.refit import Members, Teachable, fit_again
from bachview.training.taught_cells import is_readers_area, outputs_of_cells, taught_cells

if TYPE_CHECKING:
    from bachview.core.tissue_cells import TissueCells
    from bachview.inference.plan import Plan
    from bachview.models.bundle.opened import Bundle
    from bachview.models.ensemble import Ensemble

Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

#: Folds of the agreement with what was taught.
FOLDS: Final = 3
#: Fewer cells, fewer neighbourhoods or a class with fewer cells do not calibrate a model.
LEAST_CELLS: Final = 200
LEAST_NEIGHBOURHOODS: Final = 8
LEAST_OF_A_CLASS: Final = 20

Progress = Callable[[str, int, int], object]


@dataclass(frozen=True, slots=True)
class SlideLesson:
    """What one slide teaches.

    Attributes
    ----------
    name : of the file, for the reader only; it is never kept.
    fingerprint : of the slide.
    outputs : what the networks gave for N taught cells; without maps.
    labels : (N,) int64, the reader's classes.
    neighbourhoods : (N,) int64, cells with the same number lie together.
    contradictory : cells that annotations of several classes claim, left out.
    unread : cells that could not be read, left out.
    damaged : saved marks that cannot be read; what they would have taught is not known.
    """

    name: str
    fingerprint: str
    outputs: CnnOutputs
    labels: Labels
    neighbourhoods: Labels
    contradictory: int
    unread: int
    damaged: int = 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of the taught cells are judged as the reader did.

    Attributes
    ----------
    before, after : cells; `after` by members that were not taught the cell's neighbourhood. None if
        all cells lie in one neighbourhood, or the model knew them before.
    total : cells.
    neighbourhoods : in which they lie.
    known_slides : how many of the slides had taught the model that was fitted again, so that no
        part of it is left that does not know their cells.
    """

    before: int
    after: int | None
    total: int
    neighbourhoods: int
    known_slides: int = 0

    @property
    def after_interval(self) -> Interval | None:
        return None if self.after is None else wilson(self.after, self.total)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was marked and has not taught anything.

    Attributes
    ----------
    contradictory : cells that annotations of several classes claim.
    unread : cells that could not be read.
    damaged : saved marks that cannot be read; what they would have taught is not known.
    """

    contradictory: int
    unread: int
    damaged: int


@dataclass(frozen=True, slots=True)
class Taught:
    """Members that were fitted again, and what is known of them.

    Attributes
    ----------
    manifest : of the bundle that was taught, with the temperature of the new one.
    members : the new ones.
    counts : cells by key of the class.
    slides : fingerprints.
    refitted, kept : names of the members that were fitted again, and of those that were not.
    golden_same, golden_total : how many cells of the golden patches keep their class.
    calibration : whether the temperature was fitted again.
    left_out : of all slides, also of those that taught nothing.
    """

    manifest: Manifest
    members: Members
    counts: dict[str, int]
    slides: tuple[str, ...]
    refitted: tuple[str, ...]
    kept: tuple[str, ...]
    agreement: Agreement
    golden_same: int
    golden_total: int
    calibration: Calibration
    left_out: LeftOut


def slide_lesson(
    reader: SlideReader,
    pixel_size: PixelSize,
    ensemble: "Ensemble",
    corrections: Iterable[Correction],
    annotations: Iterable[Annotation],
    store: ResultStore | None,
    token: CancelToken,
    *,
    on_cells: Callable[[int, int], object] = lambda _, __: None,
) -> SlideLesson:
    """Read the taught cells of a slide and show them to the networks.

    Parameters
    ----------
    store : of the slide; its cells are used where it was classified with this model. None: where
        tissue is, is found again.
    on_cells : called with the number of cells done and the total.

    Raises
    ------
    PixelSizeError
        The slide's pixel size is not known.
    Cancelled, EngineError, SlideReadError, StoreError
        As when a slide is classified.
    """
    bundle = ensemble.bundle
    plan = make_plan(reader.metadata, pixel_size, bundle)
    tissue = tissue_of(reader, plan, store, token, is_for_tissue=bundle.manifest.is_for_tissue)
    cells = taught_cells(plan.grid, bundle.classes, tissue.mask, corrections, annotations)
    numbers = cells.neighbourhoods(plan.grid)
    places: list[npt.NDArray[np.int32]] = []
    parts: list[CnnOutputs] = []
    done = 0
    on_cells(0, cells.count)
    for at, outputs in outputs_of_cells(reader, ensemble, plan, tissue, cells.mask, token):
        places.append(at)
        parts.append(without_maps(outputs))
        done += len(at)
        on_cells(done, cells.count)
    rows, columns = np.concatenate([np.zeros((0, 2), np.int32), *places]).T
    return SlideLesson(
        reader.metadata.path.name,
        reader.metadata.fingerprint,
        joined(parts, bundle.manifest),
        cells.labels[rows, columns],
        numbers[rows, columns],
        cells.contradictory,
        cells.count - done,
    )


def tissue_of(
    reader: SlideReader,
    plan: "Plan",
    store: ResultStore | None,
    token: CancelToken,
    *,
    is_for_tissue: bool,
) -> "TissueCells":
    """The cells that are judged: those of the saved results, else they are found anew."""
    from bachview.slide.suitability import check_slide

    record = None if store is None else store.find(plan.id)
    if store is not None and record is not None:
        return store.tissue(record.grid_id)
    check = check_slide(reader, plan.pixel_size, plan.geometry, token, is_for_tissue=is_for_tissue)
    return check.tissue.tissue_cells(plan.grid, plan.tissue_least, token)


def without_maps(outputs: CnnOutputs) -> CnnOutputs:
    """Without what teaching does not need, which is most of the memory."""
    return CnnOutputs(outputs.probabilities, outputs.features, outputs.maps[:0])


def lesson_of_file(
    path: Path,
    ensemble: "Ensemble",
    results: Path,
    token: CancelToken,
    *,
    mpp: float | None = None,
    on_cells: Callable[[int, int], object] = lambda _, __: None,
) -> SlideLesson | None:
    """The lesson of a slide's saved marks; None if there are none that teach this model.

    Parameters
    ----------
    results : folder of the results.
    mpp : um/px at level 0; None: that of the slide.

    Raises
    ------
    SlideOpenError, PixelSizeError, StoreError, Cancelled, EngineError, SlideReadError
        The slide or its marks cannot be read, or it cannot be classified.
    """
    from bachview.slide.opening import opened_slide

    with opened_slide(path, token) as reader:
        metadata = reader.metadata
        if not existing_results(results, metadata.fingerprint, metadata.former):
            return None
        with closing(ResultStore.open(results, metadata.fingerprint)) as store:
            if store.notice:
                raise StoreError(store.notice)
            saved = store.marks()
            corrections = [mark for mark in saved.marks if isinstance(mark, Correction)]
            annotations = [mark for mark in saved.marks if isinstance(mark, Annotation)]
            if not teaches(ensemble.bundle, corrections, annotations):
                if saved.damaged:
                    raise StoreError(
                        f"{saved.damaged} of the saved marks of {path.name} cannot be read, and no "
                        "other teaches this model; leave this slide out, or mark it again."
                    )
                return None
            pixel_size = metadata.pixel_size if mpp is None else PixelSize.typed(mpp)
            lesson = slide_lesson(
                reader,
                pixel_size,
                ensemble,
                corrections,
                annotations,
                store,
                token,
                on_cells=on_cells,
            )
            return replace(lesson, damaged=saved.damaged)


def teaches(
    bundle: "Bundle", corrections: Iterable[Correction], annotations: Iterable[Annotation]
) -> bool:
    """Whether any of these marks has a class of the model's."""
    known = {name for entry in bundle.classes for name in (entry.name, entry.key)}
    return any(correction.class_key in known for correction in corrections) or any(
        each.annotation_class is not None
        and each.annotation_class.name in known
        and is_readers_area(each)
        for each in annotations
    )


def teach(
    bundle: "Bundle",
    lessons: Sequence[SlideLesson],
    token: CancelToken,
    *,
    progress: Progress = lambda _, __, ___: None,
) -> Taught:
    """Fit the members again on what the slides teach, and measure what came of it.

    Parameters
    ----------
    progress : called with what is being done, the number of steps done, and of how many.

    Raises
    ------
    UsageError
        No cell teaches anything, or no member of the bundle can be fitted again.
    BundleError
        The bundle has changed since it was loaded.
    Cancelled
        `token` was cancelled.
    """
    # A slide that is given twice, maybe as a copy, teaches once.
    every = {lesson.fingerprint: lesson for lesson in lessons}.values()
    by_slide = {lesson.fingerprint: lesson for lesson in every if len(lesson.labels)}
    lessons = list(by_slide.values())
    if not lessons:
        raise UsageError(
            "There is nothing to learn from: no tissue cell has a class of the model's from you. "
            "Correct cells or give annotations a class first."
        )
    known = Teachable.of(bundle)
    if not known.refitted:
        raise UsageError(
            f"The model {bundle.name} cannot be taught: it has neither the statistics of its "
            "training material nor support vectors."
        )
    manifest = bundle.manifest
    outputs = joined([lesson.outputs for lesson in lessons], manifest)
    labels = np.concatenate([lesson.labels for lesson in lessons])
    groups = _groups(lessons)
    earlier = manifest.taught
    knows = () if earlier is None else (*earlier.slides, *earlier.earlier_slides)
    known_slides = len(by_slide.keys() & set(knows))
    folds = [] if known_slides else _folds(groups, seed=0)
    steps = len(known.refitted) * (1 + len(folds))
    done = 0

    def tell(member: int, _: int) -> None:
        progress("members fitted", done + member, steps)

    tell(0, 0)
    members = fit_again(known, outputs, labels, token, on_member=tell)
    before = known.members.probabilities(manifest, outputs)
    votes = np.zeros((len(labels), len(manifest.members), len(bundle.classes)), np.float32)
    for held in folds:
        done += len(known.refitted)
        part = fit_again(known, outputs.taken(~held), labels[~held], token, on_member=tell)
        votes[held] = part.votes(manifest, outputs.taken(held))
    after: int | None = None
    calibration: Calibration = "unknown"
    if folds:
        after, manifest, calibration = _judged(manifest, votes, labels, groups)
    same, total = _golden(bundle, members, manifest)
    counts = np.bincount(labels, minlength=len(bundle.classes))
    return Taught(
        manifest,
        members,
        {key: int(n) for key, n in zip(bundle.classes.keys, counts, strict=True)},
        tuple(by_slide),
        known.refitted,
        known.kept,
        Agreement(
            int((before.argmax(axis=1) == labels).sum()),
            after,
            len(labels),
            len(np.unique(groups)),
            known_slides,
        ),
        same,
        total,
        calibration,
        LeftOut(
            sum(lesson.contradictory for lesson in every),
            sum(lesson.unread for lesson in every),
            sum(lesson.damaged for lesson in every),
        ),
    )


def _judged(
    manifest: Manifest, votes: Floats, labels: Labels, groups: Labels
) -> tuple[int, Manifest, Calibration]:
    """How many cells agree, and the manifest with a temperature that was fitted if it can be."""
    from bachview.models.ensemble import vote

    plain = manifest.model_copy(update={"temperature": 1.0})
    mean = vote(plain, votes)
    agreed = int((mean.argmax(axis=1) == labels).sum())
    counts = np.bincount(labels, minlength=votes.shape[2])
    is_enough = (
        len(labels) >= LEAST_CELLS
        and len(np.unique(groups)) >= LEAST_NEIGHBOURHOODS
        and counts.min() >= LEAST_OF_A_CLASS
    )
    if not is_enough:
        return agreed, manifest, "unknown"
    fitted = manifest.model_copy(update={"temperature": fit_temperature(mean, labels)})
    return agreed, fitted, "fitted"


def _groups(lessons: Sequence[SlideLesson]) -> Labels:
    """Neighbourhoods, numbered over all slides."""
    found, first = [], 0
    for lesson in lessons:
        found.append(lesson.neighbourhoods + first)
        first += int(lesson.neighbourhoods.max()) + 1
    return np.unique(np.concatenate(found), return_inverse=True)[1].astype(np.int64)


def _folds(groups: Labels, *, seed: int) -> list[npt.NDArray[np.bool_]]:
    """Masks of what is held out in each fold; none where all cells lie together."""
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    if len(names) < 2:
        return []
    parts = np.array_split(names, min(FOLDS, len(names)))
    return [np.isin(groups, part) for part in parts]


def _golden(bundle: "Bundle", members: Members, manifest: Manifest) -> tuple[int, int]:
    """How many cells of the golden patches keep the class that they had, and how many there are."""
    golden = read_golden(bundle)
    networks = [place for place, m in enumerate(manifest.members) if m.kind == "cnn"]
    outputs = CnnOutputs(
        golden.members[:, networks], golden.features, np.zeros((0, 0, 0, 0, 0), np.float32)
    )
    found = members.probabilities(manifest, outputs)
    same = found.argmax(axis=1) == golden.probabilities.argmax(axis=1)
    return int(same.sum()), len(same)
