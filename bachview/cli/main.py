"""The command line's entry: runs one command and turns its outcome into an exit code."""

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import typer

from bachview.cli.app import COMMANDS, app
from bachview.cli.exits import ExitCode
from bachview.config import user_folders
from bachview.errors import BachviewError, Cancelled, UsageError
from bachview.logs import LOG_NAME, start_logging, stop_logging

#: What typer makes of Ctrl-C.
_TYPER_INTERRUPTED = 130

_log = logging.getLogger(__name__)


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : without the program's name.

    Returns
    -------
    The exit code, one of `ExitCode`. Never raises; an unknown exception is a bug, and its
    trace goes to the log file.
    """
    _speak_unicode()
    folder = user_folders().logs
    start_logging(folder, verbose="--verbose" in arguments)
    try:
        with _termination_heard():
            return _run(list(arguments), folder)
    finally:
        stop_logging()


def _run(arguments: list[str], folder: Path) -> int:
    try:
        answer = app(_with_command(arguments), prog_name="bachview", standalone_mode=False)
        if answer == _TYPER_INTERRUPTED:
            raise KeyboardInterrupt
        return int(answer or ExitCode.DONE)
    except typer.TyperException as error:
        return _explain_usage(error)
    except UsageError as error:
        _say(str(error))
        return ExitCode.WRONG_USE
    except BachviewError as error:
        _log.debug("the command failed", exc_info=True)
        _say(str(error))
        return ExitCode.BAD_INPUT
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        _say("Cancelled.")
        return ExitCode.CANCELLED
    except SystemExit as leave:
        # typer's answer to a closed pipe: the reader of our output has had enough.
        return int(leave.code or ExitCode.DONE)
    except Exception:
        _log.exception("unexpected error")
        _say(f"This is a bug in bachview; its trace is in {folder / LOG_NAME}.")
        return ExitCode.FAILED


def _with_command(arguments: list[str]) -> list[str]:
    """Put ``view`` before a bare path, since a slide may stand where a command may.

    A word that is no file and nearly a command is left alone, so that it is refused with
    the right name suggested.
    """
    for place, argument in enumerate(arguments):
        if argument.startswith("-"):
            continue
        if argument in COMMANDS or _is_mistyped(argument):
            return arguments
        return [*arguments[:place], "view", *arguments[place:]]
    return arguments


def _is_mistyped(word: str) -> bool:
    import difflib

    if Path(word).exists() or any(mark in word for mark in "./\\"):
        return False
    return bool(difflib.get_close_matches(word, COMMANDS))


def _explain_usage(error: typer.TyperException) -> int:
    """Say what was wrong with the arguments, and where the help is."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "bachview"
    message = error.format_message()
    if message:  # empty where the help was asked for by giving nothing
        _say(message)
        _say(f"See: {command} --help")
    return ExitCode.WRONG_USE


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def _speak_unicode() -> None:
    """File names and units are not ASCII; a console of another code page must not crash us."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")


@contextlib.contextmanager
def _termination_heard() -> Iterator[None]:
    """Let a polite kill (SIGTERM) end a command as Ctrl-C does: keep what is done."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
