"""The files that a prediction is written to; each is there whole or not at all."""

from bachview.export.csv_table import csv_columns, write_csv
from bachview.export.geojson import write_geojson
from bachview.export.overlay_png import write_overlay_png
from bachview.export.summary_json import summary_document, write_summary_json

__all__ = [
    "csv_columns",
    "summary_document",
    "write_csv",
    "write_geojson",
    "write_overlay_png",
    "write_summary_json",
]
