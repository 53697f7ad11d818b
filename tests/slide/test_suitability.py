"""What cannot be judged is noticed before it is classified, and H&E of all kinds is let through."""

from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from bachview.core.geometry import Region
from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import PixelSize
from bachview.errors import Cancelled, PixelSizeError, UnsuitableSlideError
from bachview.jobs.tokens import CancelToken
from bachview.phantom.writer import write_phantom
from bachview.slide.opening import opened_slide
from bachview.slide.suitability import Reason, SlideCheck, check_slide
from bachview.slide.tissue import find_tissue
from tests.support.real_data import shared_file
from tests.support.slides import ArraySlide

GEOMETRY = PatchGeometry(224, 0.5, 56.0)
GLASS = (243, 241, 244)
SIDE = 1000
#: Densities of red, green and blue (Ruifrok and Johnston 2001).
HAEMATOXYLIN, EOSIN, DAB = (0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78)
ANILINE_BLUE, PONCEAU = (0.85, 0.40, 0.10), (0.10, 0.74, 0.67)

Color = tuple[float, float, float]


def _check(picture: Image.Image | npt.NDArray[Any], mpp: float = 0.5) -> SlideCheck:
    reader = ArraySlide(np.asarray(picture, np.uint8), mpp=mpp)
    return check_slide(reader, reader.metadata.pixel_size, GEOMETRY)


def _section(
    nuclei: Color = HAEMATOXYLIN,
    stroma: Color = EOSIN,
    *,
    strength: float = 1.0,
    glass: Color = GLASS,
    seed: int = 0,
) -> Image.Image:
    """Tissue over three quarters of a slide: nuclei of 10 to 16 px on fibrous stroma."""
    rng = np.random.default_rng(seed)
    fibres = rng.normal(0, 1, (SIDE // 4, SIDE // 4))
    fine = Image.fromarray((128 + 40 * fibres).clip(0, 255).astype(np.uint8))
    texture = np.asarray(fine.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) / 128
    cells = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(cells)
    for x, y, r in zip(*rng.integers(0, SIDE, (2, 1200)), rng.integers(5, 9, 1200), strict=True):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
    amount = np.asarray(cells)[..., None] / 255
    density = strength * (
        amount * 0.9 * np.array(nuclei) + (1 - amount) * 0.22 * texture[..., None] * stroma
    )
    density[:, : SIDE // 4] = 0
    light = np.array(glass) * 10**-density + rng.normal(0, 1, (SIDE, SIDE, 3))
    return Image.fromarray(light.clip(0, 255).astype(np.uint8))


def _reasons(check: SlideCheck) -> list[Reason]:
    return [finding.reason for finding in check.findings]


def _of_file(name: str, mpp: float | None = None) -> SlideCheck:
    with opened_slide(shared_file(name)) as reader:
        size = reader.metadata.pixel_size if mpp is None else PixelSize.typed(mpp)
        return check_slide(reader, size, GEOMETRY)


def test_bare_glass_is_said_to_have_no_tissue() -> None:
    noise = np.random.default_rng(0).normal(0, 1.5, (1200, 1200, 3))
    check = _check(np.clip(np.array(GLASS) + noise, 0, 255).astype(np.uint8))
    assert _reasons(check) == [Reason.NO_TISSUE]
    assert not check.tissue.mask.any()


def test_a_fluorescence_slide_is_dark_and_its_background_is_no_tissue() -> None:
    check = _of_file("other-stains/test3-TRITC 2 (560).ndpi")
    assert _reasons(check) == [Reason.DARK_FIELD]
    assert check.tissue.mask.mean() < 0.2
    assert "darker than stain" in check.findings[0].sentence


def test_immunohistochemistry_is_not_recognised_but_never_called_empty() -> None:
    check = _of_file("other-stains/OS-2-ndpi.ome.tif")
    assert _reasons(check) == [Reason.NOT_HE]
    assert check.tissue.mask.mean() > 0.3


@pytest.mark.parametrize(
    ("mpp", "found"),
    [(0.25, []), (0.74, []), (0.74997, [Reason.PIXEL_SIZE]), (0.75, [Reason.PIXEL_SIZE])],
)
def test_only_pixels_far_coarser_than_the_models_are_a_finding(
    mpp: float, found: list[Reason]
) -> None:
    picture = np.array(Image.new("RGB", (1200, 1200), (205, 120, 170)))
    assert _reasons(_check(picture, mpp)) == found


def test_without_a_pixel_size_nothing_is_measured() -> None:
    reader = ArraySlide(np.full((64, 64, 3), 200, np.uint8), mpp=None)
    with pytest.raises(PixelSizeError, match="pixel size"):
        check_slide(reader, PixelSize.unknown(), GEOMETRY)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"strength": 0.45},  # pale
        {"strength": 1.8},  # overstained
        {"glass": (244, 238, 212)},  # yellowish glass
        {"glass": (200, 203, 214)},  # a dim lamp
        {"nuclei": (0.70, 0.66, 0.28)},  # a blue haematoxylin
        {"nuclei": (0.55, 0.75, 0.36)},  # a red one
    ],
)
def test_haematoxylin_and_eosin_of_all_kinds_is_let_through(options: dict[str, Any]) -> None:
    check = _check(_section(**options))
    assert check.findings == ()
    assert check.tissue.mask.mean() > 0.6


