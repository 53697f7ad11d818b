"""Options that choose one of several pictures in a file, for every command that opens a slide."""

from typing import Annotated

import typer

Image = Annotated[
    int | None,
    typer.Option(
        "--image",
        min=1,
        metavar="N",
        help="Which of several images (scans, pages) in the file; bachview info says how many.",
    ),
]
Plane = Annotated[
    int | None,
    typer.Option("--plane", min=1, metavar="N", help="Focal plane; the first if not given."),
]
TimePoint = Annotated[
    int | None,
    typer.Option("--time-point", min=1, metavar="N", help="Time point; the first if not given."),
]
