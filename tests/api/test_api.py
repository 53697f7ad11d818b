"""The public door, used as a notebook uses it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import bachview
from bachview.core.cell_state import CellState
from bachview.core.stains import STAIN_COLORS
from bachview.errors import DatasetError, LockedError, UsageError
from bachview.inference.photos import PhotoPrediction
from bachview.phantom.writer import write_phantom
from tests.support.policies import set_policy
from tests.support.slides import gradient, write_pyramid


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api") / "phantom.tiff"
    write_phantom(path, width=3000, height=2400)
    return path


@pytest.fixture(scope="module")
def predicted(phantom: Path) -> bachview.Prediction:
    with bachview.open_slide(phantom) as slide, bachview.load_ensemble("selftest") as ensemble:
        return bachview.classify(slide, ensemble)


def test_the_import_is_quick_and_loads_no_heavy_library() -> None:
    code = (
        "import sys; import bachview; "
        "heavy = {'PySide6', 'tensorflow', 'sklearn', 'openvino', 'numpy', 'PIL'}; "
        "bad = heavy & set(sys.modules); "
        "assert not bad, bad; assert 'classify' in dir(bachview)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_every_public_name_is_there_and_others_are_not() -> None:
    for name in bachview.__all__:
        assert getattr(bachview, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = bachview.no_such_name


def test_a_region_is_read_at_a_place_in_level_0_whatever_the_level(tmp_path: Path) -> None:
    picture = gradient(2048, 1536)
    path = write_pyramid(tmp_path / "slide.tiff", picture, mpp=0.5, factors=(4,))
    with bachview.open_slide(path) as slide:
        assert slide.size == (2048, 1536)
        assert slide.mpp == pytest.approx((0.5, 0.5))
        assert [level.downsample for level in slide.levels[:2]] == [1.0, 4.0]
        exact = slide.read_region((800, 400), 0, (40, 30))
        np.testing.assert_array_equal(exact, picture[400:430, 800:840])
        coarse = slide.read_region((800, 400), 1, (10, 7))
        mean = picture[400:428, 800:840].reshape(7, 4, 10, 4, 3).mean((1, 3))
        assert np.abs(coarse.astype(float) - mean).max() <= 1
        half = slide.read_region((800, 400), None, (20, 15), downsample=2.0)
        assert (
            np.abs(
                half.astype(float) - picture[400:430, 800:840].reshape(15, 2, 20, 2, 3).mean((1, 3))
            ).max()
            <= 1
        )
        assert slide.thumbnail(512).shape == (384, 512, 3)
        assert slide.properties["openslide.mpp-x"] == "0.5"
        wrongs: list[Callable[[], object]] = [
            lambda: slide.read_region((0, 0), None, (9, 9)),
            lambda: slide.read_region((0, 0), 0, (9, 9), downsample=2.0),
            lambda: slide.read_region((0, 0), 9, (9, 9)),
            lambda: slide.read_region((0, 0), 0, (0, 9)),
            lambda: slide.read_region((0, 0), None, (9, 9), downsample=-1.0),
        ]
        for wrong in wrongs:
            with pytest.raises(UsageError):
                wrong()


def test_a_region_past_the_edge_is_white_there(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "slide.tiff", np.zeros((600, 800, 3), np.uint8))
    with bachview.open_slide(path) as slide:
        for pixels in (
            slide.read_region((790, 590), 0, (20, 20)),
            slide.read_region((780, 580), None, (20, 20), downsample=2.0),
        ):
            assert (pixels[:9, :9] == 0).all()
            assert (pixels[12:, 12:] == 255).all()


def test_a_stated_pixel_size_is_used_and_a_silly_one_refused(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "slide.tiff", gradient(600, 500), mpp=None)
    with bachview.open_slide(path, mpp=0.25) as slide:
        assert slide.mpp == (0.25, 0.25)
        assert slide.tissue().mask.dtype == np.bool_
    with bachview.open_slide(path) as slide:
        assert slide.mpp is None
        with pytest.raises(bachview.BachviewError, match="mpp"):
            slide.tissue()
    with pytest.raises(UsageError, match="implausible"):
        bachview.open_slide(path, mpp=400)


def test_a_table_has_every_cell_with_tissue_once(predicted: bachview.Prediction) -> None:
    table = predicted.to_array()
    cells = predicted.cells
    assert len(table) == int((cells.states != CellState.NO_TISSUE).sum()) > 20
    assert len({(r, c) for r, c in zip(table["row"], table["column"], strict=True)}) == len(table)
    keys, names = predicted.classes.keys, [c.name for c in predicted.classes]
    for record in table:
        row, column = record["row"], record["column"]
        assert record["x"] == pytest.approx(predicted.grid.cell(row, column).x)
        found = cells.patch_result(row, column)
        assert found is not None
        np.testing.assert_allclose([record[f"prob_{k}"] for k in keys], found.probabilities)
        if record["state"] == "classified":
            assert record["class"] == names[int(found.probabilities.argmax())]
        else:
            assert (record["state"], record["class"]) == ("uncertain", "")
        for index, name in enumerate(cells.member_names):
            assert record[f"class_{name}"] == names[int(found.members[index].argmax())]


def test_a_frame_is_the_array_and_the_array_does_without_pandas(
    predicted: bachview.Prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = predicted.to_frame()
    table = predicted.to_array()
    assert list(frame.columns) == list(table.dtype.names or ())  # type: ignore[union-attr]
    assert frame["class"].tolist() == table["class"].tolist()
    monkeypatch.setitem(sys.modules, "pandas", None)
    np.testing.assert_array_equal(predicted.to_frame(), table)


def test_parts_of_a_slide_add_up_to_the_whole(predicted: bachview.Prediction) -> None:
    whole = predicted.summary()
    width, height = predicted.slide.size
    halves = [predicted.summary((x, 0, width / 2, height)) for x in (0, width / 2)]
    assert sum(half.tissue_mm2 for half in halves) == pytest.approx(whole.tissue_mm2)
    for index in range(len(predicted.classes)):
        parts = [half.classes[index].part.area_mm2 for half in halves]
        assert sum(parts) == pytest.approx(whole.classes[index].part.area_mm2)
    with pytest.raises(UsageError, match="does not lie on"):
        predicted.summary((width * 3, 0, 10, 10))


def test_the_overlay_has_the_colour_of_the_cell_in_its_place(
    predicted: bachview.Prediction,
) -> None:
    width, height = predicted.slide.size
    rgba = predicted.overlay((width // 10, height // 10), opacity=1.0)
    assert rgba.shape == (height // 10, width // 10, 4)
    table = predicted.to_array()
    colors = {c.name: c.color for c in predicted.classes}
    seen = 0
    for record in table[table["state"] == "classified"]:
        x = int((record["x"] + record["width"] / 2) // 10)
        y = int((record["y"] + record["height"] / 2) // 10)
        if x < rgba.shape[1] and y < rgba.shape[0]:
            assert tuple(rgba[y, x]) == (*colors[record["class"]], 255)
            seen += 1
    assert seen > 20
    assert not rgba[..., 3][~_covered(predicted, rgba.shape[:2])].any()


def _covered(prediction: bachview.Prediction, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Px of a picture, 10 level-0 px each, whose middle lies in a cell with tissue."""
    grid = prediction.grid
    rows = ((np.arange(shape[0]) + 0.5) * 10 - grid.region.y) // grid.stride_y
    columns = ((np.arange(shape[1]) + 0.5) * 10 - grid.region.x) // grid.stride_x
    rows, columns = rows.astype(int), columns.astype(int)
    in_rows = (rows >= 0) & (rows < grid.rows)
    in_columns = (columns >= 0) & (columns < grid.columns)
    tissue = prediction.cells.states != CellState.NO_TISSUE
    at = np.ix_(rows.clip(0, grid.rows - 1), columns.clip(0, grid.columns - 1))
    return np.asarray(in_rows[:, None] & in_columns[None] & tissue[at], np.bool_)


