"""Photos are judged by the classifier of the slides."""

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Size
from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import PixelSize
from bachview.core.probabilities import temperature_scaled
from bachview.core.stains import STAIN_COLORS
from bachview.errors import (
    BachviewError,
    Cancelled,
    DatasetError,
    EngineMemoryError,
    NoTissueError,
    PixelSizeError,
    SlideOpenError,
    UnsuitableSlideError,
)
from bachview.inference.photo_patches import photo_grid, read_photo
from bachview.inference.photos import (
    VOTE_TEMPERATURE,
    PhotoPrediction,
    PhotoState,
    predict_photos,
    try_photos,
)
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.installed import resolve_bundle
from bachview.models.ensemble import Ensemble, EnsembleOutput
from bachview.models.loading import load_ensemble
from tests.support.fake_ensemble import Facts, FakeEnsemble
from tests.support.real_data import shared_file
from tests.support.slides import write_pyramid
from tools.mosaic_agreement import main, measure_agreement

RGB = npt.NDArray[np.uint8]
KEYS = BACH_CLASSES.keys


@pytest.fixture(scope="module")
def ensemble() -> Iterator[Ensemble]:
    with load_ensemble(resolve_bundle("selftest"), device="CPU") as loaded:
        yield loaded


def predict_photo(
    ensemble: Ensemble, path: Path, mpp: float, *, stride_um: float | None = None
) -> PhotoPrediction:
    return predict_photos(ensemble, [(path, mpp)], stride_um=stride_um)[0]


