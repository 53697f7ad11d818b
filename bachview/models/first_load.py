"""The first load of a bundle on this computer, in a child process that may crash.

The checks of a bundle are written in Python, but its networks and classifiers are read by C++ code.
If that crashes there is no exception: the process is gone, and with it a window or a command. So a
bundle that was never loaded here is first loaded by a child, in the same steps, and the child's
report is used.
"""

import json
import logging
import os
import signal
import subprocess  # our own program only
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from bachview.errors import BachviewError, BundleError, Cancelled, EngineError, UsageError
from bachview.jobs.own_program import module_command
from bachview.jobs.tokens import CancelToken

#: How long a child may take. The default bundle takes 4 s, or 20 s on a busy machine.
LIMIT_S: Final = 240.0
#: How long a cancel may wait for the next check of the token, s.
_POLL_S: Final = 0.05
#: The child's exit code where it refuses the bundle, and the errors that it reports then.
REFUSED: Final = 3
REPORTED: Final = {error.__name__: error for error in (BundleError, EngineError, UsageError)}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A child's report on a bundle that it could not load.

    Attributes
    ----------
    done : (step, its result) of the steps before.
    step : the step at which it ended; empty if it reached none.
    error : why, for the user.
    """

    done: tuple[tuple[str, str], ...]
    step: str
    error: BachviewError

    def tell(self) -> NoReturn:
        raise self.error


def command(path: Path, sha256: str, asked: tuple[str, str, str]) -> list[str]:
    """The command that starts the child."""
    return module_command(f"{__name__}_child", os.fspath(path), sha256, *asked)


def try_in_child(
    path: Path, sha256: str, asked: tuple[str, str, str], token: CancelToken | None
) -> Refusal | None:
    """Load a bundle in a child process; None if that worked. Takes seconds.

    Parameters
    ----------
    sha256 : of the bundle at `path`; another one is rejected.
    asked : engine, device and precision.
    token : a cancel ends the child at once.

    Raises
    ------
    Cancelled
        `token` was cancelled.
    """
    started = time.monotonic()
    # Closed however this process ends, so that the child notices.
    its, ours = os.pipe()
    try:
        child = subprocess.Popen(
            command(path, sha256, asked),
            stdin=its,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        with child:
            try:
                said, errors, is_late = _wait(child, started + LIMIT_S, token)
            finally:
                child.kill()
    except OSError as error:
        return Refusal(
            (),
            "",
            EngineError(
                f"The model {path.name} is new here, and the process that tries it first cannot be "
                f"started ({error.strerror}): close other programs and try again."
            ),
        )
    finally:
        os.close(ours)
        os.close(its)
    _log.info("A bundle was tried in a child process: %.1f s.", time.monotonic() - started)
    if child.returncode == 0:
        return None
    how = f"not done after {LIMIT_S:.0f} s" if is_late else _how(child.returncode)
    return _refusal(said, errors, child.returncode, how, path.name)


def _wait(
    child: "subprocess.Popen[bytes]", last: float, token: CancelToken | None
) -> tuple[bytes, bytes, bool]:
    """The child's two output streams, and whether it was ended for taking too long."""
    is_late = False
    while True:
        try:
            return *child.communicate(timeout=_POLL_S), is_late
        except subprocess.TimeoutExpired:
            if token is not None and token.is_cancelled:
                raise Cancelled from None
            if time.monotonic() > last:
                is_late = True
                child.kill()


def _refusal(said: bytes, errors: bytes, code: int, how: str, where: str) -> Refusal:
    done: list[tuple[str, str]] = []
    step = ""
    for line in said.splitlines():
        match _parsed(line):
            case "begun", step:
                pass
            case "done", found:
                done.append((step, found))
            case "refused", name, sentence if code == REFUSED:
                return Refusal(tuple(done), step, REPORTED[name](sentence))
    _log.info("Output of the trial process: %s", errors[-2000:].decode(errors="replace"))
    place = f"{how}, {step}" if step else how
    return Refusal(
        tuple(done),
        step,
        BundleError(
            f"The model {where} ended the process that tried it first ({place}), so it was not "
            "loaded: it is damaged or malicious, or there is not enough memory; get it again from "
            "its author."
        ),
    )


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:  # cut off by its end
        return None


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