def test_files_are_written_with_their_origin(phantom: Path, tmp_path: Path) -> None:
    with bachview.open_slide(phantom) as slide, bachview.load_ensemble("selftest") as ensemble:
        assert ensemble.card.startswith("#")
        found = bachview.classify(slide, ensemble, (0, 0, 1500, 1200), keep=tmp_path / "results")
        found.to_geojson(tmp_path / "p.geojson")
        found.to_csv(tmp_path / "p.csv")
        found.to_png(tmp_path / "p.png")
        found.save(tmp_path / "p.json")
        found.save(tmp_path / "same", "csv")
        with pytest.raises(UsageError, match=r"p\.doc is not a kind of file.*csv"):
            found.save(tmp_path / "p.doc")
        told: list[tuple[int, int]] = []
        again = bachview.classify(
            slide,
            ensemble,
            (0, 0, 1500, 1200),
            keep=tmp_path / "results",
            progress=lambda done, total: told.append((done, total)),
        )
    assert not told, "what was kept is not computed again"
    np.testing.assert_array_equal(again.cells.states, found.cells.states)
    document = json.loads((tmp_path / "p.geojson").read_text(encoding="utf-8"))
    assert document["provenance"]["bundle_sha256"] == found.provenance.bundle_sha256
    in_regions = [f["properties"]["measurements"]["cells"] for f in document["features"]]
    assert sum(in_regions) == len(found.to_array())
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.width > 500
    assert (tmp_path / "same").read_bytes() == (tmp_path / "p.csv").read_bytes()
    summary = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    assert summary["output"] == {"summary": str(tmp_path / "p.json")}
    assert (tmp_path / "p.csv").read_text().count("\n") == 1 + len(found.to_array())


