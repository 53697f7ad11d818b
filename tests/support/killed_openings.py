"""Opens results files in processes that are each killed in the middle: ``FOLDER SLIDE``.

Each folder in FOLDER has the results file of SLIDE; its name ends in the number of the statement at
which the process that opens it is killed.
"""

import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from bachview.store.results import ResultStore


def _open(folder: Path, slide: str) -> None:
    left, plainly = int(folder.name.rpartition("-")[2]), sqlite3.connect

    def count(_statement: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = plainly(*arguments, **options)
        connection.set_trace_callback(count)
        return connection

    sqlite3.connect = connect  # type: ignore[assignment]
    ResultStore.open(folder, slide)


def main() -> None:
    """Print how many of the processes were killed."""
    folder, slide = Path(sys.argv[1]), sys.argv[2]
    killed = 0
    for each in sorted(folder.iterdir()):
        child = os.fork()
        if not child:
            _open(each, slide)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
    sys.stdout.write(f"{killed}\n")


if __name__ == "__main__":
    main()
