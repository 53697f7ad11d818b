"""The window, classifying a slide: ``python -m tools.faults.window SLIDE``."""

import sys
from pathlib import Path

from bachview.ui.window.app import run_viewer

if __name__ == "__main__":
    sys.exit(run_viewer([Path(sys.argv[1])], classify=True, bundle="selftest", warms_up=False))