def test_files_of_a_region_say_so_and_may_leave_out_the_name(phantom: Path, tmp_path: Path) -> None:
    region = (900.0, 700.0, 600.0, 500.0)
    with bachview.open_slide(phantom) as slide, bachview.load_ensemble("selftest") as ensemble:
        found = bachview.classify(slide, ensemble, region)
        assert (found.measured, found.warnings) == (ensemble.bundle.manifest.measured, ())
        for names in (True, False):
            found.save(tmp_path / "p.json", region=region, names=names)
            found.to_csv(tmp_path / "p.csv", region=region, names=names)
            found.to_geojson(tmp_path / "p.geojson", region=region, names=names)
            found.to_png(tmp_path / "p.png", region=region, names=names)
            summary, geojson, sidecar = (
                json.loads((tmp_path / name).read_text(encoding="utf-8"))
                for name in ("p.json", "p.geojson", "p.csv-metadata.json")
            )
            assert summary["scope"]["region_px"] == list(region)
            assert summary["scope"]["judged_share"] == 1
            assert summary["pending"]["patches"] == 0
            assert summary["slide"]["name"] == (phantom.name if names else None)
            assert (phantom.name in summary["statement"]) is names
            assert summary["statement"] == geojson["statement"] == sidecar["dc:description"]
            with Image.open(tmp_path / "p.png") as picture:
                assert picture.info["Description"] == summary["statement"]
            assert (tmp_path / "p.csv").read_text().count("\n") == 1 + summary["patches"]
        found.to_csv(tmp_path / "all.csv")
        assert (tmp_path / "all.csv").read_text().count("pending") > 0
        for path in (tmp_path / "no.csv", tmp_path / "no.png"):
            with pytest.raises(UsageError, match="scanned part"):
                found.save(path, region=(1e6, 0, 10, 10))
            assert not path.exists()


def test_a_cancelled_run_says_so_and_keeps_what_it_did(phantom: Path, tmp_path: Path) -> None:
    token = bachview.CancelToken()
    done: list[int] = []

    def progress(finished: int, total: int) -> None:
        done.append(finished)
        token.cancel()

    with bachview.open_slide(phantom) as slide, bachview.load_ensemble("selftest") as ensemble:
        with pytest.raises(bachview.Cancelled):
            bachview.classify(slide, ensemble, keep=tmp_path, progress=progress, cancel=token)
        rest: list[int] = []
        bachview.classify(
            slide, ensemble, keep=tmp_path, progress=lambda finished, _: rest.append(finished)
        )
    assert rest[0] > done[-1], "goes on where it was stopped"


