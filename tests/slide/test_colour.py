"""Profiles to sRGB, in parallel, and broken ones to nothing."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms

from bachview.slide.colour import srgb_transform
from bachview.slide.opening import open_slide
from tests.support.real_data import shared_file
from tests.support.slides import gradient


def real_profile() -> bytes:
    slide = open_slide(shared_file("slides/boxes.tiff"))
    slide.close()
    profile = slide.metadata.icc_profile
    assert profile is not None
    return profile


def test_no_profile_is_nothing_to_do() -> None:
    assert srgb_transform(None) is None
    assert srgb_transform(b"") is None


@pytest.mark.parametrize("rubbish", [b"rubbish", b"\0" * 500, b"\xff" * 128])
def test_a_broken_profile_is_logged_and_leaves_colours_raw(
    rubbish: bytes, expects_log: pytest.LogCaptureFixture
) -> None:
    assert srgb_transform(rubbish) is None
    assert "ICC" in expects_log.text


def test_a_profile_of_another_colour_space_is_logged(
    expects_log: pytest.LogCaptureFixture,
) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert srgb_transform(lab) is None
    assert "ICC" in expects_log.text


def test_srgb_stays_what_it_is() -> None:
    same = srgb_transform(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    assert same is not None
    picture = gradient(300, 200)
    found = same(picture)
    assert found is not picture
    assert np.abs(found.astype(int) - picture).max() <= 1


def test_it_equals_pillows_own_conversion_from_every_thread() -> None:
    profile = real_profile()
    transform = srgb_transform(profile)
    assert transform is not None
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (64, 80, 3)).astype(np.uint8) for _ in range(40)]
    before = [picture.copy() for picture in pictures]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(transform, pictures))
    for picture, original, answer in zip(pictures, before, found, strict=True):
        wanted = ImageCms.profileToProfile(
            Image.fromarray(original),
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
        )
        assert (answer == np.asarray(wanted)).all()
        assert (picture == original).all()
