"""``bachview info``, ``annotations`` and ``classify``: arguments and help."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bachview.cli.common_options import AsJson, Mpp, Slide, Store
from bachview.cli.export_options import Cells, Formats, chosen_kinds
from bachview.cli.numbers import number
from bachview.cli.policy_options import Device, Names
from bachview.cli.stack_options import Image, Plane, TimePoint
from bachview.core.stack import Choice
from bachview.export.formats import usual_kinds
from bachview.export.options import ExportOptions
from bachview.marks.formats.table import FORMATS, readable_suffixes


class Engine(StrEnum):
    """Engines that run the three CNNs."""

    OPENVINO = "openvino"
    TENSORFLOW = "tensorflow"


class Precision(StrEnum):
    """Number formats of the CNNs."""

    AUTO = "auto"
    F32 = "f32"
    BF16 = "bf16"
    F16 = "f16"


def info(
    slide: Slide,
    image: Image = None,
    plane: Plane = None,
    time_point: TimePoint = None,
    as_json: AsJson = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Say also how its pixels are decoded; log more.")
    ] = False,
) -> int:
    """Show what is known about a slide: levels, pixel size and its origin, fingerprint.

    Of a file with several images, focal planes or time points it says how many, and which is shown.

    Label, macro and barcode images are listed but never shown.

    \b
      bachview info biopsy.svs
      bachview info biopsy.svs --json | jq .mpp_x
    """  # noqa: D301
    from bachview.cli.info import show_info

    return show_info(slide, Choice(image, plane, time_point), as_json=as_json, verbose=verbose)


def _annotation_formats(incomplete: str) -> list[str]:
    return [one.key for one in FORMATS if one.writer is not None and one.key.startswith(incomplete)]


def annotations(
    slide: Slide,
    imported: Annotated[
        list[Path] | None,
        typer.Option(
            "--import",
            metavar="FILE",
            help=f"Add the annotations of a file ({', '.join(readable_suffixes())}); may be "
            "repeated.",
        ),
    ] = None,
    exported: Annotated[
        list[Path] | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="Write all annotations to a file, after what is imported; may be repeated.",
        ),
    ] = None,
    format_key: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            autocompletion=_annotation_formats,
            help=f"Of the exported file: {', '.join(_annotation_formats(''))}; as its name ends if "
            "not given.",
        ),
    ] = None,
    mask_mpp: Annotated[
        float | None,
        typer.Option(
            parser=number,
            metavar="UM",
            help="Micrometres per pixel of a mask; as fine as 4,096 px allow if not given.",
        ),
    ] = None,
    mpp: Mpp = None,
    bundle: Annotated[
        str | None,
        typer.Option(
            "--bundle",
            "-b",
            metavar="BUNDLE",
            help="Say what the saved results of this model say inside each, in files too.",
        ),
    ] = None,
    store: Store = None,
    image: Image = None,
    plane: Plane = None,
    time_point: TimePoint = None,
    as_json: AsJson = False,
) -> int:
    """List, import and export the annotations of a slide.

    An annotation with the id of one that the slide has takes its place, unless that is locked; what
    is there already is not added again. What is left out is said with its reason. A file that
    cannot be read changes nothing.

    \b
      bachview annotations biopsy.svs
      bachview annotations biopsy.svs --import qupath.geojson
      bachview annotations biopsy.svs --export biopsy.xml --export biopsy.csv
      bachview annotations biopsy.svs --export biopsy.png --mask-mpp 4
      bachview annotations biopsy.svs --bundle default --export inside.csv
      bachview annotations biopsy.svs --json | jq '.annotations[] | .area_mm2'
    """  # noqa: D301
    from bachview.cli.annotations import annotations

    return annotations(
        slide,
        store,
        Choice(image, plane, time_point),
        imported=imported or [],
        exported=exported or [],
        format_key=format_key,
        mask_mpp=mask_mpp,
        mpp=mpp,
        bundle=bundle,
        as_json=as_json,
    )


_FILES = ", ".join(f"[bold]{kind.file_name}[/]" for kind in usual_kinds())

# The first paragraph is that of the list of commands.
_CLASSIFY = f"""Classify a slide without a window, and write the results to a folder.

Writes {_FILES}.

Ctrl-C stops within half a second. Finished patches are kept and written; the same command
resumes from there. Results are those of the slide: see [bold]bachview results[/].

The slide is checked first; exit code 3 if it is not H&E, too blurred, or too coarse.

\b
  bachview classify biopsy.svs --output out
  bachview classify biopsy.svs --bundle lab.bachmodel --output out --json
  bachview classify photo.tif --mpp 0.42 --region 0 0 4000 4000 --output out
"""


def classify(
    slide: Slide,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Folder for the results; created if missing."
        ),
    ],
    bundle: Annotated[
        str | None,
        typer.Option(
            "--bundle",
            "-b",
            metavar="BUNDLE",
            help="A .bachmodel file, a folder, or the name of an installed bundle; default if not "
            "given.",
        ),
    ] = None,
    region: Annotated[
        tuple[float, float, float, float] | None,
        typer.Option(
            metavar="X Y W H",
            help="Only cells that touch this rectangle, in level-0 pixels. Other results of the "
            "slide stay; the files are of the rectangle.",
        ),
    ] = None,
    stride: Annotated[
        float | None,
        typer.Option(
            parser=number,
            metavar="UM",
            help="Side of a cell in µm; the bundle's if not given. A bundle that judges several "
            "cells of a patch at once has no other.",
        ),
    ] = None,
    mpp: Mpp = None,
    engine: Annotated[
        Engine, typer.Option(help="What runs the CNNs; tensorflow is the slow reference.")
    ] = Engine.OPENVINO,
    device: Device = None,
    precision: Annotated[
        Precision, typer.Option(help="auto: bf16 where the processor has it, else f32.")
    ] = Precision.AUTO,
    no_icc: Annotated[
        bool, typer.Option("--no-icc", help="Do not apply the slide's colour profile.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Retry cells that could not be read before.")
    ] = False,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="Classify a slide that is not what the models know (fluorescence, other stains, "
            "blurred, coarse); every file says so.",
        ),
    ] = False,
    names: Names = None,
    formats: Formats = None,
    cells: Cells = False,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Keep the results store here instead of in your data folder."
        ),
    ] = None,
    image: Image = None,
    plane: Plane = None,
    time_point: TimePoint = None,
    as_json: AsJson = False,
) -> int:
    """Classify a slide without a window, and write the results to a folder."""
    from bachview.cli.classify import Request, classify_slide

    return classify_slide(
        Request(
            slide=slide,
            bundle=bundle,
            output=output,
            region=region,
            stride_um=stride,
            mpp=mpp,
            engine=engine.value,
            device=device,
            precision=precision.value,
            icc=not no_icc,
            store=store,
            retry_failed=retry_failed,
            names=names,
            anyway=anyway,
            kinds=chosen_kinds(formats),
            options=ExportOptions.asked(cells=cells),
            choice=Choice(image, plane, time_point),
        ),
        as_json=as_json,
    )


def add_slide_commands(app: typer.Typer) -> None:
    """Add `info`, `annotations` and `classify` to the program's commands."""
    app.command()(info)
    app.command()(annotations)
    app.command(help=_CLASSIFY)(classify)
