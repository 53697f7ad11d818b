"""Where the installers are built."""

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
BUILD: Final = ROOT / "build"
#: The frozen program.
FROZEN: Final = BUILD / "frozen" / "bachview"


def executable(folder: Path = FROZEN) -> Path:
    """The program for the command line in a frozen folder."""
    return folder / ("bachview.exe" if sys.platform == "win32" else "bachview")
