"""Every exported file says what it is of, in the same words, and holds no more than that."""

import csv
import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.predictions import Prediction
from bachview.core.stack import Stack
from bachview.core.summary import summarize
from bachview.core.tissue_cells import TissueCells
from bachview.core.uncertainty import Thresholds
from bachview.export import geojson
from bachview.export.content import Content
from bachview.export.formats import FORMATS, usual_kinds, write_files
from bachview.export.geojson import write_geojson
from bachview.export.legend import ALARM, MARGIN
from bachview.export.options import ExportOptions, Objects
from bachview.export.page import PICTURE_BOX
from bachview.marks.correction import Correction
from bachview.viewing.style import Drawing, OverlayStyle
from tests.support.runs import MEMBERS, provenance, results
from tests.support.slides import ArraySlide

WIDTH, HEIGHT = 900, 700
REGION = Region(130.5, 90.25, 300, 210.5)
MPP = PixelSize(0.5, 0.25, Origin.FILE)
THRESHOLDS = Thresholds(confidence=0.4, disagreement=0.9)
NAME = "Doe^Jane 1954 (left).svs"
MEASURED = "In cross-validation it was right on 87 % of photos."
DARK = "64 % of the slide is darker than glass in bright field can be."
TABLE, GEOJSON, PICTURE, SUMMARY = usual_kinds()
#: Of a slide that is none of DICOM.
KINDS = tuple(kind for kind in FORMATS if not kind.is_dicom)


