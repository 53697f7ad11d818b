"""Windows from annotated slides: the class of each is that of the place it was cut from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.datasets.samples import AnnotatedSlide
from bachview.errors import Cancelled, DatasetError, SlideChangedError
from bachview.jobs.tokens import CancelToken
from bachview.training import slide_windows
from bachview.training.images import TrainingImage
from bachview.training.slide_windows import WINDOW_FIELDS, sample_windows
from tests.support.aperio_xml import rectangle, region, write_xml
from tests.support.slides import write_pyramid

#: 1 um/px, so that um and px are the same.
SIDE = 1600
FIELD_UM = 80.0

#: Stained colours by class; glass elsewhere.
COLOURS = {0: (225, 160, 200), 1: (190, 120, 190), 2: (160, 80, 150), 3: (120, 50, 130)}
GLASS = (244, 243, 245)

BENIGN = (100, 100, 400, 400)
INVASIVE = (700, 100, 1300, 700)
#: Inside the invasive region, and drawn before it.
IN_SITU = (900, 300, 1100, 500)
TISSUE = (60, 60, 1540, 1200)


def picture() -> npt.NDArray[np.uint8]:
    found = np.empty((SIDE, SIDE, 3), np.uint8)
    found[:] = GLASS
    for label, (left, top, right, bottom) in (
        (0, TISSUE),
        (1, BENIGN),
        (3, INVASIVE),
        (2, IN_SITU),
    ):
        found[top:bottom, left:right] = COLOURS[label]
    return found


@pytest.fixture
def slide(tmp_path: Path) -> AnnotatedSlide:
    path = write_pyramid(tmp_path / "A01.tif", picture(), mpp=1.0)
    drawn = [
        region(rectangle(*IN_SITU), attribute="Carcinoma in situ"),
        region(rectangle(*BENIGN), attribute="Benign"),
        region(rectangle(*INVASIVE), text="Invasive carcinoma"),
    ]
    return AnnotatedSlide(path, write_xml(tmp_path / "A01.xml", drawn, mpp="1.0"))


def sample(
    slides: list[AnnotatedSlide],
    per_class: int = 6,
    seed: int = 1,
    classes: ClassSet = BACH_CLASSES,
) -> list[TrainingImage]:
    return sample_windows(
        slides,
        per_class=per_class,
        field_um=FIELD_UM,
        mpp=2.0,
        seed=seed,
        token=CancelToken(),
        classes=classes,
    )


def share_of(window: TrainingImage, colour: tuple[int, int, int]) -> float:
    """Of the field in the window's middle."""
    side = len(window.pixels)
    margin = round(side * (1 - 1 / WINDOW_FIELDS) / 2)
    field = window.pixels[margin : side - margin, margin : side - margin].astype(int)
    return float((np.abs(field - colour).max(axis=2) < 12).mean())


def test_each_window_shows_its_class(slide: AnnotatedSlide) -> None:
    windows = sample([slide])
    assert np.bincount([window.label for window in windows]).tolist() == [6] * 4
    for window in windows:
        assert window.pixels.shape == (60, 60, 3)
        assert window.pixels.dtype == np.uint8
        assert window.group == "A01"
        wanted = 0.49 if window.label == 0 else 0.4
        assert share_of(window, COLOURS[window.label]) > wanted


def test_normal_fields_meet_no_outline(slide: AnnotatedSlide) -> None:
    normal = [window for window in sample([slide], per_class=20) if window.label == 0]
    assert len(normal) == 20
    for window in normal:
        assert share_of(window, COLOURS[0]) + share_of(window, GLASS) > 0.95


def test_tissue_outside_of_outlines_is_the_negative_class(slide: AnnotatedSlide) -> None:
    turned = ClassSet(tuple(reversed(BACH_CLASSES.classes)))
    windows = [window for window in sample([slide], classes=turned) if window.label == 3]
    assert len(windows) == 6
    for window in windows:
        assert share_of(window, COLOURS[0]) + share_of(window, GLASS) > 0.95
    nothing = tuple(replace(one, key=f"No{one.key}") for one in BACH_CLASSES)
    found = sample([slide], classes=ClassSet(nothing))
    assert {window.label for window in found} == {1, 2, 3}


def test_the_seed_chooses_the_places(slide: AnnotatedSlide) -> None:
    first, again, other = sample([slide]), sample([slide]), sample([slide], seed=2)
    assert all((a.pixels == b.pixels).all() for a, b in zip(first, again, strict=True))
    assert any((a.pixels != b.pixels).any() for a, b in zip(first, other, strict=True))


def test_windows_are_shared_out_over_the_slides_as_far_as_they_have_room(
    slide: AnnotatedSlide, tmp_path: Path
) -> None:
    # One field of in situ, which gives 4 windows at most.
    drawn = [region(rectangle(200, 200, 280, 280), text="in situ")]
    small = AnnotatedSlide(
        write_pyramid(tmp_path / "A02.tif", picture(), mpp=1.0),
        write_xml(tmp_path / "A02.xml", drawn),
    )
    windows = sample([slide, small], per_class=12)
    counts = {
        (name, label): sum(w.group == name and w.label == label for w in windows)
        for name in ("A01", "A02")
        for label in range(4)
    }
    assert counts["A01", 2] == 8
    assert counts["A02", 2] == 4
    assert counts["A01", 0] == counts["A02", 0] == 6
    assert counts["A01", 3] == 12
    assert counts["A02", 3] == 0


def test_glass_is_never_cut_out_though_it_was_outlined(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "A01.tif", picture(), mpp=1.0)
    drawn = [region(rectangle(200, 1300, 800, 1550), text="Benign")]
    windows = sample([AnnotatedSlide(path, write_xml(tmp_path / "A01.xml", drawn))])
    assert {window.label for window in windows} == {0}


def test_a_slide_without_a_pixel_size_takes_that_of_its_outlines(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "A01.tif", picture(), mpp=None)
    drawn = [region(rectangle(*BENIGN), text="Benign")]
    stated = AnnotatedSlide(path, write_xml(tmp_path / "A01.xml", drawn, mpp="1.0"))
    assert any(window.label == 1 for window in sample([stated]))
    unstated = AnnotatedSlide(path, write_xml(tmp_path / "A02.xml", drawn, mpp=None))
    with pytest.raises(DatasetError, match=r"A01\.tif nor A02\.xml"):
        sample([unstated])


def test_sampling_can_be_cancelled(slide: AnnotatedSlide) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        sample_windows(
            [slide],
            per_class=1,
            field_um=FIELD_UM,
            mpp=2.0,
            seed=0,
            token=token,
            classes=BACH_CLASSES,
        )


def test_windows_of_a_slide_that_changed_meanwhile_are_not_used(
    slide: AnnotatedSlide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is opened twice: to find places, and to cut them out."""
    find_places = slide_windows._places

    def places(*arguments: Any) -> Any:
        write_pyramid(slide.path, picture()[::-1], mpp=1.0)
        return find_places(*arguments)

    monkeypatch.setattr(slide_windows, "_places", places)
    with pytest.raises(SlideChangedError, match=r"A01\.tif has changed"):
        sample([slide])
