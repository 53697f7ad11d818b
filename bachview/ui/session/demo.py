"""The demo slide of the start page: drawn once, kept in the cache."""

from collections.abc import Callable
from pathlib import Path

from bachview.config import user_folders
from bachview.errors import ExportError
from bachview.jobs.tokens import CancelToken

#: About 6 x 4.5 mm; the name is the one that ``bachview demo`` uses.
_SIZE = (12_000, 9_000)
_NAME = "demo-1.tiff"
#: The bundle in whose stains it is drawn.
DEMO_BUNDLE = "selftest"


def is_demo(path: Path) -> bool:
    """Whether this is the demo slide."""
    return path == _path()


def _path() -> Path:
    return (user_folders().cache / _NAME).absolute()


def demo_slide(token: CancelToken, progress: Callable[[int, int], None]) -> Path:
    """The demo slide's path; drawn first if it is missing. Any thread; takes seconds.

    Raises
    ------
    ExportError
        It cannot be written.
    Cancelled
        `token` was cancelled; no partial file is left.
    """
    path = _path()
    if path.exists():
        return path
    from bachview.phantom.writer import write_phantom

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"The folder {path.parent.name} for the demo slide cannot be created; set "
            "BACHVIEW_HOME to a writable folder."
        ) from error
    write_phantom(path, width=_SIZE[0], height=_SIZE[1], progress=progress, token=token)
    return path
