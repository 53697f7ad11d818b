"""Files that are there whole or not at all, also where the writer was killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bachview.results.files import atomic_file

_KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from bachview.results.files import atomic_file
with atomic_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_what_a_killed_process_left_goes_with_the_next_writing(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    target.write_bytes(b"earlier")
    subprocess.run([sys.executable, "-c", _KILLED_WHILE_WRITING, str(target)], check=False)
    assert target.read_bytes() == b"earlier"
    (left,) = tmp_path.glob(".*.part")
    running = left.with_name(left.name.split("-")[0] + f"-{os.getppid()}.part")
    others = [running, tmp_path / ".a.csv.mine.part", tmp_path / ".b.csv.1.part"]
    for other in others:
        other.touch()
    with atomic_file(target) as file:
        file.write(b"whole")
    assert target.read_bytes() == b"whole"
    assert sorted(tmp_path.iterdir()) == sorted([target, *others])
