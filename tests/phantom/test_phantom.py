"""The phantom slide: opened like a real one, and what it claims of itself is true."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bachview.core.geometry import Point
from bachview.core.stains import STAIN_COLORS
from bachview.errors import Cancelled, ExportError, UsageError
from bachview.jobs.tokens import CancelToken
from bachview.phantom.textures import VARIANTS, block
from bachview.phantom.writer import PhantomTruth, write_phantom
from bachview.slide.opening import open_slide
from bachview.slide.reader import SlideReader
from tests.support.phantoms import class_at, load_truth


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PhantomTruth]:
    path = tmp_path_factory.mktemp("phantom") / "phantom.tiff"
    return path, write_phantom(path, width=7000, height=5200, mpp=0.5)


def _means(reader: SlideReader, x: int, y: int, side: int) -> npt.NDArray[np.float64]:
    return np.asarray(reader.read(0, x, y, side, side).reshape(-1, 3).mean(axis=0))


def _blocks(picture: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(picture.reshape(16, 4, 16, 4, 3).mean(axis=(1, 3)))


def test_it_opens_with_its_size_and_pixel_size(phantom: tuple[Path, PhantomTruth]) -> None:
    reader = open_slide(phantom[0])
    try:
        metadata = reader.metadata
        assert (metadata.pyramid.size.width, metadata.pyramid.size.height) == (7000, 5200)
        assert metadata.pixel_size.mpp == pytest.approx(0.5, rel=1e-3)
        assert len(metadata.pyramid.levels) > 1
        assert metadata.format_name != "image", "OpenSlide should read it"
    finally:
        reader.close()


def test_each_region_has_the_stain_of_its_class_at_the_size_of_a_patch(
    phantom: tuple[Path, PhantomTruth],
) -> None:
    path, truth = phantom
    reader = open_slide(path)
    assert {key for key, _ in truth.regions} == set(STAIN_COLORS)
    names = list(STAIN_COLORS)
    stains = np.array([STAIN_COLORS[name] for name in names], float)
    rng = np.random.default_rng(1)
    try:
        for key, region in truth.regions:
            for _ in range(8):
                x = int(rng.uniform(region.x, region.right - 128))
                y = int(rng.uniform(region.y, region.bottom - 128))
                distances = np.linalg.norm(stains - _means(reader, x, y, 128), axis=1)
                assert names[int(distances.argmin())] == key
    finally:
        reader.close()


@pytest.mark.parametrize("key", list(STAIN_COLORS))
def test_every_window_of_a_texture_is_nearest_to_its_own_stain(key: str) -> None:
    others = np.array([stain for name, stain in STAIN_COLORS.items() if name != key], float)
    for variant in range(VARIANTS):
        sums = block(key, variant).astype(np.int64).cumsum(axis=0).cumsum(axis=1)
        for side in (112, 128, 224):
            corners = sums[side:, side:] - sums[side:, :-side] - sums[:-side, side:]
            means = ((corners + sums[:-side, :-side]) / side**2)[::16, ::16].reshape(-1, 3)
            own = np.linalg.norm(means - np.array(STAIN_COLORS[key]), axis=1)
            nearest = np.linalg.norm(means[:, None] - others, axis=2).min(axis=1)
            assert (nearest - own).min() > 8


@pytest.mark.parametrize("material", ["stroma", "fat", "Normal", "InSitu"])
def test_blocks_meet_without_a_seam(material: str) -> None:
    first, second = block(material, 0).astype(float), block(material, 1).astype(float)
    for one, two in ((first, second), (second, first), (first, first)):
        seam = np.abs(one[:, -1] - two[:, 0]).mean()
        inside = np.abs(np.diff(one[:, 200:800], axis=1)).mean()
        assert seam < 1.6 * inside + 1
        seam = np.abs(one[-1] - two[0]).mean()
        inside = np.abs(np.diff(one[200:800], axis=0)).mean()
        assert seam < 1.6 * inside + 1


def test_levels_are_reductions_of_level_0(phantom: tuple[Path, PhantomTruth]) -> None:
    reader = open_slide(phantom[0])
    try:
        level = reader.metadata.pyramid.levels[1]
        factor = round(level.downsample)
        for x_lv, y_lv in ((300, 200), (700, 900), (1000, 500)):
            small = reader.read(1, x_lv, y_lv, 64, 64).astype(float)
            large = reader.read(0, x_lv * factor, y_lv * factor, 64 * factor, 64 * factor)
            mean = large.reshape(64, factor, 64, factor, 3).mean(axis=(1, 3))
            # Both are JPEG, so single pixels differ; a shift would differ far more.
            difference = np.abs(_blocks(mean) - _blocks(small)).mean()
            shifted = np.abs(_blocks(mean) - _blocks(np.roll(small, 3, axis=1))).mean()
            assert difference < 2
            assert difference < shifted / 2
    finally:
        reader.close()


def test_the_truth_is_kept_beside_the_slide(phantom: tuple[Path, PhantomTruth]) -> None:
    path, truth = phantom
    loaded = load_truth(path)
    assert loaded.regions == truth.regions
    key, region = truth.regions[0]
    assert class_at(loaded, region.center) == key
    assert class_at(loaded, Point(2, 2)) is None
    assert not loaded.is_tissue(Point(2, 2))


def test_the_same_seed_gives_the_same_slide(tmp_path: Path) -> None:
    for name in ("a.tiff", "b.tiff"):
        write_phantom(tmp_path / name, width=1500, height=1100, seed=3)
    assert (tmp_path / "a.tiff").read_bytes() == (tmp_path / "b.tiff").read_bytes()


def test_a_cancelled_phantom_leaves_no_file(tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        write_phantom(tmp_path / "p.tiff", width=4000, height=4000, token=token)
    assert list(tmp_path.glob("*.tiff*")) == []


def test_the_same_slide_may_be_written_twice_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "phantom.tiff"

    def again(done: int, total: int) -> None:
        write_phantom(path, width=700, height=600)

    write_phantom(path, width=700, height=600, progress=again)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["phantom.tiff", "phantom.truth.json"]
    reader = open_slide(path)
    assert reader.read(0, 0, 0, 700, 600).shape == (600, 700, 3)
    reader.close()


@pytest.mark.parametrize("size", [(10, 4000), (4000, 200_000)])
def test_an_impossible_size_is_refused_in_one_sentence(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    with pytest.raises(UsageError, match="100"):
        write_phantom(tmp_path / "p.tiff", width=size[0], height=size[1])


def test_outlines_lie_where_the_pixels_change(phantom: tuple[Path, PhantomTruth]) -> None:
    path, truth = phantom
    piece = truth.tissue[0]
    reader = open_slide(path)
    try:
        for share in (0.35, 0.5, 0.65):
            y = int(piece.bounds.y + share * piece.bounds.height)
            start = int(piece.bounds.x) - 40
            row = reader.read(0, start, y - 4, 2000, 9).astype(float)
            # Green, which both stains take: glass has 241.
            first = int(np.argmax(row[..., 1].mean(axis=0) < 228)) + start
            inside = [x for x in range(start, start + 2000) if piece.contains(Point(x, y))]
            assert abs(first - inside[0]) <= 12
    finally:
        reader.close()


def test_a_missing_folder_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"p\.tiff cannot be written"):
        write_phantom(tmp_path / "missing" / "p.tiff", width=600, height=600)


@pytest.mark.parametrize("size", [(512, 512), (2049, 700), (1023, 1537)])
def test_odd_sizes_open_and_read_to_their_last_pixel(tmp_path: Path, size: tuple[int, int]) -> None:
    truth = write_phantom(tmp_path / "p.tiff", width=size[0], height=size[1], mpp=0.25, seed=5)
    reader = open_slide(tmp_path / "p.tiff")
    try:
        pyramid = reader.metadata.pyramid
        assert (pyramid.size.width, pyramid.size.height) == size
        assert reader.metadata.pixel_size.mpp == pytest.approx(0.25, rel=1e-3)
        for level in pyramid.levels:
            reader.read(level.index, level.width - 20, level.height - 20, 20, 20)
    finally:
        reader.close()
    for key, region in truth.regions:
        assert all(class_at(truth, corner) == key for corner in region.corners)


@pytest.mark.slow
def test_the_largest_phantom_is_written_quickly_and_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "large.tiff"
    truth = write_phantom(path, width=100_000, height=100_000)
    assert path.stat().st_size < 200_000_000
    reader = open_slide(path)
    try:
        key, region = truth.regions[0]
        mean = _means(reader, int(region.center.x), int(region.center.y), 256)
        assert np.linalg.norm(mean - np.array(STAIN_COLORS[key])) < 15
    finally:
        reader.close()
