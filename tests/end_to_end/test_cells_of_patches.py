"""A bundle whose patches stand for several cells, from the bundle to slide, photo and files."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bachview.core.classes import BACH_CLASSES
from bachview.core.stains import STAIN_COLORS
from bachview.inference.photos import predict_photos
from bachview.models.loading import load_ensemble
from bachview.models.synthetic.selftest_bundle import build
from tests.support.cli import Cli
from tests.support.slides import write_pyramid

pytestmark = pytest.mark.slow

#: Of the self-test bundle: 8 um at 0.5 um/px, each judged by the mean of 5 x 5 around it.
CELL, WINDOW, PER_SIDE = 16, 5, 4


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("bundle") / "cells.bachmodel", cells_per_side=PER_SIDE)


def squares() -> np.ndarray:
    """(18, 22): the class of each cell, in squares of 8 cells; neither is whole patches."""
    rows, columns = np.indices((18, 22)) // 8
    return np.asarray((rows * 3 + columns) % len(BACH_CLASSES))


def picture() -> np.ndarray:
    colours = np.array([STAIN_COLORS[key] for key in BACH_CLASSES.keys], np.uint8)
    found = colours[squares()].repeat(CELL, axis=0).repeat(CELL, axis=1)
    noise = np.random.default_rng(0).integers(-5, 6, found.shape)
    return np.asarray((found + noise).clip(0, 255), np.uint8)


def inner() -> np.ndarray:
    """(18, 22) bool: cells of whose window all is of one class, and nothing beyond the slide."""
    reach = WINDOW // 2
    padded = np.pad(squares(), reach, constant_values=-1)
    views = np.lib.stride_tricks.sliding_window_view(padded, (WINDOW, WINDOW))
    return np.asarray((views == squares()[..., None, None]).all(axis=(2, 3)))


def test_the_cells_of_a_slide_have_their_classes_in_their_places(
    cli: Cli, bundle: Path, tmp_path: Path
) -> None:
    slide = write_pyramid(tmp_path / "slide.tiff", picture(), mpp=0.5)
    out = tmp_path / "out"
    answer = cli("classify", slide, "-b", bundle, "-o", out, "--anyway")
    assert answer.code == 0, answer.err
    with (out / "predictions.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == squares().size
    found = np.full(squares().shape, -1)
    for line in lines:
        place = int(float(line["y"]) // CELL), int(float(line["x"]) // CELL)
        found[place] = BACH_CLASSES.keys.index(line["class"]) if line["class"] else -1
        assert (float(line["width"]), float(line["height"])) == (CELL, CELL)
    assert inner().sum() > 50
    np.testing.assert_array_equal(found[inner()], squares()[inner()])


def test_another_stride_is_refused_in_one_sentence(cli: Cli, bundle: Path, tmp_path: Path) -> None:
    slide = write_pyramid(tmp_path / "slide.tiff", picture(), mpp=0.5)
    arguments = ("-b", bundle, "-o", tmp_path / "out", "--stride", "16")
    answer = cli("classify", slide, *arguments)
    assert answer.code != 0
    assert "cells of 8 µm" in answer.err
    assert "Traceback" not in answer.err


def test_a_photo_has_the_votes_of_its_cells(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(picture()).save(path)
    with load_ensemble(bundle, device="CPU") as ensemble:
        (judged,) = predict_photos(ensemble, [(path, 0.5)], anyway=True)
        patch = np.full((64, 64, 3), STAIN_COLORS["InSitu"], np.uint8)
        assert ensemble.explain(patch).mean_map.shape[:2] == (8, 8)
    assert judged.probabilities.shape == (squares().size, 4)
    rows, columns = np.indices(squares().shape).reshape(2, -1)
    patch_by_patch = np.lexsort((columns, rows, columns // PER_SIDE, rows // PER_SIDE))
    found = np.zeros(squares().size, np.int64)
    found[patch_by_patch] = judged.probabilities.argmax(axis=1)
    right = found.reshape(squares().shape) == squares()
    assert right[inner()].all()
