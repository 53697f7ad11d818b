"""``bachview selftest``: whether this installation gives the right answers."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bachview.build_info import build_info
from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_checks, tell
from bachview.cli.progress import ProgressLine

if TYPE_CHECKING:
    from bachview.models.verification import Check


def run(bundle: str, *, as_json: bool) -> int:
    """Run every check, print a table, fail loudly."""
    checks = run_checks(bundle)
    program = f"bachview {build_info(ask_git=True)}"
    is_good = print_checks("Self-test", checks, as_json=as_json, program=program)
    if not is_good:
        failed = ", ".join(check.name for check in checks if not check.ok)
        tell(f"THE SELF-TEST FAILED: {failed}. Do not use this installation.")
        return ExitCode.FAILED
    return ExitCode.DONE


def run_checks(bundle: str) -> "tuple[Check, ...]":
    """Run every check, with a line of progress."""
    # Drawing is checked offscreen, so that this runs anywhere.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from bachview.selftest.checks import run_selftest
    from bachview.ui.view.selftest_rendering import render_pixels

    with (
        tempfile.TemporaryDirectory(prefix="bachview-selftest-") as folder,
        clean_stdout(),
        ProgressLine("Checking", "steps") as line,
    ):
        return run_selftest(Path(folder), render_pixels, bundle=bundle, progress=line.update)