@given(
    strength=st.floats(0.5, 1.7),
    lamp=st.tuples(*[st.integers(225, 252)] * 3),
    seed=st.integers(0, 9),
)
@hypothesis.settings(max_examples=12)
def test_neither_strength_of_stain_nor_colour_of_the_lamp_is_a_finding(
    strength: float, lamp: tuple[int, int, int], seed: int
) -> None:
    assert _check(_section(strength=strength, glass=lamp, seed=seed)).findings == ()


@pytest.mark.parametrize(
    ("nuclei", "stroma"),
    [
        (HAEMATOXYLIN, DAB),
        (DAB, HAEMATOXYLIN),
        (HAEMATOXYLIN, HAEMATOXYLIN),  # counterstain of a negative section
        (PONCEAU, ANILINE_BLUE),  # Masson's trichrome
        (HAEMATOXYLIN, ANILINE_BLUE),
        ((0.6, 0.6, 0.6), (0.6, 0.6, 0.6)),  # silver
    ],
)
def test_other_stains_are_not_recognised_and_never_called_empty(
    nuclei: Color, stroma: Color
) -> None:
    check = _check(_section(nuclei, stroma))
    assert _reasons(check) == [Reason.NOT_HE]
    assert check.tissue.mask.mean() > 0.6  # what "classify anyway" judges


def test_it_says_how_much_of_the_stain_is_brown() -> None:
    assert "% is brown" in _check(_section(DAB, DAB)).findings[0].sentence


def test_a_pen_mark_larger_than_the_tissue_is_no_other_stain() -> None:
    picture = Image.new("RGB", (SIDE, SIDE), GLASS)
    picture.paste(_section().crop((500, 500, 800, 800)), (60, 60))
    ImageDraw.Draw(picture).rectangle((500, 100, 950, 950), fill=(40, 60, 150))
    check = _check(picture)
    assert check.findings == ()
    assert check.tissue.mask.mean() < 0.15


@pytest.mark.parametrize("channel", [0, 1, 2, None])
def test_a_slide_that_shines_in_the_dark_is_no_tissue(channel: int | None) -> None:
    shining = (255 - np.asarray(_section())) * 0.7
    picture = np.full_like(shining, 3)
    if channel is None:  # a grey camera
        picture += (shining.mean(axis=2, keepdims=True) - 70).clip(0)
    else:
        picture[..., channel] += shining.mean(axis=2)
    check = _check(picture.clip(0, 255))
    assert _reasons(check) == [Reason.DARK_FIELD]
    assert not check.tissue.mask[:, :20].any()
    reader = ArraySlide(picture.clip(0, 255).astype(np.uint8))
    assert not find_tissue(reader, reader.metadata.pixel_size).mask.any()


