"""What patches are cut from, and how: nothing invented, as sharp as what slides will show."""

import hashlib
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFilter

from bachview.core.geometry import Region
from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import PixelSize
from bachview.datasets.samples import Photo
from bachview.errors import DatasetError, SlideReadError
from bachview.inference.photo_patches import read_photo
from bachview.jobs.tokens import CancelToken
from bachview.slide.opening import open_slide
from bachview.slide.patches import PatchReader
from bachview.training.images import (
    Crop,
    TrainingImage,
    grid_patches,
    load_sources,
    random_crop,
    reduced,
)
from tests.support.real_data import shared_file

Pixels = npt.NDArray[np.uint8]


def speckle(seed: int, height: int, width: int) -> Pixels:
    """Noise with about as much fine detail, after one reduction, as photos of tissue have."""
    noise = np.random.default_rng(seed).normal(128, 60, (height * 2, width * 2, 3))
    image = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(1.2))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def detail(patches: Pixels) -> float:
    """Root mean square of the Laplacian of (N, h, w, 3)."""
    grey = patches.astype(np.float32).mean(-1)
    center = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    return float(np.sqrt(np.mean((4 * center - around) ** 2)))


def crops(pixels: Pixels, input_px: int, scale: float, count: int) -> list[Crop]:
    rng = np.random.default_rng(0)
    return [random_crop(pixels, input_px, scale, rng) for _ in range(count)]


def written(folder: Path, pixels: Pixels, mpp: float, label: int = 0) -> Photo:
    path = folder / "photo.png"
    Image.fromarray(pixels).save(path)
    return listed(path, mpp, label)


def listed(path: Path, mpp: float, label: int = 0) -> Photo:
    return Photo(path, label, "patient", mpp, hashlib.sha256(path.read_bytes()).hexdigest())


