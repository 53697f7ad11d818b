"""The slide in a folder of DICOM files, on a disc, or in the folder of another format."""

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bachview.errors import SlideOpenError
from bachview.file_names import is_litter
from bachview.slide.choices import SlideChoice, SlideChoiceError
from bachview.slide.formats.dicom_headers import (
    DIRECTORY,
    SlideFile,
    kind_name,
    kind_of,
    read_directory,
    read_slide_file,
)
from bachview.slide.formats.dicom_start import WHOLE_SLIDE_IMAGE
from bachview.slide.suffixes import SLIDE_SUFFIXES

#: Folders included. A disc of slides has some hundred; who opens a whole drive learns it soon.
_MOST_FILES: Final = 20_000
_MOST_DEPTH: Final = 12
#: Below the time limit of opening, so that the better sentence is said.
_MOST_S: Final = 10.0
_NAMED: Final = 3
#: Files of other formats that are offered where a folder has no DICOM slide. Without photos.
_OTHER_SLIDES: Final = frozenset(SLIDE_SUFFIXES) - {".dcm"}


@dataclass(slots=True)
class _Found:
    """What lies in a folder and the folders below it.

    Attributes
    ----------
    others : number of DICOM objects that are no slide, by kind.
    slides : slide files of other formats.
    directories : DICOMDIR files.
    """

    files: list[SlideFile] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    slides: list[Path] = field(default_factory=list)
    directories: list[Path] = field(default_factory=list)
    unread: int = 0


@dataclass(frozen=True, slots=True)
class _Slide:
    """One series.

    Attributes
    ----------
    first : its largest level, in the folder that has all levels, if there is one.
    folders : those in which its levels lie; one if a folder has them all.
    """

    first: SlideFile
    folders: tuple[Path, ...]


def slide_file_in(path: Path) -> Path:
    """The file to open of the only DICOM slide in a folder, or on the disc of a DICOMDIR.

    Sub-folders are searched too, links to folders are not followed. Takes up to 10 s.

    Raises
    ------
    SlideChoiceError
        There are several slides, or only files of another format.
    SlideOpenError
        There is none, it is incomplete or spread over folders, or the folder is too large.
    OSError
        The folder cannot be read.
    """
    root = path if path.is_dir() else path.parent
    found = _search(root, path.name)
    slides = _slides(found.files)
    _check_complete(found, path.name)
    if len(slides) > 1:
        raise SlideChoiceError(
            f"{path.name} holds {len(slides):,} DICOM slides{_beside(found)}",
            tuple(_choice(slide, root) for slide in slides),
        )
    if not slides:
        raise _no_slide(path, root, found)
    (slide,) = slides
    if len(slide.folders) > 1:
        raise SlideOpenError(
            f"The levels of the slide in {path.name} lie in {len(slide.folders):,} folders "
            f"({_listed(_below(folder, root) for folder in slide.folders)}); copy their files "
            "into one folder and open that."
        )
    return slide.first.path


