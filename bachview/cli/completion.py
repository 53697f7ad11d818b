"""Completion in shells: their scripts ask the program what may follow."""

import os

from bachview.cli.app import app
from bachview.config import APPLICATION

#: Set by the script of a shell; its value says what is asked, in the format of which shell.
VARIABLE = f"_{APPLICATION.upper()}_COMPLETE"


def is_asked() -> bool:
    """Whether a shell asks what may follow, instead of a user for a command."""
    return VARIABLE in os.environ


def answer() -> int:
    """Print what may follow; the exit code. Logs nothing and touches no file."""
    # typer imports it there from a module of its own.
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()
    try:
        app([], prog_name=APPLICATION, complete_var=VARIABLE)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    return 0