@given(
    height=st.integers(40, 90),
    width=st.integers(40, 90),
    scale=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_nothing_from_outside_is_shown(height: int, width: int, scale: float, seed: int) -> None:
    pixels = np.full((height, width, 3), 200, np.uint8)
    crop = random_crop(pixels, 40, scale, np.random.default_rng(seed))
    assert crop.pixels.shape == (40, 40, 3)
    # A border of any other colour would be mixed in.
    assert set(np.unique(crop.pixels)) == {200}
    assert crop.side <= 40 * (1 + scale) + 1e-9
    assert crop.side / 2 <= min(crop.x, crop.y, width - crop.x, height - crop.y)


def test_what_lies_beyond_the_edge_is_bare_glass() -> None:
    rng = np.random.default_rng(0)
    pixels = np.full((90, 120, 3), 100, np.uint8)
    drawn = [random_crop(pixels, 40, 0.2, rng, glass=0.5) for _ in range(400)]
    shares = []
    for crop in drawn:
        glass = crop.pixels[crop.pixels > 150].reshape(-1, 3)
        shares.append(len(glass) / 40**2)
        # One grey for a crop, as bright as the glass of a scan; the filter adds a thin rim.
        assert len(np.unique(crop.pixels[crop.pixels >= 225])) <= 6
        assert 0 <= crop.x <= 120
        assert 0 <= crop.y <= 90
    # The centre is on the tissue, so that never more than three quarters are glass.
    assert max(shares) < 0.8
    assert 0.2 < np.mean(np.array(shares) > 0.01) < 0.45
    assert len({crop.pixels.max() for crop in drawn}) > 15


def test_a_crop_shows_the_square_that_it_names() -> None:
    y, x = np.mgrid[:200, :250]
    pixels = np.stack([x, y, np.zeros_like(x)], -1).astype(np.uint8)
    drawn = crops(pixels, 48, 0.3, 40)
    assert len(drawn) == 40
    for crop in drawn:
        # The value of a pixel is its place, half a pixel before its middle; Pillow cuts
        # fractions off, another half on average.
        middle = crop.pixels[..., :2].astype(float).mean((0, 1)) + 1
        assert middle == pytest.approx([crop.x, crop.y], abs=0.1)
        spread = crop.pixels[..., :2].astype(float).var((0, 1)).sum()
        # Variance over a square of any angle: side^2 / 12 along each of two axes.
        assert spread == pytest.approx(crop.side**2 / 6, rel=0.02)


def test_places_angles_mirrors_and_scales_are_spread_evenly() -> None:
    y, x = np.mgrid[:200, :250]
    pixels = np.stack([x, y, np.zeros_like(x)], -1).astype(np.uint8)
    drawn = crops(pixels, 32, 0.25, 400)
    sides = np.log([crop.side / 32 for crop in drawn]) / math.log(1.25)
    assert np.histogram(sides, 4, (-1, 1))[0].min() > 60
    angles, mirrored = [], []
    for crop in drawn:
        values = crop.pixels.astype(float)
        right = (values[16, -1] - values[16, 0])[:2]
        down = (values[-1, 16] - values[0, 16])[:2]
        angles.append(math.atan2(right[1], right[0]))
        mirrored.append(right[0] * down[1] - right[1] * down[0] < 0)
    assert np.histogram(angles, 4, (-math.pi, math.pi))[0].min() > 60
    assert 0.4 < np.mean(mirrored) < 0.6
    assert np.histogram([crop.x for crop in drawn], 3, (20, 230))[0].min() > 80


def test_turned_crops_are_as_sharp_as_what_is_judged_later() -> None:
    source = TrainingImage(speckle(0, 200, 260), 0, "a")
    plain, _ = grid_patches([source], 64)
    turned = np.stack([crop.pixels for crop in crops(source.pixels, 64, 0.0, 60)])
    assert detail(turned) / detail(plain) == pytest.approx(1, abs=0.12)


def test_turned_crops_of_real_tissue_are_as_sharp_as_what_is_judged_later() -> None:
    folder = shared_file("bach-photos/Photos")
    photos = [
        listed(sorted((folder / name).iterdir())[0], 0.56)
        for name in ("Normal", "Benign", "InSitu", "Invasive")
    ]
    sources = load_sources(photos, 2.24, least_px=96, token=CancelToken())
    plain, _ = grid_patches(sources, 96)
    turned = [crop.pixels for source in sources for crop in crops(source.pixels, 96, 0.0, 30)]
    assert detail(np.stack(turned)) / detail(plain) == pytest.approx(1, abs=0.08)


def test_a_photo_is_resampled_as_slides_are(tmp_path: Path) -> None:
    pixels = speckle(1, 360, 480)
    photo = written(tmp_path, pixels, 0.5, label=2)
    (source,) = load_sources([photo], 1.25, least_px=64, token=CancelToken())
    assert (source.pixels.shape, source.label, source.group) == ((144, 192, 3), 2, "patient")
    reader = open_slide(photo.path)
    try:
        patches = PatchReader(reader, PixelSize.typed(0.5), PatchGeometry(64, 1.25, 80.0))
        # The field of 64 px of 1.25 um that begins 40 px from the left, 20 from the top.
        shown = patches.read(Region(100.0, 50.0, 160.0, 160.0))
    finally:
        reader.close()
    difference = np.abs(shown.astype(int) - source.pixels[20:84, 40:104])
    assert difference.max() <= 1


def test_colours_are_those_that_are_judged(tmp_path: Path) -> None:
    """A profile is applied, 16 bits are scaled, and what is transparent is white."""
    pixels = speckle(4, 128, 160)
    # The reading of every profile but sRGB: here red and blue change places.
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = swapped.index(b"rXYZ"), swapped.index(b"bXYZ")
    swapped[red], swapped[blue] = swapped[blue], swapped[red]
    with_profile, grey, clear = (tmp_path / f"{n}.png" for n in ("profile", "grey", "clear"))
    Image.fromarray(pixels).save(with_profile, icc_profile=bytes(swapped))
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(grey)
    alpha = np.where(np.arange(160) < 80, 0, 255) * np.ones((128, 1))
    Image.fromarray(np.dstack([pixels, alpha]).astype(np.uint8)).save(clear)
    photos = [listed(path, 1.0) for path in (with_profile, grey, clear)]
    sources = load_sources(photos, 1.0, least_px=64, token=CancelToken())
    geometry = PatchGeometry(128, 1.0, 128.0)
    for photo, source in zip(photos, sources, strict=True):
        judged = read_photo(photo.path, 1.0, geometry, anyway=True).pixels
        shown = [source.pixels[:, x : x + 128] for x in (0, 32)]
        assert any((patch == shown).all(axis=(1, 2, 3)).any() for patch in judged)
    # So it was not left as it is.
    assert np.abs(sources[0].pixels.astype(int) - pixels).max() > 50
    assert (sources[2].pixels[:, :80] == 255).all()


def test_a_photo_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    photo = written(tmp_path, speckle(5, 64, 64), 1.0)
    content = photo.path.read_bytes()
    photo.path.write_bytes(content[: len(content) // 2])
    with pytest.raises(SlideReadError, match=r"photo\.png is damaged or cut off"):
        load_sources([listed(photo.path, 1.0)], 1.0, least_px=16, token=CancelToken())


def test_a_photo_smaller_than_a_field_is_a_sentence(tmp_path: Path) -> None:
    photo = written(tmp_path, speckle(2, 100, 200), 0.5)
    with pytest.raises(DatasetError, match=r"photo\.png is smaller than one field of 64 µm"):
        load_sources([photo], 1.0, least_px=64, token=CancelToken())
    assert load_sources([photo], 1.0, least_px=50, token=CancelToken())


def test_the_grid_covers_every_source_to_its_edges() -> None:
    y, x = np.mgrid[:100, :150]
    sources = [
        TrainingImage(np.stack([x, y, np.full_like(x, label)], -1).astype(np.uint8), label, "a")
        for label in (3, 1)
    ]
    patches, labels = grid_patches(sources, 64)
    assert set(labels) == {1, 3}
    assert (patches[..., 2] == labels[:, None, None]).all()
    places = {tuple(int(v) for v in patch[0, 0, :2]) for patch in patches}
    assert len(places) * 2 == len(patches)
    assert {x for x, _ in places} >= {0, 150 - 64}
    assert {y for _, y in places} >= {0, 100 - 64}


@pytest.mark.parametrize(("factor", "shape"), [(1.0, (60, 81)), (0.5, (30, 40)), (1 / 3, (20, 27))])
def test_sources_are_reduced(factor: float, shape: tuple[int, int]) -> None:
    source = TrainingImage(speckle(3, 60, 81), 2, "a")
    (small,) = reduced([source], factor)
    assert small.pixels.shape[:2] == shape
    assert (small.label, small.group) == (2, "a")
    assert small.pixels.mean() == pytest.approx(source.pixels.mean(), abs=1)


def test_a_photo_that_changed_since_it_was_listed_is_refused(tmp_path: Path) -> None:
    photo = written(tmp_path, speckle(0, 64, 64), 1.0)
    written(tmp_path, speckle(1, 64, 64), 1.0)
    with pytest.raises(DatasetError, match=r"photo\.png has changed since"):
        load_sources([photo], 1.0, least_px=16, token=CancelToken())
    photo.path.unlink()
    with pytest.raises(DatasetError, match=r"photo\.png can no longer be read"):
        load_sources([photo], 1.0, least_px=16, token=CancelToken())
