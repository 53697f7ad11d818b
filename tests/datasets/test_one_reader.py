"""A photo that one command reads, all read, with the same size, pixels and pixel size."""

import re
import shutil
import warnings
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import bachview
from bachview.api.measuring import chosen_photos
from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import PixelSize, contradiction_text
from bachview.datasets.photo_mpp import photo_mpp
from bachview.datasets.reading import scan_dataset
from bachview.errors import BachviewError, DatasetError, SlideOpenError, SlideReadError
from bachview.inference.photos import predict_photos
from bachview.jobs.tokens import CancelToken
from bachview.models.ensemble import EnsembleOutput
from bachview.slide.colour import srgb_transform
from bachview.slide.opening import open_slide
from bachview.slide.reader import RGB
from bachview.training.images import load_sources
from tests.support.cli import Cli
from tests.support.fake_ensemble import Facts, FakeEnsemble
from tests.support.photo_suite import CONTRADICTIONS, DAMAGED, PIXELS, STATEMENTS

#: A patch is the whole picture.
GEOMETRY = PatchGeometry(64, 0.5, 32.0)


class Witness(FakeEnsemble):
    """Keeps the patches that it is shown."""

    def __init__(self) -> None:
        super().__init__(facts=Facts(geometry=GEOMETRY))
        self.shown: list[RGB] = []

    def predict(
        self,
        patches: RGB,
        token: CancelToken | None = None,
        asked: npt.NDArray[np.bool_] | None = None,
    ) -> EnsembleOutput:
        self.shown += list(patches)
        return super().predict(patches, token, asked)


@dataclass(frozen=True)
class Seen:
    """What a command found: pixels and size, or why it found none."""

    size: tuple[int, int] | None = None
    mpp: float | None = None
    pixels: RGB | None = None
    refused: str = ""


def by_window(path: Path) -> Seen:
    try:
        with closing(open_slide(path)) as reader:
            size = reader.metadata.pyramid.size
            pixels = reader.read(0, 0, 0, size.width, size.height)
            transform = srgb_transform(reader.metadata.icc_profile)
            return Seen(
                (size.width, size.height),
                reader.metadata.pixel_size.mpp,
                pixels if transform is None else transform(pixels),
            )
    except (SlideOpenError, SlideReadError) as error:
        return Seen(refused=str(error))


def by_dataset_check(folder: Path) -> Seen:
    scan = scan_dataset(folder)
    if not scan.facts:
        (problem,) = scan.dataset.problems
        return Seen(refused=problem.message)
    # What is read and shows no H&E tissue, as a grey picture, is kept and said.
    assert {problem.kind for problem in scan.dataset.problems} <= {"no tissue"}
    return Seen(scan.facts[0].size, scan.dataset.photos[0].mpp)


def by_training(folder: Path) -> Seen:
    """As it is used: the data set is listed first."""
    photos = scan_dataset(folder).dataset.photos
    (source,) = load_sources(photos, photos[0].mpp, least_px=1, token=CancelToken())
    return Seen((source.pixels.shape[1], source.pixels.shape[0]), photos[0].mpp, source.pixels)


def by_predict(path: Path) -> Seen:
    witness = Witness()
    (answer,) = bachview.predict_photos([path], witness)
    if isinstance(answer, SlideOpenError | SlideReadError | DatasetError):
        return Seen(refused=str(answer))
    # What is read and has no class, as a grey picture, is not shown to the models.
    return Seen(mpp=photo_mpp(path).value, pixels=witness.shown[0] if witness.shown else None)


def by_evaluate(folder: Path) -> Seen:
    photos, _ = chosen_photos(bachview.read_dataset(folder), None, None)
    witness = Witness()
    try:
        predict_photos(witness, [(photo.path, photo.mpp) for photo in photos])
    except (SlideOpenError, SlideReadError, DatasetError) as error:
        return Seen(refused=str(error))
    except BachviewError:
        pass
    return Seen(mpp=photos[0].mpp, pixels=witness.shown[0] if witness.shown else None)


def placed(tmp_path: Path, name: str) -> Path:
    path = tmp_path / "Photos" / "Normal" / name
    path.parent.mkdir(parents=True)
    return path


def assert_alike(path: Path, folder: Path, cli: Cli) -> Seen:
    """What the window sees, once all others have been found to see the same."""
    window, check, predict = by_window(path), by_dataset_check(folder), by_predict(path)
    if window.refused:
        assert (check.refused, predict.refused) == (window.refused, window.refused)
        return window
    assert check.refused == predict.refused == ""
    document = cli("info", path, "--json").document
    level = document["levels"][0]
    training, evaluate = by_training(folder), by_evaluate(folder)
    assert evaluate.refused == ""
    assert (level["width"], level["height"]) == window.size == check.size == training.size
    sizes = [document["mpp_x"], window.mpp, check.mpp, training.mpp, predict.mpp, evaluate.mpp]
    assert sizes == pytest.approx([sizes[0]] * 6)
    with bachview.open_slide(path) as slide:  # as `classify` does
        assert slide.pixel_size.mpp == window.mpp
        assert slide.size == window.size
    assert window.pixels is not None
    for other in (training.pixels, predict.pixels, evaluate.pixels):
        if other is not None:
            assert np.abs(other.astype(int) - window.pixels).max() <= 2
    return window


