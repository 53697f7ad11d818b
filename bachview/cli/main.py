"""Entry point of the command line: runs one command and turns its outcome into an exit code."""

import contextlib
import errno
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from bachview.audit import trouble_told_to
from bachview.cli import completion
from bachview.cli.app import COMMANDS, app
from bachview.cli.exits import ExitCode
from bachview.cli.interrupts import heed_no_more, termination_heard
from bachview.cli.output import OutputClosed, standard_streams, tell
from bachview.config import HOME_VARIABLE, own_folders
from bachview.errors import BachviewError, Cancelled, UsageError
from bachview.logs import LOG_NAME, start_logging, stop_logging
from bachview.policy.in_force import in_force
from bachview.portable import portable_folder

PORTABLE = "--portable"
#: What typer makes of Ctrl-C.
_TYPER_INTERRUPTED = 130
#: Errors of the machine, about which a program can do nothing: disk full, forbidden, gone.
_REFUSALS = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.EISDIR,
        errno.EMFILE,
        errno.ENAMETOOLONG,
        errno.ENFILE,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
        errno.ESTALE,
    }
)

_log = logging.getLogger(__name__)


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : without the program's name.

    Returns
    -------
    The exit code, one of `ExitCode`. Never raises; an unknown exception is a bug, and its traceback
    goes to the log file.
    """
    if completion.is_asked():
        return completion.answer()
    with standard_streams() as streams, termination_heard(), contextlib.ExitStack() as stack:
        try:
            given = stack.enter_context(_portable(list(arguments)))
        except BachviewError as error:
            code = _explain(error, own_folders().logs)
            asked = _with_command(_as_paths(list(arguments)))
            if _opens_window(asked) and not _only_tells(asked):
                from bachview.cli.viewer import show_in_window

                show_in_window(error)  # too, as who starts it from a menu sees no output
            return code
        stack.enter_context(trouble_told_to(tell))
        folder = own_folders().logs
        start_logging(folder, verbose="--verbose" in arguments)
        # What Pillow thinks of a file's metadata is no message for the user.
        warnings.filterwarnings("ignore", module="PIL")
        try:
            code = _run(given, folder)
            # Flushing the buffer may still fail.
            return code if streams.deliver() else ExitCode.BAD_INPUT
        except OutputClosed:
            return ExitCode.OUTPUT_CLOSED
        finally:
            stop_logging()


@contextlib.contextmanager
def _portable(arguments: list[str]) -> Iterator[list[str]]:
    """Let everything be kept beside the program within the context, if that is asked for.

    The variable also reaches the processes that this one starts.

    Returns
    -------
    The arguments without ``--portable``, which may stand anywhere before ``--``.

    Raises
    ------
    BachviewError
        It is not possible.
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    asked = PORTABLE in options
    # Who sets the variable has said where everything is to be.
    folder = portable_folder(asked=asked) if asked or not os.environ.get(HOME_VARIABLE) else None
    if folder is None:
        yield arguments
        return
    if not _only_tells(arguments) and in_force().is_locked("data_folder"):
        raise in_force().refusal("data_folder", "Keeping everything beside the program")
    kept, before = [a for a in options if a != PORTABLE], os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(folder)
    try:
        yield [*kept, *arguments[len(options) :]]
    finally:
        if before is None:
            del os.environ[HOME_VARIABLE]
        else:
            os.environ[HOME_VARIABLE] = before


def _only_tells(arguments: Sequence[str]) -> bool:
    """Whether a command does nothing that a policy could forbid: help, version, the policy."""
    if not {"-h", "--help", "--version"}.isdisjoint(arguments):
        return True
    return next((a for a in arguments if not a.startswith("-")), "") == "policy"


def _opens_window(arguments: Sequence[str]) -> bool:
    return next((a for a in arguments if not a.startswith("-")), "view") in ("view", "demo")


def _run(arguments: list[str], folder: Path) -> int:
    try:
        given = _with_command(_as_paths(arguments))
        # An invalid policy ends everything; the window says it in a window.
        if not _only_tells(given) and not _opens_window(given):
            in_force()
        answer = app(given, prog_name="bachview", standalone_mode=False)
        if answer == _TYPER_INTERRUPTED:
            raise KeyboardInterrupt
        heed_no_more()
        return int(answer or ExitCode.DONE)
    except BaseException as error:
        heed_no_more()  # another Ctrl-C would end the sentence in a trace
        return _explain(error, folder)


def _explain(outcome: BaseException, folder: Path) -> int:
    """Say in a sentence how a command ended; its exit code."""
    try:
        raise outcome
    except typer.TyperException as error:
        return _explain_usage(error)
    except UsageError as error:
        tell(str(error))
        return ExitCode.WRONG_USE
    except BachviewError as error:
        _log.debug("the command failed", exc_info=True)
        tell(str(error))
        return ExitCode.BAD_INPUT
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        tell("Cancelled.")
        return ExitCode.CANCELLED
    except OutputClosed:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _REFUSALS:
            _log.debug("the command failed", exc_info=True)
            tell(f"{error.filename or 'A file'} cannot be read or written ({error.strerror}).")
            return ExitCode.BAD_INPUT
        _log.exception("unexpected error")
        tell(f"This is a bug in bachview; the traceback is in {folder / LOG_NAME}.")
        return ExitCode.FAILED


def _as_paths(arguments: list[str]) -> list[str]:
    """``./-x.tif`` for ``-x.tif`` where there is such a file: ``*.tif`` may match it.

    No option has a dot in its name.
    """
    return [
        f"./{argument}"
        if argument.startswith("-")
        and "." in argument.partition("=")[0]
        and Path(argument).exists()
        else argument
        for argument in arguments
    ]


def _with_command(arguments: list[str]) -> list[str]:
    """Put ``view`` before a bare path, as a slide may be given in place of a command.

    A word that is not a file but resembles a command is left alone, so that it is rejected with the
    right name suggested.
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
    """Print what was wrong with the arguments, and where to find help."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "bachview"
    message = error.format_message()
    if message:  # empty if help is shown because nothing was given
        tell(message)
        tell(f"See: {command} --help")
    return ExitCode.WRONG_USE
