"""``bachview results``: list, clear and export what was classified."""

from pathlib import Path
from typing import Annotated

import typer

from bachview.cli.common_options import AsJson, Slide, Store
from bachview.cli.export_options import (
    Cells,
    ClassesOnly,
    Formats,
    LongestSide,
    Lossless,
    Magnification,
)
from bachview.cli.numbers import number
from bachview.cli.policy_options import Names
from bachview.cli.stack_options import Image, Plane, TimePoint
from bachview.core.stack import Choice
from bachview.export.formats import usual_kinds
from bachview.export.options import ExportOptions

results_app = typer.Typer(
    name="results", help="List, clear and export what was classified.", no_args_is_help=True
)

Mpp = Annotated[
    float | None,
    typer.Option(
        parser=number, metavar="UM", help="The µm per pixel that the slide was classified with."
    ),
]
Number = Annotated[
    int | None,
    typer.Option("--id", metavar="N", help="The results with this number in the list."),
]


@results_app.command("list")
def list_results(
    slide: Annotated[
        Path | None, typer.Argument(metavar="SLIDE", help="A slide; without it, all results.")
    ] = None,
    store: Store = None,
    image: Image = None,
    plane: Plane = None,
    time_point: TimePoint = None,
    as_json: AsJson = False,
) -> int:
    """List the results of a slide and their runs, or all results files, with what is marked there.

    Results files know slides by their fingerprint only (see bachview info), not by name.

    \b
      bachview results list biopsy.svs
      bachview results list --json
    """  # noqa: D301
    from bachview.cli.results import list_files, list_slide

    if slide is None:
        return list_files(store, as_json=as_json)
    return list_slide(slide, store, Choice(image, plane, time_point), as_json=as_json)


@results_app.command("clear")
def clear_results(
    slide: Slide,
    bundle: Annotated[
        str | None,
        typer.Option("--bundle", "-b", metavar="BUNDLE", help="All results of this model."),
    ] = None,
    number: Number = None,
    everything: Annotated[bool, typer.Option("--all", help="All results of the slide.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Even while a run adds to them.")] = False,
    store: Store = None,
    image: Image = None,
    plane: Plane = None,
    time_point: TimePoint = None,
    as_json: AsJson = False,
) -> int:
    """Delete results of a slide for good, so that they are computed again.

    Files that were exported stay, and so does what the reader has marked: annotations, corrections
    of cells and bookmarks.

    \b
      bachview results clear biopsy.svs --all
      bachview results clear biopsy.svs --bundle default --yes
    """  # noqa: D301
    from bachview.cli.results import clear

    return clear(
        slide,
        store,
        choice=Choice(image, plane, time_point),
        bundle=bundle,
        number=number,
        everything=everything,
        yes=yes,
        force=force,
        as_json=as_json,
    )


_FILES = ", ".join(f"[bold]{kind.file_name}[/]" for kind in usual_kinds())

_EXPORT = f"""Write the files of saved results without classifying anything.

Writes {_FILES}, or what --format names.

\b
  bachview results export biopsy.svs --output out
  bachview results export biopsy.svs --region 0 0 4000 4000 --output out
  bachview results export biopsy.svs --format ome_tiff --magnification 10 --output out
"""


@results_app.command("export", help=_EXPORT)
def export_results(
    slide: Slide,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Folder for the files; created if missing."
        ),
    ],
    bundle: Annotated[
        str | None,
        typer.Option(
            "--bundle",
            "-b",
            metavar="BUNDLE",
            help="The model that they are of; default if not given.",
        ),
    ] = None,
    number: Number = None,
    region: Annotated[
        tuple[float, float, float, float] | None,
        typer.Option(metavar="X Y W H", help="Only this rectangle, in level-0 pixels."),
    ] = None,
    formats: Formats = None,
    cells: Cells = False,
    classes_only: ClassesOnly = False,
    size: LongestSide = None,
    magnification: Magnification = None,
    lossless: Lossless = False,
    mpp: Mpp = None,
    names: Names = None,
    store: Store = None,
    image: Image = None,
    plane: Plane = None,
    time_point: TimePoint = None,
    as_json: AsJson = False,
) -> int:
    """Write the files of saved results; its help is `_EXPORT`."""
    from bachview.cli.results import export

    options = ExportOptions.asked(
        cells=cells,
        classes_only=classes_only,
        size=size,
        magnification=magnification,
        lossless=lossless,
    )

    return export(
        slide,
        store,
        output,
        choice=Choice(image, plane, time_point),
        bundle=bundle,
        number=number,
        region=region,
        formats=formats,
        options=options,
        mpp=mpp,
        names=names,
        as_json=as_json,
    )
