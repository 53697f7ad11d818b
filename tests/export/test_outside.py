"""Cells outside the training material count for no class, in the sums and in every file."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import Prediction
from bachview.core.scope import coverage_text
from bachview.core.summary import summarize
from bachview.core.tissue_cells import TissueCells
from bachview.core.uncertainty import Thresholds
from bachview.export.content import Content
from bachview.export.formats import usual_kinds, write_files
from bachview.export.geojson import write_geojson
from bachview.export.legend import entries_of
from bachview.export.options import ExportOptions, Objects, PictureSize
from tests.support.runs import MEMBERS, grid, provenance, results
from tests.support.slides import ArraySlide

MPP = PixelSize.typed(0.5)
THRESHOLDS = Thresholds(confidence=0.4, disagreement=0.9)
ROWS, COLUMNS = 5, 7
OUTSIDE = 11


def predicted(states: np.ndarray) -> Prediction:
    """Cells (rows, columns) in the given states, as a run leaves them."""
    made = Prediction(grid(*states.shape), BACH_CLASSES, MEMBERS, TissueCells.centred(states != 0))
    cells = np.argwhere(states >= CellState.CLASSIFIED)
    found = results(cells, failed=states[tuple(cells.T)] != CellState.CLASSIFIED)
    made.add(replace(found, states=states[tuple(cells.T)].astype(np.uint8)))
    return made


@pytest.fixture
def content() -> Content:
    states = np.full(ROWS * COLUMNS, CellState.CLASSIFIED, np.uint8)
    states[:OUTSIDE] = CellState.OUTSIDE
    states[-3:] = CellState.PENDING, CellState.FAILED, CellState.NO_TISSUE
    made = predicted(states.reshape(ROWS, COLUMNS))
    right, bottom = (int(side) + 1 for side in (made.grid.region.right, made.grid.region.bottom))
    white = np.full((bottom, right, 3), 255, np.uint8)
    slide = ArraySlide(white, mpp=0.5)
    small = ExportOptions(size=PictureSize(400))
    return Content(made, MPP, THRESHOLDS, provenance(), slide, None, options=small)


def test_every_file_says_how_much_was_outside_and_gives_it_no_class(
    tmp_path: Path, content: Content
) -> None:
    _, document = write_files(tmp_path, usual_kinds(), content)
    schema = json.loads(Path("resources/schemas/classify.schema.json").read_text())
    jsonschema.validate(document, schema)
    assert document["outside"]["patches"] == document["scope"]["outside"] == OUTSIDE
    said = f"{OUTSIDE} cells outside the training material"
    assert said in document["statement"]
    table = pd.read_csv(tmp_path / "predictions.csv", keep_default_na=False)
    assert (table["state"] == "outside").sum() == OUTSIDE
    outside = table[table["state"] == "outside"]
    assert set(outside.drop(columns=["x", "y", "width", "height", "state"]).to_numpy().flat) == {""}
    sidecar = json.loads((tmp_path / "predictions.csv-metadata.json").read_text())
    assert said in sidecar["dc:description"]
    (column,) = (c for c in sidecar["tableSchema"]["columns"] if c["titles"] == "state")
    assert "outside" in json.dumps(column)
    (entry,) = (e for e in entries_of(content.statement.summary) if "Outside" in e.name)
    assert entry.part is not None
    assert entry.part.patches == OUTSIDE
    assert len(np.unique(entry.swatch)) == 2, "crosses, unlike every class"
    assert (entry.swatch == 255).mean() > 0.5, "most of the tissue stays visible"


@pytest.mark.parametrize("objects", list(Objects))
def test_geojson_names_the_state(tmp_path: Path, content: Content, objects: Objects) -> None:
    path = tmp_path / "cells.geojson"
    write_geojson(
        path,
        content.prediction,
        THRESHOLDS,
        content.statement,
        content.provenance,
        objects=objects,
    )
    features = json.loads(path.read_text())["features"]
    named = [
        f["properties"]
        for f in features
        if f["properties"]["classification"]["name"] == "Outside the training material"
    ]
    measured = [p["measurements"] for p in named]
    if objects is Objects.CELLS:
        assert measured == [{}] * OUTSIDE
    else:
        assert measured == [{"cells": OUTSIDE, "area_mm2": pytest.approx(OUTSIDE * 0.04006)}]


states = st.sampled_from([s for s in CellState if s is not CellState.UNCERTAIN])


@settings(max_examples=25, deadline=None)
@given(
    cells=st.lists(states, min_size=12, max_size=12),
    region=st.none() | st.builds(Region, *[st.integers(1, 900)] * 4),
)
def test_the_cells_of_all_states_add_up_to_the_tissue(
    cells: list[CellState], region: Region | None
) -> None:
    made = predicted(np.array(cells, np.uint8).reshape(3, 4))
    found = summarize(made, MPP, THRESHOLDS, region=region)
    parts = [row.part for row in found.classes] + [part for _, part in found.without_class]
    assert sum(part.patches for part in parts) == found.tissue.patches
    assert sum(part.area_mm2 for part in parts) == pytest.approx(found.tissue.area_mm2)
    assert found.classified == found.uncertain.patches + sum(
        row.part.patches for row in found.classes
    )
    if region is None:
        assert found.outside.patches == cells.count(CellState.OUTSIDE)
    if found.tissue.patches and found.outside.patches == found.tissue.patches:
        assert found.judged_share == 0
    assert ("outside the training material" in coverage_text(found)) is bool(found.outside.patches)
