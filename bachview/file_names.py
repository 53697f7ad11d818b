"""Names of files as text: names that are no UTF-8, forms of one name, and files of the system."""

import codecs
import json
import ntpath
import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

_LITTER = {
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "__macosx"),
    *("$recycle.bin", "system volume information", "lost+found", "@eadir", "#recycle", "@recycle"),
}
#: Hidden, or the mark of a document that is open in an office program.
_LITTER_STARTS = (".", "~$")
#: What Windows, or a program that lists files there, does not accept in a name.
_FORBIDDEN = re.compile('[<>:"/\\\\|?*\x00-\x1f]')
#: Windows takes these for devices, with any suffix.
_DEVICES = {
    *("CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"),
    *(f"{device}{number}" for device in ("COM", "LPT") for number in "0123456789¹²³"),
}
#: Folders may have 247 characters, and files 259, where long paths are not switched on.
_LONG_PATH = 248
#: Of a bundle that is one file; a folder may have it, too.
BUNDLE_SUFFIX = ".bachmodel"
_RAW_BYTE = re.compile("[\udc80-\udcff]")
_FIRST_RAW = 0xDC00


def _escape(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = _RAW_BYTE.sub(
        lambda raw: f"\\x{ord(raw[0]) - _FIRST_RAW:02x}", error.object[error.start : error.end]
    )
    return text.encode("utf-8", "backslashreplace"), error.end


#: Name of the handler (``errors=``) with which all text is encoded: each byte of a file name that
#: is no UTF-8 is written as ``\xf6``.
ESCAPED = "bachview-escaped"
codecs.register_error(ESCAPED, _escape)


def printable(text: str) -> str:
    r"""`text` as valid Unicode: bytes that are no UTF-8 are written as ``\xf6``.

    A name in this form is for people and tables; it no longer opens the file.
    """
    return text.encode("utf-8", ESCAPED).decode()


def json_text(document: Mapping[str, Any], *, indent: int | None = 2) -> str:
    """A document as JSON that every program reads: its texts are `printable`.

    Raises
    ------
    ValueError
        A number is not finite.
    """
    return json.dumps(_printable(document), indent=indent, ensure_ascii=False, allow_nan=False)


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {_printable(key): _printable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(one) for one in value]
    return value


def portable(name: str) -> str:
    """`name` as a file or folder may be called on every system, e.g. ``A_B`` for ``A:B``.

    Windows forbids some characters, blanks and dots at the end, and the names of its devices.
    """
    text = _FORBIDDEN.sub("_", printable(name)).rstrip(" .")
    if text.partition(".")[0].rstrip(" ").upper() in _DEVICES:
        text = f"_{text}"
    return text or "_"


def extended_path(path: str) -> str:
    r"""An absolute path of Windows in the form that may be longer than 260 characters.

    ``\\?\C:\...``, or ``\\?\UNC\server\...`` for a share; a short path as it is, for people see it.
    """
    if len(path) < _LONG_PATH or path.startswith("\\\\?\\"):
        return path
    plain = ntpath.normpath(path)  # nothing is resolved in the long form
    return f"\\\\?\\UNC{plain[1:]}" if plain.startswith("\\\\") else f"\\\\?\\{plain}"


def comparable(name: str) -> str:
    """A name as it is looked up: equal for all Unicode forms and cases.

    A byte that is no UTF-8 counts as Latin-1, which is what old archives hold.
    """
    text = _RAW_BYTE.sub(lambda raw: chr(ord(raw[0]) - _FIRST_RAW), name)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def is_litter(relative: PurePath) -> bool:
    """Whether a file, or a folder that it lies in, is hidden or was left by a system.

    Such are ``._x.tif`` (macOS on foreign drives), ``Thumbs.db`` and ``$RECYCLE.BIN`` (Windows),
    ``@eaDir`` (network drives).

    Parameters
    ----------
    relative : below the folder that the user gave, which may itself be hidden.
    """
    return any(
        part.startswith(_LITTER_STARTS) or part.casefold() in _LITTER for part in relative.parts
    )
