"""What is written is what is known: classes as classes, states as states, whole or not at all."""

import csv
import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from PIL import Image

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.pixel_size import Origin, PixelSize, contradiction_text
from bachview.core.predictions import Prediction
from bachview.core.scope import Statement
from bachview.core.summary import summarize
from bachview.core.tissue_cells import TissueCells
from bachview.core.uncertainty import Thresholds, uncertain
from bachview.errors import ExportError
from bachview.export import geojson
from bachview.export.content import Content
from bachview.export.csv_table import write_csv
from bachview.export.formats import FORMATS, SUMMARY, write_files
from bachview.export.geojson import write_geojson
from bachview.export.legend import entries_of
from bachview.export.options import ExportOptions, Objects, PictureSize
from bachview.export.page import PICTURE_BOX, write_page
from bachview.export.summary_json import summary_document, write_summary_json
from bachview.marks.corrected_cells import agreement, corrected_cells
from bachview.viewing.style import Drawing, OverlayStyle
from tests.support.runs import MEMBERS, grid, provenance, results
from tests.support.slides import ArraySlide

METADATA = "predictions.csv-metadata.json"
ROWS, COLUMNS = 6, 9
THRESHOLDS = Thresholds(confidence=0.4, disagreement=0.9)
CLASS_NAMES = {c.name for c in BACH_CLASSES}
STATES = {"Uncertain", "Not yet classified", "Failed to read"}


@pytest.fixture
def prediction() -> Prediction:
    """Row 0 is glass, row 1 is not done, (2, 0) cannot be read, the rest is classified."""
    tissue = np.ones((ROWS, COLUMNS), np.bool_)
    tissue[0] = False
    made = Prediction(grid(ROWS, COLUMNS), BACH_CLASSES, MEMBERS, TissueCells.centred(tissue))
    cells = [(r, c) for r in range(2, ROWS) for c in range(COLUMNS)]
    made.add(results(cells, failed=[cell == (2, 0) for cell in cells]))
    assert 0 < uncertain(made, THRESHOLDS).sum() < len(cells)
    return made


def stated(prediction: Prediction) -> Statement:
    size = PixelSize.typed(0.5)
    return Statement(summarize(prediction, size, THRESHOLDS), size, "a bundle")


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_for_each_tissue_patch(tmp_path: Path, prediction: Prediction) -> None:
    write_csv(tmp_path / "predictions.csv", prediction, THRESHOLDS)
    rows = _table(tmp_path / "predictions.csv")
    assert len(rows) == (ROWS - 1) * COLUMNS
    for name in ("x", "y", "width", "height", "entropy", "disagreement"):
        assert name in rows[0]
    assert [n for n in rows[0] if n.startswith("prob_")] == [
        f"prob_{key}" for key in BACH_CLASSES.keys
    ]
    assert [n for n in rows[0] if n.startswith("class_")] == [f"class_{m}" for m in MEMBERS]
    by_state = {
        state: [r for r in rows if r["state"] == state]
        for state in ("classified", "uncertain", "pending", "failed")
    }
    assert len(by_state["pending"]) == COLUMNS
    assert len(by_state["failed"]) == 1
    assert len(by_state["uncertain"]) == int(uncertain(prediction, THRESHOLDS).sum())
    for row in by_state["pending"] + by_state["failed"]:
        assert row["class"] == row["prob_Normal"] == row["entropy"] == ""
        assert row[f"class_{MEMBERS[0]}"] == ""
    assert all(row["class"] == "" for row in by_state["uncertain"])
    for row in by_state["classified"]:
        probabilities = {c.name: float(row[f"prob_{c.key}"]) for c in BACH_CLASSES}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-4)
        assert row["class"] == max(probabilities, key=lambda name: probabilities[name])


def test_csv_places_are_level_0_px_of_the_cell(tmp_path: Path, prediction: Prediction) -> None:
    write_csv(tmp_path / "p.csv", prediction, THRESHOLDS)
    first = _table(tmp_path / "p.csv")[0]
    cell = prediction.grid.cell(1, 0)
    found = [float(first[n]) for n in ("x", "y", "width", "height")]
    assert found == pytest.approx(list(cell), abs=0.01)


@pytest.mark.parametrize("objects", list(Objects))
def test_geojson_is_what_qupath_reads(
    tmp_path: Path, prediction: Prediction, objects: Objects
) -> None:
    path = tmp_path / "predictions.geojson"
    write_geojson(path, prediction, THRESHOLDS, stated(prediction), provenance(), objects=objects)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["type"] == "FeatureCollection"
    colors = {c.name: list(c.color) for c in BACH_CLASSES}
    area: dict[str, float] = {}
    for feature in document["features"]:
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shape.is_valid
        properties = feature["properties"]
        assert properties["objectType"] == ("tile" if objects is Objects.CELLS else "annotation")
        name = properties["classification"]["name"]
        assert name in CLASS_NAMES | STATES
        if name in CLASS_NAMES:
            assert properties["classification"]["color"] == colors[name]
        area[name] = area.get(name, 0.0) + shape.area
    cell = prediction.grid.stride_x * prediction.grid.stride_y
    doubtful = uncertain(prediction, THRESHOLDS)
    for index, tissue_class in enumerate(BACH_CLASSES):
        mine = (
            (prediction.states == CellState.CLASSIFIED)
            & (prediction.top_class == index)
            & ~doubtful
        )
        assert area.get(tissue_class.name, 0) == pytest.approx(mine.sum() * cell, rel=1e-4)
    assert area["Not yet classified"] == pytest.approx(COLUMNS * cell, rel=1e-4)
    assert area["Failed to read"] == pytest.approx(cell, rel=1e-4)