def content(**changes: object) -> Content:
    """A slide of which a corner is glass, a row is pending and a cell failed."""
    grid = PatchGrid(Region(0, 0, WIDTH, HEIGHT), 64.5, 60.25, 64.5, 60.25)
    tissue = np.ones((grid.rows, grid.columns), np.bool_)
    tissue[:3, :3] = False
    made = Prediction(grid, BACH_CLASSES, MEMBERS, TissueCells.centred(tissue))
    cells = [(r, c) for r, c in np.argwhere(tissue) if r != 4]
    made.add(results(cells, failed=[tuple(cell) == (3, 4) for cell in cells]))
    pixels = np.full((HEIGHT, WIDTH, 3), 235, np.uint8)
    whole = Content(
        made,
        MPP,
        THRESHOLDS,
        replace(provenance(), mpp_x=0.5, mpp_y=0.25),
        ArraySlide(pixels, mpp=0.5),
        None,
        slide_name=NAME,
        measured=MEASURED,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def lines(folder: Path) -> dict[str, str]:
    """What each file of an export says that it is of, by the file's name."""
    found = {
        SUMMARY.file_name: _json(folder / SUMMARY.file_name)["statement"],
        GEOJSON.file_name: _json(folder / GEOJSON.file_name)["statement"],
        TABLE.file_name: _json(folder / "predictions.csv-metadata.json")["dc:description"],
    }
    with Image.open(folder / PICTURE.file_name) as picture:
        found[PICTURE.file_name] = picture.text["Description"]  # type: ignore[attr-defined]
    return found


def _json(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("region", [None, REGION])
@pytest.mark.parametrize("warnings", [None, (), (DARK, "It is blurred.")])
def test_every_file_says_the_same_of_itself(
    tmp_path: Path, region: Region | None, warnings: tuple[str, ...] | None
) -> None:
    told = content(region=region, warnings=warnings)
    write_files(tmp_path, usual_kinds(), told)
    (line,) = set(lines(tmp_path).values())
    facts = line.split(" · ")
    summary = summarize(told.prediction, MPP, THRESHOLDS, region=region)
    assert summary.judged_share is not None
    coverage = (
        f"{100 * summary.judged_share:.0f} % of its tissue judged, "
        f"{summary.pending.patches} cells not yet classified, 1 cell failed to read"
    )
    assert facts[:6] == [
        NAME,
        "Region 300 × 210 px at 130, 90 (150 µm × 52.6 µm)" if region else "Whole slide",
        coverage,
        "Model a bundle",
        MEASURED.rstrip("."),
        "0.5 × 0.25 µm per pixel",
    ]
    although = [f"Classified although: {DARK} It is blurred."] if warnings else []
    assert facts[6:] == (["Not checked before classification"] if warnings is None else although)


def test_every_file_says_which_plane_was_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = content()
    facts = replace(told.reader.metadata, stack=Stack(plane=2, planes=3, time_points=2))
    monkeypatch.setattr(told.reader, "metadata", facts)
    write_files(tmp_path, usual_kinds(), told)
    (line,) = set(lines(tmp_path).values())
    assert line.split(" · ")[1] == "Focal plane 2 of 3, time point 1 of 2"
    scope = _json(tmp_path / SUMMARY.file_name)["scope"]
    assert scope["picture"] == "focal plane 2 of 3, time point 1 of 2"


@pytest.mark.parametrize("region", [None, REGION])
def test_the_summary_is_of_its_scope(tmp_path: Path, region: Region | None) -> None:
    told = content(region=region, warnings=(DARK,))
    write_files(tmp_path, KINDS, told)
    document = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    summary = summarize(told.prediction, MPP, THRESHOLDS, region=region)
    assert document["patches"] == summary.classified
    for part in summary.classes:
        assert document["classes"][part.name]["area_mm2"] == part.part.area_mm2
        assert document["classes"][part.name]["share"] == part.part.share
    in_um = [65.25, 22.5625, 150.0, 52.625]
    assert document["scope"] == {
        "what": "region" if region else "slide",
        "picture": "",
        "region_px": [*region] if region else None,
        "region_um": pytest.approx(in_um) if region else None,
        "tissue_mm2": summary.tissue_mm2,
        "judged_share": summary.judged_share,
        "pending": summary.pending.patches,
        "failed": 1,
        "outside": 0,
    }
    assert document["slide"] == {"name": NAME, "fingerprint": "q1:abc"}
    assert (document["measured"], document["warnings"]) == (MEASURED, [DARK])
    note = _json(tmp_path / "predictions.csv-metadata.json")["notes"][0]
    for other in (note, _json(tmp_path / GEOJSON.file_name)):
        assert all(other[key] == document[key] for key in ("scope", "measured", "warnings"))


def test_without_names_no_file_knows_the_slide(tmp_path: Path) -> None:
    for name, folder in ((NAME, tmp_path / "named"), (None, tmp_path / Path(NAME).stem)):
        write_files(folder, KINDS, content(slide_name=name, region=REGION))
        for path in folder.iterdir():
            written = path.read_bytes()
            if path.suffix == ".png":
                with Image.open(path) as picture:
                    written = json.dumps(picture.info).encode()
            if path.suffix != ".csv":
                assert (b"Doe^Jane" in written) == (name is not None), path.name
            assert b"fingerprint" not in written or b"q1:abc" in written


def test_what_speaks_against_the_slide_is_drawn_in_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, object]] = []
    draw = ImageDraw.ImageDraw.text

    def noted(self: ImageDraw.ImageDraw, place: object, text: str, *rest: object, **how: object):  # type: ignore[no-untyped-def]
        drawn.append((text, how.get("fill")))
        return draw(self, place, text, *rest, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", noted)
    for warnings in ((), (DARK,)):
        drawn.clear()
        told = content(warnings=warnings, region=REGION)
        PICTURE.write(tmp_path / "overlay.png", told, None)
        red = " ".join(text for text, fill in drawn if fill == ALARM)
        black = " ".join(text for text, fill in drawn if fill != ALARM)
        assert red == told.statement.warning
        assert bool(red) == bool(warnings)
        assert told.statement.facts in black
        assert "of tissue in this region" in black
        with Image.open(tmp_path / "overlay.png") as picture:
            page = np.asarray(picture.convert("RGB"))
        assert (page[MARGIN - 2, MARGIN : MARGIN + 300] == ALARM).all() == bool(warnings)
        below = page[2 * MARGIN + math.ceil(REGION.height) :]
        assert (below == ALARM).all(axis=2).any() == bool(warnings)
    drawn.clear()
    PICTURE.write(tmp_path / "overlay.png", content(), None)
    assert "of tissue on this slide" in [text for text, _ in drawn]


def test_the_picture_of_a_region_shows_it_alone(tmp_path: Path) -> None:
    # With tint alone: lines and textures keep to the px of a picture.
    plain = ExportOptions(style=OverlayStyle(drawing=Drawing.TINT, show_uncertain=False))
    part = content(region=Region(96, 48, 800, 600), options=plain)
    PICTURE.write(tmp_path / "part.png", part, None)
    PICTURE.write(tmp_path / "all.png", content(options=plain), None)
    with Image.open(tmp_path / "part.png") as shown, Image.open(tmp_path / "all.png") as whole:
        left, top, width, height = map(int, shown.info[PICTURE_BOX].split(", "))
        assert (width, height) == (800, 600)
        found = np.asarray(shown.convert("RGB"))[top : top + height, left : left + width]
        same = np.asarray(whole.convert("RGB"))[top + 48 :, left + 96 :][:height, :width]
    np.testing.assert_array_equal(found, same)


def test_long_names_are_cut_to_the_panel_and_stay_in_one_line(tmp_path: Path) -> None:
    told = content(slide_name=f"line\nbreak {'x' * 200}\udcff.svs")
    assert "\n" not in told.statement.line
    write_files(tmp_path, usual_kinds(), told)
    (line,) = set(lines(tmp_path).values())
    assert line.startswith("line break xxx")
    with Image.open(tmp_path / PICTURE.file_name) as picture:
        page = np.asarray(picture.convert("L"))
    assert (page[:, -MARGIN:] == 255).all(), "nothing is drawn past the margin"


def test_a_pixel_size_that_the_user_stated_is_said_to_be(tmp_path: Path) -> None:
    stated = PixelSize.typed(0.5)
    write_files(tmp_path, KINDS, content(pixel_size=stated))
    for line in lines(tmp_path).values():
        assert "0.5 µm per pixel (stated by you)" in line


def test_cells_of_a_region_alone_are_not_called_the_slide() -> None:
    """As results of earlier versions are."""
    larger = ArraySlide(np.full((HEIGHT, WIDTH + 64, 3), 235, np.uint8), mpp=0.5)
    assert content(reader=larger).statement.region == Region(0, 0, WIDTH, HEIGHT)
    assert content().statement.region is None


def test_the_table_is_a_plain_one_whose_columns_are_explained(tmp_path: Path) -> None:
    told = content()
    cell = Correction.made(told.prediction.grid.cell(2, 2), "Benign", None, "")
    TABLE.write(tmp_path / "my table.csv", replace(told, corrections=(cell,)), None)
    assert {p.name for p in tmp_path.iterdir()} == {"my table.csv", "my table.csv-metadata.json"}
    metadata = json.loads((tmp_path / "my table.csv-metadata.json").read_text("utf-8"))
    assert metadata["url"] == "my table.csv"
    assert metadata["@context"][0] == "http://www.w3.org/ns/csvw"
    columns = metadata["tableSchema"]["columns"]
    frame = pd.read_csv(tmp_path / "my table.csv")
    assert list(frame.columns) == [column["titles"] for column in columns]
    assert len(frame) == len(_rows(tmp_path / "my table.csv"))
    for column in columns:
        is_number = pd.api.types.is_numeric_dtype(frame[column["titles"]])
        assert column["datatype"] == ("decimal" if is_number else "string"), column
        assert column["dc:description"]


@st.composite
def regions(draw: st.DrawFn) -> Region:
    places = st.floats(-50, WIDTH + 50, allow_nan=False)
    (left, right), (top, bottom) = (
        sorted(draw(st.tuples(places, places).filter(lambda pair: abs(pair[0] - pair[1]) > 0.01)))
        for _ in range(2)
    )
    return Region.between(left, top, right, bottom)


TOLD = content()


@given(regions())
@settings(max_examples=40, deadline=None)
def test_no_cell_outside_the_region_is_written(region: Region) -> None:
    part = region.intersection(TOLD.prediction.grid.region)
    if part.is_empty:
        return
    told = replace(TOLD, region=region)
    summary = told.statement.summary
    as_cells = replace(told, options=ExportOptions(Objects.CELLS))
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), [TABLE, GEOJSON], as_cells)
        rows = _rows(Path(folder) / TABLE.file_name)
        features = json.loads((Path(folder) / GEOJSON.file_name).read_text("utf-8"))["features"]
    assert len(rows) == len(features) == summary.tissue.patches
    for row, feature in zip(rows, features, strict=True):
        x, y, width, height = (float(row[key]) for key in ("x", "y", "width", "height"))
        # Both are rounded to hundredths.
        assert Region(x, y, width, height).expanded(0.02).intersects(part)
        assert feature["geometry"]["coordinates"][0][0] == [x, y]


