"""``bachview predict``: CSV, JSON, submission, refusals; with the self-test bundle."""

import concurrent.futures
import csv
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from bachview.cli.predict import predict
from bachview.core.classes import BACH_CLASSES
from bachview.core.stains import STAIN_COLORS
from bachview.datasets import photo_mpp
from bachview.errors import Cancelled
from bachview.inference import photos
from bachview.slide.formats import image_adapter, image_decoding
from tests.support.cli import Cli, check_schema

KEYS = BACH_CLASSES.keys
NAMES = tuple(c.name for c in BACH_CLASSES)
MEMBERS = [
    *("RGB network", "Opponent network", "Mixed network"),
    *("Random forest", "Gradient boosting", "Support vectors"),
]


def paint(path: Path, key: str, *, mpp: float | None = 1.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(path.name)).integers(-6, 7, (192, 256, 3))
    pixels = (np.array(STAIN_COLORS[key]) + noise).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels)
    if mpp is None:
        picture.save(path)
    else:
        picture.save(path, dpi=(25_400 / mpp, 25_400 / mpp))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``test2`` Normal, ``test10`` Benign, ``test11`` InSitu, ``test30`` Invasive, and a note."""
    folder = tmp_path / "Test set ü"
    for number, key in zip((2, 10, 11, 30), KEYS, strict=True):
        paint(folder / f"test{number}.png", key)
    (folder / "read me.txt").write_text("no photo")
    (folder / "._test2.png").write_bytes(b"litter")
    return folder


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_photo_has_a_line(cli: Cli, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "out.csv"
    answer = cli("predict", "selftest", folder, "--output", output, "--device", "cpu")
    assert answer.code == 0
    assert "Invasive" in answer.out
    assert "was not trained on tissue" in answer.err
    lines = lines_of(output)
    assert list(lines[0]) == [
        *("file", "state", "class"),
        *(f"prob_{key}" for key in KEYS),
        *("entropy", "disagreement"),
        *MEMBERS,
        *("patches", "failed_patches", "outside_patches", "note"),
    ]
    assert [Path(line["file"]).name for line in lines] == [
        f"test{number}.png" for number in (2, 10, 11, 30)
    ]
    assert [line["class"] for line in lines] == list(NAMES)
    for line in lines:
        probabilities = [float(line[f"prob_{key}"]) for key in KEYS]
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert NAMES[int(np.argmax(probabilities))] == line["class"]
        assert {line[name] for name in MEMBERS} == {line["class"]}
        assert float(line["disagreement"]) == 0
        assert 0 <= float(line["entropy"]) < 1


def test_of_a_stack_the_chosen_plane_is_judged_and_named(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    planes = [np.asarray(Image.open(folder / f"test{number}.png")) for number in (2, 30)]
    path, output = tmp_path / "stack.tif", tmp_path / "out.csv"
    facts: dict[str, Any] = {"axes": "ZYXS", "unit": "um"}
    tifffile.imwrite(path, np.stack(planes), imagej=True, resolution=(1, 1), metadata=facts)
    for chosen, plane, key in (((), 1, NAMES[0]), (("--plane", 2), 2, NAMES[3])):
        answer = cli("predict", "selftest", path, "-o", output, "--device", "cpu", *chosen)
        assert answer.code == 0
        (line,) = lines_of(output)
        assert (line["class"], line["note"]) == (key, f"Judged: focal plane {plane} of 2.")
    answer = cli("predict", "selftest", path, "-o", output, "--device", "cpu", "--plane", 3)
    assert "stack.tif has no focal plane 3" in answer.err


def test_the_document_keeps_to_its_schema(cli: Cli, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    # The same file twice is one photo.
    files = (folder / "test30.png", folder)
    answer = cli("predict", "selftest", *files, "-o", output, "--device", "cpu", "--json")
    assert answer.code == 0
    document = answer.document
    check_schema("predict", document)
    assert [entry["class"] for entry in document["photos"]] == [NAMES[3], *NAMES[:3]]
    assert {entry["mpp_origin"] for entry in document["photos"]} == {"file"}
    assert {entry["patches"] for entry in document["photos"]} == {12}
    assert document["output"] == str(output)
    for entry, line in zip(document["photos"], lines_of(output), strict=True):
        assert (entry["file"], entry["class"]) == (line["file"], line["class"])


def test_a_submission_is_what_the_challenge_asks_for(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "submission.csv"
    paint(folder / "more" / "test5.png", "Invasive")
    answer = cli(
        *("predict", "selftest", folder, "-o", output, "--bach-submission", "--device", "cpu")
    )
    assert answer.code == 0
    assert output.read_bytes() == b"case,class\n2,0\n5,3\n10,1\n11,2\n30,3\n"


def test_a_submission_needs_numbers(cli: Cli, folder: Path, tmp_path: Path) -> None:
    paint(folder / "unknown.png", "Normal")
    output = tmp_path / "submission.csv"
    answer = cli("predict", "selftest", folder, "-o", output, "--bach-submission")
    assert answer.code == 2
    assert "unknown.png has no case number" in answer.err
    assert not output.exists()


def test_a_photo_that_cannot_be_classified_is_named_and_the_rest_goes_on(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    paint(folder / "test40.png", "Benign", mpp=None)
    (folder / "test41.png").write_text("no picture")
    output = tmp_path / "out.csv"
    arguments = ("predict", "selftest", folder, tmp_path / "gone.png", "-o", output, "--json")
    answer = cli(*arguments, "--device", "cpu")
    assert answer.code == 3
    states = [line["state"] for line in lines_of(output)]
    assert states == [*["classified"] * 4, *["failed"] * 3]
    for text in (
        "test40.png states no plausible pixel size",
        "test41.png",
        "gone.png was not found",
    ):
        assert text in answer.err
    check_schema("predict", answer.document)
    names = [Path(entry["file"]).name for entry in answer.document["failed"]]
    assert sorted(names) == ["gone.png", "test40.png", "test41.png"]

    answer = cli(*arguments, "--device", "cpu", "--mpp", "1.0")
    assert answer.code == 3
    assert [line["state"] for line in lines_of(output)].count("classified") == 5
    assert {entry["mpp_origin"] for entry in answer.document["photos"]} == {"given"}
    names = [Path(entry["file"]).name for entry in answer.document["failed"]]
    assert sorted(names) == ["gone.png", "test41.png"]
    assert "stated" not in answer.err

    answer = cli(*arguments, "--device", "cpu", "--mpp", "2.0")
    (said,) = [line for line in answer.err.splitlines() if "stated" in line]
    assert "you stated 2 µm, 2 times larger. 3 more photos contradict it too. 2 µm is used." in said
    doubt = "The file states 1 µm per pixel; you stated 2 µm, 2 times larger."
    assert [line["note"].startswith(doubt) for line in lines_of(output)].count(True) == 4
    assert sum(entry["note"].startswith(doubt) for entry in answer.document["photos"]) == 4


@pytest.mark.parametrize("moment", ["after its header", "before its pixels", "after its pixels"])
def test_a_photo_that_changes_meanwhile_gets_no_answer(
    moment: str, cli: Cli, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = folder / "test10.png"

    def overwrite(path: Path) -> None:
        if path == changed:
            paint(path, "Invasive")

    if moment == "after its header":
        find_mpp = photo_mpp.photo_mpp

        def found(path: Path, given: float | None = None) -> photo_mpp.PhotoMpp:
            answer = find_mpp(path, given)
            overwrite(path)
            return answer

        monkeypatch.setattr(photo_mpp, "photo_mpp", found)
    else:
        decode = image_decoding.decode

        def decoded(path: Path, *rest: Any) -> None:
            if moment == "before its pixels":
                overwrite(path)
            decode(path, *rest)
            if moment == "after its pixels":
                overwrite(path)

        monkeypatch.setattr(image_adapter, "decode", decoded)
    output = tmp_path / "out.csv"
    answer = cli("predict", "selftest", folder, "-o", output, "--device", "cpu", "--json")
    assert answer.code == 3
    assert "test10.png has changed" in answer.err
    classified = [line for line in lines_of(output) if line["class"]]
    assert len(classified) == len(answer.document["photos"]) == 3
    assert [Path(entry["file"]).name for entry in answer.document["failed"]] == ["test10.png"]


def test_where_nothing_can_be_classified_nothing_is_written(cli: Cli, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    answer = cli("predict", "selftest", tmp_path / "gone.png", "-o", output, "--device", "cpu")
    assert answer.code == 3
    assert "gone.png was not found" in answer.err
    assert not output.exists()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({"files": "empty"}, 3, "contains no photos"),
        ({"output": "."}, 2, "is a folder"),
        ({"mpp": "400"}, 2, "implausible"),
        ({"bundle": "nobody"}, 3, "There is no model nobody"),
    ],
)
def test_refusals_come_before_the_work(
    cli: Cli, folder: Path, tmp_path: Path, options: dict[str, str], code: int, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    files = tmp_path / options.get("files", folder.name)
    output = tmp_path / options.get("output", "out.csv")
    more = ("--mpp", options["mpp"]) if "mpp" in options else ()
    answer = cli("predict", options.get("bundle", "selftest"), files, "-o", output, *more)
    assert answer.code == code
    assert said in answer.err
    assert not list(tmp_path.glob("*out.csv*"))


def test_a_place_that_cannot_be_written_is_told_before_the_work_by_its_name(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    answer = cli("predict", "selftest", folder, "-o", tmp_path / "file" / "out.csv")
    assert answer.code == 3
    assert "out.csv cannot be written" in answer.err


def test_ctrl_c_ends_it_and_nothing_is_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = concurrent.futures.wait
    waited = []

    def wait(*arguments: Any, **options: Any) -> Any:
        waited.append(arguments)
        if len(waited) == 1:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(concurrent.futures, "wait", wait)
    with pytest.raises(Cancelled):
        predict(
            "selftest",
            [folder] * 3,
            output=tmp_path / "out.csv",
            mpp=None,
            bach_submission=False,
            device="cpu",
            as_json=False,
        )
    assert not list(tmp_path.glob("*out.csv*"))


def interrupt_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C when `count` photos have been classified."""
    pressed = threading.Event()
    done: list[object] = []
    real_wait, real_judge = concurrent.futures.wait, photos._judge

    def judge(*arguments: Any, **options: Any) -> Any:
        if len(done) == count:
            pressed.set()
            while True:  # until cancelled
                arguments[2].check()
        done.append(real_judge(*arguments, **options))
        return done[-1]

    def wait(*arguments: Any, **options: Any) -> Any:
        if pressed.is_set():
            pressed.clear()
            raise KeyboardInterrupt
        return real_wait(*arguments, **options)

    monkeypatch.setattr(photos, "_judge", judge)
    monkeypatch.setattr(concurrent.futures, "wait", wait)


