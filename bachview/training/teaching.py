"""Teaching: networks learn to give a teacher's features of tissue, without labels.

Done once for all folds and the final ensemble, in the place of the pretraining by handcrafted
descriptors. Knowledge distillation by features (Romero et al., "FitNets", ICLR 2015): the pooled
features, and if the recipe asks for it the maps on the way, each through a linear adapter that is
dropped afterwards.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.datasets.samples import Photo
from bachview.files import write_text
from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import Architecture, set_weights
from bachview.training.checkpoints import FitState
from bachview.training.feature_maps import maps_of, with_maps
from bachview.training.first_weights import RANDOM, FirstWeights, Weights
from bachview.training.fitting import FitWatcher, keras_policy
from bachview.training.networks import build_network, freeze_normalisation
from bachview.training.pretraining import compile_unlabelled, fit_unlabelled, weighted_squares
from bachview.training.recipe import SOLVED_FROM, Recipe, Teacher
from bachview.training.ridge import Regression
from bachview.training.solved_starts import SOLVED_STARTS, SolvedStart
from bachview.training.stored_views import StoredViews, shared_out
from bachview.training.teacher_loading import open_teachers, teacher_weights
from bachview.training.teachers import OpenTeacher
from bachview.training.teaching_report import (
    REPORT_FILE,
    TeachingReport,
    likeness,
    probed,
    read_report,
)
from bachview.training.whitening import Floats, Whitening

_STAGE: Final = "teaching"
_BATCH: Final = 64
#: Views that the linear layers on a network that knows something are first fitted to, at least, and
#: the strength of that ridge regression, as a share of the inputs' mean variance.
_SAMPLE: Final = 512
_RIDGE: Final = 0.01
#: Of a network, between the end of its last epoch and that of the teaching.
_LIKENESS_FILE: Final = "likeness.json"
#: How near a network was to its teacher before its first epoch.
_SOLVED_FILE: Final = "solved.json"
#: Views of held-out patients on which a solved network is measured.
_MEASURED_WITH: Final = 64
_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class TeachingJob:
    """Everything that a teaching depends on.

    Attributes
    ----------
    photos : of the data set; labels, where there are any, are only used to measure.
    is_held : (N,) bool: photos of held-out patients, on which the networks are compared with the
        teachers.
    tissue : slides and photos of which nothing is known.
    starts : what each network starts from.
    asked : what was asked for as that, see `bachview.training.teacher_loading.teacher_weights`.
    folder : keeps everything; the teaching resumes from it.
    """

    recipe: Recipe
    settings: Teacher
    photos: Sequence[Photo]
    is_held: npt.NDArray[np.bool_]
    tissue: Sequence[Path]
    classes: ClassSet
    starts: Mapping[Architecture, FirstWeights]
    asked: Weights
    folder: Path


def students_of(
    recipe: Recipe, settings: Teacher, starts: Mapping[Architecture, FirstWeights]
) -> tuple[Architecture, ...]:
    """The networks that are taught: those with weights of their own only if the recipe says so."""
    if settings.students is not None:
        return settings.students
    others = [name for name in recipe.networks if name not in settings.networks]
    return tuple(name for name in others if starts[name] is RANDOM)


def teach(
    job: TeachingJob,
    token: CancelToken,
    watcher: FitWatcher,
    on_problem: Callable[[str], object],
) -> tuple[dict[Architecture, FirstWeights], TeachingReport]:
    """Teach the networks of the recipe that need it (`students_of`), or resume that.

    A network that is itself one of the teachers keeps its published weights, and any other that is
    not taught what it starts from.

    Parameters
    ----------
    on_problem : called with a sentence for each slide that is left out.

    Returns
    -------
    What each network then starts from, its head being random, and how well those that were taught
    stand in for their teachers.

    Raises
    ------
    Cancelled
        `token` was cancelled; finished views, answers and epochs are kept.
    DatasetError, EngineError, SlideOpenError, SlideReadError
        A photo, or a teacher or its weights, cannot be used.
    """
    recipe, settings, folder = job.recipe, job.settings, job.folder
    taught = students_of(recipe, settings, job.starts)
    kept = {
        name: teacher_weights(name, job.asked) if name in settings.networks else job.starts[name]
        for name in recipe.networks
        if name not in taught
    }
    states = {name: FitState(folder / name) for name in taught}
    done = {name: state.finished(_STAGE) for name, state in states.items()}
    path = folder / REPORT_FILE
    if path.is_file():
        report = read_report(path)
        return {**kept, **_starts(job, done, report)}, report
    origins = shared_out(job.photos, job.is_held, job.tissue, settings.crops)
    views = StoredViews(folder / "views", origins)
    views.cut(
        settings,
        recipe.augmentation,
        seed=recipe.seed,
        token=token,
        on_origin=lambda at, total: watcher.count("photos and slides cut", at, total),
        on_problem=on_problem,
    )
    teachers = open_teachers(settings, job.asked)
    views.ask(
        teachers,
        match_maps=settings.match_maps,
        token=token,
        on_origin=lambda at, total: watcher.count("photos and slides shown", at, total),
    )
    lesson = Lesson(views, settings)
    for name, weights in done.items():
        if not weights.is_file():
            _teach_one(name, job, lesson, states[name], token, watcher)
    report = _report(job, lesson, teachers, done, token, watcher)
    write_text(path, json.dumps(report.to_json(), indent=1) + "\n")
    return {**kept, **_starts(job, done, report)}, report


def _starts(
    job: TeachingJob, done: Mapping[Architecture, Path], report: TeachingReport
) -> dict[Architecture, FirstWeights]:
    return {
        name: FirstWeights(
            "taught",
            f"{(_solved_start(name, job) or job.starts[name]).text}, {_lesson(name, job, report)}",
            partial(_load, path),
            saw_photos=True,
        )
        for name, path in done.items()
    }


def _lesson(name: Architecture, job: TeachingJob, report: TeachingReport) -> str:
    """What was done with a network, for the model card."""
    teachers = " and ".join(report.teachers)
    licence = f"licence of the teacher: {report.licence}"
    if job.settings.epochs_of.get(name, job.settings.epochs):
        return (
            f"then taught without labels to give the features of {teachers} on {report.views} "
            f"augmented views of tissue; {licence}"
        )
    return f"without gradients or labels; teacher: {teachers}; {licence}"


def _load(path: Path, model: Any) -> None:
    model.load_weights(path)


class Lesson:
    """The stored views and what is wanted of them.

    Attributes
    ----------
    whitening : of the joined pooled features, fitted to the views that are learnt from.
    maps : the whitening at each stride.
    """

    def __init__(self, views: StoredViews, settings: Teacher) -> None:
        self._views = views
        rows = [
            (place, row, origin.is_held)
            for place, origin in enumerate(views.origins)
            for row in range(len(views.views(place)))
        ]
        self._rows = [(place, row) for place, row, is_held in rows if not is_held]
        self._held = [(place, row) for place, row, is_held in rows if is_held]
        self._pooled = {place: views.pooled(place) for place in {place for place, *_ in rows}}
        self.whitening = Whitening.of(self._raw(self._rows), settings.targets)
        self.maps = views.map_whitenings() if settings.match_maps else {}

    @property
    def count(self) -> int:
        """Number of views to learn from."""
        return len(self._rows)

    def batches(self, settings: Teacher, strides: Sequence[int], seed: int, epoch: int) -> Any:
        """A `keras.utils.PyDataset` of one epoch; item i depends only on (seed, epoch, i).

        Items are views (batch, side, side, 3) uint8 and a list: whitened features, then the maps of
        `strides`.
        """
        import keras

        lesson = self

        class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
            def __len__(self) -> int:
                return settings.steps

            def __getitem__(self, index: int) -> tuple[npt.NDArray[np.uint8], Any]:
                rng = np.random.default_rng((seed, epoch, index))
                chosen = rng.integers(len(lesson._rows), size=settings.batch)
                return lesson._item([lesson._rows[i] for i in chosen], strides)

        return Batches(workers=_THREADS, use_multiprocessing=False, max_queue_size=4 * _THREADS)

    def some(self, count: int, *, is_held: bool) -> npt.NDArray[np.uint8]:
        """At most `count` evenly chosen views, of held-out patients or of all others."""
        rows = self._held if is_held else self._rows
        return self._pixels(rows[:: max(1, -(-len(rows) // count))])

    def sample(
        self, strides: Sequence[int]
    ) -> Iterator[tuple[npt.NDArray[np.uint8], tuple[Floats, ...]]]:
        """Some views to learn from, evenly chosen, in batches; items as of `batches`."""
        rows = self._rows[:: max(1, len(self._rows) // _SAMPLE)]
        for at in range(0, len(rows), _BATCH):
            yield self._item(rows[at : at + _BATCH], strides)

    def held(self) -> tuple[list[npt.NDArray[np.uint8]], Floats]:
        """The views of held-out patients in batches, and their whitened features (N, T)."""
        batches = [self._held[at : at + _BATCH] for at in range(0, len(self._held), _BATCH)]
        return [self._pixels(rows) for rows in batches], self.whitening(self._raw(self._held))

    def _item(
        self, rows: Sequence[tuple[int, int]], strides: Sequence[int]
    ) -> tuple[npt.NDArray[np.uint8], tuple[Floats, ...]]:
        maps = [
            np.stack([self._views.maps(place, stride)[row] for place, row in rows])
            for stride in strides
        ]
        wanted = (self.whitening(self._raw(rows)), *(m.astype(np.float32) for m in maps))
        return self._pixels(rows), wanted

    def _pixels(self, rows: Sequence[tuple[int, int]]) -> npt.NDArray[np.uint8]:
        return np.stack([self._views.views(place)[row] for place, row in rows])

    def _raw(self, rows: Sequence[tuple[int, int]]) -> Floats:
        return np.stack([self._pooled[place][row] for place, row in rows])


def _teach_one(
    architecture: Architecture,
    job: TeachingJob,
    lesson: Lesson,
    state: FitState,
    token: CancelToken,
    watcher: FitWatcher,
) -> None:
    import keras

    recipe, settings = job.recipe, job.settings
    keras.utils.clear_session()
    keras.utils.set_random_seed(recipe.seed)

    def built() -> Any:
        return build_network(
            architecture,
            input_px=settings.input_px,
            class_count=len(job.classes),
            dropout=0.0,
        )

    first = built()  # in float32, in which it is solved
    job.starts[architecture].load(first)
    solved = _solved_start(architecture, job)
    if solved and not state.history:
        _solve(solved, architecture, first, job, lesson, token, watcher)
    knows = solved is not None or job.starts[architecture] is not RANDOM
    is_frozen = settings.frozen_normalisation and knows
    with keras_policy(recipe.precision, is_frozen=is_frozen):
        network = built()
        set_weights(network, first.get_weights())
        if is_frozen:
            freeze_normalisation(network)
        strides = tuple(s for s in lesson.maps if s in maps_of(network.get_layer("backbone")))
        training, inner, adapters = _with_adapters(network, lesson, strides, settings)
    if knows and not state.history:
        _fit_adapters(inner, adapters, lesson, strides)
    epochs = settings.epochs_of.get(architecture, settings.epochs)
    own = settings.model_copy(update={"epochs": epochs})
    fit_unlabelled(
        architecture,
        training,
        lambda epoch: lesson.batches(settings, strides, recipe.seed, epoch),
        own,
        state,
        _STAGE,
        recipe.seed,
        token,
        watcher,
    )
    pixels, wanted = lesson.held()
    given = np.concatenate([np.asarray(training.predict_on_batch(batch)[0]) for batch in pixels])
    found = likeness(wanted, given, lesson.whitening)
    write_text(job.folder / architecture / _LIKENESS_FILE, json.dumps(found) + "\n")
    state.finish(network, _STAGE)


def _solved_start(architecture: Architecture, job: TeachingJob) -> SolvedStart | None:
    start = SOLVED_STARTS.get(architecture)
    if start is None or not job.settings.solve_with or job.starts[architecture] is not RANDOM:
        return None
    return None if job.settings.input_px % start.step_px else start


def _solve(
    start: SolvedStart,
    architecture: Architecture,
    network: Any,
    job: TeachingJob,
    lesson: Lesson,
    token: CancelToken,
    watcher: FitWatcher,
) -> None:
    """Solve a network from the teacher; how near it comes stays in the network's folder."""
    teacher = build_network(
        SOLVED_FROM, input_px=job.settings.input_px, class_count=len(job.classes), dropout=0.0
    )
    teacher_weights(SOLVED_FROM, job.asked).load(teacher)
    found = start.solve(
        network,
        teacher,
        lesson.some(job.settings.solve_with, is_held=False),
        lesson.some(_MEASURED_WITH, is_held=True),
        token=token,
        on_block=lambda done, total: watcher.count("blocks solved", done, total),
    )
    write_text(job.folder / architecture / _SOLVED_FILE, json.dumps(asdict(found), indent=1) + "\n")


