"""One new row in one table is found everywhere; nothing else has to be changed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

import bachview
from bachview.errors import DatasetError
from bachview.export import formats
from bachview.export.content import Content
from bachview.export.formats import ExportFormat
from bachview.files import FileGroup, write_text
from bachview.models import architectures, estimators
from bachview.models.architectures import CnnArchitecture, Preprocessing
from bachview.models.bundle.opened import open_bundle
from bachview.models.estimators import Estimator, Folds
from bachview.models.loading import load_ensemble
from bachview.phantom.writer import write_phantom
from bachview.training.first_weights import RANDOM, first_weights
from bachview.training.recipe import Recipe
from bachview.training.request import TrainingRequest
from bachview.training.run import train
from bachview.ui.dialogs.export_dialog import ExportDialog
from tests.support.cli import Cli
from tests.support.tiny_training import write_dataset, write_recipe


def write_count(path: Path, content: Content, group: FileGroup | None) -> None:
    write_text(path, f"{content.prediction.states.size} cells\n", group=group)


@pytest.fixture
def count_format(monkeypatch: pytest.MonkeyPatch) -> ExportFormat:
    row = ExportFormat("count", "count.txt", "number", "How many cells there are", write_count)
    monkeypatch.setattr(formats, "FORMATS", (row, *formats.FORMATS))
    return row


def test_a_new_export_is_one_row(
    count_format: ExportFormat, cli: Cli, qtbot: QtBot, tmp_path: Path
) -> None:
    slide = tmp_path / "slide.tiff"
    write_phantom(slide, width=2000, height=1600)
    answer = cli("classify", "--bundle", "selftest", slide, "--output", tmp_path / "cli", "--json")
    document = answer.document
    assert document["output"]["count"] == str(tmp_path / "cli" / "count.txt")
    assert "count.txt" in document["sha256"]
    text = (tmp_path / "cli" / "count.txt").read_text()
    assert text.endswith("cells\n")

    with bachview.open_slide(slide) as opened, bachview.load_ensemble("selftest") as ensemble:
        prediction = bachview.classify(opened, ensemble)
        prediction.save(tmp_path / "a.txt")
        prediction.save(tmp_path / "b", "count")
    assert (tmp_path / "a.txt").read_text() == (tmp_path / "b").read_text() == text

    dialog = ExportDialog("slide.tiff", tmp_path / "cli")
    qtbot.addWidget(dialog)
    assert count_format in dialog.kinds
    assert formats.nouns().startswith("number, CSV")
    assert formats.written_kinds(tmp_path, [count_format]) == (count_format,)


def test_every_export_is_in_the_help(cli: Cli) -> None:
    said = cli("classify", "--help").out
    assert all(kind.file_name in said for kind in formats.usual_kinds())
    said = " ".join(cli("results", "export", "--help").out.split())
    assert all(kind.key in said for kind in formats.FORMATS)


def average_colours(side: int, features: int) -> Any:
    import keras

    pixels = keras.layers.Input((side, side, 3))
    return keras.Model(pixels, keras.layers.AveragePooling2D(side // 4)(pixels), name="backbone")


def bayes(settings: Mapping[str, Any], seed: int, folds: Folds) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB()


def test_a_new_network_and_a_new_classifier_are_one_row_each(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They are named in a recipe, trained, packed with a bundle, loaded and asked."""
    network = CnnArchitecture(
        "colours",
        "Average colours",
        Preprocessing("halves", 1 / 255, -0.5),
        average_colours,
        weights_file="colours.h5",
    )
    classifier = Estimator(
        "bayes",
        "Naive Bayes",
        "bayes.skops",
        "GaussianNB",
        bayes,
        types=frozenset({"sklearn.naive_bayes.GaussianNB"}),
    )
    monkeypatch.setattr(architectures, "ARCHITECTURES", (*architectures.ARCHITECTURES, network))
    monkeypatch.setattr(estimators, "ESTIMATORS", (*estimators.ESTIMATORS, classifier))
    recipe = write_recipe(tmp_path / "recipe.toml").model_dump(mode="json")
    recipe |= {"networks": ["colours"], "heads": {"components": 3, "c": 1.0}, "stages": []}
    recipe |= {"pretrain": None, "data": {"holdout": 0.5, "folds": 0}}
    request = TrainingRequest(
        write_dataset(tmp_path / "data"),
        tmp_path / "run",
        Recipe.model_validate_json(json.dumps(recipe)),
        imagenet="scratch",
        name="Extended",
        mpp=1.0,
    )
    bundle = train(request).bundle
    with open_bundle(bundle) as opened:
        found, *_ = opened.manifest.cnns
        assert (found.name, found.architecture) == ("Average colours", "colours")
        assert found.preprocessing == "halves"
        last = opened.manifest.classifiers[-1]
        assert (last.name, last.estimator, last.file) == ("Naive Bayes", "bayes", "bayes.skops")
        assert "Average colours" in opened.model_card
        assert "naive bayes" in opened.model_card
    with load_ensemble(bundle, precision="f32") as ensemble:
        output = ensemble.predict(np.zeros((2, 64, 64, 3), np.uint8))
        assert output.members.shape == (2, 5, 4)
    with pytest.raises(DatasetError, match=r"colours\.h5 are not in the folder"):
        first_weights("colours", tmp_path)
    assert first_weights("colours", "fetch") is RANDOM