def test_overlay_png_shows_classes_in_their_place(tmp_path: Path, prediction: Prediction) -> None:
    white = np.full((round(7.25 + ROWS * 400.3) + 8, round(12.5 + COLUMNS * 400.3) + 8, 3), 255)
    slide = ArraySlide(white.astype(np.uint8), mpp=0.5, factors=(4,))
    path = tmp_path / "overlay.png"
    told = Content(
        prediction,
        PixelSize.typed(0.5),
        THRESHOLDS,
        provenance(),
        slide,
        None,
        options=ExportOptions(size=PictureSize(500), style=OverlayStyle(drawing=Drawing.TINT)),
    )
    write_page(path, told, ".png")
    with Image.open(path) as picture:
        left, top, width, _ = map(int, picture.info[PICTURE_BOX].split(", "))
        page = np.asarray(picture.convert("RGB")).astype(float)
    assert width == 500
    downsample = white.shape[1] / width
    certain = (prediction.states == CellState.CLASSIFIED) & ~uncertain(prediction, THRESHOLDS)
    assert len(set(prediction.top_class[certain].tolist())) > 1
    # Half transparent on white.
    colors = (255 + np.array([c.color for c in BACH_CLASSES])) / 2
    for row, column in np.ndindex(ROWS, COLUMNS):
        middle = prediction.grid.cell(row, column).center
        x, y = int(middle.x / downsample) + left, int(middle.y / downsample) + top
        shown = np.median(page[y - 20 : y + 20, x - 20 : x + 20], axis=(0, 1))
        if certain[row, column]:
            color = colors[prediction.top_class[row, column]]
            assert shown == pytest.approx(color, abs=2), (row, column)
        elif prediction.states[row, column] == CellState.CLASSIFIED:
            assert min(np.abs(shown - colors).max(axis=1)) > 10, (row, column)
        elif row == 0:
            assert shown == pytest.approx(255), "glass stays bare"


def test_each_connected_region_is_an_annotation_with_its_figures(
    tmp_path: Path, prediction: Prediction
) -> None:
    path = tmp_path / "predictions.geojson"
    write_geojson(path, prediction, THRESHOLDS, stated(prediction), provenance())
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    cell = prediction.grid.stride_x * prediction.grid.stride_y
    by_class: dict[str, list[Any]] = {}
    for feature in features:
        properties, measured = feature["properties"], feature["properties"]["measurements"]
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shape.geom_type == "Polygon"
        cells = round(shape.area / cell)
        assert measured["cells"] == cells
        assert measured["area_mm2"] == pytest.approx(cells * cell * 0.5**2 / 1e6, rel=1e-4)
        name = properties["classification"]["name"]
        assert properties["name"].startswith(name)
        assert ("mean_probability" in measured) is (name in CLASS_NAMES)
        assert 0.4 <= measured.get("mean_probability", 1) <= 1
        by_class.setdefault(name, []).append(shape)
    assert len({f["properties"]["name"] for f in features}) == len(features)
    for shapes in by_class.values():
        sizes = [round(s.area / cell) for s in shapes]
        assert sizes == sorted(sizes, reverse=True)
        # What shares a side is one region.
        joined = shapely.union_all(shapes)
        assert len(shapes) == len(shapely.get_parts(joined))


@pytest.mark.parametrize("objects", list(Objects))
def test_what_has_no_class_is_left_out_where_that_is_asked(
    tmp_path: Path, prediction: Prediction, objects: Objects
) -> None:
    path = tmp_path / "predictions.geojson"
    statement = stated(prediction)
    write_geojson(
        *(path, prediction, THRESHOLDS, statement, provenance()),
        objects=objects,
        without_class=False,
    )
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    assert {f["properties"]["classification"]["name"] for f in features} == CLASS_NAMES


