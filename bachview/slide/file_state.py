"""Whether the files of an open slide are still those that were opened."""

from dataclasses import dataclass
from pathlib import Path

from bachview.errors import SlideChangedError, SlideReadError

#: Files looked at; a slide of more is watched by its first ones.
_MOST_FILES = 512
_SAMPLE_BYTES = 4096
#: Formats whose pixels lie in other files beside the one that is opened.
_WITH_SIBLINGS = (".dcm", ".vms", ".vmu")

_Mark = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class FileState:
    """The files of a slide as they were just before it was opened. Any thread.

    A file counts as another one when its size, its time of change or its inode differs, so
    one that was overwritten in place is noticed as well as one that took its name. What was
    read before a successful `check` was read from the files that were opened, as far as the
    file system tells at once (NFS may tell some seconds late).

    Attributes
    ----------
    path : what the user opened, a file or a folder.
    marks : of each file, its size in bytes, time of change in ns, and inode.
    """

    path: Path
    marks: tuple[tuple[Path, _Mark], ...]

    @classmethod
    def of(cls, path: Path) -> "FileState":
        """Look at the files now; call it before any of them is read.

        Raises
        ------
        OSError
            The file cannot be seen.
        """
        return cls(path, tuple((file, _mark(file)) for file in _files_of(path)[:_MOST_FILES]))

    def check(self, *, by_reading: bool = False) -> None:
        """Make sure that the files are there and unchanged.

        Parameters
        ----------
        by_reading : read a little of the first file too, past everything that is cached in
            this process: a drive that is gone may still be listed.

        Raises
        ------
        SlideChangedError
            A file was overwritten, cut off or replaced.
        SlideReadError
            A file is gone.
        """
        for file, mark in self.marks:
            try:
                present = _mark(file)
            except OSError as error:
                raise _gone(self.path) from error
            if present != mark:
                raise SlideChangedError(
                    f"{self.path.name} has changed since it was opened, so it can no longer be "
                    "read as that slide; open it again. What was saved before stays as it is."
                )
        if by_reading and self.marks:
            file, (size, _, _) = self.marks[0]
            try:
                with file.open("rb", buffering=0) as stream:
                    for place in (0, size // 2, max(size - _SAMPLE_BYTES, 0)):
                        stream.seek(place)
                        stream.read(_SAMPLE_BYTES)
            except OSError as error:
                raise _gone(self.path) from error


def _gone(path: Path) -> SlideReadError:
    return SlideReadError(
        f"{path.name} can no longer be read; bring the file back and "
        "classify again: the run goes on where it stopped."
    )


def _mark(file: Path) -> _Mark:
    facts = file.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ino


def _files_of(path: Path) -> list[Path]:
    """The opened file first, then what its format keeps in other files."""
    if path.is_dir():
        return _inside(path)
    beside = path.with_suffix("")  # MRXS keeps its pixels in a folder of its name
    files = [path]
    if beside != path and beside.is_dir():
        files += _inside(beside)
    if path.suffix.lower() in _WITH_SIBLINGS:
        files += [file for file in _inside(path.parent) if file != path]
    return files


def _inside(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file())
