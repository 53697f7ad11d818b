"""Options for which an administrator may set a default or a lock, and what holds for them."""

from pathlib import Path
from typing import Annotated

import typer

from bachview.config import results_folder
from bachview.policy.in_force import in_force

Names = Annotated[
    bool | None,
    typer.Option(
        "--names/--no-names",
        show_default=False,
        help="Whether the slide's name is written into the files; it is if not given.",
    ),
]
Device = Annotated[
    str | None,
    typer.Option(metavar="DEVICE", help="AUTO, CPU, GPU or NPU; AUTO if not given."),
]


def settled_names(asked: bool | None) -> bool:
    """Whether names are written.

    Raises
    ------
    LockedError
        The policy does not allow what is asked for.
    """
    what = "--names" if asked else "--no-names"
    return in_force().settled("names_in_exports", asked, True, what)


def settled_device(asked: str | None) -> str:
    """What the networks run on.

    Raises
    ------
    LockedError
        The policy does not allow what is asked for.
    """
    asked = None if asked is None else asked.upper()
    return in_force().settled("device", asked, "AUTO", f"--device {asked}")


def settled_results(asked: Path | None) -> Path:
    """The folder of the results stores.

    Raises
    ------
    LockedError
        Another than the policy's is asked for.
    """
    return results_folder(asked, f"--store {asked}")
