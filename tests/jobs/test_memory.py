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
