"""The bundles that come with the program: whole, small, honest; one is the default."""

import shutil
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from bachview.core.classes import BACH_CLASSES
from bachview.datasets.reading import read_dataset
from bachview.models.bundle.installed import DEFAULT, installed_bundles, resolve_bundle
from bachview.models.bundle.opened import Bundle, open_bundle
from bachview.models.loading import load_ensemble
from bachview.models.verification import verify_bundle
from tests.support.real_data import shared_file

pytestmark = pytest.mark.long

MEGABYTE = 1_000_000


#: Name and largest size, in MB, of each bundle trained on tissue.
FAST = "default-fast"
TRAINED = {DEFAULT: 80, FAST: 25}


@pytest.fixture(scope="module")
def default() -> Iterator[Bundle]:
    bundle = open_bundle(resolve_bundle(DEFAULT))
    yield bundle
    bundle.close()


@pytest.fixture(scope="module", params=TRAINED)
def trained(request: pytest.FixtureRequest) -> Iterator[Bundle]:
    bundle = open_bundle(resolve_bundle(request.param))
    yield bundle
    bundle.close()


@pytest.mark.parametrize(("name", "most"), TRAINED.items())
def test_it_is_installed_and_small_enough_for_a_repository(name: str, most: int) -> None:
    assert name in installed_bundles()
    path = resolve_bundle(name)
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    sizes = [file.stat().st_size for file in files]
    assert max(sizes) < 50 * MEGABYTE
    assert sum(sizes) <= most * MEGABYTE


def test_it_passes_every_check() -> None:
    """The fast one; loading, as the tests of the other do, takes the same steps."""
    checks = verify_bundle(resolve_bundle(FAST))
    assert [check.name for check in checks if not check.ok] == []
    assert {"files", "golden patches", "networks"} <= {check.name for check in checks}


def test_it_classifies_tissue_with_the_six_members_and_small_networks_beside_them(
    default: Bundle,
) -> None:
    networks = [cnn.name for cnn in default.manifest.cnns]
    assert networks[:3] == ["EfficientNetB0", "ResNet50V2", "DenseNet121"]
    assert all(name.startswith("EfficientNetLite") for name in networks[3:])
    classifiers = ("Random forest", "Gradient boosting", "Support vectors")
    assert default.member_names == (*networks, *classifiers)


def test_the_fast_one_has_two_small_networks_and_the_same_cells(
    default: Bundle,
) -> None:
    with open_bundle(resolve_bundle(FAST)) as fast:
        networks = [cnn.name for cnn in fast.manifest.cnns]
        assert networks == ["EfficientNetLite0", "EfficientNetLite2"]
        assert fast.geometry == default.geometry
        assert fast.member_names[2:] == default.member_names[6:]
        assert fast.manifest.name != default.manifest.name


def test_it_is_for_tissue_and_knows_what_it_has_not_seen(trained: Bundle) -> None:
    assert trained.manifest.is_for_tissue
    assert trained.classes == BACH_CLASSES
    assert not trained.manifest.unseen  # says in a sentence if it cannot tell


def test_its_card_says_what_it_is_not_for_and_how_it_was_measured(trained: Bundle) -> None:
    card = " ".join(trained.model_card.split())
    for said in (
        "For research use only",
        "CC BY-NC-ND 4.0",
        "Aresta et al.",
        "Non-commercial",
        "Photo-level figures do not hold for whole slides",
        "268 photos",
        "cross-validation by patient",
        "Known weaknesses by class",
        "How the recipe was chosen",
    ):
        assert said in card
    row = next(line for line in trained.model_card.splitlines() if "**All**" in line)
    stated = float(row.split("|")[2])
    metrics = trained.manifest.training.metrics
    assert stated == pytest.approx(metrics["cv_photo_accuracy"], abs=0.0006)
    assert metrics["cv_photo_accuracy_low"] < stated < metrics["cv_photo_accuracy_high"]


@pytest.fixture(scope="module")
def learnt(
    default: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> tuple[npt.NDArray[np.uint8], list[int]]:
    """The middle of some photos of each class, as the bundles take patches, and their classes."""
    some = tmp_path_factory.mktemp("photos")
    for folder in shared_file("bach-photos/Photos").iterdir():
        (some / "Photos" / folder.name).mkdir(parents=True)
        for path in sorted(folder.glob("*.jpg"))[::12]:  # reading all would take the longest
            shutil.copy(path, some / "Photos" / folder.name)
    patches, labels = [], []
    geometry = default.geometry
    side = geometry.input_px
    for photo in read_dataset(some).photos:
        with Image.open(photo.path) as opened:
            sides = tuple(round(side * photo.mpp / geometry.mpp) for side in opened.size)
            pixels = np.asarray(opened.convert("RGB").resize((sides[0], sides[1])))
        y, x = ((n - side) // 2 for n in pixels.shape[:2])
        assert photo.label is not None
        patches.append(pixels[y : y + side, x : x + side])
        labels.append(photo.label)
    return np.stack(patches), labels


@pytest.mark.parametrize("name", TRAINED)
def test_it_names_most_of_the_photos_that_it_has_learnt_from(
    name: str, learnt: tuple[npt.NDArray[np.uint8], list[int]]
) -> None:
    """No measurement: a swapped class, channel or scale would show here."""
    patches, labels = learnt
    with load_ensemble(resolve_bundle(name), precision="f32") as ensemble:
        assert ensemble.bundle.geometry.input_px == patches.shape[1]
        answers = ensemble.predict(patches).probabilities
    places = answers.reshape(len(labels), -1, len(BACH_CLASSES))
    assert len(labels) > 20
    assert np.mean(places.mean(axis=1).argmax(axis=1) == labels) > 0.8
