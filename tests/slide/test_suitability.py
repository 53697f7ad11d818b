"""What cannot be judged is noticed before it is classified, and H&E of all kinds is let through."""

import numpy as np
import pytest
from PIL import Image

from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import PixelSize
from bachview.errors import PixelSizeError
from bachview.slide.opening import opened_slide
from bachview.slide.suitability import Reason, SlideCheck, check_slide
from tests.support.real_data import shared_file
from tests.support.slides import ArraySlide

GEOMETRY = PatchGeometry(224, 0.5, 56.0)
GLASS = (243, 241, 244)


def _check(picture: np.ndarray, mpp: float = 0.5) -> SlideCheck:
    reader = ArraySlide(picture, mpp=mpp)
    return check_slide(reader, reader.metadata.pixel_size, GEOMETRY)


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


@pytest.mark.parametrize(("mpp", "found"), [(0.25, []), (0.7, []), (0.8, [Reason.PIXEL_SIZE])])
def test_only_pixels_far_coarser_than_the_models_are_a_finding(
    mpp: float, found: list[Reason]
) -> None:
    picture = np.array(Image.new("RGB", (1200, 1200), (205, 120, 170)))
    assert _reasons(_check(picture, mpp)) == found


def test_without_a_pixel_size_nothing_is_measured() -> None:
    reader = ArraySlide(np.full((64, 64, 3), 200, np.uint8), mpp=None)
    with pytest.raises(PixelSizeError, match="pixel size"):
        check_slide(reader, PixelSize.unknown(), GEOMETRY)
