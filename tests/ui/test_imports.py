"""Modules are imported in the window as they are without it, also by several threads."""

import os
import subprocess
import sys
from pathlib import Path

#: What pydantic is while it is being imported.
_UNFINISHED = """
def __getattr__(name):
    raise ImportError(f"{name} is not there yet")
"""


def test_no_module_is_asked_for_more_than_it_is_imported_for(tmp_path: Path) -> None:
    (tmp_path / "unfinished.py").write_text(_UNFINISHED)
    done = subprocess.run(
        [sys.executable, "-c", "import bachview.ui.window.main_window, unfinished; print('fine')"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.stdout.strip() == "fine", done.stderr
