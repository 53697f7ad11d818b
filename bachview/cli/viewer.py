"""``bachview [SLIDE]...`` and ``bachview demo``: the window."""

from collections.abc import Sequence
from pathlib import Path

from bachview.cli.display import require_display
from bachview.cli.exits import ExitCode
from bachview.cli.output import tell
from bachview.cli.progress import ProgressLine
from bachview.errors import BachviewError, PolicyError
from bachview.jobs.tokens import CancelToken
from bachview.policy.in_force import in_force


def view(paths: Sequence[Path]) -> int:
    """Open the viewer on slides, and with a bundle if there is one among `paths`; its exit code.

    Raises
    ------
    UsageError
        No window can be opened here.
    """
    require_display()
    if _is_refused():
        return ExitCode.BAD_INPUT
    from bachview.ui.window.app import run_viewer

    return run_viewer(paths)


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
    if _is_refused():
        return ExitCode.BAD_INPUT
    from bachview.ui.session.demo import demo_slide

    with ProgressLine("Drawing the demo slide", "tiles") as line:
        slide = demo_slide(CancelToken(), line.update)
    from bachview.ui.window.app import run_viewer

    return run_viewer([slide], classify=True)


def _is_refused() -> bool:
    """Whether the policy is invalid; that is said in a window too, as a menu shows no output."""
    try:
        in_force()
    except PolicyError as error:
        tell(str(error))
        show_in_window(error)
        return True
    return False


def show_in_window(error: BachviewError) -> None:
    """Show why the viewer does not start, where a window can be opened."""
    try:
        require_display()
    except BachviewError:
        return
    from bachview.ui.window.app import show_refusal

    remedy = ""
    if isinstance(error, PolicyError):
        remedy = "\n\nbachview does not start until your administrator has put this right."
    show_refusal(f"{error}{remedy}")
