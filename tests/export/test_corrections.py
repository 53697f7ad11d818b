"""What a reader says of cells is in every file, apart from the prediction, which stays as it is."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.core.uncertainty import Thresholds
from bachview.export.content import Content
from bachview.export.formats import FORMATS, write_files
from bachview.export.options import ExportOptions, Objects, PictureSize
from bachview.marks.corrected_cells import relabelled
from bachview.marks.correction import Correction
from bachview.marks.working_set import WorkingSet
from bachview.viewing.style import Drawing, OverlayStyle
from tests.support.runs import MEMBERS, grid, provenance, results
from tests.support.slides import ArraySlide

SURE = Thresholds(confidence=0.0, disagreement=1.0)
INVASIVE = BACH_CLASSES.keys.index("Invasive")
#: Glass, not yet classified, and two neighbours.
PLACES = [(0, 0), (1, 0), (3, 3), (3, 4)]


@pytest.fixture
def told() -> Content:
    """Row 0 is glass, row 1 is not done, the rest is classified; four cells are corrected."""
    tissue = np.ones((6, 9), np.bool_)
    tissue[0] = False
    made = Prediction(grid(6, 9), BACH_CLASSES, MEMBERS, TissueCells.centred(tissue))
    made.add(results([(r, c) for r in range(2, 6) for c in range(9)]))
    marks = WorkingSet()
    edit = relabelled(made, SURE, PLACES, INVASIVE, bundle_sha256="0" * 64, present={})
    marks.apply(edit)
    elsewhere = Correction.made(Region(1, 1, 50, 50), "Benign", None, "")
    white = np.full((6 * 410, 9 * 410, 3), 255, np.uint8)
    return Content(
        *(made, PixelSize.typed(0.5), SURE, provenance(), ArraySlide(white), None),
        corrections=(*marks.corrections.values(), elsewhere),
    )


def written(told: Content, folder: Path, *keys: str) -> Path:
    write_files(folder, [kind for kind in FORMATS if kind.key in keys], told)
    return folder


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("objects", list(Objects))
def test_tables_and_objects_have_both_and_the_prediction_is_unchanged(
    told: Content, tmp_path: Path, objects: Objects
) -> None:
    told = replace(told, options=ExportOptions(objects=objects))
    keys = ("csv", "geojson", "summary")
    with_it = written(told, tmp_path / "with", *keys)
    without = written(replace(told, corrections=()), tmp_path / "without", *keys)
    rows, plain = table(with_it), table(without)
    said = [row for row in rows if row["reader_class"]]
    assert {row["reader_class"] for row in said} == {"Invasive"}
    assert sorted(row["state"] for row in said)[:3] == ["classified", "classified", "no tissue"]
    assert len(said) == len(PLACES)
    assert [{**row, "reader_class": ""} for row in rows if row["state"] != "no tissue"] == plain

    def features(folder: Path) -> list[dict[str, object]]:
        text = (folder / "predictions.geojson").read_text("utf-8")
        return list(json.loads(text)["features"])

    shared = features(without)
    assert features(with_it)[: len(shared)] == shared
    own = features(with_it)[len(shared) :]
    names = [f["properties"]["name"] for f in own]  # type: ignore[index]
    assert names == ["Reader: Invasive"] * 2  # of connected cells: the pair, and those in rows 0, 1
    cell = told.prediction.grid.stride_x * told.prediction.grid.stride_y
    areas = [shapely.from_geojson(json.dumps(f["geometry"])).area / cell for f in own]
    assert areas == pytest.approx([2, 2], rel=1e-3)

    document = json.loads((with_it / "summary.json").read_text("utf-8"))
    before = json.loads((without / "summary.json").read_text("utf-8"))
    found, nothing = document.pop("corrections"), before.pop("corrections")
    for changing in ("sha256", "output"):
        document.pop(changing), before.pop(changing)
    assert document == before
    assert (found["cells"], found["not_judged"], found["elsewhere"]) == (4, 2, 1)
    assert found["agreeing"] + found["differing"] == 2
    assert found["table"]["no tissue"]["Invasive"] == found["table"]["pending"]["Invasive"] == 1
    assert nothing["cells"] == 0


def test_of_a_region_only_its_cells_count(told: Content, tmp_path: Path) -> None:
    cell = told.prediction.grid.cell(3, 3)
    part = replace(told, region=Region(cell.x + 1, cell.y + 1, 9, 9))
    assert part.agreement.total == 1
    rows = table(written(part, tmp_path, "csv", "summary"))
    assert [row["reader_class"] for row in rows] == ["Invasive"]


def test_pictures_show_stripes_in_the_class_of_the_reader_and_say_what_they_are(
    told: Content, tmp_path: Path
) -> None:
    red = np.array(BACH_CLASSES[INVASIVE].color)

    def reds(content: Content, name: str) -> int:
        folder = written(content, tmp_path / name, "overlay", "ome_tiff")
        picture = np.asarray(Image.open(folder / "overlay.png").convert("RGB"))
        return int((picture == red).all(axis=-1).sum())

    size = PictureSize(900)
    for name, style, is_drawn in (
        ("usual", OverlayStyle(drawing=Drawing.TINT), True),
        ("alone", OverlayStyle(is_shown=False), True),
        ("off", OverlayStyle(show_corrections=False), False),
    ):
        options = ExportOptions(size=size, full=size, style=style)
        found = reds(replace(told, options=options), name)
        # A third of a cell is striped; the legend has a small swatch.
        assert (found > 0.1 * len(PLACES) * 100**2) is is_drawn
