"""The model card says what was done, how it was measured and what the ensemble is not for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bachview.core.classes import BACH_CLASSES
from bachview.core.uncertainty import Thresholds
from bachview.datasets.samples import AnnotatedSlide, Dataset, Photo
from bachview.evaluation.labelled_predictions import LabelledPredictions
from bachview.evaluation.measures import evaluate
from bachview.models.bundle.writer import Cnn, FittedClassifier
from bachview.training.ensemble_fit import Calibrated, FittedEnsemble
from bachview.training.first_weights import RANDOM, FirstWeights
from bachview.training.model_card import Card, model_card
from bachview.training.recipe import Heads
from bachview.training.teaching_report import TeachingReport
from tests.support.tiny_training import write_recipe, write_teacher_recipe

GOLDEN = Path(__file__).parent / "golden"
PRETRAINED = replace(
    RANDOM,
    text=f"{RANDOM.text}, then pretraining without labels on the same photos (prediction of "
    "handcrafted descriptors of stain, texture and structure)",
    saw_photos=True,
)
THRESHOLDS = Thresholds(0.5, 0.7)


def fitted(start: FirstWeights = RANDOM) -> FittedEnsemble:
    return FittedEnsemble(
        (Cnn("Constructed", "constructed", None),),
        (FittedClassifier("Random forest", "random_forest", None),),
        Calibrated(1.25, THRESHOLDS, (0.75, 1.25), 0.81, 0.1),
        (start,),
        np.zeros((0, 64, 64, 3), np.uint8),
        np.zeros(0, np.int64),
    )


def measured_card(folder: Path) -> Card:
    photos = tuple(
        Photo(folder / f"{i}.png", i % 4 if i < 39 else None, str(i // 4), 0.42, f"{i:064x}")
        for i in range(40)
    )
    slides = (AnnotatedSlide(folder / "A01.svs", folder / "A01.xml"),)
    rng = np.random.default_rng(5)
    labels = np.arange(40) % 4
    raw = rng.random((40, 2, 4))
    raw[np.arange(40), :, labels] += 0.3
    members = raw / raw.sum(axis=2, keepdims=True)
    found = evaluate(
        LabelledPredictions(
            labels,
            [photo.patient for photo in photos],
            members,
            members.mean(axis=1),
            labels,
            members[:, 0],
            ("Constructed", "Random forest"),
            np.array([True, False]),
            np.arange(40),
        ),
        THRESHOLDS,
    )
    dataset = Dataset(folder, BACH_CLASSES, photos, slides, (), ())
    recipe = write_recipe(folder / "recipe.toml")
    return Card(
        "Tiny & small <1>", recipe, dataset, found, 0.25, "\n## Notes\n\nA *note* <here>.\n"
    )


def unmeasured_card(folder: Path) -> Card:
    card = measured_card(folder)
    recipe = card.recipe.model_copy(
        update={
            "heads": Heads(components=3, c=1.0),
            "stages": (),
            "pretrain": None,
            "ensemble": card.recipe.ensemble.model_copy(update={"member_weights": False}),
        }
    )
    return replace(
        card, recipe=recipe, dataset=replace(card.dataset, slides=()), measured=None, notes=""
    )


def taught_card(folder: Path) -> Card:
    card = unmeasured_card(folder)
    recipe = write_teacher_recipe(folder / "taught.toml", "resnet50_v2")
    patch = recipe.patch.model_copy(update={"stride_um": 8.0, "cells_per_side": 4})
    networks = ("constructed", "resnet50_v2")
    recipe = recipe.model_copy(update={"networks": networks, "patch": patch})
    found = {"r2": 0.81, "cosine": 0.9, "probe_accuracy": 0.71}
    report = TeachingReport(("One", "Another"), "Only <so>", 400, 0.75, {"resnet50_v2": found})
    return replace(card, recipe=recipe, taught=report)


@pytest.mark.parametrize("name", ["measured", "unmeasured", "taught"])
def test_the_card_is_the_expected_text(tmp_path: Path, name: str) -> None:
    cards = {"measured": measured_card, "unmeasured": unmeasured_card, "taught": taught_card}
    card = cards[name](tmp_path)
    text, figures = model_card(card, fitted(PRETRAINED if name == "measured" else RANDOM))
    assert text == (GOLDEN / f"model_card_{name}.md").read_text("utf-8")
    assert bool(figures) == (card.measured is not None)


def test_networks_with_different_beginnings_are_named(tmp_path: Path) -> None:
    known = FirstWeights("imagenet", "ImageNet weights of a package (a licence)", RANDOM.load)
    two = replace(
        fitted(),
        cnns=(Cnn("One", "constructed", None), Cnn("Two", "constructed", None)),
        starts=(known, RANDOM),
    )
    text, _ = model_card(unmeasured_card(tmp_path), two)
    assert (
        "Start: One from ImageNet weights of a package (a licence); "
        "Two from random weights (no ImageNet weights)." in text
    )
