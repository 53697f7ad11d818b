"""Logging: one rotating file, no names of slides or patients above debug level."""

import logging
import logging.handlers
from pathlib import Path

from bachview.file_names import ESCAPED

LOG_NAME = "bachview.log"
_FORMAT = "%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"


def start_logging(folder: Path, *, verbose: bool = False) -> Path:
    """Send the package's log records to a rotating file in `folder`.

    Calling it again replaces the earlier file handler. If the folder cannot be written to, logging
    goes to standard error (warnings and above); this is not an error.

    Returns
    -------
    The log file's path (which may not exist when the folder is read-only).
    """
    root = logging.getLogger("bachview")
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    for old in [h for h in root.handlers if isinstance(h, logging.handlers.RotatingFileHandler)]:
        root.removeHandler(old)
        old.close()
    path = folder / LOG_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Opened at once, so that a failure shows here and not at each record.
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=2_000_000, backupCount=3, encoding="utf-8", errors=ESCAPED
        )
    except OSError:
        root.warning("The log folder cannot be written; logging to standard error only.")
        return path
    handler.setFormatter(logging.Formatter(_FORMAT))
    root.addHandler(handler)
    return path


def stop_logging() -> None:
    """Close the log file that `start_logging` opened."""
    root = logging.getLogger("bachview")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