def _with_adapters(
    network: Any, lesson: Lesson, strides: tuple[int, ...], settings: Teacher
) -> tuple[Any, Any, list[Any]]:
    """The network with a linear layer to the targets on its features and on each map.

    Returns
    -------
    The compiled model, the same without these layers, and the layers.
    """
    import keras

    whitenings = (lesson.whitening, *(lesson.maps[stride] for stride in strides))
    inner = with_maps(network, strides)
    adapters = [keras.layers.Dense(len(w.importance), dtype="float32") for w in whitenings]
    outputs = [adapter(values) for adapter, values in zip(adapters, inner.outputs, strict=True)]
    training = keras.Model(inner.input, outputs)
    compile_unlabelled(training, settings, [weighted_squares(w.importance) for w in whitenings])
    return training, inner, adapters


def _fit_adapters(
    inner: Any, adapters: Sequence[Any], lesson: Lesson, strides: Sequence[int]
) -> None:
    """Fit the linear layers by regression: from random ones gradients undo what is known."""
    sums = [Regression() for _ in adapters]
    for pixels, wanted in lesson.sample(strides):
        given = inner.predict_on_batch(pixels)
        for part, values, targets in zip(sums, given, wanted, strict=True):
            part.add(np.asarray(values, np.float32), targets)
    for part, adapter in zip(sums, adapters, strict=True):
        part.solve(_RIDGE).store_biased(adapter)