def test_classes_have_the_same_names_everywhere(tmp_path: Path, prediction: Prediction) -> None:
    white = np.full((ROWS * 410, COLUMNS * 410, 3), 255, np.uint8)
    size = PixelSize.typed(0.5)
    told = Content(prediction, size, THRESHOLDS, provenance(), ArraySlide(white), None)
    kinds = [kind for kind in FORMATS if kind.key in ("csv", "geojson", "summary")]
    _, document = write_files(tmp_path, kinds, told)
    table = _table(tmp_path / "predictions.csv")
    features = json.loads((tmp_path / "predictions.geojson").read_text("utf-8"))["features"]
    in_geojson = {f["properties"]["classification"]["name"] for f in features}
    assert {row["class"] for row in table} - {""} == CLASS_NAMES
    assert {row[f"class_{name}"] for row in table for name in MEMBERS} - {""} == CLASS_NAMES
    assert in_geojson & CLASS_NAMES == set(document["classes"]) == CLASS_NAMES
    legend = [entry.name for entry in entries_of(told.statement.summary)]
    assert legend[: len(CLASS_NAMES)] == [c.name for c in BACH_CLASSES]
    in_legend = set(legend) - CLASS_NAMES
    assert in_legend == in_geojson - CLASS_NAMES, "states, too"


def test_a_name_with_a_comma_is_one_field(tmp_path: Path, prediction: Prediction) -> None:
    names = [f"Class {c.letter}, or so" for c in BACH_CLASSES]
    prediction.classes = ClassSet(
        tuple(replace(c, name=name) for c, name in zip(BACH_CLASSES, names, strict=True))
    )
    write_csv(tmp_path / "p.csv", prediction, THRESHOLDS)
    assert {row["class"] for row in _table(tmp_path / "p.csv")} - {""} == set(names)


def test_a_million_cells_are_a_small_file(
    tmp_path: Path, prediction: Prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more regions than can be opened each class is one annotation."""
    monkeypatch.setattr(geojson, "MOST_OBJECTS", 10)
    path = tmp_path / "predictions.geojson"
    write_geojson(path, prediction, THRESHOLDS, stated(prediction), provenance())
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    names = [f["properties"]["classification"]["name"] for f in features]
    assert sorted(names) == sorted(CLASS_NAMES | STATES)


def test_summary_adds_up_and_names_its_origin(tmp_path: Path, prediction: Prediction) -> None:
    document = summary_document(
        stated(prediction),
        provenance(),
        agreement(corrected_cells((), prediction.grid, BACH_CLASSES), prediction, THRESHOLDS),
        seconds=2.0,
        patches_per_second=17.5,
        output={"csv": Path("p.csv")},
        sha256={"p.csv": "00"},
    )
    write_summary_json(tmp_path / "summary.json", document)
    read = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    shares = [part["share"] for part in read["classes"].values()]
    shares += [read[state]["share"] for state in ("uncertain", "pending", "failed")]
    assert sum(shares) == pytest.approx(1)
    assert read["tissue_mm2"] == pytest.approx((ROWS - 1) * COLUMNS * (400.3 * 0.5e-3) ** 2)
    assert "research use" in read["provenance"]["research_use"]
    assert read["provenance"]["mpp_origin"] == "file"
    assert read["sha256"] == {"p.csv": "00"}


def test_a_target_that_is_a_folder_is_refused_and_stays(
    tmp_path: Path, prediction: Prediction
) -> None:
    target = tmp_path / "predictions.csv"
    target.mkdir()
    with pytest.raises(ExportError, match=r"predictions\.csv cannot be written"):
        write_csv(target, prediction, THRESHOLDS)
    assert target.is_dir()
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".part")] == []


def test_a_failure_in_the_middle_leaves_the_earlier_file(
    tmp_path: Path, prediction: Prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "predictions.csv"
    target.write_text("earlier")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ExportError, match="No space left"):
        write_csv(target, prediction, THRESHOLDS)
    assert target.read_text() == "earlier"
    assert list(tmp_path.glob(".*part*")) == []
    assert stat.S_ISREG(target.stat().st_mode)


def test_the_document_names_only_what_was_written(tmp_path: Path, prediction: Prediction) -> None:
    white = np.full((ROWS * 410, COLUMNS * 410, 3), 255, np.uint8)
    content = Content(
        prediction, PixelSize.typed(0.5), THRESHOLDS, provenance(), ArraySlide(white), None
    )
    (table,) = (kind for kind in FORMATS if kind.key == "csv")
    paths, document = write_files(tmp_path, [table], content)
    assert paths == (tmp_path / "predictions.csv", tmp_path / METADATA)
    assert document["output"] == {"csv": "predictions.csv", "csv_metadata": METADATA}
    paths, document = write_files(tmp_path, [table, SUMMARY], content)
    assert set(document["output"]) == {"csv", "csv_metadata", "summary"}
    assert len(paths) == 3


def test_a_stated_pixel_size_that_contradicts_the_file_is_in_the_statement(
    prediction: Prediction,
) -> None:
    stated = PixelSize.typed(2.0)
    file = PixelSize(0.5, 0.5, Origin.FILE)
    for size, said in ((stated, True), (PixelSize.typed(0.5), False), (file, False)):
        line = Statement(
            summarize(prediction, size, THRESHOLDS),
            size,
            "a bundle",
            contradiction=contradiction_text(file, size),
        ).line
        assert ("The file states 0.5 µm per pixel; you stated 2 µm, 4 times larger" in line) is said
        assert ("(stated by you)" in line) is (size is not file)
