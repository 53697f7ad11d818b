"""``bachview problem-report``: a zip for those who maintain the program or the computer."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_table, tell
from bachview.cli.selftest import run_checks
from bachview.config import user_folders
from bachview.errors import UsageError

if TYPE_CHECKING:
    from bachview.problem_report.report import Part


def report(
    output: Path | None, *, slides: Sequence[Path], without: Sequence[str], tests: bool
) -> int:
    """Show a report, or save it.

    Parameters
    ----------
    output : the zip; None prints the text of every file.
    slides : whose formats are in it.
    without : names of files to leave out.
    tests : run the self-test, too.

    Raises
    ------
    UsageError
        There is no file of such a name in the report.
    SlideOpenError
        A slide cannot be opened.
    ExportError
        The zip cannot be written.
    """
    from bachview.problem_report.report import write_zip

    parts = _parts(slides, tests=tests)
    for name in without:
        if name not in {part.name for part in parts}:
            names = ", ".join(part.name for part in parts)
            raise UsageError(f"The report has no file {name}; it has {names}.")
    parts = [part for part in parts if part.name not in without]
    if output is None:
        for part in parts:
            print(f"==== {part.name}\n{part.text}")
        tell("Nothing is saved yet: read it, and save it with --output FILE.")
        return ExitCode.DONE
    write_zip(output, parts)
    rows = [(part.name, part.title, str(len(part.text.encode()))) for part in parts]
    print_table("Files of the report", [("file", False), ("", False), ("bytes", True)], rows)
    tell("Read it before you send it; without --output its whole text is printed.")
    return ExitCode.DONE


def _parts(slides: Sequence[Path], *, tests: bool) -> "list[Part]":
    from bachview.problem_report.report import Request, collect
    from bachview.slide.opening import opened_slide

    facts, settings, private = _window()
    with contextlib.ExitStack() as open_slides, clean_stdout():
        readers = [open_slides.enter_context(opened_slide(slide)) for slide in slides]
        request = Request(
            folders=user_folders(),
            settings=settings,
            window=facts,
            slides=readers,
            private=private,
            checks=run_checks("selftest") if tests else None,
        )
        return list(collect(request))


def _window() -> tuple[dict[str, object], dict[str, object], tuple[Path, ...]]:
    """Facts about Qt, the settings, and paths in these; less where Qt cannot be loaded."""
    try:
        from bachview.ui.session.problem_facts import told_settings, window_facts
        from bachview.ui.session.settings import SettingsFile
    except ImportError as error:
        return {"Qt": f"cannot be loaded ({type(error).__name__})"}, {}, ()
    told = told_settings(SettingsFile(user_folders().config).now)
    return window_facts(), told.facts, told.private
