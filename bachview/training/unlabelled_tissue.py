"""Files of tissue without labels that the user names for teaching."""

from collections.abc import Sequence
from pathlib import Path

from bachview.datasets.numbering import natural
from bachview.errors import UsageError
from bachview.slide.suffixes import PICTURE_SUFFIXES, SLIDE_SUFFIXES

_DICOM = ".dcm"


def unlabelled_tissue(named: Sequence[Path]) -> list[Path]:
    """Slides and photos by the user's paths, each once.

    Of a folder, everything inside it at any depth whose ending is that of a slide or picture; a
    folder with DICOM files is itself a slide.

    Raises
    ------
    UsageError
        A path does not exist or has none.
    """
    found: list[Path] = []
    for path in named:
        if not path.exists():
            raise UsageError(f"There is no slide, photo or folder {path.name}; check --tissue.")
        inside = [path] if path.is_file() else _inside(path)
        if not inside:
            raise UsageError(f"The folder {path.name} has no slides or photos; check --tissue.")
        found += inside
    return list(dict.fromkeys(found))


def sized(paths: Sequence[Path]) -> list[tuple[Path, int]]:
    """Each path with its size in bytes; a folder with that of its files."""
    return [
        (
            path,
            path.stat().st_size
            if path.is_file()
            else sum(file.stat().st_size for file in path.iterdir() if file.is_file()),
        )
        for path in paths
    ]


def _inside(folder: Path) -> list[Path]:
    files = sorted(
        (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")),
        key=lambda path: natural(str(path.relative_to(folder))),
    )
    return [
        path.parent if path.suffix.casefold() == _DICOM else path
        for path in files
        if path.suffix.casefold() in (*SLIDE_SUFFIXES, *PICTURE_SUFFIXES)
    ]
