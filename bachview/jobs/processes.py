"""Files that belong to a process, identified by its number in their names."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

#: Times of processes are known to a hundredth of a second, and those in files to a second.
_SLACK_S = 2.0


def is_running(number: int, *, since: float | None = None) -> bool:
    """Whether this computer is running a process with this number. Any thread.

    Parameters
    ----------
    since : when the process was seen, s since 1970: one that started later was given the same
        number. None: whichever has it.
    """
    import psutil  # only if a file was left behind

    try:
        if since is None:
            return bool(psutil.pid_exists(number))
        return bool(psutil.Process(number).create_time() <= since + _SLACK_S)
    except (OverflowError, ValueError, psutil.NoSuchProcess):
        return False
    except psutil.AccessDenied:
        return True


def left_behind(folder: Path, name: str, *, at_start: bool = False) -> Iterator[Path]:
    """Files in `folder` whose process has ended, in no particular order.

    Parameters
    ----------
    name : regular expression of the whole name; its only group is the process number.
    at_start : this process has created none yet, so a file with its number is from an earlier
        process.

    Raises
    ------
    OSError
        The folder cannot be read. A missing folder has no files.
    """
    if not folder.is_dir():
        return
    pattern = re.compile(name)
    for file in folder.iterdir():
        found = pattern.fullmatch(file.name)
        if found is None:
            continue
        number = int(found[1])
        if (at_start and number == os.getpid()) or not is_running(number):
            yield file
