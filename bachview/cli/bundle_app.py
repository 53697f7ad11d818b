"""``bachview bundle``: list, check and make bundles."""

from pathlib import Path
from typing import Annotated

import typer

from bachview.cli.common_options import AsJson

bundle_app = typer.Typer(name="bundle", help="Check, list and make bundles.", no_args_is_help=True)

BundleOutput = Annotated[
    Path, typer.Argument(metavar="OUTPUT", help="A .bachmodel file, or a folder.")
]


@bundle_app.command()
def verify(
    bundle: Annotated[
        str, typer.Argument(metavar="BUNDLE", help="A .bachmodel file, a folder, or a name.")
    ],
    as_json: AsJson = False,
) -> int:
    """Check a bundle: manifest, hashes, types, shapes, golden patches.

    Prints what was checked. Exit code 3 when a check fails.

    \b
      bachview bundle verify lab.bachmodel
      bachview bundle verify selftest --json
    """  # noqa: D301
    from bachview.cli.bundles import verify

    return verify(bundle, as_json=as_json)


@bundle_app.command("list")
def list_bundles(as_json: AsJson = False) -> int:
    """List the bundles that come with bachview."""
    from bachview.cli.bundles import list_installed

    return list_installed(as_json=as_json)


@bundle_app.command("make-selftest")
def make_selftest(output: BundleOutput) -> int:
    """Make the self-test bundle: its constructed weights recognise four stain colours.

    Needs TensorFlow (bachview[tensorflow]).
    """
    from bachview.cli.bundles import make

    return make("selftest", output)


@bundle_app.command("make-untrained")
def make_untrained(output: BundleOutput) -> int:
    """Make a bundle with the three real architectures and random weights.

    It has not been trained on tissue; it is for measuring speed. Needs TensorFlow
    (bachview[tensorflow]).
    """
    from bachview.cli.bundles import make

    return make("untrained", output)