def test_a_closed_slide_gives_no_pixels_but_its_tables_stay(
    phantom: Path, predicted: bachview.Prediction, tmp_path: Path
) -> None:
    with bachview.open_slide(phantom) as slide:
        pass
    with bachview.load_ensemble("selftest") as ensemble:
        reads: list[Callable[[], object]] = [
            lambda: slide.read_region((0, 0), 0, (9, 9)),
            lambda: slide.thumbnail(64),
            slide.tissue,
            lambda: bachview.classify(slide, ensemble),
            lambda: predicted.to_png(tmp_path / "late.png"),
        ]
        for read in reads:
            with pytest.raises(UsageError, match=r"phantom\.tiff is closed"):
                read()
    assert not (tmp_path / "late.png").exists()
    predicted.to_csv(tmp_path / "late.csv")
    assert slide.size == (3000, 2400)


def test_a_region_beyond_the_memory_is_refused_in_a_sentence(
    phantom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_much(*_: object) -> None:
        raise MemoryError

    with bachview.open_slide(phantom) as slide:
        monkeypatch.setattr(slide.reader, "read", too_much)
        with pytest.raises(UsageError, match="10000000 x 9 px do not fit into memory"):
            slide.read_region((0, 0), 0, (10_000_000, 9))
        with pytest.raises(UsageError, match="do not fit into memory"):
            slide.read_region((0, 0), None, (9, 9), downsample=1e6)


@pytest.mark.parametrize("region", [(0, 0, 5), (0, 0, 5, 5, 5), (0, 0, 5, 0), (0, 0, 5, -1)])
def test_a_region_without_four_numbers_or_area_is_refused(
    predicted: bachview.Prediction, region: tuple[float, float, float, float]
) -> None:
    with pytest.raises(UsageError, match="region is"):
        predicted.summary(region)


def test_what_is_printed_can_be_read(predicted: bachview.Prediction) -> None:
    of, *lines = str(predicted.summary()).splitlines()
    assert of == "Whole slide"
    of_region = str(predicted.summary((0, 10, 700, 500)))
    assert of_region.startswith("Region 700 × 500 px at 0, 10\n")
    found = predicted.summary()
    assert [line.split("  ")[0] for line in lines] == [
        *(row.name for row in found.classes),
        "Uncertain",
        "Outside the training material",
        "Not yet classified",
        "Failed to read",
        "All tissue",
    ]
    assert f"{found.tissue.patches:,} cells" in lines[-1]
    assert lines[-1].endswith("100.0%")
    assert repr(predicted).startswith("<Prediction of phantom.tiff, ")
    with bachview.load_ensemble("selftest") as ensemble:
        assert repr(ensemble).endswith(", 6 members>")
        with pytest.raises(UsageError, match=r"not uint8 of shape \(5, 5, 3\)"):
            ensemble.predict(np.zeros((5, 5, 3), np.uint8))


def test_a_photo_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with bachview.load_ensemble("selftest") as ensemble:
        (found,) = bachview.predict_photos([tmp_path / "gone.png"], ensemble)
    assert str(found) == "gone.png was not found; check its name and its drive."


def test_photos_answer_in_their_order_and_one_without_a_class_gives_the_reason(
    tmp_path: Path,
) -> None:
    good, bad, dark = (tmp_path / f"{name}.png" for name in ("good", "bad", "dark"))
    Image.new("RGB", (400, 300), STAIN_COLORS["InSitu"]).save(good)
    Image.fromarray(gradient(400, 300)).save(dark)
    bad.write_bytes(b"no picture")
    with bachview.load_ensemble("selftest") as ensemble:
        found = bachview.predict_photos([bad, dark, good], ensemble, mpp=0.5)
        (coarse,) = bachview.predict_photos([good], ensemble, mpp=2)
        (anyway,) = bachview.predict_photos([good], ensemble, mpp=2, anyway=True)
    assert isinstance(found[0], bachview.BachviewError)
    assert isinstance(found[1], bachview.NoTissueError)
    assert "fluorescence" in found[1].sentences[0]
    assert isinstance(found[2], PhotoPrediction)
    assert found[2].photo_probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert isinstance(coarse, bachview.UnsuitableSlideError)
    assert isinstance(anyway, PhotoPrediction)
    assert anyway.warnings == coarse.sentences


def test_a_data_set_is_measured_with_what_a_reader_must_know(
    tmp_path: Path, own_policy: Path
) -> None:
    from tests.support.tiny_training import write_dataset

    data = write_dataset(tmp_path)
    for folder in (data / "Photos").iterdir():
        for photo in sorted(folder.iterdir())[3:]:
            photo.unlink()
    dataset = bachview.read_dataset(data, mpp=1.0)
    told: list[str] = []
    with bachview.load_ensemble("selftest") as ensemble:
        measured = bachview.evaluate(
            ensemble, dataset, progress=lambda what, done, total: told.append(what)
        )
        with pytest.raises(UsageError, match="split"):
            bachview.evaluate(ensemble, dataset, part="train")
    assert measured.evaluation.photos == len(dataset.photos)
    assert set(told) == {"photos"}
    assert any("it is unknown" in sentence for sentence in measured.warnings)
    assert any("tissue" in sentence for sentence in measured.warnings)
    measured.write_report(tmp_path / "report.html")
    assert "not trained on tissue" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert measured.to_document()["bundle"]["name"] == measured.bundle_name

    # The report names slides: it is in the audit log, and refused where names are not allowed.
    policy = f'audit_folder = "{tmp_path.as_posix()}"\nnames_in_exports = false\nlocked = '
    set_policy(own_policy, f"{policy}[]")
    measured.write_report(tmp_path / "second.html")
    (log,) = tmp_path.glob("bachview-audit-*.jsonl")
    entry = json.loads(log.read_text("ascii"))
    assert (entry["action"], entry["output"]) == ("export", [str(tmp_path / "second.html")])
    set_policy(own_policy, f'{policy}["names_in_exports"]')
    with pytest.raises(LockedError, match="names its slides"):
        measured.write_report(tmp_path / "third.html")
    assert not (tmp_path / "third.html").exists()
    with pytest.raises(DatasetError):
        bachview.read_dataset(tmp_path / "nowhere")


def test_a_coarse_region_of_a_slide_without_coarse_levels_is_read_in_strips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bachview.api import resampling

    picture = gradient(2000, 1500)
    path = write_pyramid(tmp_path / "flat.tiff", picture, factors=())
    with bachview.open_slide(path) as slide:
        whole = slide.read_region((3.7, 5.2), None, (60, 45), downsample=32.5)
        monkeypatch.setattr(resampling, "_STRIP_PX", 60 * 40 * 40)
        largest = 0
        read = slide.reader.read

        def watched(level: int, x: int, y: int, width: int, height: int) -> npt.NDArray[np.uint8]:
            nonlocal largest
            largest = max(largest, width * height)
            return read(level, x, y, width, height)

        monkeypatch.setattr(slide.reader, "read", watched)
        strips = slide.read_region((3.7, 5.2), None, (60, 45), downsample=32.5)
    assert largest <= 2 * 60 * 40 * 40
    assert np.abs(strips.astype(int) - whole).max() <= 1


def test_numbers_that_make_no_sense_are_refused_with_a_sentence(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "slide.tiff", gradient(600, 500))
    with bachview.open_slide(path) as slide:
        for place in ((float("nan"), 0), (0, float("inf"))):
            with pytest.raises(UsageError):
                slide.read_region(place, 0, (9, 9))
    with bachview.load_ensemble("selftest") as ensemble, pytest.raises(UsageError, match="list"):
        bachview.predict_photos("photo.png", ensemble)
    with pytest.raises(UsageError, match="-5 seed"):
        bachview.TrainingRequest("photos", "run", seed=-5).read_recipe()
    with pytest.raises(UsageError, match="1 folds"):
        bachview.TrainingRequest("photos", "run", folds=1).read_recipe()
    with pytest.raises(DatasetError):
        bachview.train(bachview.TrainingRequest(str(tmp_path / "none"), str(tmp_path / "run")))


def test_results_that_were_set_aside_are_told(
    phantom: Path, tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    region = (0, 0, 700, 600)
    with bachview.open_slide(phantom) as slide, bachview.load_ensemble("selftest") as ensemble:
        bachview.classify(slide, ensemble, region, keep=tmp_path)
        (kept,) = (path for path in tmp_path.iterdir() if path.suffix == ".sqlite")
        kept.write_bytes(b"no database at all" * 100)
        with pytest.warns(UserWarning, match="damaged"):
            bachview.classify(slide, ensemble, region, keep=tmp_path)
