"""The first load of a bundle on this computer: in a process that may die of it.

The checks of a bundle are written in Python, but what reads its networks and classifiers is
C++. Where that crashes, no exception tells it: the process is gone, and with it a window or a
command. So a bundle that was never loaded here is loaded by a child first, with the same
steps; what the child says of them is what is reported.
"""

import json
import logging
import os
import signal
import subprocess  # our own program only
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from bachview.errors import BachviewError, BundleError, Cancelled, EngineError, UsageError
from bachview.jobs.tokens import CancelToken

#: How long a child may take. The default bundle takes 4 s, and 20 s on a machine that is busy.
LIMIT_S: Final = 240.0
#: How long a cancel may wait for the next look at the token.
_POLL_S: Final = 0.05
#: The child's exit code where it refuses the bundle, and the errors that it reports then.
REFUSED: Final = 3
REPORTED: Final = {error.__name__: error for error in (BundleError, EngineError, UsageError)}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a child said of a bundle that it did not load.

    Attributes
    ----------
    done : (step, what it found) of the steps before.
    step : where it ended; empty where it did not come to any.
    error : why, for the user.
    """

    done: tuple[tuple[str, str], ...]
    step: str
    error: BachviewError

    def tell(self) -> NoReturn:
        """Raise the error."""
        raise self.error


def command(path: Path, sha256: str, asked: tuple[str, str, str]) -> list[str]:
    """What starts the child.

    It imports from where this process imports, and not from the working folder.
    """
    start = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
        f"from {__name__}_child import main; main(sys.argv[2:])"
    )
    return [
        sys.executable,
        "-P",
        "-c",
        start,
        json.dumps(sys.path),
        os.fspath(path),
        sha256,
        *asked,
    ]


def try_in_child(
    path: Path, sha256: str, asked: tuple[str, str, str], token: CancelToken | None
) -> Refusal | None:
    """Load a bundle in a child process; None where that worked. Takes seconds.

    Parameters
    ----------
    sha256 : of the bundle at `path`; another one is refused.
    asked : engine, device and precision.
    token : a cancel ends the child at once.

    Raises
    ------
    Cancelled
        `token` was cancelled.
    """
    started = time.monotonic()
    # Closed when this process ends, however it does: the child hears of it.
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
                f"The bundle {path.name} is new here, and the process that tries it first cannot "
                f"be started ({error.strerror}): close other programs and try again."
            ),
        )
    finally:
        os.close(ours)
        os.close(its)
    _log.info("A bundle was tried in a process of its own: %.1f s.", time.monotonic() - started)
    if child.returncode == 0:
        return None
    how = f"not done after {LIMIT_S:.0f} s" if is_late else _how(child.returncode)
    return _refusal(said, errors, child.returncode, how, path.name)


def _wait(
    child: "subprocess.Popen[bytes]", last: float, token: CancelToken | None
) -> tuple[bytes, bytes, bool]:
    """What the child wrote to its two streams, and whether it was ended for being late."""
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
    _log.info("The process that tried a bundle said: %s", errors[-2000:].decode(errors="replace"))
    place = f"{how}, {step}" if step else how
    return Refusal(
        tuple(done),
        step,
        BundleError(
            f"The bundle {where} ended the process that tried it first ({place}), so it was not "
            "loaded: it is damaged or was made to do that, or there is too little memory; get it "
            "again from its maker."
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
