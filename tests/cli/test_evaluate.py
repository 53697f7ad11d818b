"""``bachview evaluate``: document, tables, report, splits and refusals; with the self-test bundle.

The photos have the self-test bundle's stain colours, so that the right answers are known.
"""

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bachview.cli.evaluate import evaluate
from bachview.core.classes import BACH_CLASSES
from bachview.core.stains import STAIN_COLORS
from bachview.datasets.reading import read_dataset
from bachview.datasets.splits import write_split
from bachview.errors import Cancelled, DatasetError, ExportError, UsageError
from bachview.jobs.tokens import CancelToken
from tests.support.bundles import edit_arrays, edit_manifest, packed, rehash, unpacked
from tests.support.cli import check_schema
from tests.support.slides import write_pyramid

PREFIXES = {"Normal": "n", "Benign": "b", "InSitu": "is", "Invasive": "iv"}
OUTLINE = """<Annotations MicronsPerPixel="1.0"><Annotation><Regions>
<Region Text="invasive carcinoma"><Vertices>
<Vertex X="0" Y="0"/><Vertex X="384" Y="0"/><Vertex X="384" Y="512"/><Vertex X="0" Y="512"/>
</Vertices></Region></Regions></Annotation></Annotations>"""


def paint(path: Path, stain: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = np.array(STAIN_COLORS[stain]) + rng.integers(-6, 7, (192, 256, 3))
    Image.fromarray(pixels.astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photos of a class, of two patients; one Benign photo looks Invasive. Read only."""
    folder = tmp_path_factory.mktemp("BACH ü")
    for c, key in enumerate(BACH_CLASSES.keys):
        (folder / "Photos" / key).mkdir(parents=True)
        for place, number in enumerate((1, 2, 11, 12)):
            stain = "Invasive" if (key, number) == ("Benign", 12) else key
            name = f"{PREFIXES[key]}{number:03d}.png"
            paint(folder / "Photos" / key / name, stain, 10 * c + place)
    return folder


@pytest.fixture
def with_slide(folder: Path, tmp_path: Path) -> Path:
    """Some of the photos, and a slide whose left half is invasive."""
    place = tmp_path / "with slide"
    for key in BACH_CLASSES.keys:
        (place / "Photos" / key).mkdir(parents=True)
        source = folder / "Photos" / key / f"{PREFIXES[key]}001.png"
        (place / "Photos" / key / source.name).write_bytes(source.read_bytes())
    (place / "WSI").mkdir()
    picture = np.empty((512, 768, 3), np.uint8)
    picture[:, :384], picture[:, 384:] = STAIN_COLORS["Invasive"], STAIN_COLORS["Normal"]
    write_pyramid(place / "WSI" / "A01.tiff", picture, mpp=1.0)
    (place / "WSI" / "A01.xml").write_text(OUTLINE)
    return place


def run(dataset: Path, bundle: str = "selftest", **options: Any) -> int:
    """The command, with its options left at what a user does not give."""
    given: dict[str, Any] = {
        "output": None,
        "split": None,
        "part": None,
        "mpp": 1.0,
        "patients": None,
        "device": "cpu",
        "as_json": True,
    }
    return evaluate(bundle, dataset, **(given | options))


def test_the_document_says_what_is_known_of_the_photos(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(folder) == 0
    out, err = capfd.readouterr()
    document = json.loads(out)
    check_schema("evaluate", document)
    assert document["data"]["photos"] == 16
    assert document["data"]["patients"] == 8
    assert document["data"]["classes"] == ["Normal", "Benign", "InSitu", "Invasive"]
    photo = document["photo"]
    assert photo["accuracy"] == 15 / 16
    assert photo["confusion"] == [[4, 0, 0, 0], [0, 3, 0, 1], [0, 0, 4, 0], [0, 0, 0, 4]]
    assert photo["accuracy_ci"][0] < 15 / 16 < photo["accuracy_ci"][1]
    assert document["carcinoma"]["specificity"] == 7 / 8
    assert document["patch"]["accuracy"] == pytest.approx(15 / 16)
    assert document["data"]["patches"] == document["patch"]["samples"] > 16
    assert len(document["members"]) == 6
    assert document["bundle"]["name"] in document["provenance"]["bundle"]
    assert document["slides"] is None
    assert document["report"] is None
    assert "it is unknown whether the bundle was trained on these photos" in err
    assert "was not trained on tissue" in err
    assert len(document["warnings"]) == 2


def test_photos_without_tissue_count_in_no_figure_and_it_says_so(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "with glass"
    shutil.copytree(folder, place)
    for number in (21, 22):
        noise = np.random.default_rng(number).integers(-3, 4, (192, 256, 3))
        glass = Image.fromarray((240 + noise).astype(np.uint8))
        glass.save(place / "Photos" / "Normal" / f"n0{number}.png")
    assert run(place) == 0
    out, err = capfd.readouterr()
    document = json.loads(out)
    check_schema("evaluate", document)
    assert (document["data"]["photos"], document["photo"]["accuracy"]) == (16, 15 / 16)
    assert [entry["file"] for entry in document["not_judged"]] == ["n021.png", "n022.png"]
    assert {entry["state"] for entry in document["not_judged"]} == {"no tissue"}
    said = (
        "2 of the 18 photos were not judged and count in no figure (2 no tissue): n021.png, "
        "n022.png. With them as wrong answers, the accuracy would be 83.3 %."
    )
    assert said in err
    assert said in document["warnings"]


def test_people_get_tables_and_a_report_without_paths(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "new" / "Bericht ü.html"
    assert run(folder, output=report, as_json=False) == 0
    out, err = capfd.readouterr()
    for wanted in ("0.938", "balanced accuracy", "Invasive", "ensemble", "carcinoma", "threshold"):
        assert wanted in out
    assert "research use only" in err
    assert [path.name for path in report.parent.iterdir()] == [report.name]
    text = report.read_text("utf-8")
    assert "93.8 %" in text
    assert "was not trained on tissue" in text
    assert str(folder) not in text


def test_photos_that_the_bundle_was_trained_on_are_reported(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    photos = read_dataset(folder, mpp=1.0).photos
    parts = ["train" if p.name.endswith(("01", "02")) else "test" for p in photos]
    parts[-1] = "held"
    write_split(tmp_path / "split.csv", photos, parts, classes=BACH_CLASSES)
    assert run(folder, split=tmp_path / "split.csv") == 0
    out, err = capfd.readouterr()
    assert "8 of the 16 photos are in the part train of split.csv: it was trained on them" in err
    assert "1 of the 16 photos are in the part held of split.csv: the classifiers" in err
    assert any("part train" in sentence for sentence in json.loads(out)["warnings"])

    assert run(folder, split=tmp_path / "split.csv", part="test") == 0
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert document["data"]["photos"] == 7
    assert document["provenance"]["part"] == "test"
    assert "learnt" not in err

    with pytest.raises(DatasetError, match=r"part tset of split\.csv; its parts are: held, test"):
        run(folder, split=tmp_path / "split.csv", part="tset")


def test_slides_are_scored_and_a_bad_one_is_named(
    with_slide: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(with_slide) == 0
    document = json.loads(capfd.readouterr().out)
    check_schema("evaluate", document)
    slides = document["slides"]
    assert [slide["name"] for slide in slides["slides"]] == ["A01.tiff"]
    assert slides["per_class"]["Invasive"]["iou"] > 0.95
    assert slides["score"] > 0.95

    # Nothing tells its pixel size.
    (with_slide / "WSI" / "A02.xml").write_text(OUTLINE.replace(' MicronsPerPixel="1.0"', ""))
    write_pyramid(with_slide / "WSI" / "A02.tiff", np.full((512, 512, 3), 99, np.uint8), mpp=None)
    assert run(with_slide) == 3
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert [slide["name"] for slide in document["slides"]["slides"]] == ["A01.tiff"]
    assert "A02.tiff" in err
    assert any("A02.tiff" in sentence for sentence in document["warnings"])

    assert run(with_slide, with_slides=False, as_json=False) == 0
    assert "Part B" not in capfd.readouterr().out


def test_a_bundle_of_other_classes_is_refused(folder: Path, tmp_path: Path) -> None:
    bundle = edit_manifest(
        unpacked(tmp_path / "bundle"), lambda document: document["classes"][1].update(key="Other")
    )
    keys = np.array(["Normal", "Other", "InSitu", "Invasive"])
    edit_arrays(bundle / "golden.npz", lambda arrays: arrays.update(class_keys=keys))
    path = packed(rehash(bundle), tmp_path / "other.bachmodel")
    with pytest.raises(UsageError, match="Normal, Other, InSitu, Invasive, those of the data set"):
        run(folder, str(path))


def test_a_folder_without_known_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        run(tmp_path)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"part": "test"}, UsageError, "--split"),
        ({"output": Path("report.pdf")}, UsageError, r"such as report\.html"),
        ({"mpp": 500.0}, UsageError, "implausible"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_work(
    folder: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(folder, **options)


def test_a_report_that_cannot_be_written_is_said_before_the_work(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match=r"report\.html cannot be written"):
        run(folder, "selftest", output=tmp_path / "file" / "report.html")


def test_ctrl_c_ends_it_and_nothing_is_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interrupt reaches the main thread while the lane is at work."""
    import concurrent.futures

    from bachview.api import measuring

    is_cancelled = threading.Event()

    def judge(*_: object, token: CancelToken, **__: object) -> list[object]:
        while True:
            try:
                token.check()
            except Cancelled:
                is_cancelled.set()
                raise

    real = concurrent.futures.wait
    waited = []

    def wait(*arguments: Any, **options: Any) -> Any:
        waited.append(arguments)
        if len(waited) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(measuring, "try_photos", judge)
    monkeypatch.setattr(concurrent.futures, "wait", wait)
    with pytest.raises(Cancelled):
        run(folder, output=tmp_path / "report.html")
    assert is_cancelled.is_set()
    assert not list(tmp_path.glob("*report*"))
