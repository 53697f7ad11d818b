"""The tissue mask of drawn slides whose truth is known: a sample of `make tissue-scenes`."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bachview.slide.glass import USUAL_WHITE, measured_white
from bachview.slide.tissue import stained
from tests.support.tissue_scenes import (
    INKS,
    SCENES,
    TINTS,
    Scene,
    disc,
    draw,
    ink,
    measured,
    nowhere,
)

LEAST_OVERLAP = 0.9


@pytest.mark.parametrize(
    "name",
    [
        "disc, yellow, 0.5 µm",
        "no tissue, brownish",
        "pale disc, strongly yellowed",
        "mucus, yellow",
        "grey around, yellow",
        "purple ink",
        "dust, yellow",
        "everything at once",
    ],
)
def test_the_mask_agrees_with_what_was_drawn(name: str) -> None:
    assert measured(SCENES[name]).overlap >= LEAST_OVERLAP


@pytest.mark.parametrize("name", ["yellow", "brownish", "bluish"])
def test_bare_tinted_glass_is_no_tissue_whatever_was_assumed(name: str) -> None:
    picture, _ = draw(replace(SCENES[f"no tissue, {name}"], width_um=1200))
    assert not stained(picture, 8.0, white=USUAL_WHITE).any()


@pytest.mark.parametrize("glass", TINTS.values())
def test_the_colour_of_the_glass_is_measured(glass: tuple[int, int, int]) -> None:
    picture, _ = draw(Scene(disc, glass, width_um=1200, jpeg=95))
    assert measured_white(picture[::2, ::2]) == pytest.approx(glass, abs=4)


def test_where_there_is_no_glass_the_usual_one_is_assumed() -> None:
    picture, _ = draw(SCENES["tissue everywhere, 0.5 µm"])
    assert measured_white(picture[::4, ::4]) == USUAL_WHITE


_PICTURE, _TRUTH = draw(Scene(disc, width_um=1600, mpp=8.0, jpeg=None))
_MASK = stained(_PICTURE, 8.0)


def _overlap(mask: npt.NDArray[np.bool_]) -> float:
    return float((mask & _MASK).sum() / (mask | _MASK).sum())


@example(red=0.875, green=0.90625, blue=1.0)
@settings(max_examples=15, deadline=None)
@given(red=st.floats(0.86, 1.0), green=st.floats(0.9, 1.0), blue=st.floats(0.7, 1.0))
def test_tinted_light_hardly_changes_the_mask(red: float, green: float, blue: float) -> None:
    # Glass whose green is darkest is not told from pale stain.
    green = max(green, min(red, blue) * 1.02, 0.93 * red)
    tinted = (_PICTURE * np.minimum([red, green, blue], 1)).round().astype(np.uint8)
    assert _overlap(stained(tinted, 8.0)) > 0.95


@settings(max_examples=8, deadline=None)
@given(turns=st.integers(0, 3), mirrored=st.booleans())
def test_turning_and_mirroring_hardly_change_the_mask(turns: int, mirrored: bool) -> None:
    turned = np.rot90(_PICTURE[:, ::-1] if mirrored else _PICTURE, turns)
    found = np.rot90(stained(np.ascontiguousarray(turned), 8.0), -turns)
    assert _overlap(found[:, ::-1] if mirrored else found) > 0.97


@pytest.mark.parametrize("name", INKS)
def test_ink_of_any_colour_is_no_tissue(name: str) -> None:
    scene = replace(SCENES[f"{name} ink, no tissue"], width_um=5000, mpp=8.0)
    assert measured(scene).area < 0.01


@pytest.mark.parametrize(
    "color",
    [(128, 0, 128), (80, 30, 120), (255, 105, 180), (199, 21, 133), (170, 80, 200), (225, 60, 150)],
)
def test_violet_and_pink_ink_is_known_by_being_even(color: tuple[int, int, int]) -> None:
    scene = Scene(nowhere, after=(ink(color),), width_um=5000, mpp=8.0)
    assert measured(scene, seed=3).area < 0.2
    assert measured(replace(scene, shape=disc), seed=3).overlap >= LEAST_OVERLAP


def test_fat_cells_that_run_together_are_tissue_and_glass_beside_them_is_not() -> None:
    picture = np.full((144, 192, 3), (186, 190, 199), np.uint8)
    fat = picture[:, :144]
    for wall in range(0, 144, 47):  # 210 um apart: four fat cells whose walls are not seen
        fat[wall : wall + 3] = fat[:, wall : wall + 3] = (150, 110, 160)
    noise = np.random.default_rng(0).normal(0, 1, picture.shape)
    found = stained((picture + noise).round().astype(np.uint8), 4.48, white=USUAL_WHITE)
    assert found[:, :144].mean() > 0.95
    assert found[:, 150:].mean() < 0.05