def test_black_padding_around_a_scan_is_no_dark_field() -> None:
    picture = Image.new("RGB", (SIDE, SIDE))
    picture.paste(_section().crop((0, 0, SIDE, SIDE // 3)), (0, 0))
    assert _check(picture).findings == ()


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("sigma", [2, 4, 8])
def test_blur_is_found_at_any_strength_of_stain(sigma: int, strength: float) -> None:
    sharp = _section(strength=strength)
    assert _check(sharp).findings == ()
    check = _check(sharp.filter(ImageFilter.GaussianBlur(sigma)))
    assert _reasons(check) == [Reason.BLURRED]
    assert "times as strong" in check.findings[0].sentence


def test_blur_that_the_model_cannot_see_is_no_finding() -> None:
    blurred = _section().filter(ImageFilter.GaussianBlur(1.5))
    coarse = PatchGeometry(64, 3.0, 192.0)
    reader = ArraySlide(np.asarray(blurred))
    assert check_slide(reader, reader.metadata.pixel_size, coarse).findings == ()


def test_what_cannot_be_read_is_no_finding() -> None:
    reader = ArraySlide(np.asarray(_section()), factors=(), broken=Region(0, 0, SIDE, SIDE))
    assert check_slide(reader, reader.metadata.pixel_size, GEOMETRY).findings == ()


def test_other_stain_is_noticed_beside_what_cannot_be_read() -> None:
    picture = np.asarray(_section(DAB, DAB))
    reader = ArraySlide(picture, factors=(), broken=Region(300, 300, 100, 100))
    found = check_slide(reader, reader.metadata.pixel_size, GEOMETRY)
    assert _reasons(found) == [Reason.NOT_HE]


def test_all_findings_are_told() -> None:
    assert _reasons(_check(_section(DAB, DAB), 0.8)) == [Reason.NOT_HE, Reason.PIXEL_SIZE]


def test_it_stops_when_asked() -> None:
    token = CancelToken()
    token.cancel()
    reader = ArraySlide(np.asarray(_section()))
    with pytest.raises(Cancelled):
        check_slide(reader, reader.metadata.pixel_size, GEOMETRY, token)


@pytest.mark.parametrize(
    ("name", "mpp"),
    [
        ("slides/CMU-1-Small-Region.svs", None),
        ("slides/OS-1-detail.ome.tif", None),
        ("slides/small.svs", None),
        # Its 28.97 um are implausible; 0.5 stated by the user would be let through.
        ("slides/multi_frame_jpeg_camelyon_challenge_image.dcm", 0.5),
        ("bach-photos/Photos/Benign/b001.jpg", None),
        ("bach-photos/Photos/Normal/n026.jpg", None),  # grey fat
        ("bach-photos/Photos/Normal/n028.jpg", None),
        ("cases/tinted-glass/yellow.tif", None),
        ("cases/edited-copy/edited.tif", None),
    ],
)
def test_real_slides_and_photos_pass(name: str, mpp: float | None) -> None:
    assert _of_file(name, mpp).findings == ()


def test_the_demo_slide_passes_for_each_model(tmp_path: Path) -> None:
    write_phantom(tmp_path / "phantom.tiff", width=3000, height=2200)
    with opened_slide(tmp_path / "phantom.tiff") as reader:
        for mpp in (0.5, 1.0, 3.36):
            geometry = PatchGeometry(64, mpp, 64 * mpp)
            assert check_slide(reader, reader.metadata.pixel_size, geometry).findings == ()


def test_the_error_joins_the_reasons_and_says_what_to_do() -> None:
    findings = _check(_section(DAB, DAB), 0.8).findings
    error = UnsuitableSlideError(tuple(finding.sentence for finding in findings))
    assert all(sentence in str(error) for sentence in error.sentences)
    assert "classify it anyway" in str(error)
