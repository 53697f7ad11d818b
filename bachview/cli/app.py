"""Arguments and help of every command; each command is carried out in a module of its own."""

from pathlib import Path
from typing import Annotated

import typer

from bachview.cli.bundle_app import bundle_app
from bachview.cli.common_options import AsJson
from bachview.cli.policy_app import policy_app
from bachview.cli.results_app import results_app
from bachview.cli.slide_app import add_slide_commands
from bachview.cli.training_app import add_training_commands, dataset_app

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


add_slide_commands(app)


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