def _report(
    job: TeachingJob,
    lesson: Lesson,
    teachers: Sequence[OpenTeacher],
    done: Mapping[Architecture, Path],
    token: CancelToken,
    watcher: FitWatcher,
) -> TeachingReport:
    """Compare the networks with their teachers; see `bachview.training.teaching_report`."""
    settings = job.settings
    networks = {}
    for name, path in done.items():
        networks[name] = build_network(
            name, input_px=settings.input_px, class_count=len(job.classes), dropout=0.0
        )
        networks[name].load_weights(path)
    accuracies = probed(
        teachers,
        networks,
        [photo for photo in job.photos if photo.label is not None],
        input_px=settings.input_px,
        mpp=settings.mpps[0],
        class_count=len(job.classes),
        seed=job.recipe.seed,
        token=token,
        on_photo=lambda at, total: watcher.count("photos compared", at, total),
    )
    return TeachingReport(
        tuple(teacher.title for teacher in teachers),
        settings.licence,
        lesson.count,
        accuracies.pop(""),
        {
            name: {
                **json.loads((job.folder / name / _LIKENESS_FILE).read_text("utf-8")),
                **_figures_of_start(job.folder / name / _SOLVED_FILE),
                "probe_accuracy": accuracies[name],
            }
            for name in networks
        },
    )


def _figures_of_start(path: Path) -> dict[str, float]:
    """Of a network that was solved: how near it came before it was taught."""
    if not path.is_file():
        return {}
    found = json.loads(path.read_text("utf-8"))
    return {f"solved_{what}": round(found[what], 4) for what in ("top", "correlation")}