def tissue(
    seed: int, main_class: str, *, size: tuple[int, int] = (256, 192), block: int = 64
) -> RGB:
    """(height, width, 3): mostly the main class's stain, some blocks with those of others."""
    rng = np.random.default_rng(seed)
    width, height = size
    shape = (-(-height // block), -(-width // block))
    choice = rng.choice([main_class, *KEYS], shape, p=[0.8, *[0.05] * 4])
    colours = np.array([[STAIN_COLORS[key] for key in row] for row in choice])
    picture = colours.repeat(block, axis=0).repeat(block, axis=1)[:height, :width]
    return (picture + rng.integers(-6, 7, picture.shape)).clip(0, 255).astype(np.uint8)


def save(path: Path, picture: RGB) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
    return path


@given(st.integers(1, 3000), st.integers(1, 3000), st.floats(0.1, 2), st.floats(0.2, 1.0))
def test_cells_tile_a_photo(width: int, height: int, mpp: float, stride_share: float) -> None:
    geometry = PatchGeometry(96, 2.0, 192.0 * stride_share)
    grid = photo_grid(Size(width, height), PixelSize.typed(mpp), geometry)
    stride = geometry.stride_um / mpp
    for side, field, step, count in (
        (width, grid.field_x, grid.stride_x, grid.columns),
        (height, grid.field_y, grid.stride_y, grid.rows),
    ):
        assert field == pytest.approx(192 / mpp)
        assert count * step == pytest.approx(side)
        assert step <= max(field * 1.01, stride)
        nearest = abs(count - side / stride) <= 0.5 + 1e-6
        assert nearest or count in (1, math.ceil(side / stride))


@pytest.mark.parametrize("stain", [(150, 60, 120), (205, 120, 170)])
@pytest.mark.parametrize(
    ("size", "mpp", "geometry"),
    [
        ((512, 384), 1.0, PatchGeometry(32, 2.0, 32.0)),
        ((512, 384), 1.0, PatchGeometry(32, 5.0, 32.0)),
        ((1365, 1024), 0.42, PatchGeometry(96, 2.24, 107.52)),
        ((1097, 823), 0.56, PatchGeometry(64, 3.36, 71.68)),
    ],
)
def test_the_fields_of_a_photo_lie_on_it(
    size: tuple[int, int],
    mpp: float,
    geometry: PatchGeometry,
    stain: tuple[int, ...],
    tmp_path: Path,
) -> None:
    """Beyond a photo there is white, which no patch may show, however large the fields."""
    picture = np.full((size[1], size[0], 3), stain, np.uint8)
    patches = read_photo(save(tmp_path / "p.png", picture), mpp, geometry, is_for_tissue=False)
    assert patches.pixels.max() == max(stain)


def test_all_of_a_photo_of_a_few_fields_is_seen() -> None:
    """Rounding to the nearest count of cells would leave strips between the fields."""
    grid = photo_grid(Size(145, 290), PixelSize.typed(1.0), PatchGeometry(50, 2.0, 100.0))
    assert (grid.columns, grid.rows) == (2, 3)


@pytest.mark.parametrize("mpp", [1.0, 25400 / 25401, 25400 / 25399])
def test_a_field_of_a_photos_height_shows_no_white(mpp: float, tmp_path: Path) -> None:
    picture = np.full((512, 1024, 3), (150, 60, 120), np.uint8)
    photo = save(tmp_path / "p.png", picture)
    patches = read_photo(photo, mpp, PatchGeometry(64, 8.0, 256.0), is_for_tissue=False)
    assert patches.pixels.max() <= 151


def test_a_pixel_size_from_whole_px_per_inch_changes_no_count() -> None:
    """45357 px per inch are 0.560002 um: eight strides less 20 millionths are eight."""
    # Half fields, whole ones, and gaps between them.
    for geometry, counts in (
        (PatchGeometry(64, 3.36, 107.52), (8, 6)),
        (PatchGeometry(64, 3.36, 215.04), (4, 3)),
        (PatchGeometry(32, 3.0, 107.52), (8, 6)),
    ):
        for mpp in (0.56, 25400 / 45357):
            grid = photo_grid(Size(1536, 1152), PixelSize.typed(mpp), geometry)
            assert (grid.columns, grid.rows) == counts


def test_patches_are_the_photos_pixels(tmp_path: Path) -> None:
    picture = tissue(1, "Invasive")
    photo = save(tmp_path / "p.png", picture)
    patches = read_photo(photo, 1.0, PatchGeometry(64, 1.0, 64.0))
    expected = picture.reshape(3, 64, 4, 64, 3).swapaxes(1, 2).reshape(12, 64, 64, 3)
    assert (patches.pixels == expected).all()


def test_patches_have_the_colours_that_the_photos_profile_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    geometry = PatchGeometry(64, 1.0, 64.0)
    picture = tissue(1, "Normal")
    plain = read_photo(save(tmp_path / "plain.png", picture), 1.0, geometry).pixels
    path = tmp_path / "photo.png"
    Image.fromarray(picture).save(path, icc_profile=b"a profile")
    monkeypatch.setattr(
        "bachview.slide.colour.srgb_transform",
        lambda profile: (lambda rgb: rgb[..., ::-1]) if profile == b"a profile" else None,
    )
    np.testing.assert_array_equal(read_photo(path, 1.0, geometry).pixels, plain[..., ::-1])


def test_cells_without_tissue_are_passed_over_and_glass_has_no_class(tmp_path: Path) -> None:
    picture = tissue(2, "Benign", size=(1024, 768))
    picture[:, 512:] = 243
    geometry = PatchGeometry(64, 1.0, 64.0)
    half = read_photo(save(tmp_path / "half.png", picture), 1.0, geometry).pixels
    assert 12 * 8 <= len(half) <= 12 * 9
    picture[:] = 243
    with pytest.raises(NoTissueError, match="bare glass"):
        read_photo(save(tmp_path / "glass.png", picture), 1.0, geometry)


def test_a_photo_is_the_mean_of_its_patches_votes(ensemble: Ensemble, tmp_path: Path) -> None:
    photo = save(tmp_path / "p.png", tissue(3, "InSitu"))
    judged = predict_photo(ensemble, photo, 1.0)
    patches = read_photo(photo, 1.0, ensemble.bundle.geometry).pixels
    answer = ensemble.predict(patches)
    assert judged.probabilities.shape == (12, 4)
    assert judged.members.shape == (12, 6, 4)
    assert np.allclose(judged.probabilities, answer.probabilities, atol=1e-3)
    votes = temperature_scaled(judged.probabilities, VOTE_TEMPERATURE)
    assert np.allclose(judged.photo_probabilities, votes.mean(axis=0), atol=1e-6)
    assert np.allclose(judged.photo_members.sum(axis=1), 1, atol=1e-5)
    assert KEYS[judged.top_class] == "InSitu"
    assert 0 < judged.entropy < 1
    assert judged.disagreement == 0
    more = predict_photo(ensemble, photo, 1.0, stride_um=32.0)
    assert len(more.probabilities) == 8 * 6


def test_measures_of_uncertainty_are_those_of_the_photo() -> None:
    members = np.zeros((2, 4, 2), np.float32)
    members[:, :2, 0] = members[:, 2:, 1] = 1
    judged = PhotoPrediction(members, np.array([[1, 0], [0, 1]], np.float32))
    assert judged.entropy == pytest.approx(1)
    assert judged.disagreement == pytest.approx(4 / 6)


def test_doubt_makes_a_photo_less_sure_and_leaves_its_class() -> None:
    members = np.full((2, 6, 2), 0.5, np.float32)
    patches = np.array([[0.5, 0.5], [0.7, 0.3]], np.float32)
    plain, doubtful = (
        PhotoPrediction(members, patches, uniform_share) for uniform_share in (0.0, 0.25)
    )
    # The mean of an even vote and of a sharpened one.
    power = 1 / VOTE_TEMPERATURE
    first = (0.5 + 0.7**power / (0.7**power + 0.3**power)) / 2
    assert plain.photo_probabilities == pytest.approx([first, 1 - first])
    assert doubtful.photo_probabilities[0] == pytest.approx(0.75 * first + 0.125, abs=1e-6)
    assert doubtful.entropy > plain.entropy
    assert (doubtful.probabilities == plain.probabilities).all()


def test_a_class_that_is_second_best_everywhere_is_not_that_of_the_photo() -> None:
    """Benign has the greatest mean, 0.39, and no patch: the overlay would show none of it."""
    half = [[0.5, 0.39, 0.11, 0.0]], [[0.0, 0.39, 0.22, 0.39 + 1e-3]], [[0.0, 0.39, 0.61, 0.0]]
    patches = np.concatenate([*half[:1], half[0], half[1], half[2]]).astype(np.float32)
    judged = PhotoPrediction(patches[:, None], patches)
    assert patches.mean(axis=0).argmax() == 1
    assert judged.top_class == 0
    assert judged.photo_members.argmax() == 0


def test_a_bundle_states_the_doubt_about_photos(tmp_path: Path) -> None:
    photo = save(tmp_path / "p.png", tissue(3, "InSitu"))

    class Torn(FakeEnsemble):
        def predict(
            self,
            patches: RGB,
            token: CancelToken | None = None,
            asked: npt.NDArray[np.bool_] | None = None,
        ) -> EnsembleOutput:
            values = np.tile(np.array([0.3, 0.3, 0.4, 0.0], np.float32), (len(patches), 1))
            return EnsembleOutput(np.repeat(values[:, None], 6, 1), values)

    judged = predict_photo(Torn(facts=Facts(uniform_share=0.25)), photo, 1.0)
    power = 1 / VOTE_TEMPERATURE
    vote = 0.4**power / (0.4**power + 2 * 0.3**power)
    assert judged.photo_probabilities[2] == pytest.approx(0.75 * vote + 0.0625, abs=1e-4)


def test_photos_keep_their_order_and_progress_is_reported(
    ensemble: Ensemble, tmp_path: Path
) -> None:
    photos = [(save(tmp_path / f"{n}.png", tissue(n, KEYS[n % 4])), 1.0) for n in range(11)]
    told: list[tuple[int, int]] = []
    answers = predict_photos(ensemble, photos, on_progress=lambda *state: told.append(state))
    assert [answer.top_class for answer in answers] == [n % 4 for n in range(11)]
    assert told == [(n + 1, 11) for n in range(11)]
    assert predict_photos(ensemble, []) == []


def test_a_photo_that_cannot_be_read(ensemble: Ensemble, tmp_path: Path) -> None:
    good = save(tmp_path / "good.png", tissue(1, "Normal"))
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    photos = [(good, 1.0), (bad, 1.0), (tmp_path / "gone.png", 1.0), (good, 100.0), (good, 1.0)]
    answers = try_photos(ensemble, photos)
    kinds = (PhotoPrediction, BachviewError, SlideOpenError, PixelSizeError, PhotoPrediction)
    for answer, kind in zip(answers, kinds, strict=True):
        assert isinstance(answer, kind)
    assert "bad.png" in str(answers[1])
    with pytest.raises(BachviewError, match=r"bad\.png"):
        predict_photos(ensemble, photos)


def damaged(path: Path, picture: RGB, tiles: slice) -> Path:
    """A TIFF of deflate tiles of 64 px, some of them overwritten."""
    tifffile.imwrite(path, picture, tile=(64, 64), compression="zlib", photometric="rgb")
    with tifffile.TiffFile(path) as tiff:
        places = list(zip(tiff.pages[0].dataoffsets, tiff.pages[0].databytecounts, strict=True))
    with path.open("r+b") as file:
        for offset, count in places[tiles]:
            file.seek(offset)
            file.write(b"\xff" * count)
    return path


def test_patches_that_cannot_be_read_are_counted_and_have_no_vote(
    ensemble: Ensemble, tmp_path: Path
) -> None:
    picture = tissue(3, "InSitu")
    part = damaged(tmp_path / "part.tif", picture, slice(1, 4))
    judged = predict_photo(ensemble, part, 1.0)
    assert (len(judged.probabilities), judged.failed) == (9, 3)
    whole = predict_photo(ensemble, save(tmp_path / "whole.png", picture), 1.0)
    assert whole.failed == 0
    np.testing.assert_array_equal(judged.members, np.delete(whole.members, [1, 2, 3], axis=0))


def test_glass_with_a_part_that_cannot_be_read_is_failed_and_not_without_tissue(
    ensemble: Ensemble, tmp_path: Path
) -> None:
    glass = np.full((192, 256, 3), 243, np.uint8)
    part = damaged(tmp_path / "part.tif", glass, slice(1, 2))
    nothing = damaged(tmp_path / "nothing.tif", tissue(1, "Normal"), slice(None))
    answers = try_photos(ensemble, [(part, 1.0), (nothing, 1.0)])
    assert [PhotoState.of(answer) for answer in answers] == [PhotoState.FAILED] * 2
    assert "part.tif" in str(answers[0])


def even(colour: tuple[int, int, int]) -> RGB:
    """(768, 1024, 3): one colour with a camera's noise."""
    noise = np.random.default_rng(1).normal(0, 3, (768, 1024, 3))
    return (np.array(colour) + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("colour", [(225, 150, 190), (150, 90, 150)])
def test_an_even_colour_of_stain_is_unsuitable(
    colour: tuple[int, int, int], tmp_path: Path
) -> None:
    geometry = PatchGeometry(64, 3.36, 107.52)
    photo = save(tmp_path / "even.png", even(colour))
    with pytest.raises(UnsuitableSlideError, match="without any detail"):
        read_photo(photo, 0.5, geometry)
    assert read_photo(photo, 0.5, geometry, anyway=True).warnings
    assert not read_photo(photo, 0.5, geometry, is_for_tissue=False).warnings


@pytest.mark.parametrize(
    "colour",
    [
        (240, 241, 240),
        (243, 236, 240),
        (225, 232, 243),
        (3, 3, 4),
        (128, 128, 128),
        (150, 90, 170),  # violet ink
    ],
)
def test_an_even_colour_without_stain_is_no_tissue(
    colour: tuple[int, int, int], tmp_path: Path
) -> None:
    photo = save(tmp_path / "even.png", even(colour))
    with pytest.raises(NoTissueError):
        read_photo(photo, 0.5, PatchGeometry(64, 3.36, 107.52))


def test_blurred_tissue_is_refused_and_sharp_tissue_is_not(tmp_path: Path) -> None:
    geometry = PatchGeometry(64, 3.36, 107.52)
    photo = shared_file("bach-photos/Photos/Benign/b001.jpg")
    assert not read_photo(photo, 0.56, geometry).warnings
    with Image.open(photo) as opened:
        blurred = np.asarray(opened.filter(ImageFilter.GaussianBlur(8)))
    with pytest.raises(UnsuitableSlideError, match="The tissue is blurred"):
        read_photo(save(tmp_path / "blurred.png", blurred), 0.56, geometry)


def test_a_tight_crop_of_tissue_without_glass_is_read(tmp_path: Path) -> None:
    with Image.open(shared_file("bach-photos/Photos/Invasive/iv001.jpg")) as opened:
        crop = np.asarray(opened)[300:460, 300:460]
    found = read_photo(save(tmp_path / "crop.png", crop), 0.56, PatchGeometry(64, 3.36, 107.52))
    assert (len(found.pixels), found.warnings) == (1, ())


def test_a_cancel_ends_it_and_its_readers(ensemble: Ensemble, tmp_path: Path) -> None:
    photos = [(save(tmp_path / f"{n}.png", tissue(n, "Normal")), 1.0) for n in range(8)]
    token = CancelToken()
    with pytest.raises(Cancelled):
        predict_photos(ensemble, photos, token=token, on_progress=lambda *_: token.cancel())


def test_where_memory_is_short_a_photo_is_judged_in_smaller_batches(
    ensemble: Ensemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = save(tmp_path / "photo.png", tissue(1, "Normal"))
    expected = predict_photo(ensemble, photo, 1.0)
    assert len(expected.probabilities) > 3
    predict = ensemble.predict

    def short(
        patches: RGB, token: CancelToken | None, asked: npt.NDArray[np.bool_]
    ) -> EnsembleOutput:
        if len(patches) > 3:
            raise EngineMemoryError("CPU failed while classifying: there is too little memory.")
        return predict(patches, token, asked)

    monkeypatch.setattr(ensemble, "predict", short)
    found = predict_photo(ensemble, photo, 1.0)
    np.testing.assert_array_equal(found.members, expected.members)


def test_an_error_leaves_the_callers_token_alone(ensemble: Ensemble, tmp_path: Path) -> None:
    good = save(tmp_path / "good.png", tissue(1, "Normal"))
    token = CancelToken()
    with pytest.raises(SlideOpenError):
        predict_photos(ensemble, [(tmp_path / "gone.png", 1.0), (good, 1.0)], token=token)
    assert not token.is_cancelled


@pytest.fixture(scope="module")
def made_mosaic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slide of twelve photos with glass between them, aligned with no grid, and its JSON."""
    folder = tmp_path_factory.mktemp("mosaic")
    canvas = np.full((1800, 2700, 3), 243, np.uint8)
    truth = []
    for number in range(12):
        key = KEYS[number % 4]
        name = f"p{number}.png"
        row, column = divmod(number, 4)
        x, y = 37 + column * 650, 53 + row * 570
        picture = tissue(number, key, size=(512, 384), block=128)
        save(folder / "Photos" / key / name, picture)
        canvas[y : y + 384, x : x + 512] = picture
        truth.append({"file": name, "class": key, "x": x, "y": y, "width": 512, "height": 384})
    (folder / "mosaic.json").write_text(json.dumps({"mpp": 1.0, "photos": truth}))
    return write_pyramid(folder / "mosaic.tiff", canvas, mpp=1.0)


@pytest.fixture
def mosaic(made_mosaic: Path, tmp_path: Path) -> Path:
    """A mosaic whose files may be changed."""
    shutil.copytree(made_mosaic.parent, tmp_path / "m")
    return tmp_path / "m" / made_mosaic.name


def test_slide_and_photo_are_the_same_classifier(
    mosaic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the overlay shows most of a photo's area is what is predicted of the photo."""
    photos = mosaic.parent / "Photos"
    assert main(["selftest", str(mosaic), str(photos), "--device", "cpu"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["photos"] == 12
    assert document["share"] >= 0.97
    assert document["agreed"]["mean"] == 12
    assert document["counted_is_predicted"] == 12
    assert document["photo_accuracy"] == 1
    assert document["slide_accuracy"] >= 0.97
    assert document["differing"] == []


def test_a_photo_that_is_not_what_lies_on_the_slide_is_seen(mosaic: Path) -> None:
    photos = mosaic.parent / "Photos"
    save(photos / "Normal" / "p0.png", tissue(99, "Invasive", size=(512, 384)))
    found = measure_agreement(
        resolve_bundle("selftest"), mosaic, mosaic.with_suffix(".json"), photos, device="CPU"
    )
    assert found.share == 11 / 12
    assert [(p.file, p.predicted) for p in found.differing] == [("p0.png", "Invasive")]
    assert found.differing[0].slide["majority"] == "Normal"


@pytest.mark.parametrize("text", ["no json", "{}", '{"mpp": 1, "photos": []}'])
def test_a_file_that_does_not_say_where_photos_are(
    mosaic: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mosaic.with_suffix(".json").write_text(text)
    assert main(["selftest", str(mosaic), str(mosaic.parent)]) == 3
    assert "mosaic.json" in capsys.readouterr().err


def test_a_photo_of_the_mosaic_that_is_missing_is_named(mosaic: Path) -> None:
    (mosaic.parent / "Photos" / "Normal" / "p0.png").unlink()
    with pytest.raises(DatasetError, match=r"p0\.png"):
        measure_agreement(
            resolve_bundle("selftest"), mosaic, mosaic.with_suffix(".json"), mosaic.parent
        )


def test_a_real_photo_is_classified_in_every_field(ensemble: Ensemble) -> None:
    photo = shared_file("bach-photos/Photos/Benign/b001.jpg")
    judged = predict_photo(ensemble, photo, 0.56)
    assert len(judged.probabilities) == 14 * 10
    assert np.allclose(judged.probabilities.sum(axis=1), 1, atol=1e-4)
