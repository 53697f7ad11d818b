"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from bachview.cli.numbers import number

Slide = Annotated[
    Path, typer.Argument(metavar="SLIDE", help="A slide file, or a folder or disc of DICOM files.")
]
Mpp = Annotated[
    float | None,
    typer.Option(
        "--mpp",
        parser=number,
        metavar="UM",
        help="Micrometres per pixel, for slides that do not state it correctly.",
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FOLDER",
        help="The results folder, if it is not in your data folder.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
