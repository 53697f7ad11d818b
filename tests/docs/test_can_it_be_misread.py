"""The table of numbers knows every column and key that is written."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
from bachview.core.patches import PatchGeometry, PatchGrid
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.predictions import Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.export.csv_table import csv_columns
from bachview.export.formats import FORMATS
from bachview.ui.panels.overlay_amounts import AmountsOf

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/can-it-be-misread.md").read_text("utf-8")
#: What stands in the first column of the tables, as code.
NAMED = {
    name
    for row in re.findall(r"^\| ([^|]*) \|", TEXT, re.M)
    for name in re.findall(r"`([^`]+)`", row)
}


def _keys(schema: dict[str, Any], above: str = "") -> Iterator[str]:
    """Every key that is always written, with the names of classes as an asterisk."""
    for name, inner in schema.get("properties", {}).items():
        yield above + name
        yield from _keys(inner, f"{above}{name}.")
    of_any = schema.get("additionalProperties")
    if isinstance(of_any, dict):
        yield from _keys(of_any, f"{above}*.")


SCHEMA = json.loads((ROOT / "resources/schemas/classify.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("key", sorted(set(_keys(SCHEMA))))
def test_every_key_of_a_summary_is_explained(key: str) -> None:
    assert key in NAMED


def test_every_column_of_a_table_is_explained() -> None:
    grid = PatchGrid.over(
        Region(0, 0, 400, 400), PixelSize(0.5, 0.5, Origin.FILE), PatchGeometry(200, 1.0, 100.0)
    )
    cells = TissueCells.centred(np.ones((grid.rows, grid.columns), bool))
    columns = csv_columns(Prediction(grid, BACH_CLASSES, ("first", "second"), cells))
    named = {"prob_<class>": "prob_", "class_<member>": "class_"}
    assert set(named) <= NAMED
    for column in columns:
        assert column in NAMED or column.startswith(tuple(named.values()))


def test_every_file_and_every_subject_of_the_legend_is_named() -> None:
    for kind in FORMATS:
        assert all(f"`{name}`" in TEXT or f"## {name}" in TEXT for name in kind.file_names.values())
    for of in AmountsOf:
        assert f'"{of.shown}"' in TEXT
