"""``bachview [SLIDE]...`` and ``bachview demo``: the window."""

from collections.abc import Sequence
from pathlib import Path

from bachview.cli.display import require_display
from bachview.cli.progress import ProgressLine
from bachview.jobs.tokens import CancelToken


def view(slides: Sequence[Path]) -> int:
    """Open the viewer on `slides`; returns its exit code.

    Raises
    ------
    UsageError
        No window can be opened here.
    """
    require_display()
    from bachview.ui.window.app import run_viewer

    return run_viewer(slides)


def demo() -> int:
    """Open the viewer on the demo slide, with classification running.

    Raises
    ------
    UsageError
        No window can be opened here.
    ExportError
        The demo slide cannot be written.
    """
    require_display()
    from bachview.ui.session.demo import demo_slide

    with ProgressLine("Drawing the demo slide", "tiles") as line:
        slide = demo_slide(CancelToken(), line.update)
    from bachview.ui.window.app import run_viewer

    return run_viewer([slide], classify=True)