@pytest.mark.parametrize("region", [None, REGION])
def test_annotations_cover_the_same_cells_as_tiles(
    tmp_path: Path, region: Region | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = content(region=region)
    areas = []
    for objects, most in ((Objects.CELLS, 10_000), (Objects.REGIONS, 10_000), (Objects.CELLS, 5)):
        monkeypatch.setattr(geojson, "MOST_OBJECTS", most)
        path = tmp_path / f"{objects}.geojson"
        write_geojson(
            path,
            told.prediction,
            THRESHOLDS,
            told.statement,
            told.provenance,
            objects=objects,
        )
        covered: dict[str, float] = {}
        for feature in json.loads(path.read_text("utf-8"))["features"]:
            name = feature["properties"]["classification"]["name"]
            shape = shapely.from_geojson(json.dumps(feature["geometry"]))
            covered[name] = covered.get(name, 0) + shape.area
        areas.append(covered)
    tiles, regions, classes = areas
    assert len(tiles) > 4
    assert regions == pytest.approx(tiles)
    assert classes == pytest.approx(tiles)


@given(st.floats(1, WIDTH - 1))
@settings(max_examples=20, deadline=None)
def test_two_parts_of_a_slide_add_up_to_it(cut: float) -> None:
    halves = [
        replace(TOLD, region=Region.between(0, 0, cut, HEIGHT)),
        replace(TOLD, region=Region.between(cut, 0, WIDTH, HEIGHT)),
    ]
    whole = TOLD.statement.to_document()["scope"]
    parts = [half.statement.to_document()["scope"] for half in halves]
    assert sum(part["tissue_mm2"] for part in parts) == pytest.approx(whole["tissue_mm2"])
    judged = sum(part["tissue_mm2"] * (part["judged_share"] or 0) for part in parts)
    assert judged == pytest.approx(whole["tissue_mm2"] * whole["judged_share"])
