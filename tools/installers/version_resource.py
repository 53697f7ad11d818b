"""What Windows shows of an executable, in the format that PyInstaller reads."""

from pathlib import Path
from typing import Final

#: US English, Unicode.
_LANGUAGE: Final = ("040904B0", "[1033, 1200]")


def write_version_resource(path: Path, version: str) -> None:
    """Write it for a version such as ``1.2.0``; Windows counts in four numbers."""
    numbers = [int(part) for part in version.split(".") if part.isdigit()]
    quad = tuple((*numbers, 0, 0, 0, 0)[:4])
    shown = {
        "ProductName": "bachview",
        "FileDescription": "bachview, viewer of whole-slide images",
        "CompanyName": "The bachview developers",
        "LegalCopyright": "MIT licence",
        "ProductVersion": version,
        "FileVersion": version,
    }
    rows = ", ".join(f"StringStruct({name!r}, {value!r})" for name, value in shown.items())
    language, translation = _LANGUAGE
    path.write_text(
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={quad}, prodvers={quad}, mask=0x3F, flags=0x0, "
        "OS=0x40004, fileType=0x1, subtype=0x0, date=(0, 0)), kids=["
        f"StringFileInfo([StringTable({language!r}, [{rows}])]), "
        f"VarFileInfo([VarStruct('Translation', {translation})])])\n",
        encoding="utf-8",
    )
