"""The files that a prediction is written to; each is there whole or not at all."""

from bachview.results.csv_export import csv_columns, write_csv
from bachview.results.documents import summary_document, write_summary_json
from bachview.results.geojson_export import write_geojson
from bachview.results.overlay_png import write_overlay_png

__all__ = [
    "csv_columns",
    "summary_document",
    "write_csv",
    "write_geojson",
    "write_overlay_png",
    "write_summary_json",
]
