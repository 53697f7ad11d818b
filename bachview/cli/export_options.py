"""Options of what `classify` and `results export` write."""

from typing import Annotated

import typer

from bachview.cli.numbers import number
from bachview.errors import UsageError
from bachview.export.formats import FORMATS, ExportFormat, usual_kinds
from bachview.export.options import USUAL_LONGEST_PX

_KEYS = ", ".join(kind.key for kind in FORMATS)
_USUAL = ", ".join(kind.key for kind in FORMATS if kind.is_usual)

Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="KIND",
        help=f"A file to write; may be repeated. One of {_KEYS}; without it {_USUAL}.",
    ),
]
Cells = Annotated[
    bool,
    typer.Option(
        "--cells",
        help="GeoJSON with a tile for each cell and its probabilities, not connected regions.",
    ),
]
ClassesOnly = Annotated[
    bool,
    typer.Option(
        "--classes-only", help="GeoJSON without what is uncertain, outside, pending or failed."
    ),
]
LongestSide = Annotated[
    int | None,
    typer.Option(
        "--size",
        min=1,
        metavar="PX",
        help=f"Longest side of the pictures; {USUAL_LONGEST_PX} by default, and full resolution "
        "for ome_tiff.",
    ),
]
Magnification = Annotated[
    float | None,
    typer.Option(
        parser=number,
        metavar="X",
        help="Magnification of the pictures instead, e.g. 10 for 1 µm per pixel.",
    ),
]
Lossless = Annotated[
    bool, typer.Option("--lossless", help="Compress ome_tiff with deflate instead of JPEG.")
]


def chosen_kinds(keys: list[str] | None) -> tuple[ExportFormat, ...]:
    """The kinds of these keys, or the usual ones.

    Raises
    ------
    UsageError
        There is no such kind.
    """
    if not keys:
        return usual_kinds()
    # As people write them: ome-tiff.
    asked = [key.lower().replace("-", "_") for key in keys]
    known = {kind.key: kind for kind in FORMATS}
    for key, written in zip(asked, keys, strict=True):
        if key not in known:
            raise UsageError(f"{written} is not a kind of file to write; choose of {_KEYS}.")
    return tuple(kind for kind in FORMATS if kind.key in asked)
