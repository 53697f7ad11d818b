"""The parts of the installer's script that depend on the payload and on the list of formats."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from bachview.config import APPLICATION
from tools.installers.errors import InstallerError
from tools.installers.linux.mime_types import ALL_TYPES, MimeType

#: Programs that the payload must have at its top: that with the window, and that of the terminal.
VIEWER = f"{APPLICATION}-viewer.exe"
PROGRAMS = (VIEWER, f"{APPLICATION}.exe")
#: Longest name below the folder of the installation; with a folder of 90 characters it stays below
#: the 260 that Windows allows where long paths are not switched on.
LONGEST_NAME = 160
_FORBIDDEN = set('<>:"|?*\\')


def payload_files(payload: Path) -> list[PurePosixPath]:
    """The files of a payload, relative to it, in one order on every system.

    Raises
    ------
    InstallerError
        A program is missing or limited to short paths, or Windows cannot have a file of that name.
    """
    missing = [name for name in PROGRAMS if not (payload / name).is_file()]
    if missing:
        raise InstallerError(
            f"{' and '.join(missing)} is missing in {payload}: give the folder of the frozen "
            "program for Windows."
        )
    for name in PROGRAMS:
        if b"longPathAware" not in (payload / name).read_bytes():
            raise InstallerError(
                f"{payload / name} has no manifest that allows long paths; freeze it with "
                "PyInstaller, which writes one."
            )
    files = sorted(
        PurePosixPath(path.relative_to(payload).as_posix())
        for path in payload.rglob("*")
        if path.is_file()
    )
    for file in files:
        if len(str(file)) > LONGEST_NAME or any(set(part) & _FORBIDDEN for part in file.parts):
            raise InstallerError(
                f"{payload / file}: Windows may be unable to keep a file of this name; rename it "
                "or leave it out."
            )
    folded: dict[str, PurePosixPath] = {}
    for file in files:
        twin = folded.setdefault(str(file).casefold(), file)
        if twin is not file:
            raise InstallerError(f"{payload}: {twin} and {file} are one file on Windows.")
    return files


def file_lines(payload: Path, files: Sequence[PurePosixPath]) -> str:
    """Macros that install each file, and that remove just these files and folders."""
    return "\n".join(
        [
            "!macro INSTALL_FILES",
            *_install_lines(payload, files),
            '  SetOutPath "$INSTDIR"',
            "!macroend",
            "!macro REMOVE_FILES",
            *(rf'  Delete "$INSTDIR\{_escaped(file)}"' for file in files),
            *(rf'  RMDir "$INSTDIR\{_escaped(folder)}"' for folder in _folders(files)),
            "!macroend",
            "",
        ]
    )


def _install_lines(payload: Path, files: Iterable[PurePosixPath]) -> Iterator[str]:
    present = None
    for file in sorted(files, key=lambda file: (file.parent, file)):
        if file.parent != present:
            present = file.parent
            inside = "" if present == PurePosixPath() else rf"\{_escaped(present)}"
            yield f'  SetOutPath "$INSTDIR{inside}"'
        yield f'  File "/oname={_quoted(file.name)}" "{payload / file}"'


def _folders(files: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    """The deepest first: a folder is removed once it is empty."""
    found = {folder for file in files for folder in file.parents if folder != PurePosixPath()}
    return sorted(found, key=lambda folder: (-len(folder.parts), folder))


def association_lines(kinds: Iterable[MimeType] = ALL_TYPES) -> str:
    """Macros that register the types of files, and that remove them."""
    rows = list(_associations(kinds))
    return "\n".join(
        [
            "!macro ASSOCIATE_ALL",
            "  !insertmacro BeginAssociations",
            *(
                f'  !insertmacro Associate "{suffix}" "{name}" "{_quoted(text)}" {int(may_open)}'
                for suffix, name, text, may_open in rows
            ),
            "!macroend",
            "!macro DISSOCIATE_ALL",
            *(f'  !insertmacro Dissociate "{suffix}" "{name}"' for suffix, name, _, _ in rows),
            "  !insertmacro EndDissociations",
            "!macroend",
            "",
        ]
    )


def _associations(kinds: Iterable[MimeType]) -> Iterator[tuple[str, str, str, bool]]:
    """Suffix, ProgID, what a file is called, whether it may become the default.

    Windows knows the last suffix of a name only. Types that many programs open, such as TIFF, are
    offered and no more.
    """
    seen = set()
    for kind in kinds:
        for suffix in kind.suffixes:
            if suffix.count(".") == 1 and suffix not in seen:
                seen.add(suffix)
                yield suffix, f"{APPLICATION}{suffix}", kind.comment, not kind.is_known


def _escaped(path: PurePosixPath) -> str:
    return _quoted(str(path)).replace("/", "\\")


def _quoted(text: str) -> str:
    """For a string of NSIS in double quotes; a file of Windows has none in its name."""
    return text.replace("$", "$$")
