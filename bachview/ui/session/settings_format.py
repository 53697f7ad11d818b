"""The format of the settings file: a number in it, which an earlier program heeds.

Format 1 states no number; its values are those of format 2. Values of other programs that are not
known here stay in the file whatever its format.
"""

import logging
from pathlib import Path

from PySide6.QtCore import QSettings

from bachview.errors import BachviewError
from bachview.files import atomic_file

#: Raised when a value changes its meaning or its place, not when one is added.
SETTINGS_FORMAT = 2
FORMAT_KEY = "format"

_log = logging.getLogger(__name__)


def format_of(file: QSettings) -> int:
    """The format of a file that was read; of a new file the present one."""
    if not file.allKeys():
        return SETTINGS_FORMAT
    stated = str(file.value(FORMAT_KEY, 1))
    return int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 10 else 1


def take_over(file: QSettings, path: Path) -> None:
    """Bring a file of an earlier format to the present one, after a backup beside it.

    Of a file that is no INI file there is a backup as well. If the folder cannot be written to, the
    file stays as it is.
    """
    version = format_of(file)
    is_damaged = file.status() == QSettings.Status.FormatError
    if version >= SETTINGS_FORMAT and not is_damaged:
        return
    kind = "damaged" if is_damaged else f"v{version}-backup"
    backup = path.with_name(f"{path.stem}.{kind}{path.suffix}")
    try:
        content = path.read_bytes()
        with atomic_file(backup) as copy:
            copy.write(content)
    except (OSError, BachviewError):
        _log.info("The settings cannot be backed up, and stay in format %d.", version)
        return
    file.setValue(FORMAT_KEY, SETTINGS_FORMAT)
    file.sync()


def notice_of_newer(version: int) -> str:
    """The sentence about a file that a newer program wrote."""
    return (
        f"The settings were written by a newer bachview (format {version}, this program knows "
        f"{SETTINGS_FORMAT}). They are used as far as they are known, and the file is not "
        "changed: what you set now lasts until you quit."
    )
