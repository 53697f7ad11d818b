"""Changes of colour and sharpness: as large as asked for, and what they are named after."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter

from bachview.core.classes import BACH_CLASSES
from bachview.training.augmentation import augmented, augmenter, write_batch_picture
from bachview.training.images import TrainingImage
from bachview.training.recipe import Augmentation
from bachview.training.stain_jitter import STAIN_VECTORS
from tests.support.tiny_training import NOTHING, only, write_recipe

Pixels = npt.NDArray[np.uint8]

ALL = Augmentation(
    scale=0.0,
    stain_strength=0.2,
    stain_shift=0.04,
    brightness=0.06,
    contrast=0.2,
    blur=0.7,
    jpeg=0.5,
    glass=0.0,
)


def clouds(count: int, height: int = 48, width: int = 56, seed: int = 0) -> Pixels:
    """(count, height, width, 3), smooth, neither black nor white."""
    noise = np.random.default_rng(seed).normal(150, 90, (height, width, 3)).clip(0, 255)
    image = Image.fromarray(noise.astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.5))
    return np.stack([np.asarray(image)] * count)


def density(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return -np.log((values.astype(np.float64) + 1) / 256)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_outside_of_training_only_the_type_changes(kind: Any) -> None:
    import keras

    patches = clouds(3)
    layer = augmenter(ALL, seed=1)
    out = keras.ops.convert_to_numpy(layer(patches.astype(kind), training=False))
    assert out.dtype == np.float32
    assert (out == patches).all()


def test_a_recipe_of_zeros_changes_nothing() -> None:
    patches = clouds(3)
    assert (augmented(patches, NOTHING, seed=1) == patches).all()


def test_every_patch_has_its_own_draw_and_a_seed_repeats_them() -> None:
    patches = clouds(70, 32, 32)
    out = augmented(patches, ALL, seed=5)
    assert out.shape == patches.shape
    assert out.dtype == np.uint8
    assert len({patch.tobytes() for patch in out}) == 70
    assert np.array_equal(augmented(patches, ALL, seed=5), out)
    assert not np.array_equal(augmented(patches, ALL, seed=6), out)


@pytest.mark.parametrize(
    "name", ["stain_strength", "stain_shift", "brightness", "contrast", "blur"]
)
def test_each_change_grows_with_its_setting(name: str) -> None:
    patches = clouds(40, 32, 32)
    changes = [
        np.abs(augmented(patches, only(**{name: size}), seed=2).astype(int) - patches).mean()
        for size in (0.1, 0.4)
    ]
    assert 0 <= changes[0] < changes[1]


def test_black_and_white_stay_in_range() -> None:
    import keras

    extremes = np.stack([np.zeros((16, 16, 3)), np.full((16, 16, 3), 255)] * 20).astype(np.uint8)
    wild = Augmentation(
        scale=0.0,
        stain_strength=1.0,
        stain_shift=1.0,
        brightness=0.5,
        contrast=0.9,
        blur=3.0,
        jpeg=1.0,
        glass=0.0,
    )
    out = keras.ops.convert_to_numpy(augmenter(wild, seed=1)(extremes, training=True))
    assert np.isfinite(out).all()
    assert out.min() >= 0
    assert out.max() <= 255
    assert (out == np.round(out)).all()


@pytest.mark.parametrize("stain", [0, 1])
def test_more_or_less_stain_is_the_same_colour_denser_or_thinner(stain: int) -> None:
    amount = np.linspace(0.2, 0.9, 32)[:, None, None] * np.ones((1, 32, 1))
    patch = 256 * np.exp(-amount * STAIN_VECTORS[stain]) - 1
    patches = np.stack([patch.round().astype(np.uint8)] * 60)
    out = augmented(patches, only(stain_strength=0.3), seed=1)
    ratios = density(out) / density(patches)
    # One factor for the whole of a patch and all its channels, but for rounding.
    factors = np.median(ratios, (1, 2, 3))
    dense = density(patches) > 0.3
    assert np.abs(ratios - factors[:, None, None, None])[dense].max() < 0.05
    assert factors.min() > 0.69
    assert factors.max() < 1.31
    assert np.ptp(factors) > 0.4


def test_a_shift_adds_the_same_density_everywhere() -> None:
    patches = clouds(40)
    out = augmented(patches, only(stain_shift=0.1), seed=1)
    moved = (density(out) - density(patches)) @ np.linalg.inv(STAIN_VECTORS)
    inner = ((out > 20) & (out < 250) & (patches > 20)).min(-1)
    for patch, place in zip(moved, inner, strict=True):
        assert patch[place].std(0).max() < 0.03
        assert np.abs(np.median(patch[place], 0)).max() < 0.11
    assert np.abs(np.median(moved, (1, 2))).max() > 0.05


def test_brightness_and_contrast_are_straight_lines() -> None:
    patches = clouds(40)
    out = augmented(patches, only(brightness=0.1, contrast=0.3), seed=1)
    lines = []
    for patch, change in zip(patches, out, strict=True):
        inner = (change > 0) & (change < 255)
        slope, offset = np.polyfit(patch[inner].astype(float), change[inner].astype(float), 1)
        rest = change[inner] - (slope * patch[inner] + offset)
        # Half a grey level of rounding, and as much that this does to the fit.
        assert np.abs(rest).max() < 1.05
        lines.append((slope, slope * patches[0].mean() + offset - patches[0].mean()))
    slopes, lifts = np.array(lines).T
    assert 0.69 < slopes.min() < 0.8
    assert 1.2 < slopes.max() < 1.31
    assert np.abs(lifts).max() < 0.1 * 255 + 0.5
    assert np.ptp(lifts) > 30


def test_the_blur_is_gaussian_at_most_as_wide_as_asked() -> None:
    from scipy.ndimage import gaussian_filter

    patches = clouds(30)
    out = augmented(patches, only(blur=1.5), seed=1).astype(float)
    candidates = np.linspace(0.05, 1.5, 30)
    blurred = np.stack(
        [gaussian_filter(patches[0].astype(float), (s, s, 0), mode="mirror") for s in candidates]
    )
    nearest = []
    for patch in out:
        errors = np.abs(blurred - patch).mean((1, 2, 3))
        # Two standard deviations are kept of the bell, and the answer is rounded.
        assert errors.min() < 1.0
        nearest.append(candidates[errors.argmin()])
    assert min(nearest) < 0.5
    assert max(nearest) > 1.1


@pytest.mark.parametrize("size", [(48, 56), (45, 51)])
def test_compression_is_what_jpeg_files_do(size: tuple[int, int]) -> None:
    patches = clouds(12, *size)
    out = augmented(patches, only(jpeg=1.0), seed=1).astype(int)
    files = []
    for quality in range(40, 96):
        held_out = io.BytesIO()
        Image.fromarray(patches[0]).save(held_out, "JPEG", quality=quality, subsampling=0)
        files.append(np.asarray(Image.open(held_out)).astype(int))
    height, width = (side - side % 8 for side in size)
    whole = (slice(0, height), slice(0, width))
    qualities = []
    for patch in out:
        errors = [np.abs(patch[whole] - file[whole]).mean() for file in files]
        change = np.abs(patches[0][whole].astype(int) - patch[whole]).mean()
        # It rounds no table and no intermediate value, and its quality is a fraction.
        assert min(errors) < 0.35 * change + 0.5
        qualities.append(40 + int(np.argmin(errors)))
        # What fills no block is as it was.
        assert (patch[height:] == patches[0][height:]).all()
        assert (patch[:, width:] == patches[0][:, width:]).all()
    assert max(qualities) - min(qualities) > 20


def test_only_a_share_is_compressed() -> None:
    patches = clouds(120, 32, 32)
    out = augmented(patches, only(jpeg=0.3), seed=1)
    changed = [(a != b).any() for a, b in zip(patches, out, strict=True)]
    assert 0.15 < np.mean(changed) < 0.45


def test_it_counts_in_float32_whatever_the_network_does_and_has_no_weights() -> None:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = augmenter(only(brightness=0.1), seed=1)
        inputs = keras.Input((16, 16, 3), dtype="uint8")
        model = keras.Model(inputs, layer(inputs))
        out = model(clouds(8, 16, 16), training=True)
        assert keras.backend.standardize_dtype(out.dtype) == "float32"
        # 256 grey levels, where bfloat16 would leave every second or fourth of the bright ones.
        assert len(np.unique(keras.ops.convert_to_numpy(out))) > 100
        assert layer.trainable_weights == []
        assert not layer.get_weights()
    finally:
        keras.config.set_dtype_policy(before)


def test_a_picture_of_a_batch_is_written(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "recipe.toml")
    sources = [
        TrainingImage(np.full((96, 128, 3), 60 + 40 * label, np.uint8), label, str(label))
        for label in range(4)
    ]
    path = tmp_path / "batch.png"
    write_batch_picture(path, sources, recipe, BACH_CLASSES)
    write_batch_picture(path, sources, recipe, BACH_CLASSES)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["batch.png", "recipe.toml"]
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert pixels.shape == (6 * (64 + 26), 6 * (64 + 8), 3)
    colors = {tuple(int(v) for v in color) for color in pixels[1::90, 1::72].reshape(-1, 3)}
    named = {entry.color for entry in BACH_CLASSES}
    assert colors == named
