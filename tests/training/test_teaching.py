"""Networks that learn to give the features of another, on tissue without labels."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bachview.core.classes import BACH_CLASSES
from bachview.core.stains import STAIN_COLORS
from bachview.datasets.reading import read_dataset
from bachview.errors import Cancelled, DatasetError, UsageError
from bachview.jobs.tokens import CancelToken
from bachview.models import architectures
from bachview.models.architectures import CnnArchitecture, Preprocessing, build_cnn
from bachview.models.bundle.opened import open_bundle
from bachview.training import stored_views
from bachview.training.checkpoints import Epoch
from bachview.training.feature_maps import maps_of, with_maps
from bachview.training.first_weights import RANDOM, first_weights
from bachview.training.fitting import FitWatcher
from bachview.training.images import Patches
from bachview.training.request import TrainingRequest
from bachview.training.run import train
from bachview.training.stored_views import StoredViews, shared_out
from bachview.training.teacher_loading import open_teachers
from bachview.training.teachers import OpenTeacher, Shown, shown_by
from bachview.training.teaching import Lesson, TeachingJob, students_of, teach
from bachview.training.teaching_report import likeness
from bachview.training.unlabelled_tissue import unlabelled_tissue
from bachview.training.whitening import Whitening
from tests.support.tiny_training import write_dataset, write_recipe, write_teacher_recipe

pytestmark = pytest.mark.long


def halves(side: int, features: int) -> Any:
    """A pupil: another network than its teacher, with a map of the same size."""
    import keras

    pixels = keras.layers.Input((side, side, 3))
    values = keras.layers.AveragePooling2D(side // 16)(pixels)
    values = keras.layers.Conv2D(6, 2, 2, name="mix")(values)
    return keras.Model(pixels, values, name="backbone")


PUPIL = CnnArchitecture(
    "pupil", "Pupil", Preprocessing("halves", 1 / 255, -0.5), halves, weights_file="pupil.h5"
)


@pytest.fixture(scope="module", autouse=True)
def _pupil() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(architectures, "ARCHITECTURES", (*architectures.ARCHITECTURES, PUPIL))
        yield


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of published weights, of the teacher and of the pupil."""
    import h5py
    import keras
    from keras.src.legacy.saving import legacy_h5_format

    folder = tmp_path_factory.mktemp("weights")
    for key in ("constructed", "pupil"):
        keras.utils.set_random_seed(3)
        backbone = build_cnn(key, input_px=64, class_count=1).get_layer("backbone")
        with h5py.File(folder / f"{key}.h5", "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, backbone)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stained, speckled tissue in the middle of glass, 0.5 µm/px."""
    import tifffile

    rng = np.random.default_rng(4)
    pixels = np.full((1024, 1280, 3), 242, np.uint8)
    tissue = STAIN_COLORS["Benign"] + rng.normal(0, 14, (700, 800, 1))
    pixels[150:850, 200:1000] = np.clip(tissue, 0, 255)
    path = tmp_path_factory.mktemp("tissue") / "slide.tiff"
    tifffile.imwrite(
        path, pixels, tile=(256, 256), resolution=(20_000, 20_000), resolutionunit="CENTIMETER"
    )
    return path


def job_in(folder: Path, data: Path, weights: Path, tissue: Sequence[Path] = ()) -> TeachingJob:
    recipe = write_teacher_recipe(folder / "recipe.toml", "pupil")
    teacher = recipe.teacher
    assert teacher is not None
    recipe = recipe.model_copy(update={"networks": ("pupil", "constructed")})
    photos = read_dataset(data, mpp=1.0).photos[::4]
    return TeachingJob(
        recipe,
        teacher,
        photos,
        np.arange(len(photos)) % 5 == 0,
        tissue,
        BACH_CLASSES,
        {"pupil": RANDOM},
        weights,
        folder / "teaching",
    )


class Watcher(FitWatcher):
    """Keeps what is told, and cancels after so many epochs."""

    def __init__(self, token: CancelToken, cancel_after: int = 0) -> None:
        self.epochs: list[Epoch] = []
        self._token, self._cancel_after = token, cancel_after

    def epoch(self, network: str, epoch: Epoch) -> None:
        self.epochs.append(epoch)
        if len(self.epochs) == self._cancel_after:
            self._token.cancel()


def run(job: TeachingJob, cancel_after: int = 0) -> tuple[Any, list[str]]:
    """A teaching and what it told of left-out slides."""
    token, problems = CancelToken(), list[str]()
    return teach(job, token, Watcher(token, cancel_after), problems.append), problems


@pytest.fixture(scope="module")
def whole(
    data: Path, weights: Path, slide: Path, tmp_path_factory: pytest.TempPathFactory
) -> TeachingJob:
    """An undisturbed teaching, with a slide and a file that is none."""
    folder = tmp_path_factory.mktemp("whole")
    broken = folder / "broken.svs"
    broken.write_bytes(b"nothing")
    job = job_in(folder, data, weights, [slide, broken])
    (done, report), problems = run(job)
    assert [problem.split(" is left out: ")[0] for problem in problems] == ["broken.svs"]
    assert done["pupil"].origin == "taught"
    assert report.licence == "Taught freely"
    assert report.teachers == ("Constructed (" + done["constructed"].text + ")",)
    return job


def weights_of(job: TeachingJob) -> list[Any]:
    model = build_cnn("pupil", input_px=64, class_count=4)
    model.load_weights(job.folder / "pupil" / "teaching.weights.h5")
    weights: list[Any] = model.get_layer("backbone").get_weights()
    return weights


def test_a_teaching_that_was_cut_off_ends_as_an_undisturbed_one(
    whole: TeachingJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def counted(teachers: Sequence[OpenTeacher], patches: Patches) -> Shown:
        nonlocal asked
        asked += len(patches)
        return shown_by(teachers, patches)

    monkeypatch.setattr(stored_views, "shown_by", counted)
    job = replace(whole, folder=tmp_path / "teaching")
    with pytest.raises(Cancelled):
        run(job, cancel_after=1)
    views = StoredViews(job.folder / "views", shared_out(job.photos, job.is_held, job.tissue, 48))
    count = sum(len(views.views(place)) for place in range(len(views.origins)))
    assert asked >= count > 30
    asked = 0
    token = CancelToken()
    watcher = Watcher(token)
    teach(job, token, watcher, lambda text: None)
    assert asked == 0  # neither cut nor asked again
    assert len(watcher.epochs) == 1
    for ours, theirs in zip(weights_of(job), weights_of(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    reports = [json.loads((j.folder / "teaching.json").read_text()) for j in (job, whole)]
    figures = [report.pop("networks")["pupil"] for report in reports]
    assert figures[0] == pytest.approx(figures[1], abs=1e-3)
    assert reports[0] == reports[1]
    started = build_cnn("pupil", input_px=64, class_count=4)
    assert any(
        not np.allclose(a, b)
        for a, b in zip(started.get_layer("backbone").get_weights(), weights_of(job), strict=True)
    )


def test_a_finished_teaching_asks_for_nothing(
    whole: TeachingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bachview.training.teaching.open_teachers", None)
    (done, report), _ = run(whole)
    assert set(done) == {"pupil", "constructed"}
    assert list(report.networks) == ["pupil"]
    assert report.networks["pupil"]["r2"] <= 1
    assert 0 <= report.networks["pupil"]["probe_accuracy"] <= 1


def test_teacher_and_network_see_the_same_stored_view(whole: TeachingJob) -> None:
    views = StoredViews(
        whole.folder / "views", shared_out(whole.photos, whole.is_held, whole.tissue, 48)
    )
    lesson = Lesson(views, whole.settings)
    teachers = open_teachers(whole.settings, whole.asked)
    pixels, (features, maps) = lesson.batches(whole.settings, (8,), 7, 0)[1]
    shown = shown_by(teachers, pixels)
    np.testing.assert_allclose(lesson.whitening(shown.pooled), features, atol=0.05)
    np.testing.assert_allclose(lesson.maps[8](shown.maps[8]), maps, atol=0.05)
    again = lesson.batches(whole.settings, (8,), 7, 0)[1]
    np.testing.assert_array_equal(again[0], pixels)
    other = lesson.batches(whole.settings, (8,), 7, 1)[1]
    assert not np.array_equal(other[0], pixels)
    held, wanted = lesson.held()
    assert sum(len(batch) for batch in held) == len(wanted) == lesson_held(views)
    assert lesson.count + len(wanted) == sum(
        len(views.views(place)) for place in range(len(views.origins))
    )


def lesson_held(views: StoredViews) -> int:
    return sum(
        len(views.views(place)) for place, origin in enumerate(views.origins) if origin.is_held
    )


def test_half_of_the_views_are_of_the_slides(whole: TeachingJob) -> None:
    origins = shared_out(whole.photos, whole.is_held, whole.tissue, 48)
    assert sum(origin.count for origin in origins) == 48
    assert [origin.count for origin in origins[-2:]] == [12, 12]
    none = shared_out(whole.photos, whole.is_held, [], 8)
    assert [origin.count for origin in none] == [1] * len(whole.photos)


def test_views_of_a_slide_show_its_tissue_at_each_mpp(whole: TeachingJob, slide: Path) -> None:
    views = StoredViews(
        whole.folder / "views", shared_out(whole.photos, whole.is_held, whole.tissue, 48)
    )
    found = views.views(len(whole.photos))
    assert found.shape == (12, 64, 64, 3)
    # Stained tissue absorbs green most.
    green, red = found[..., 1].mean(axis=(1, 2)), found[..., 0].mean(axis=(1, 2))
    assert np.all(green < red)
    assert len(np.unique(found.reshape(12, -1), axis=0)) == 12


def test_a_network_that_is_the_teacher_keeps_its_weights(whole: TeachingJob) -> None:
    import keras

    (done, _), _ = run(whole)
    assert not (whole.folder / "constructed").exists()
    model = build_cnn("constructed", input_px=64, class_count=4)
    done["constructed"].load(model)
    keras.utils.set_random_seed(3)
    published = build_cnn("constructed", input_px=64, class_count=1).get_layer("backbone")
    for ours, theirs in zip(
        model.get_layer("backbone").get_weights(), published.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_without_the_teachers_weights_nothing_is_taught(whole: TeachingJob, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"weights of the teacher Constructed are not at hand"):
        run(replace(whole, asked="scratch", folder=tmp_path))


def test_likeness_is_measured_in_shares_of_variance() -> None:
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(200, 6)).astype(np.float32) * [8, 4, 2, 1, 1, 1]
    whitening = Whitening.of(np.cumsum(raw, axis=1), 4)
    wanted = whitening(np.cumsum(raw, axis=1))
    np.testing.assert_allclose(wanted.T @ wanted / len(wanted), np.eye(4), atol=1e-3)
    assert likeness(wanted, wanted, whitening) == {"r2": 1.0, "cosine": 1.0}
    assert likeness(wanted, wanted * 0, whitening)["r2"] == pytest.approx(0, abs=1e-3)
    # Without the last, smallest component little is missed.
    without = wanted * np.array([1, 1, 1, 0], np.float32)
    share = 1 - whitening.deviations[3] ** 2 / (whitening.deviations**2).sum()
    assert likeness(wanted, without, whitening)["r2"] == pytest.approx(share, abs=1e-3)


def test_a_whitening_is_read_as_it_was_written(tmp_path: Path) -> None:
    whitening = Whitening.of(np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32), 8)
    whitening.save(tmp_path / "map8.npz")
    values = np.ones((2, 5, 3), np.float32)
    np.testing.assert_array_equal(Whitening.load(tmp_path / "map8.npz")(values), whitening(values))


@pytest.mark.parametrize("key", ["resnet50_v2", "densenet121"])
def test_the_networks_have_maps_at_three_strides(key: str) -> None:
    network = build_cnn(key, input_px=64, class_count=2)
    maps = maps_of(network.get_layer("backbone"))
    assert {stride: tuple(values.shape[1:3]) for stride, values in maps.items()} == {
        8: (8, 8),
        16: (4, 4),
        32: (2, 2),
    }
    assert maps[32] is network.get_layer("backbone").output
    pooled, first = with_maps(network, (8,)).outputs
    assert pooled.shape[1:] == network.get_layer("pooled").output.shape[1:]
    assert first.shape[1:3] == (8, 8)


def test_tissue_is_found_in_folders(tmp_path: Path) -> None:
    for name in ("b/10.svs", "b/9.svs", "a.tif", "notes.txt", ".hidden.tif", "d/1.dcm", "d/2.dcm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = unlabelled_tissue([tmp_path, tmp_path / "a.tif"])
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "a.tif",
        str(Path("b/9.svs")),
        str(Path("b/10.svs")),
        "d",
    ]
    with pytest.raises(UsageError, match="gone"):
        unlabelled_tissue([tmp_path / "gone"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="empty has no slides or photos"):
        unlabelled_tissue([tmp_path / "empty"])


def test_tissue_needs_a_teacher(data: Path, slide: Path, tmp_path: Path) -> None:
    request = TrainingRequest(
        data, tmp_path / "run", write_recipe(tmp_path / "a.toml"), tissue=[slide], mpp=1.0
    )
    with pytest.raises(UsageError, match=r"no \[teacher\]"):
        train(request)


def test_a_whole_training_is_taught_and_its_card_says_by_whom(
    data: Path, weights: Path, slide: Path, tmp_path: Path
) -> None:
    photos = shutil.copytree(data, tmp_path / "data")
    for photo in (photos / "Photos").rglob("*[1-4678]1.png"):
        photo.unlink()
    recipe = write_teacher_recipe(tmp_path / "recipe.toml", "pupil")
    assert recipe.teacher is not None
    # It has weights of its own, and so would not be taught.
    teacher = recipe.teacher.model_copy(update={"students": ("pupil",)})
    request = TrainingRequest(
        photos,
        tmp_path / "run",
        recipe.model_copy(update={"teacher": teacher}),
        imagenet=weights,
        name="Taught",
        mpp=1.0,
        tissue=[slide],
    )
    bundle = train(request).bundle
    with open_bundle(bundle) as opened:
        card = " ".join(opened.model_card.split())
    assert "then taught without labels to give the features of Constructed (weights of" in card
    assert "licence of the teacher: Taught freely." in card
    assert "tissue_sha256" in json.loads((tmp_path / "run" / "run.json").read_text())
    report = json.loads((tmp_path / "run" / "teaching" / "teaching.json").read_text())
    assert f"| Pupil | {report['networks']['pupil']['r2']:.3f}" in card


def test_without_gradients_a_network_stays_as_it_is_and_is_compared_fairly(
    data: Path, weights: Path, tmp_path: Path
) -> None:
    job = job_in(tmp_path, data, weights)
    start = first_weights("pupil", weights)
    settings = job.settings.model_copy(update={"students": ("pupil",), "epochs": 0})
    job = replace(job, settings=settings, starts={"pupil": start})
    (starts, report), _ = run(job)
    assert "without gradients or labels; teacher: Constructed (" in starts["pupil"].text
    # Its features are the teacher's: a linear layer that was not fitted to them would not show it.
    assert report.networks["pupil"]["r2"] > 0.9
    before = build_cnn("pupil", input_px=64, class_count=4)
    start.load(before)
    for now, then in zip(weights_of(job), before.get_layer("backbone").get_weights(), strict=True):
        np.testing.assert_array_equal(now, then)


def test_networks_with_weights_of_their_own_are_taught_only_where_the_recipe_says_so(
    tmp_path: Path, weights: Path
) -> None:
    recipe = write_teacher_recipe(tmp_path / "recipe.toml", "pupil")
    teacher = recipe.teacher
    assert teacher is not None
    networks = ("constructed", "pupil", "resnet50_v2")
    recipe = recipe.model_copy(update={"networks": networks})
    starts = {"pupil": first_weights("pupil", weights), "resnet50_v2": RANDOM}
    assert students_of(recipe, teacher, starts) == ("resnet50_v2",)
    assert students_of(recipe, teacher, dict.fromkeys(starts, RANDOM)) == networks[1:]
    named = teacher.model_copy(update={"students": ("pupil",)})
    assert students_of(recipe, named, starts) == ("pupil",)
