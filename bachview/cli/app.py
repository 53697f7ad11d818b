"""Arguments and help of every command; each command is carried out in a module of its own."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bachview.cli.bundle_app import bundle_app
from bachview.cli.export_options import Cells, Formats, chosen_kinds
from bachview.cli.numbers import number
from bachview.cli.policy_app import policy_app
from bachview.cli.policy_options import Device, Names
from bachview.cli.results_app import results_app
from bachview.cli.stack_options import Image, Plane, TimePoint
from bachview.cli.training_app import add_training_commands, dataset_app
from bachview.core.stack import Choice
from bachview.export.formats import usual_kinds
from bachview.export.options import ExportOptions
from bachview.marks.formats.table import FORMATS, readable_suffixes

app = typer.Typer(
    name="bachview",
    # Our own handling in cli.main: exit codes, the log file, one sentence.
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    subcommand_metavar="[SLIDE]... | COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "[bold]Exit codes[/]: 0 done, 1 a failed check or a bug, 2 wrong usage, 3 bad input, "
        "4 cancelled (finished work is kept)."
    ),
)
app.add_typer(bundle_app, name="bundle")
app.add_typer(dataset_app, name="dataset")
app.add_typer(policy_app, name="policy")
app.add_typer(results_app, name="results")

#: Words that are commands, and so not slides.
COMMANDS = frozenset(
    {
        "view",
        "annotations",
        "info",
        "classify",
        "demo",
        "bundle",
        "dataset",
        "train",
        "teach",
        "evaluate",
        "predict",
        "phantom",
        "policy",
        "problem-report",
        "results",
        "selftest",
        "bench",
    }
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Slide = Annotated[
    Path, typer.Argument(metavar="SLIDE", help="A slide file, or a folder or disc of DICOM files.")
]


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


def _show_version(*, value: bool) -> None:
    if value:
        from bachview.build_info import build_info

        print(f"bachview {build_info(ask_git=True)}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Show version, commit and build date.",
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Log more, file names included.")
    ] = False,
    portable: Annotated[  # taken from the arguments by `cli.main`
        bool,
        typer.Option(
            "--portable",
            help="Keep settings, results, cache and logs in a folder beside the program; for every "
            "command. Packaged program only.",
        ),
    ] = False,
) -> None:
    """View whole-slide images, and see how an ensemble of classifiers classifies the tissue.

    [bold]bachview[/] opens the viewer, [bold]bachview SLIDE[/] opens a slide in it.

    \b
      bachview                                      the viewer
      bachview biopsy.svs                           the viewer with a slide
      bachview demo                                 with a synthetic slide
      bachview info biopsy.svs                      what is known about a slide
      bachview classify biopsy.svs --output out     classify without a window

    For research use only. Not for use in diagnostic procedures.
    """  # noqa: D301
    if context.invoked_subcommand is None:
        from bachview.cli.viewer import view

        raise typer.Exit(view(()))


@app.command(hidden=True)
def view(
    slides: Annotated[list[Path] | None, typer.Argument(metavar="SLIDE")] = None,
) -> int:
    """Open the viewer. The command name may be omitted: [bold]bachview SLIDE[/]."""
    from bachview.cli.viewer import view

    return view(slides or ())


@app.command()
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


@app.command()
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
    mpp: Annotated[
        float | None,
        typer.Option(
            parser=number,
            metavar="UM",
            help="Micrometres per pixel, for slides that do not state it correctly.",
        ),
    ] = None,
    bundle: Annotated[
        str | None,
        typer.Option(
            "--bundle",
            "-b",
            metavar="BUNDLE",
            help="Say what the saved results of this model say inside each, in files too.",
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="The results folder, if it is not in your data folder."
        ),
    ] = None,
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


@app.command(help=_CLASSIFY)
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
    mpp: Annotated[
        float | None,
        typer.Option(
            parser=number,
            metavar="UM",
            help="Micrometres per pixel, for slides that do not state it correctly.",
        ),
    ] = None,
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


@app.command()
def demo() -> int:
    """Open the viewer on a synthetic slide, with classification running.

    The slide shows glands, ducts, stroma, fat, glass and a pen mark. It is drawn once and kept in
    the cache folder.
    """
    from bachview.cli.viewer import demo

    return demo()


@app.command()
def phantom(
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="The TIFF file to write.")],
    width: Annotated[int, typer.Option(min=512, max=100_000, help="Level-0 pixels.")] = 12_000,
    height: Annotated[int, typer.Option(min=512, max=100_000, help="Level-0 pixels.")] = 9_000,
    mpp: Annotated[float, typer.Option(min=0.1, max=4, help="µm per pixel.")] = 0.5,
    seed: Annotated[int, typer.Option(help="Random seed of the tissue.")] = 0,
) -> int:
    """Write a synthetic slide whose class is known everywhere.

    A tiled pyramidal TIFF, written tile by tile, up to 100,000 pixels on each side;
    the truth is in a JSON file beside it.

    \b
      bachview phantom slide.tiff
      bachview phantom large.tiff --width 100000 --height 100000
    """  # noqa: D301
    from bachview.cli.phantom import write

    return write(output, width=width, height=height, mpp=mpp, seed=seed)


@app.command()
def selftest(
    bundle: Annotated[
        str, typer.Option("--bundle", metavar="BUNDLE", help="The bundle to test with.")
    ] = "selftest",
    as_json: AsJson = False,
) -> int:
    """Check this installation: classify a slide whose classes are known.

    Class names and order, alignment of the overlay at several zooms and rotations, level
    choice, resuming, engine against reference. Exit code 1 when a check fails.
    """
    from bachview.cli.selftest import run

    return run(bundle, as_json=as_json)


@app.command("problem-report")
def problem_report(
    slides: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SLIDE]...",
            help="Slides whose format and sizes are to be in it.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The zip to write."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Leave out this file of the report; may be repeated."),
    ] = None,
    tests: Annotated[
        bool, typer.Option("--selftest", help="Run the self-test, and add what it finds.")
    ] = False,
) -> int:
    """Collect a report of a problem, without patient data.

    Versions, computer, screens, devices, settings, the last log and traces of crashes, counts and
    sizes of saved results. Names of files, folders, the user and the computer are replaced. Without
    [bold]--output[/] the whole text is printed and nothing is saved. Nothing is sent.

    \b
      bachview problem-report
      bachview problem-report --output report.zip --without logs/bachview.log.txt
      bachview problem-report biopsy.svs --output report.zip
    """  # noqa: D301
    from bachview.cli.problem_report import report

    return report(output, slides=slides or (), without=without or (), tests=tests)


@app.command()
def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Which benchmarks to run; all by default."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the JSON document here.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Measure this machine against the speed budgets.

    start, open, pan, annotations, engines, chain, overlay, memory, latency. Things that are
    compared are measured in the same run. Nothing else should be running on the machine.

    \b
      bachview bench
      bachview bench pan overlay --json
    """  # noqa: D301
    from bachview.cli.bench import run

    return run(names or (), as_json=as_json, output=output)


add_training_commands(app)