@pytest.mark.parametrize("name", PIXELS)
def test_pixels_are_the_same_for_all(tmp_path: Path, cli: Cli, name: str) -> None:
    path = placed(tmp_path, name)
    write, picture = PIXELS[name]
    write(path)
    seen = assert_alike(path, tmp_path, cli)
    if picture is not None:
        assert seen.refused == ""
        assert seen.pixels is not None
        # JPEG keeps noise of this strength within a few grey levels.
        difference = np.abs(seen.pixels.astype(int) - picture)
        assert difference.mean() <= (4 if "jp" in name else 0.6)
        assert difference.max() <= (40 if "jp" in name else 1)


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_damaged_is_refused_by_all_in_the_same_words(
    tmp_path: Path, cli: Cli, name: str
) -> None:
    path = placed(tmp_path, name)
    DAMAGED[name](path)
    assert name in assert_alike(path, tmp_path, cli).refused


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_a_file_states_of_its_pixels_is_not_guessed_over(tmp_path: Path, name: str) -> None:
    path = placed(tmp_path, name)
    write, expected = STATEMENTS[name]
    write(path)
    if isinstance(expected, str):
        sentence = rf"{re.escape(name)}.* states .*{re.escape(expected)}.*add --mpp"
        with pytest.raises(DatasetError, match=sentence) as refused:
            photo_mpp(path)
        with pytest.raises(DatasetError, match=re.escape(str(refused.value))):
            scan_dataset(tmp_path)
        return
    known = photo_mpp(path)
    mpp = known.value
    assert (round(mpp, 6), known.origin) == expected
    scan = scan_dataset(tmp_path)
    assert (scan.dataset.photos[0].mpp, scan.facts[0].mpp_origin) == (mpp, expected[1])
    assert scan.facts[0].size == (2048, 1536)
    with closing(open_slide(path)) as reader:
        shown = reader.metadata.pixel_size
    assert (shown.mpp == mpp) if expected[1] == "file" else not shown.is_plausible


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_file_that_contradicts_itself_is_told(tmp_path: Path, cli: Cli, name: str) -> None:
    path = placed(tmp_path, name)
    write, sentence = CONTRADICTIONS[name]
    write(path)
    document = cli("info", path, "--json").document
    assert document["mpp_doubt"] == sentence
    assert f"states {document['mpp_x']:.4g} µm" in sentence
    problems = scan_dataset(tmp_path).dataset.problems
    assert ("pixel size", sentence) in {(problem.kind, problem.message) for problem in problems}
    with pytest.warns(UserWarning, match=re.escape(f"{name}: {sentence}")):
        bachview.predict_photos([path], Witness())
    with closing(open_slide(path)) as reader:
        pixel_size = reader.metadata.pixel_size
    # What the chip, the exports and `classify` say.
    assert contradiction_text(pixel_size, pixel_size) == sentence
    assert "you stated 5 µm" in contradiction_text(pixel_size, PixelSize.typed(5))


def test_only_the_formats_decode_pictures() -> None:
    """A second decoder elsewhere would sooner or later disagree with the first."""
    package = Path(bachview.__file__).parent
    decoder = re.compile(r"\b(Image\.open|imread|PngImageFile|JpegImageFile|ImageFile\.Parser)\b")
    found = {
        path.relative_to(package).parent.as_posix()
        for path in package.rglob("*.py")
        if any(decoder.search(line.split("#")[0]) for line in path.read_text("utf-8").splitlines())
    }
    assert found == {"slide/formats"}


CASES = Path(__file__).parents[3] / "shared" / "data" / "cases"


def test_photos_made_after_public_reports_are_one_to_all(tmp_path: Path) -> None:
    found = [
        path
        for folder in ("dataset-formats", "training-pixels", "tiff-colours", "photo-pixel-size",
                       "imagej-units", "tiff-orientation", "tiff-byte-counts")
        for path in sorted((CASES / folder).rglob("*.*"))
        if path.is_file()
    ]  # fmt: skip
    if not found:
        pytest.skip("the files made after public reports are not here")
    for number, path in enumerate(found):
        folder = tmp_path / str(number)
        copy = placed(folder, path.name)
        shutil.copyfile(path, copy)
        window, scan = by_window(copy), scan_dataset(folder, mpp=0.5)
        with warnings.catch_warnings(action="ignore"):  # some state another pixel size
            (predicted,) = bachview.predict_photos([copy], Witness(), mpp=0.5)
        if window.refused:
            assert [problem.message for problem in scan.dataset.problems] == [window.refused]
            assert str(predicted) == window.refused
            continue
        assert not isinstance(predicted, SlideOpenError | SlideReadError)
        assert scan.facts[0].size == window.size
        (source,) = load_sources(scan.dataset.photos, 0.5, least_px=1, token=CancelToken())
        assert (source.pixels == window.pixels).all()
