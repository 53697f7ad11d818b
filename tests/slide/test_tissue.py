"""The tissue mask: stain is tissue; glass, ink, dust and padding are not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Pyramid
from bachview.errors import Cancelled, PixelSizeError
from bachview.jobs.tokens import CancelToken
from bachview.phantom.writer import write_phantom
from bachview.slide.opening import open_slide
from bachview.slide.tissue import TissueMask, find_tissue, stained
from tests.support.real_data import shared_file
from tests.support.slides import ArraySlide

GLASS = (243, 241, 244)


def _painted(color: tuple[int, int, int], *, background: tuple[int, int, int] = GLASS) -> float:
    """Share of a 100 px square of `color` at 8 um/px on `background` that is called tissue."""
    picture = Image.new("RGB", (220, 220), background)
    ImageDraw.Draw(picture).rectangle((60, 60, 159, 159), fill=color)
    return float(stained(np.asarray(picture), 8.0)[62:158, 62:158].mean())


@pytest.mark.parametrize(
    "color",
    [
        (205, 120, 170),  # eosin
        (120, 80, 150),  # haematoxylin
        (60, 35, 95),  # dense nuclei
        (238, 222, 233),  # pale fat
        (236, 214, 228),  # faint stroma
        (176, 96, 150),
    ],
)
def test_stain_is_tissue(color: tuple[int, int, int]) -> None:
    assert _painted(color) > 0.95


@pytest.mark.parametrize(
    "color",
    [
        (40, 60, 150),  # blue ink
        (30, 130, 80),  # green ink
        (30, 30, 34),  # black ink
        (200, 30, 40),  # red ink
        (0, 0, 0),  # black padding
        (255, 255, 255),  # white padding
        (170, 170, 172),  # edge of a coverslip
        (225, 224, 226),  # shadow
    ],
)
def test_ink_padding_and_shadows_are_not(color: tuple[int, int, int]) -> None:
    assert _painted(color) < 0.02


def test_bare_glass_with_noise_is_not_tissue() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1.5, (300, 300, 3))
    picture = np.clip(np.array(GLASS) + noise, 0, 255).astype(np.uint8)
    assert stained(picture, 8.0).mean() < 0.005


def test_walls_of_fat_cells_close_to_one_area() -> None:
    picture = Image.new("RGB", (300, 300), GLASS)
    draw = ImageDraw.Draw(picture)
    for x in range(60, 240, 7):
        for y in range(60, 240, 7):
            draw.ellipse((x, y, x + 7, y + 7), outline=(226, 190, 212))
    mask = stained(np.asarray(picture), 8.0)
    assert mask[70:230, 70:230].mean() > 0.98
    assert mask[:40].mean() == 0


def test_phantom_tissue_is_found_and_ink_and_glass_are_not(tmp_path: Path) -> None:
    path = tmp_path / "phantom.tiff"
    truth = write_phantom(path, width=8000, height=6000)
    reader = open_slide(path)
    try:
        mask = find_tissue(reader, reader.metadata.pixel_size)
    finally:
        reader.close()
    grid = PatchGrid(mask.region, 128, 128, 128, 128)
    cells = mask.tissue_cells(grid).mask
    wrong = [
        (row, column)
        for row in range(0, grid.rows, 2)
        for column in range(row % 4 // 2, grid.columns, 2)
        if len({truth.is_tissue(p) for p in grid.cell(row, column).expanded(60).corners}) == 1
        and truth.is_tissue(grid.cell(row, column).center) != cells[row, column]
    ]
    assert len(wrong) <= 0.0025 * cells.size


def test_a_real_slide_has_its_tissue_and_its_glass() -> None:
    reader = open_slide(shared_file("slides/CMU-1-Small-Region.svs"))
    try:
        mask = find_tissue(reader, reader.metadata.pixel_size)
    finally:
        reader.close()
    assert 0.3 < mask.mask.mean() < 0.55
    grid = PatchGrid(mask.region, 100, 100, 100, 100)
    share = mask.fraction(grid)
    assert share[0, 20] == 0  # glass
    assert share[15, 9] == 1  # epidermis


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("Benign/b001", 0.97, 1.0),
        ("InSitu/is002", 0.97, 1.0),
        ("Invasive/iv001", 0.97, 1.0),
        ("Normal/n001", 0.70, 0.85),  # a quarter of it is glass
    ],
)
def test_a_photo_is_tissue_but_for_its_glass(name: str, least: float, most: float) -> None:
    reader = open_slide(shared_file(f"bach-photos/Photos/{name}.jpg"))
    try:
        mask = find_tissue(reader, PixelSize.typed(0.56))
    finally:
        reader.close()
    assert least <= mask.mask.mean() <= most


def test_parts_that_cannot_be_read_count_as_tissue_so_that_a_run_reports_them() -> None:
    picture = np.full((2048, 2048, 3), 243, np.uint8)
    reader = ArraySlide(picture, factors=(), broken=Region(1024, 1024, 300, 300))
    mask = find_tissue(reader, PixelSize.typed(0.5))
    grid = PatchGrid(mask.region, 128, 128, 128, 128)
    cells = mask.tissue_cells(grid).mask
    assert cells[8:10, 8:10].all()
    # The damage ends at 1324: the glass around it is none.
    assert not np.delete(cells, np.s_[8:11], axis=0).any()
    assert not np.delete(cells, np.s_[8:11], axis=1).any()


def test_fractions_are_exact_at_any_grid() -> None:
    array = np.zeros((10, 10), np.bool_)
    array[:, :5] = True
    mask = TissueMask(array, Region(0, 0, 100, 100), 5.0)
    grid = PatchGrid(Region(0, 0, 100, 100), 40, 40, 40, 40)
    share = mask.fraction(grid)
    np.testing.assert_allclose(share[0], [1, 0.25, 0], atol=1e-6)
    np.testing.assert_allclose(share[2], [1, 0.25, 0], atol=1e-6)  # of the half in the mask
    assert mask.area_mm2 == pytest.approx(50 * 25e-6)


@pytest.mark.parametrize("factors", [(), (4, 16)])
def test_a_level_near_to_the_masks_pixel_is_read_and_finds_the_same(
    factors: tuple[int, ...],
) -> None:
    picture = np.full((4096, 4096, 3), 243, np.uint8)
    picture[1000:3000, 1500:3500] = (205, 120, 170)
    reader = ArraySlide(picture, mpp=0.6, factors=factors)
    mask = find_tissue(reader, reader.metadata.pixel_size)
    assert mask.mpp == pytest.approx(9.6 if factors else 8.0)
    assert mask.area_mm2 == pytest.approx((2000 * 0.6e-3) ** 2, rel=0.03)


def test_the_mask_lies_where_the_scanned_area_does() -> None:
    """Also where that begins between two pixels of the level that is read."""
    picture = np.full((1024, 4096, 3), 243, np.uint8)
    bounds = Region(15, 0, 254 * 16, 1024)
    picture[:, 15 + 64 * 16 : 15 + 128 * 16] = (205, 120, 170)
    reader = ArraySlide(picture, mpp=0.5, factors=(16,))
    pyramid = Pyramid(reader.metadata.pyramid.levels, bounds)
    reader.metadata = replace(reader.metadata, pyramid=pyramid)
    mask = find_tissue(reader, reader.metadata.pixel_size)
    assert mask.mask.shape == (64, 254)
    wanted = np.zeros(254, np.bool_)
    wanted[64:128] = True
    np.testing.assert_array_equal(mask.mask[32], wanted)


@pytest.mark.parametrize("side", [1, 3, 40, 700])
def test_slides_of_any_size_have_a_mask(side: int) -> None:
    for color, tissue in (((205, 120, 170), 1.0), (GLASS, 0.0)):
        reader = ArraySlide(np.full((side, side + 2, 3), color, np.uint8), factors=())
        mask = find_tissue(reader, PixelSize.typed(0.5))
        assert mask.mask.mean() == tissue


def test_a_very_large_slide_has_a_mask_of_bounded_size() -> None:
    reader = ArraySlide(np.full((4000, 5000, 3), 243, np.uint8), mpp=16.0, factors=())
    mask = find_tissue(reader, reader.metadata.pixel_size)
    assert mask.mask.size <= 13_000_000
    assert not mask.mask.any()


def test_without_a_pixel_size_it_says_so() -> None:
    reader = ArraySlide(np.full((64, 64, 3), 200, np.uint8), mpp=None, factors=())
    with pytest.raises(PixelSizeError, match="pixel size"):
        find_tissue(reader, PixelSize.unknown())


def test_it_stops_when_asked() -> None:
    token = CancelToken()
    token.cancel()
    reader = ArraySlide(np.full((64, 64, 3), 200, np.uint8), factors=())
    with pytest.raises(Cancelled):
        find_tissue(reader, PixelSize.typed(0.5), token)


def test_it_stops_between_the_steps_as_well() -> None:
    """Not only between the stripes: on a large slide the steps take seconds together."""

    class Late(CancelToken):
        checks = 0

        def check(self) -> float:
            self.checks += 1
            if self.checks > 4:
                raise Cancelled
            return 0.0

    reader = ArraySlide(np.full((64, 64, 3), 200, np.uint8), factors=())
    with pytest.raises(Cancelled):
        find_tissue(reader, PixelSize.typed(0.5), Late())
