"""Whether the files of an open slide are still those that were opened."""

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bachview.errors import SlideChangedError, SlideReadError
from bachview.slide.formats.dicom_start import WHOLE_SLIDE_IMAGE, begins_as_dicom, kind_in

#: Maximum number of files watched; of a slide with more, only the first ones are.
_MOST_FILES = 512
_SAMPLE_BYTES = 4096
#: Bytes of a list of files (VMS, VMU) that are read.
_LIST_BYTES = 1 << 20
#: Bytes of a DICOM file in which its series is looked for; it stands within the first thousand.
_DICOM_HEAD_BYTES = 16 << 10
#: SeriesInstanceUID (0020,000E) with or without its type, little-endian. It also stands in
#: references to other series.
_SERIES = re.compile(rb"\x20\x00\x0e\x00(?:UI..|.{4})([0-9.]{1,64})", re.DOTALL)

_Mark = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FileState:
    """The files of a slide as they were just before it was opened. Any thread.

    A file counts as another one when its size, its times of change, its inode or its device
    differs, so one that was overwritten in place is noticed as well as one that took its name,
    also where a copying program sets the old time again. (Windows has no second time: there such
    a copy of the same size passes.) So does another change of the file's facts. What was
    read before a successful `check` was read from the files that were opened, as far as the
    file system tells at once (NFS may tell some seconds late).

    Attributes
    ----------
    path : what the user opened, a file or a folder.
    marks : of each file, its size in bytes, device, inode, and times of change in ns: of the
        content, which programs can set, and of the facts (not on Windows), which they cannot.
    """

    path: Path
    marks: tuple[tuple[Path, _Mark], ...]

    @classmethod
    def of(
        cls, path: Path, *, opened_as: Path | None = None, as_formerly: bool = False
    ) -> "FileState":
        """Record the files now; call it before any of them is read.

        Parameters
        ----------
        path : a file.
        opened_as : what the user opened, where that is another path (a DICOM folder).
        as_formerly : with what else names a DICOM slide's series, which earlier versions took for
            a part of it.

        Raises
        ------
        OSError
            The file cannot be accessed.
        """
        files = _files_of(path, as_formerly)[:_MOST_FILES]
        return cls(opened_as or path, tuple((file, _mark(file)) for file in files))

    def check(self, *, by_reading: bool = False) -> None:
        """Make sure that the files exist and are unchanged.

        Parameters
        ----------
        by_reading : also read a little of the first file, bypassing everything cached in this
            process: a drive that is gone may still be listed.

        Raises
        ------
        SlideChangedError
            A file was overwritten, truncated or replaced.
        SlideReadError
            A file is gone.
        """
        for file, mark in self.marks:
            try:
                present = _mark(file)
            except OSError as error:
                raise gone(self.path) from error
            if present != mark:
                raise SlideChangedError(
                    f"{self.path.name} has changed since it was opened, so it can no longer be "
                    "read as that slide; open it again. Saved results are kept."
                )
        if by_reading and self.marks:
            file, (size, *_) = self.marks[0]
            try:
                with file.open("rb", buffering=0) as stream:
                    for place in (0, size // 2, max(size - _SAMPLE_BYTES, 0)):
                        stream.seek(place)
                        stream.read(_SAMPLE_BYTES)
            except OSError as error:
                raise gone(self.path) from error


def gone(path: Path) -> SlideReadError:
    """The error for a slide that can no longer be read at all."""
    return SlideReadError(
        f"{path.name} can no longer be read; restore the file and try again. Saved results are not "
        "lost, and a run resumes where it stopped."
    )


def _mark(file: Path) -> _Mark:
    facts = file.stat()
    # On Windows it is the time when the file was made.
    changed = 0 if sys.platform == "win32" else facts.st_ctime_ns
    return facts.st_size, facts.st_dev, facts.st_ino, facts.st_mtime_ns, changed


def _is_dicom(file: Path) -> bool:
    with file.open("rb") as stream:
        return begins_as_dicom(stream.read(132))


def _files_of(path: Path, as_formerly: bool) -> list[Path]:
    """The opened file first, then other files that belong to its format.

    No others: results and notes beside a slide may change while it is open.
    """
    match path.suffix.lower():
        case ".mrxs":  # its pixels are in a folder of the same name
            folder = path.with_suffix("")
            others = _inside(folder) if folder.is_dir() else []
        case ".vms" | ".vmu":
            with path.open("rb") as stream:
                named = stream.read(_LIST_BYTES).decode("utf-8", "replace")
            others = [file for file in _inside(path.parent) if file.name in named]
        case _ if _is_dicom(path):
            others = _naming_series(path) if as_formerly else _dicom_series(path)
        case _:
            others = []
    return [path, *(file for file in others if file != path)]


def _dicom_series(file: Path) -> list[Path]:
    """The files of the slide in the series of `file`; all in the folder where it names none.

    What else was made of the slide (annotations, segmentations, reports), and other slides, may
    name its series too. Where a header is damaged, the mention counts.
    """
    from bachview.slide.formats.dicom_headers import series_of

    head = _head(file)
    own, named = series_of(head), _series_named(head)

    def is_ours(head: bytes) -> bool:
        if kind_in(head) not in ("", WHOLE_SLIDE_IMAGE):  # what states none may be damaged
            return False
        stated = series_of(head)
        if own and stated:
            return stated == own
        return not named or bool(named & _series_named(head))

    return _inside_where(file.parent, is_ours)


def _naming_series(file: Path) -> list[Path]:
    """The DICOM files that name a series that `file` names; all where it names none."""
    named = _series_named(_head(file))
    return _inside_where(
        file.parent,
        lambda head: begins_as_dicom(head) and (not named or bool(named & _series_named(head))),
    )


def _inside_where(folder: Path, fits: Callable[[bytes], bool]) -> list[Path]:
    """The files with such a start."""
    found = []
    for file in _inside(folder):
        with suppress(OSError):  # a file that may not be read is not part of a slide that opens
            if fits(_head(file)):
                found.append(file)
    return found


def _head(file: Path) -> bytes:
    with file.open("rb", buffering=0) as stream:
        head = stream.read(132)
        return head + stream.read(_DICOM_HEAD_BYTES) if begins_as_dicom(head) else head


def _series_named(head: bytes) -> frozenset[bytes]:
    return frozenset(_SERIES.findall(head))


def _inside(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file())
