"""What was freed goes back to the system."""

import subprocess
import sys

import pytest

#: Blocks that are freed between others that stay, as tiles are between what lives longer.
FREED_BETWEEN = """
import psutil
from bachview.jobs.memory import give_back_memory

process = psutil.Process()
blocks = [bytearray(b"x") * 60_000 for _ in range(4000)]
stay = blocks[::20]
full = process.memory_info().rss
del blocks
give_back_memory()
print((full - process.memory_info().rss) / (60_000 * 3800))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does it")
def test_freed_blocks_between_others_go_back() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", FREED_BETWEEN], capture_output=True, text=True, check=True
    )
    assert float(answer.stdout) > 0.8


#: Every second block of the size of a tile is freed, after a larger one was.
EVERY_SECOND = """
import sys
import psutil
from bachview.jobs.memory import LARGE_BYTES, keep_large_blocks_apart

if sys.argv[1] == "apart":
    assert keep_large_blocks_apart()
process = psutil.Process()
larger = bytearray(b"x") * (8 * LARGE_BYTES)
del larger
blocks = [bytearray(b"x") * LARGE_BYTES for _ in range(64)]
full = process.memory_info().rss
del blocks[::2]
print((full - process.memory_info().rss) / (32 * LARGE_BYTES))
"""


def _goes_back(how: str) -> float:
    answer = subprocess.run(
        [sys.executable, "-c", EVERY_SECOND, how], capture_output=True, text=True, check=True
    )
    return float(answer.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does it")
def test_large_blocks_that_are_kept_apart_go_back_when_they_are_freed() -> None:
    assert _goes_back("as usual") < 0.3
    assert _goes_back("apart") > 0.8