def files_of_series(path: Path) -> list[SlideFile]:
    """The slide files in the folder of `path` that belong to the same series, itself included.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    own = read_slide_file(path)
    if own is None:
        return []
    found = [own]
    for other in sorted(path.parent.iterdir()):
        with suppress(OSError):  # a file that may not be read is not part of a slide that opens
            if other != path and other.is_file():
                file = read_slide_file(other)
                if file is not None and file.series == own.series:
                    found.append(file)
    return found


def _search(root: Path, name: str) -> _Found:
    found = _Found()
    for file in _walk(root, name, found):
        try:
            kind = kind_of(file)
            if kind == WHOLE_SLIDE_IMAGE:
                slide_file = read_slide_file(file)
                if slide_file is None:
                    found.unread += 1
                else:
                    found.files.append(slide_file)
            elif kind == DIRECTORY:
                found.directories.append(file)
            elif kind is not None:
                found.others[kind] += 1
            elif file.suffix.lower() in _OTHER_SLIDES:
                found.slides.append(file)
        except OSError:
            found.unread += 1
    return found


def _walk(root: Path, name: str, found: _Found) -> Iterator[Path]:
    """Every file below `root`, folder by folder; counts folders that may not be read."""
    last, seen = time.monotonic() + _MOST_S, 0
    too_large = SlideOpenError(
        f"{name} holds too many files to look for a slide in it; open the slide's own folder or "
        "one of its files instead."
    )

    def on_error(error: OSError) -> None:
        if error.filename is not None and Path(error.filename) == root:
            raise error
        found.unread += 1

    for place, folders, names in os.walk(root, onerror=on_error):
        folder = Path(place)
        folders[:] = sorted(inner for inner in folders if not is_litter(Path(inner)))
        if len(folder.relative_to(root).parts) >= _MOST_DEPTH:
            folders.clear()
        seen += 1 + len(names)
        if seen > _MOST_FILES or time.monotonic() > last:
            raise too_large
        for inner in sorted(names):
            if time.monotonic() > last:
                raise too_large
            # Not pipes: reading one would wait for ever.
            if not is_litter(Path(inner)) and (folder / inner).is_file():
                yield folder / inner


def _slides(files: Iterable[SlideFile]) -> list[_Slide]:
    """One for each series with levels, in the order of their paths."""
    by_series: defaultdict[str, list[SlideFile]] = defaultdict(list)
    for file in files:
        if file.is_level:
            by_series[file.series].append(file)
    slides = []
    for levels in by_series.values():
        by_folder: defaultdict[Path, set[str]] = defaultdict(set)
        for file in levels:
            by_folder[file.path.parent].add(file.instance)
        everything = set[str]().union(*by_folder.values())
        whole = [folder for folder, instances in by_folder.items() if instances == everything]
        folders = tuple(whole[:1] or by_folder)
        inside = [file for file in levels if file.path.parent in folders]
        slides.append(_Slide(max(inside, key=lambda file: file.size), folders))
    return sorted(slides, key=lambda slide: slide.first.path)


def _check_complete(found: _Found, name: str) -> None:
    """Refuse a disc on which files of a slide are missing, rather than open the rest of it."""
    missing = []
    for directory in found.directories:
        try:
            named = read_directory(directory)
        except OSError:
            continue
        present = {
            file.path.relative_to(directory.parent).as_posix().casefold()
            for file in found.files
            if file.path.is_relative_to(directory.parent)
        }
        missing += ["/".join(parts) for parts in named if not _is_present(parts, present)]
    if missing:
        raise SlideOpenError(
            f"{name} is incomplete: its DICOMDIR names {_listed(missing)}, which cannot be found "
            "or read; copy the disc again, or open one of the files that are there."
        )


def _is_present(parts: tuple[str, ...], present: set[str]) -> bool:
    """Some systems write the names on a disc in small letters, with a dot or a version behind."""
    wanted = "/".join(parts).casefold()
    return any(wanted + tail in present for tail in ("", ".", ";1", ".;1", ".dcm"))


def _choice(slide: _Slide, root: Path) -> SlideChoice:
    file = slide.first
    title = " ".join(filter(None, (file.container, file.description)))
    if len(slide.folders) > 1:
        title = f"{title} in {len(slide.folders):,} folders".strip()
    return SlideChoice(file.path, _below(file.path, root), title, file.size, file.date)


def _no_slide(path: Path, root: Path, found: _Found) -> SlideOpenError:
    """Why nothing can be opened, and what to open instead."""
    name = path.name
    beside = _mrxs_of(root)
    if beside is not None:
        said = f"{name} is the data folder of an MRXS slide"
        if beside.exists():
            return SlideChoiceError(said, (SlideChoice(beside, beside.name),))
        return SlideOpenError(f"{said}; its file {beside.name} is missing beside it.")
    if found.slides:
        return SlideChoiceError(
            f"{name} is a folder without a DICOM slide",
            tuple(SlideChoice(slide, _below(slide, root)) for slide in found.slides),
        )
    if found.files:
        flavours = sorted({file.flavour.lower() or "unnamed" for file in found.files})
        return SlideOpenError(
            f"{name} holds only the {_listed(flavours)} image of a DICOM slide, not its levels; "
            "copy all of its files."
        )
    parts = "part" if found.unread == 1 else "parts"
    unread = f", and {found.unread:,} {parts} of it cannot be read" if found.unread else ""
    return SlideOpenError(
        f"{name} is a folder without a DICOM slide{_beside(found)}{unread}; open a slide file "
        "instead."
    )


def _mrxs_of(folder: Path) -> Path | None:
    """The file beside the data folder of an MRXS slide; None if it is no such folder."""
    if any(file.name.lower() == "slidedat.ini" for file in folder.iterdir()):
        return folder.with_name(f"{folder.name}.mrxs")
    return None


def _beside(found: _Found) -> str:
    """What else is on the disc, as ``beside 3 other DICOM files (CT Image Storage)``."""
    if not found.others:
        return ""
    count = found.others.total()
    kinds = _listed(kind_name(uid) or "unknown" for uid, _ in found.others.most_common())
    return f" beside {count:,} other DICOM file{'s' if count > 1 else ''} ({kinds})"


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path != root else root.name


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _NAMED
    return ", ".join(every[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
