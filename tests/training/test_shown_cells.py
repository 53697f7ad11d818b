"""Which patches and cells of an image become rows of features."""

from pathlib import Path

import numpy as np
import pytest

from bachview.inference.photo_patches import read_photo
from bachview.jobs.tokens import CancelToken
from bachview.training.images import TrainingImage, load_sources, random_crop
from bachview.training.recipe import Recipe
from bachview.training.shown_cells import plain_cells, view_cells
from tests.support.tiny_training import NOTHING, listed_photo, write_recipe

SIDE = 64


def wide_recipe(folder: Path, *, count: int = 4, glass: float = 1.0, **classifiers: int) -> Recipe:
    """A patch of 64 px has 8 x 8 places of 8 px, and stands for some of them."""
    recipe = write_recipe(folder / "recipe.toml")
    patch = recipe.patch.model_copy(update={"stride_um": 8.0, "cells_per_side": count})
    return recipe.model_copy(
        update={
            "patch": patch,
            "augmentation": NOTHING.model_copy(update={"glass": glass, "scale": 0.3}),
            "classifiers": recipe.classifiers.model_copy(update=classifiers),
        }
    )


def middles(pixels: np.ndarray, count: int) -> np.ndarray:
    """(P, K): the grey of the px in the middle of each cell."""
    places = (np.arange(count) - (count - 1) / 2) * 8 + SIDE / 2
    at = places.astype(int)
    return pixels[:, at][:, :, at, 0].reshape(len(pixels), -1)


def test_a_wide_crop_is_not_shrunk_and_reaches_onto_glass() -> None:
    pixels = np.full((60, 90, 3), 100, np.uint8)
    rng = np.random.default_rng(0)
    for _ in range(50):
        crop = random_crop(pixels, 64, 0.0, rng, shrinks=False)
        assert crop.side == 64
        assert set(np.unique(crop.pixels)) & set(range(225, 253))
        # Without a share on glass it lies as far on the image as there is room.
        reach = np.abs(crop.turn).sum(axis=1).max() * 32
        assert crop.y == pytest.approx(30)
        assert min(reach, 45) - 1e-6 <= crop.x <= max(90 - reach, 45) + 1e-6


def test_a_crop_knows_where_its_points_lie() -> None:
    y, x = np.mgrid[:200, :250]
    pixels = np.stack([x, y, np.zeros_like(x)], -1).astype(np.uint8)
    rng = np.random.default_rng(1)
    for _ in range(20):
        crop = random_crop(pixels, 48, 0.3, rng)
        points = np.array([[0.0, 0.0], [10.0, 0.0], [-7.0, 15.0]])
        at = (points + 24).astype(int)
        shown = crop.pixels[at[:, 1], at[:, 0], :2].astype(float)
        # The value of a px is its place; that of a px of the crop, that of its middle.
        np.testing.assert_allclose(shown, crop.places(points + 0.5) - 0.5, atol=1.2)


def test_cells_of_views_lie_on_the_photo(tmp_path: Path) -> None:
    recipe = wide_recipe(tmp_path, views=30, cells_per_view=64)
    photo = listed_photo(tmp_path, np.full((80, 100, 3), 100, np.uint8))
    source = TrainingImage(np.full((80, 100, 3), 100, np.uint8), 0, "a", photo=photo)
    shown = view_cells(source, recipe, 3)
    grey = middles(shown.pixels, 8)
    assert 0.5 < shown.cells.mean() < 0.95  # some lie beyond
    # But for those whose middle is on the very edge.
    assert (grey[shown.cells] < 165).mean() > 0.95
    assert (grey[~shown.cells] > 165).mean() > 0.95
    few = view_cells(source, wide_recipe(tmp_path, views=30, cells_per_view=3), 3)
    assert few.cells.sum(axis=1).max() == 3
    assert not (few.cells & ~shown.cells).any()


def test_of_a_window_the_middle_counts(tmp_path: Path) -> None:
    recipe = wide_recipe(tmp_path, views=5, cells_per_view=16)
    window = TrainingImage(np.full((96, 96, 3), 100, np.uint8), 0, "a", is_window=True)
    for shown in (plain_cells(window, recipe, CancelToken()), view_cells(window, recipe, 0)):
        assert (shown.pixels == 100).all()
        assert (shown.cells.reshape(-1, 8, 8).sum(axis=0)[3:5, 3:5] == len(shown.pixels)).all()
        assert shown.count == 4 * len(shown.pixels)
    recipe = wide_recipe(tmp_path)
    odd = recipe.patch.model_copy(update={"input_px": 72, "cells_per_side": 5})
    one = plain_cells(window, recipe.model_copy(update={"patch": odd}), CancelToken())
    assert one.count == 1
    assert one.cells[0, 40]


def test_plain_cells_are_every_second_one_that_is_judged(tmp_path: Path) -> None:
    recipe = wide_recipe(tmp_path)
    rng = np.random.default_rng(0)
    pixels = np.clip(np.array([190, 120, 170]) + rng.normal(0, 12, (80, 100, 3)), 0, 255).astype(
        np.uint8
    )
    pixels[:, :40] = (244, 243, 244)
    photo = listed_photo(tmp_path, pixels)
    (source,) = load_sources([photo], 1.0, least_px=8, token=CancelToken())
    shown = plain_cells(source, recipe, CancelToken())
    judged = read_photo(photo.path, 1.0, recipe.patch.geometry, anyway=True)
    np.testing.assert_array_equal(shown.pixels, judged.pixels)
    assert not (shown.cells & ~judged.counts).any()
    assert shown.count == pytest.approx(judged.counts.sum() / 2, abs=len(judged.pixels) * 2)
    assert 0 < judged.counts.mean() < 1
    for number in range(shown.count):
        patch = shown.patch_of(number)
        before = shown.cells[:patch].sum()
        assert before <= number < before + shown.cells[patch].sum()


def test_a_photo_with_too_little_tissue_gives_no_plain_cells(tmp_path: Path) -> None:
    photo = listed_photo(tmp_path, np.full((80, 100, 3), 244, np.uint8))
    source = TrainingImage(np.full((80, 100, 3), 244, np.uint8), 0, "a", photo=photo)
    shown = plain_cells(source, wide_recipe(tmp_path), CancelToken())
    assert shown.pixels.shape == (0, SIDE, SIDE, 3)
    assert shown.cells.shape == (0, 64)