def test_photos_done_before_ctrl_c_are_written(
    cli: Cli, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_after(2, monkeypatch)
    output = tmp_path / "out.csv"
    answer = cli("predict", "selftest", folder, "-o", output, "--device", "cpu", "--json")
    assert answer.code == 4
    assert "2 photos done of 4" in answer.err
    assert [line["class"] for line in lines_of(output)] == list(NAMES[:2])
    document = answer.document
    check_schema("predict", document)
    assert document["cancelled"] is True
    assert len(document["photos"]) == 2


def test_half_a_submission_is_not_written(
    cli: Cli, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_after(2, monkeypatch)
    output = tmp_path / "out.csv"
    answer = cli("predict", "selftest", folder, "-o", output, "--bach-submission")
    assert answer.code == 4
    assert not output.exists()


def glass(path: Path) -> Path:
    noise = np.random.default_rng(1).integers(-3, 4, (192, 256, 3))
    Image.fromarray((240 + noise).astype(np.uint8)).save(path, dpi=(25_400, 25_400))
    return path


def dark(path: Path) -> Path:
    """Blue nuclei on black."""
    picture = np.zeros((192, 256, 3), np.uint8)
    picture[::9, ::7] = (30, 50, 220)
    Image.fromarray(picture).save(path, dpi=(25_400, 25_400))
    return path


def ink(path: Path, colour: tuple[int, int, int]) -> Path:
    """A stroke of a pen on glass."""
    picture = np.full((192, 256, 3), 241, np.uint8)
    picture[60:130, 20:230] = colour
    Image.fromarray(picture).save(path, dpi=(25_400, 25_400))
    return path


def test_a_photo_without_tissue_has_a_state_and_no_class(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    glass(folder / "test31.png")
    dark(folder / "test32.png")
    inks = [
        (30, 30, 32),
        (30, 50, 150),
        (20, 120, 70),
        (200, 30, 40),
        (20, 150, 170),
        (120, 70, 40),
    ]
    for number, colour in enumerate(inks, 33):
        ink(folder / f"test{number}.png", colour)
    output = tmp_path / "out.csv"
    answer = cli("predict", "selftest", folder, "-o", output, "--device", "cpu", "--json")
    assert answer.code == 0
    lines = lines_of(output)
    assert [line["state"] for line in lines] == ["classified"] * 4 + ["no tissue"] * 8
    for line in lines[4:]:
        assert {line[name] for name in ("class", "prob_Normal", "disagreement", *MEMBERS)} == {""}
        assert line["note"].startswith("No H&E tissue: ")
    assert "bare glass" in lines[4]["note"]
    assert "fluorescence" in lines[5]["note"]
    document = answer.document
    check_schema("predict", document)
    assert [entry["state"] for entry in document["photos"]] == [line["state"] for line in lines]
    assert all(entry["class"] is None for entry in document["photos"][4:])
    others = dict.fromkeys(("unsuitable", "outside", "failed"), 0)
    assert document["counts"] == {"classified": 4, "no tissue": 8, **others}
    printed = cli("predict", "selftest", folder, "-o", output, "--device", "cpu")
    assert "no tissue" in printed.out
    assert "test31.png: No H&E tissue: 0 % of the photo absorbs light" in printed.err

    answer = cli(
        *("predict", "selftest", folder / "test31.png", "-o", tmp_path / "glass.csv"),
        *("--device", "cpu", "--anyway"),
    )
    assert answer.code == 0
    assert [line["state"] for line in lines_of(tmp_path / "glass.csv")] == ["no tissue"]


def test_what_the_model_does_not_know_is_refused_unless_it_is_told_to(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    """Pixels twice as coarse as the model's."""
    output = tmp_path / "out.csv"
    photo = folder / "test30.png"
    arguments = ("predict", "selftest", photo, "-o", output, "--device", "cpu", "--json")
    answer = cli(*arguments, "--mpp", "2")
    assert answer.code == 3
    (line,) = lines_of(output)
    assert (line["state"], line["class"]) == ("unsuitable", "")
    assert "The photo's pixels of 2.00 µm are 2.0 times as coarse" in line["note"]
    doubt = "The file states 1 µm per pixel; you stated 2 µm, 2 times larger."
    assert line["note"].startswith(f"{doubt} Not classified:")
    assert answer.err.count(doubt) == 1
    assert line["note"].removeprefix(doubt) in answer.err
    check_schema("predict", answer.document)
    assert [entry["state"] for entry in answer.document["photos"]] == ["unsuitable"]

    answer = cli(*arguments, "--mpp", "2", "--anyway")
    assert answer.code == 0
    (line,) = lines_of(output)
    assert (line["state"], line["class"]) == ("classified", "Invasive")
    found = f"{doubt} Classified although: The photo's pixels of 2.00 µm"
    assert line["note"].startswith(found)
    assert answer.document["photos"][0]["note"] == line["note"]
    assert cli(*arguments, "--mpp", "1.4").code == 0


def test_a_submission_with_a_case_that_has_no_class_is_not_written(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    glass(folder / "test7.png")
    (folder / "test41.png").write_text("no picture")
    output = tmp_path / "submission.csv"
    arguments = ("-o", output, "--bach-submission", "--device", "cpu")
    answer = cli("predict", "selftest", folder, *arguments)
    assert answer.code == 3
    assert "there is none for 7, 41" in answer.err
    assert not output.exists()
    whole = [folder / f"test{number}.png" for number in (2, 10)]
    assert cli("predict", "selftest", *whole, *arguments).code == 0
    assert output.read_bytes() == b"case,class\n2,0\n10,1\n"


def test_half_of_a_table_does_not_replace_a_whole_one(
    cli: Cli, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.csv"
    output.write_text("whole")
    interrupt_after(2, monkeypatch)
    answer = cli("predict", "selftest", folder, "-o", output, "--device", "cpu", "--json")
    assert answer.code == 4
    assert output.read_text() == "whole"
    beside = tmp_path / "out.partial.csv"
    assert [line["class"] for line in lines_of(beside)] == list(NAMES[:2])
    assert answer.document["output"] == str(beside)
    assert f"{beside} has the 2 photos done of 4" in answer.err
