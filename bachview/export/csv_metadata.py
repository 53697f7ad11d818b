"""The sidecar of a CSV table: what the table is of, and what its columns mean.

It is named and written as *CSV on the Web* of the W3C says, so that programs find it beside the
table; the table itself stays a plain one, with its header in the first line.
"""

from pathlib import Path
from typing import Any

from bachview.core.predictions import Prediction
from bachview.core.scope import Statement
from bachview.export.csv_table import csv_columns
from bachview.file_names import json_text
from bachview.files import FileGroup, write_text
from bachview.store.provenance import Provenance

_PLACE = {
    "x": "Left edge of the cell, level-0 pixels",
    "y": "Top edge of the cell, level-0 pixels",
    "width": "Width of the cell, level-0 pixels",
    "height": "Height of the cell, level-0 pixels",
}
_SPREAD = {
    "entropy": "Entropy of the ensemble's probabilities, 0 to 1; empty if not classified",
    "disagreement": "Disagreement of the members, 0 to 1; empty if not classified",
}


def write_csv_metadata(
    path: Path,
    table: str,
    prediction: Prediction,
    statement: Statement,
    provenance: Provenance,
    *,
    group: FileGroup | None = None,
) -> None:
    """Write the sidecar of a table in the same folder, as UTF-8 JSON.

    Parameters
    ----------
    table : name of the file that `export.csv_table.write_csv` writes.
    group : the sidecar appears with the others of this group.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    document = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": table,
        "dc:description": statement.line,
        "dc:rights": provenance.research_use,
        "notes": [{**statement.to_document(), "provenance": provenance.to_document()}],
        "dialect": {"encoding": "utf-8", "header": True, "lineTerminators": ["\n"]},
        "tableSchema": {"columns": _columns(prediction)},
    }
    write_text(path, json_text(document) + "\n", group=group)


def _columns(prediction: Prediction) -> list[dict[str, Any]]:
    """As `export.csv_table.csv_columns`, with their meaning."""
    classes = prediction.classes
    texts = {
        "state": "classified, uncertain, outside (the training material), pending (not yet "
        "classified), failed (not readable) or, if the reader has given it a class, no tissue",
        "class": "Class of the ensemble, by its name; empty unless classified",
        **{
            f"class_{name}": f"Class of the member {name}, by its name"
            for name in prediction.member_names
        },
        "reader_class": "Class that the reader has given the cell, by its name; empty if none",
    }
    numbers = {
        **{f"prob_{c.key}": f"The ensemble's probability of {c.name}, 0 to 1" for c in classes},
        **_SPREAD,
    }
    meanings = {**_PLACE, **texts, **numbers}
    return [
        {
            "titles": name,
            "dc:description": meanings[name],
            "datatype": "string" if name in texts else "decimal",
        }
        for name in csv_columns(prediction)
    ]
