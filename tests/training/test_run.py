"""The whole training on a small data set: cut off, gone on with, measured, shown."""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bachview.cli.main import run as bachview
from bachview.datasets.splits import read_split
from bachview.errors import Cancelled, DatasetError, ExportError, RecipeError, UsageError
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.opened import open_bundle
from bachview.models.verification import verify_bundle
from bachview.training.checkpoints import Epoch, FitState
from bachview.training.first_weights import RANDOM
from bachview.training.recipe import Heads
from bachview.training.request import TrainingRequest
from bachview.training.run import TrainingResult, TrainingWatcher, train
from bachview.ui.session.bundles import read_summary
from bachview.ui.session.ensemble_service import EnsembleChoice, EnsembleService
from tests.support.cli import check_schema
from tests.support.photo_folders import PREFIXES
from tests.support.tiny_training import write_dataset, write_recipe

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data"))


def request_for(data: Path, folder: Path, *, folds: int, resume: bool = False) -> TrainingRequest:
    recipe = write_recipe(folder / "recipe.toml")
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"folds": folds})})
    return TrainingRequest(
        dataset=data,
        output=folder / "run",
        recipe=recipe,
        imagenet="scratch",
        name="Tiny",
        resume=resume,
        mpp=1.0,
        notes="## Notes\n\nA note.",
    )


class Watcher(TrainingWatcher):
    """Counts what is told and cancels after an epoch."""

    def __init__(self, token: CancelToken, cancel_after: int | None = None) -> None:
        self.epochs: list[tuple[str, Epoch]] = []
        self.phases: list[str] = []
        self._token, self._cancel_after = token, cancel_after

    def phase(self, title: str) -> None:
        self.phases.append(title)

    def epoch(self, network: str, epoch: Epoch) -> None:
        self.epochs.append((network, epoch))
        if len(self.epochs) == self._cancel_after:
            self._token.cancel()


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    """Cut off twice, in the pretraining of the first fold's network and in a later stage."""
    folder = tmp_path_factory.mktemp("trained")
    for resume, cancel_after in ((False, 3), (True, 4)):
        token = CancelToken()
        with pytest.raises(Cancelled):
            train(
                request_for(data, folder, folds=2, resume=resume),
                token,
                Watcher(token, cancel_after),
            )
    token = CancelToken()
    watcher = Watcher(token)
    result = train(request_for(data, folder, folds=2, resume=True), token, watcher)
    # 1 + 3 * (2 + 6) epochs, none done twice: 7 before, the rest now.
    assert len(watcher.epochs) == 1 + 3 * 8 - 7
    return result


