"""A data set with three classes of its own: trained, measured, packed, classified and shown."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QCheckBox
from pytestqt.qtbot import QtBot

import bachview
from bachview.core.classes import ClassSet, TissueClass
from bachview.errors import RecipeError
from bachview.models.bundle.opened import open_bundle
from bachview.models.verification import verify_bundle
from bachview.training.recipe import Heads
from bachview.training.request import TrainingRequest
from bachview.training.run import TrainingResult, train
from bachview.ui.panels.cursor_panel import CursorPanel
from bachview.ui.panels.result_panel import ResultPanel
from bachview.ui.session.bundles import read_summary
from tests.support.aperio_xml import rectangle, region, write_xml
from tests.support.cli import Cli, check_schema
from tests.support.slides import write_pyramid
from tests.support.tiny_training import write_photos, write_recipe

pytestmark = pytest.mark.long

CLASSES = ClassSet(
    (
        TissueClass("Necrosis", "Necrosis", "X", (240, 228, 66)),
        TissueClass("Stroma and fat", "Stroma", "S", (0, 158, 80)),
        TissueClass("Tumour", "Tumour", "T", (214, 39, 10)),
    ),
    negative="Stroma",
)
#: Px of one class on the slide.
SIDE = 512
COLORS = {"Necrosis": (198, 158, 216), "Stroma": (238, 186, 205), "Tumour": (98, 52, 132)}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_photos(tmp_path_factory.mktemp("own"), COLORS, dict.fromkeys(COLORS, "p"))
    lines = ['negative = "Stroma"']
    for entry in CLASSES:
        lines += ["[[classes]]", f'key = "{entry.key}"', f'name = "{entry.name}"']
        lines += [f'letter = "{entry.letter}"', f"color = {list(entry.color)}", ""]
    (folder / "classes.toml").write_text("\n".join(lines), encoding="utf-8")
    (folder / "WSI").mkdir()
    write_slide(folder / "WSI" / "A01.tiff")
    outlines = [
        region(rectangle(0, 0, SIDE, SIDE), text="necrosis"),
        region(rectangle(2 * SIDE, 0, 3 * SIDE, SIDE), text="Tumour"),
    ]
    write_xml(folder / "WSI" / "A01.xml", outlines, mpp="1.0")
    return folder


def write_slide(path: Path) -> None:
    """The three classes side by side, in their order, 1 um/px."""
    rng = np.random.default_rng(3)
    colors = np.repeat(np.array([COLORS[key] for key in CLASSES.keys]), SIDE, axis=0)
    picture = colors[None] + rng.normal(0, 10, (SIDE, 3 * SIDE, 1))
    write_pyramid(path, picture.clip(0, 255).astype(np.uint8), mpp=1.0)


def request_for(data: Path, folder: Path, *, resume: bool = False) -> TrainingRequest:
    recipe = write_recipe(folder / "recipe.toml")
    changes = {
        "stages": (),
        "heads": Heads(components=3, c=1.0),
        "pretrain": None,
        "data": recipe.data.model_copy(update={"folds": 0}),
    }
    recipe = recipe.model_copy(update=changes)
    return TrainingRequest(
        data,
        folder / "run",
        recipe,
        imagenet="scratch",
        name="Own",
        mpp=1.0,
        resume=resume,
    )


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    return train(request_for(data, tmp_path_factory.mktemp("own-run")))


def test_it_is_trained_and_packed(trained: TrainingResult) -> None:
    assert all(check.ok for check in verify_bundle(trained.bundle))
    with open_bundle(trained.bundle) as bundle:
        assert bundle.classes == CLASSES
        assert "Stroma and fat 20" in bundle.model_card
        assert "one of 3 classes" in bundle.model_card
        assert "breast" not in bundle.model_card
    split = (trained.bundle.parent / "final" / "split.csv").read_text("utf-8")
    assert {row["class"] for row in csv.DictReader(split.splitlines())} == set(CLASSES.keys)


def test_it_does_not_go_on_with_the_classes_in_another_order(
    trained: TrainingResult, data: Path, tmp_path: Path
) -> None:
    folder = trained.bundle.parent.parent
    turned = tmp_path / "turned"
    shutil.copytree(data, turned)
    text = (turned / "classes.toml").read_text("utf-8")
    first, *entries = text.split("[[classes]]")
    (turned / "classes.toml").write_text("[[classes]]".join([first, *reversed(entries)]), "utf-8")
    with pytest.raises(RecipeError, match="other photos, classes, tissue or initial weights"):
        train(request_for(turned, folder, resume=True))
    assert train(request_for(data, folder, resume=True)).bundle == trained.bundle


def test_it_is_measured_by_its_own_classes(
    trained: TrainingResult, data: Path, cli: Cli, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    document = cli(
        "evaluate", trained.bundle, data, "--mpp", "1.0", "--output", report, "--json"
    ).document
    check_schema("evaluate", document)
    assert document["data"]["classes"] == list(CLASSES.keys)
    assert document["photo"]["accuracy"] > 0.9
    assert document["carcinoma"] is None
    assert document["slides"]["score"] is None, "the score of BACH is for its classes"
    assert document["slides"]["pixel_accuracy"] > 0.9
    text = report.read_text("utf-8")
    assert "Stroma and fat" in text
    assert "arcinoma" not in text
    checked = cli("dataset", "check", data, "--mpp", "1.0", "--json").document
    assert checked["photos"]["per_class"] == dict.fromkeys(CLASSES.keys, 20)
    assert not checked["problems"]


def test_a_bundle_of_other_classes_is_not_measured_on_it(data: Path, cli: Cli) -> None:
    answer = cli("evaluate", "selftest", data, "--mpp", "1.0")
    assert answer.code != 0
    assert "those of the data set Necrosis, Stroma, Tumour" in " ".join(answer.err.split())


def test_a_slide_is_classified_and_shown_in_its_classes(
    trained: TrainingResult, data: Path, cli: Cli, qtbot: QtBot, tmp_path: Path
) -> None:
    slide = data / "WSI" / "A01.tiff"
    document = cli(
        "classify", slide, "--bundle", trained.bundle, "--output", tmp_path, "--json"
    ).document
    check_schema("classify", document)
    assert {name: one["key"] for name, one in document["classes"].items()} == {
        entry.name: entry.key for entry in CLASSES
    }
    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in rows[0] if name.startswith("prob_")]
    assert columns == ["prob_Necrosis", "prob_Stroma", "prob_Tumour"]
    named = [(row["class"], float(row["x"]) + float(row["width"]) / 2) for row in rows]
    right = [CLASSES[int(x // SIDE)].name == name for name, x in named if name]
    assert len(right) > 50
    assert np.mean(right) > 0.9
    geojson = json.loads((tmp_path / "predictions.geojson").read_text("utf-8"))
    shown = {f["properties"]["classification"]["name"] for f in geojson["features"]}
    assert {entry.name for entry in CLASSES} <= shown

    with bachview.open_slide(slide) as opened, bachview.load_ensemble(trained.bundle) as ensemble:
        prediction = bachview.classify(opened, ensemble)
        overlay = prediction.overlay((3 * SIDE // 8, SIDE // 8), opacity=1.0)
    middle = overlay[SIDE // 16]
    for place, entry in enumerate(CLASSES):
        assert tuple(middle[(2 * place + 1) * SIDE // 16]) == (*entry.color, 255)

    summary = read_summary(str(trained.bundle))
    panel = ResultPanel()
    qtbot.addWidget(panel)
    panel.show_bundle(summary)
    boxes = [box.accessibleName() for box in panel.legend.findChildren(QCheckBox)]
    assert boxes[:3] == [entry.name for entry in CLASSES]
    cursor = CursorPanel()
    qtbot.addWidget(cursor)
    cursor.show_bundle(summary)
    assert len(cursor.votes) == len(summary.member_names) == 4
