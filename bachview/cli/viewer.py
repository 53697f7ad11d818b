"""``bachview [SLIDE]...`` and ``bachview demo``: the window."""

from collections.abc import Sequence
from pathlib import Path

from bachview.cli.display import require_display
from bachview.cli.progress import ProgressLine
from bachview.config import user_folders
from bachview.errors import ExportError

#: About 6 x 4.5 mm: large enough to navigate, written in seconds.
DEMO_SIZE = (12_000, 9_000)
# Part of the file's name: another drawing gets another number.
_DEMO_VERSION = 1


def view(slides: Sequence[Path]) -> int:
    """Open the viewer on `slides`; returns its exit code.

    Raises
    ------
    UsageError
        No window can be opened here.
    """
    require_display()
    from bachview.ui.app import run_viewer

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
    slide = demo_slide(user_folders().cache)
    from bachview.ui.app import run_viewer

    return run_viewer([slide], classify=True)


def demo_slide(cache: Path) -> Path:
    """The demo slide's path; written first where it is missing.

    Raises
    ------
    ExportError
        It cannot be written.
    """
    path = cache / f"demo-{_DEMO_VERSION}.tiff"
    if path.exists():
        return path
    from bachview.slide.phantom import write_phantom

    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"The cache folder {cache} cannot be made ({error.strerror}); "
            "set BACHVIEW_HOME to a folder that can be written."
        ) from error
    width, height = DEMO_SIZE
    with ProgressLine("Writing the demo slide", "tiles") as line:
        write_phantom(path, width=width, height=height, progress=line.update)
    return path
