"""What completes ``bachview`` in bash, zsh and fish: short scripts that ask the program itself."""

from pathlib import Path

# typer imports it there from a module of its own.
from typer.completion import get_completion_script  # type: ignore[attr-defined]

from bachview.cli.completion import VARIABLE
from bachview.config import APPLICATION

#: Where each shell looks, below ``/usr/share``.
PLACES = {
    "bash": Path("bash-completion/completions") / APPLICATION,
    "zsh": Path("zsh/vendor-completions") / f"_{APPLICATION}",
    "fish": Path("fish/vendor_completions.d") / f"{APPLICATION}.fish",
}


def completion_script(shell: str) -> str:
    """The script for one of `PLACES`."""
    script = get_completion_script(prog_name=APPLICATION, complete_var=VARIABLE, shell=shell)
    if shell == "fish":
        # A slide may stand wherever a word may.
        script = script.replace(" --no-files", "")
    return f"{script}\n"
