"""A short part of ``make test-faults``."""

import random
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("there is no SIGKILL on Windows", allow_module_level=True)

from tools.faults.__main__ import Bench, BrokenPromise, kill, overwrite


@pytest.mark.timeout(300)
def test_a_kill_and_an_overwritten_slide_change_no_answer(tmp_path: Path) -> None:
    bench = Bench(tmp_path, random.Random(3))
    bench.prepare()
    kill(bench)
    overwrite(bench)
    bench.expected += b"another row"
    with pytest.raises(BrokenPromise, match="differs"):
        bench.check_end(bench.home())
