"""The window, classifying a slide: ``python -m tools.faults.window SLIDE``."""

import sys
from pathlib import Path

from bachview.models.bundle.installed import resolve_bundle
from bachview.ui.window.app import run_viewer

if __name__ == "__main__":
    paths = [Path(sys.argv[1]), resolve_bundle("selftest")]
    sys.exit(run_viewer(paths, classify=True, warms_up=False))