def test_every_fold_and_the_final_ensemble_are_made(trained: TrainingResult) -> None:
    folder = trained.bundle.parent
    for part in ("fold-1", "fold-2", "final"):
        state = FitState(folder / part / "constructed")
        assert [epoch.number for epoch in state.of_stage("small")] == [0, 1]
        assert [epoch.number for epoch in state.of_stage("all")] == list(range(6))
        split = read_split(folder / part / "split.csv")
        assert set(split.values()) == {"train", "held"}
    assert len(read_split(folder / "final" / "split.csv")) == 80
    assert (folder / "augmentation.png").read_bytes()[:4] == b"\x89PNG"
    for part in ("final", "pretraining"):
        assert (folder / part / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_nothing_is_learnt_from_photos_without_tissue(tmp_path: Path) -> None:
    for number, (key, prefix) in enumerate(PREFIXES.items()):
        path = tmp_path / "data" / "Photos" / key / f"{prefix}001.png"
        path.parent.mkdir(parents=True)
        Image.new("RGB", (96 + number, 96), (241, 241, 240)).save(path, dpi=(25_400, 25_400))
    write_recipe(tmp_path / "tiny.toml")
    request = TrainingRequest(tmp_path / "data", tmp_path / "run", recipe=tmp_path / "tiny.toml")
    with pytest.raises(DatasetError, match="has no labelled photos that show tissue"):
        train(request)


def test_no_photo_is_measured_by_an_ensemble_that_saw_its_patient(trained: TrainingResult) -> None:
    folder = trained.bundle.parent
    used = [set(read_split(folder / f"fold-{n}" / "split.csv")) for n in (1, 2)]
    everything = set(read_split(folder / "final" / "split.csv"))
    labelled = [everything - part for part in used]
    assert labelled[0].isdisjoint(labelled[1])
    assert labelled[0] | labelled[1] == everything
    assert trained.measured is not None
    assert trained.measured.photos == 80


def test_what_is_easy_is_learnt(trained: TrainingResult) -> None:
    assert trained.measured is not None
    assert trained.measured.photo.metrics.accuracy > 0.9
    assert len(trained.measured.members) == 4


def test_the_bundle_passes_every_check_and_says_where_it_is_from(trained: TrainingResult) -> None:
    assert all(check.ok for check in verify_bundle(trained.bundle))
    with open_bundle(trained.bundle) as bundle:
        assert bundle.manifest.is_for_tissue
        assert bundle.manifest.has_seen
        assert bundle.manifest.training.weights_origin == "scratch"
        assert "Speckled stains" in bundle.model_card
        assert "A note." in bundle.model_card
        assert "pretraining without labels saw the pixels of all photos" in " ".join(
            bundle.model_card.split()
        )
        assert bundle.manifest.training.metrics["cv_photo_accuracy"] > 0.9


def test_evaluate_and_predict_take_the_trained_bundle(
    trained: TrainingResult, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = str(trained.bundle)
    split = str(trained.bundle.parent / "final" / "split.csv")
    options = ["--mpp", "1.0", "--split", split, "--part", "held", "--device", "CPU", "--json"]
    assert bachview(["evaluate", bundle, str(data), *options]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["photo"]["accuracy"] > 0.9
    table = tmp_path / "classes.csv"
    photos = str(data / "Photos" / "Invasive")
    assert bachview(["predict", bundle, photos, "--mpp", "1.0", "--output", str(table)]) == 0
    lines = table.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 21
    assert sum(",Invasive," in line for line in lines[1:]) > 17


def test_the_viewer_loads_it_and_explains_with_it(trained: TrainingResult) -> None:
    summary = read_summary(str(trained.bundle))
    assert summary.is_for_tissue  # so no strip warns of it
    choice = EnsembleChoice(summary.path, summary.sha256, "CPU")
    patch = np.full((64, 64, 3), 180, np.uint8)
    service = EnsembleService()
    try:
        service.warm_up(choice).result(60)
        explained = service.explain(choice, lambda: patch, CancelToken()).result(60)
    finally:
        for lane in service.lanes:
            lane.close()
        service.free()
    assert explained.maps.shape[0] == 1


def test_with_heads_alone_all_patients_teach_all_members(data: Path, tmp_path: Path) -> None:
    """With patches that are larger than a photo: 4 x 4 of their 8 x 8 cells are judged."""
    asked = request_for(data, tmp_path, folds=2)
    recipe = asked.read_recipe()
    patch = {"mpp": 2.0, "stride_um": 16.0, "cells_per_side": 4}
    recipe = recipe.model_copy(
        update={
            "stages": (),
            "heads": Heads(components=3, c=1.0),
            "patch": recipe.patch.model_copy(update=patch),
        }
    )
    asked = replace(asked, recipe=recipe)
    token = CancelToken()
    watcher = Watcher(token)
    result = train(asked, token, watcher)
    assert {epoch.stage for _, epoch in watcher.epochs} == {"pretraining"}
    assert result.measured is not None
    assert result.measured.photo.metrics.accuracy > 0.9
    folder = Path(asked.output)
    for part, photos in (("fold-1", 40), ("fold-2", 40), ("final", 80)):
        split = read_split(folder / part / "split.csv")
        assert list(split.values()) == ["train"] * photos
    # Shown to the network once, for the folds and the final ensemble.
    assert len(list((folder / "features").glob("*.npz"))) == 80
    assert watcher.phases.count("Showing all photos to the networks") == 1
    assert all(check.ok for check in verify_bundle(result.bundle))
    with open_bundle(result.bundle) as bundle:
        assert bundle.geometry == recipe.patch.geometry
        assert bundle.manifest.training.split.startswith("all 80 photos trained on")
        uniform_share = bundle.uniform_share
        card = " ".join(bundle.model_card.split())
    assert "a linear head was fitted to the features of each" in card
    assert (
        f"a share of {uniform_share:g} is spread evenly over the classes, fitted to the photos"
        in card
    )
    with open_bundle(folder / "fold-1" / "fold.bachmodel") as fold:
        assert fold.uniform_share == 0
    few = replace(asked, dataset=tmp_path / "few", output=tmp_path / "other")
    for path in sorted((data / "Photos").glob("*/*.png"))[::8]:
        (few.dataset / path.relative_to(data).parent).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, few.dataset / path.relative_to(data))
    with pytest.raises(DatasetError, match="give more photos"):
        train(few, token, TrainingWatcher())
    assert not Path(few.output).exists()


def test_a_folder_in_use_wants_resume_and_the_same_recipe(
    trained: TrainingResult, data: Path, tmp_path: Path
) -> None:
    folder = trained.bundle.parent.parent
    token = CancelToken()
    with pytest.raises(UsageError, match="--resume"):
        train(request_for(data, folder, folds=2), token, TrainingWatcher())
    other = request_for(data, folder, folds=0, resume=True)
    with pytest.raises(RecipeError, match="another recipe"):
        train(other, token, TrainingWatcher())
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="not empty"):
        train(request_for(data, tmp_path, folds=0), token, TrainingWatcher())
    assert (tmp_path / "run" / "mine.txt").read_text() == "keep"


def test_a_training_goes_on_whose_recipe_was_written_in_other_words(
    data: Path, tmp_path: Path
) -> None:
    """Another version may write the same values otherwise; other values are refused."""
    request = request_for(data, tmp_path, folds=0, resume=True)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        train(request, token, TrainingWatcher())
    recipe, record = Path(request.output) / "recipe.toml", Path(request.output) / "run.json"
    own = recipe.read_bytes()

    def put(text: bytes) -> None:
        recipe.write_bytes(text)
        document = json.loads(record.read_text())
        document["recipe_sha256"] = hashlib.sha256(text).hexdigest()
        record.write_text(json.dumps(document))

    put(b"# By an earlier version.\n" + own.replace(b"warmup = 0.0", b"warmup = 0"))
    with pytest.raises(Cancelled):
        train(request, token, TrainingWatcher())
    put(own.replace(b"seed = 7", b"seed = 8"))
    with pytest.raises(RecipeError, match="another recipe"):
        train(request, token, TrainingWatcher())


@pytest.mark.parametrize("written", [0, 1])
def test_a_training_that_was_cut_off_while_it_began_goes_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    request = request_for(data, tmp_path, folds=0, resume=True)
    real, names = os.replace, []

    def failing(part: Path, path: Path) -> None:
        names.append(Path(path).name)
        if len(names) > written:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(part, path)

    token = CancelToken()
    token.cancel()
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", failing)
        with pytest.raises(ExportError, match="cannot be written"):
            train(request, token, TrainingWatcher())
    assert names[-1] == ("recipe.toml" if written else "run.json")
    if not written:
        (Path(request.output) / ".run.json.123456789.part").touch()
    with pytest.raises(Cancelled):
        train(request, token, TrainingWatcher())
    assert sorted(path.name for path in Path(request.output).iterdir()) == [
        "recipe.toml",
        "run.json",
    ]
    assert (Path(request.output) / "recipe.toml").read_text(
        "utf-8"
    ) == request.read_recipe().to_toml()


def test_without_imagenet_weights_it_says_so_and_starts_from_random_ones(
    data: Path, tmp_path: Path
) -> None:
    """The constructed network has none anywhere; later tries keep what it began with."""
    asked = replace(request_for(data, tmp_path, folds=0), imagenet="fetch")
    said: list[str] = []

    class Listener(Watcher):
        def problem(self, message: str) -> None:
            said.append(message)

    for resume in (False, True):
        token = CancelToken()
        with pytest.raises(Cancelled):
            train(replace(asked, resume=resume), token, Listener(token, cancel_after=1))
    assert len(said) == 1
    assert "--imagenet-weights" in said[0]
    record = json.loads((Path(asked.output) / "run.json").read_text())
    assert record["first_weights"] == {"constructed": RANDOM.text}


def test_what_is_left_out_is_named(data: Path, tmp_path: Path) -> None:
    marred = shutil.copytree(data, tmp_path / "marred")
    Image.new("RGB", (128, 96), "white").save(marred / "Photos" / "Normal" / "n999.png")
    said: list[str] = []

    class Listener(Watcher):
        def problem(self, message: str) -> None:
            said.append(message)

    token = CancelToken()
    with pytest.raises(Cancelled):
        train(request_for(marred, tmp_path, folds=0), token, Listener(token, cancel_after=1))
    (left_out,) = (message for message in said if "no H&E tissue" in message)
    assert left_out.startswith("Photos/Normal/n999.png: ")


def test_too_few_photos_are_found_before_anything_is_trained(tmp_path: Path, data: Path) -> None:
    asked = request_for(data, tmp_path, folds=2)
    small = asked.read_recipe().data.model_copy(update={"holdout": 0.1})
    recipe = asked.read_recipe().model_copy(update={"data": small})
    with pytest.raises(DatasetError, match=r"raise data\.holdout"):
        train(replace(asked, recipe=recipe), CancelToken(), TrainingWatcher())
    assert not Path(asked.output).exists()


def test_one_fold_is_refused_on_the_command_line_too(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", str(data), "--output", str(tmp_path / "run"), "--folds", "1"]
    assert bachview(arguments) == 2
    assert "one fold measures nothing" in " ".join(capsys.readouterr().err.split())


def test_a_killed_training_goes_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real process, killed in the middle of an epoch."""
    recipe = tmp_path / "recipe.toml"
    write_recipe(recipe)
    # Without pretraining and the first stage, and with an epoch that takes long enough.
    output = tmp_path / "run"
    arguments = ["train", str(data), "--output", str(output), "--recipe", str(recipe)]
    arguments += ["--weights", "scratch", "--mpp", "1.0", "--folds", "0", "--name", "Killed"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bachview", *arguments],
        env={**os.environ, "BACHVIEW_HOME": str(tmp_path / "home")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:
            if "small 1:" in line:
                process.send_signal(signal.SIGKILL)
                break
    process.wait()
    before = FitState(output / "final" / "constructed").history
    assert before
    assert not (output / "Killed.bachmodel").exists()
    assert bachview([*arguments, "--resume", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    check_schema("train", document)
    assert document["bundle"] == str(output / "Killed.bachmodel")
    after = FitState(output / "final" / "constructed").history
    assert after[: len(before)] == before
    assert len(after) == 8
