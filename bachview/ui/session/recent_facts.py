"""What the start page says of recent slides, found out without keeping the window waiting."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import TypeAlias

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from bachview.config import user_folders
from bachview.core.scope import NO_TISSUE
from bachview.core.units import whole_percent_text
from bachview.jobs.lanes import WantedLane
from bachview.store.listing import ResultsFile, results_of
from bachview.ui.bridge import Bridge
from bachview.ui.session.recent import RecentSlide
from bachview.ui.session.thumbnails import Thumbnails, thumbnail_name

#: A drive that has not said by then whether a file is there is taken for one that does not answer.
_LIMIT_MS = 3_000
#: Drives that are asked at the same time; one that hangs keeps one thread.
_DRIVES = 4
#: Parts of a path that tell the drive or share: ``/media/name/stick``, ``\\server\share\`` + one.
_DRIVE_PARTS = 3


class Presence(Enum):
    """Whether a file is there."""

    UNKNOWN = auto()
    THERE = auto()
    MISSING = auto()
    UNREACHABLE = auto()


@dataclass(frozen=True, slots=True)
class RecentFacts:
    """What is known of a recent slide so far.

    Attributes
    ----------
    state : of its results, e.g. ``52 % classified with default``; empty if it is not known.
    picture : its thumbnail, if there is one.
    """

    presence: Presence = Presence.UNKNOWN
    state: str = ""
    picture: QImage | None = None


_Drive: TypeAlias = tuple[str, ...]  # the first parts of paths
_Answer: TypeAlias = dict[Path, bool]


class RecentLook(QObject):
    """Looks at slides on threads of its own, which nobody waits for. GUI thread only.

    Signals
    -------
    changed(Path) : something else is known of this slide.
    """

    changed = Signal(object)

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._facts: dict[Path, RecentFacts] = {}
        #: Replaced as a whole: the threads read it.
        self._drives: dict[_Drive, tuple[Path, ...]] = {}
        self._files: WantedLane[_Drive, _Answer] | None = None
        self._inside: WantedLane[RecentSlide, tuple[str, QImage | None]] | None = None
        self._has_pictures = True
        self._slides: tuple[RecentSlide, ...] = ()
        self._held: list[Path] = []
        self._limit = QTimer(self, singleShot=True, interval=_LIMIT_MS)
        self._limit.timeout.connect(self._give_up)

    def facts(self, path: Path) -> RecentFacts:
        return self._facts.get(path, RecentFacts())

    def look(self, slides: Sequence[RecentSlide]) -> None:
        """Find out about these, and forget all others; what is known already stays until then."""
        self._slides = tuple(slides)
        paths = [slide.path for slide in slides]
        self._facts = {path: self.facts(path) for path in paths}
        if not paths:
            return
        if self._files is None or self._inside is None:
            self._files = WantedLane(
                "recent-files",
                threads=_DRIVES,
                work=self._are_there,
                deliver=lambda _, found: self._bridge.call(self._on_presence, found),
            )
            self._inside = WantedLane(
                "recent-results",
                threads=1,
                work=_looked_into,
                deliver=lambda slide, found: self._bridge.call(self._on_inside, slide, found),
            )
        drives: dict[_Drive, tuple[Path, ...]] = {}
        for path in paths:
            drive = path.parts[:_DRIVE_PARTS]
            drives[drive] = (*drives.get(drive, ()), path)
        self._drives = drives
        self._files.want(list(drives))
        self._look_inside()
        self._limit.start()

    def hold(self, path: Path) -> None:
        """Leave the results of a slide alone until `release`: they are in use, or being closed.

        Who reads a results file while it is being closed would keep it from being tidied up.
        """
        self._held.append(path)

    def release(self, path: Path) -> None:
        """The results are closed: look at them."""
        self._held.remove(path)
        self._look_inside()

    def set_picture(self, path: Path, picture: QImage) -> None:
        """A new thumbnail."""
        if self._has_pictures:
            self._set(path, replace(self.facts(path), picture=picture))

    def show_pictures(self, *, on: bool) -> None:
        """Whether thumbnails are wanted; those that are known are forgotten otherwise."""
        self._has_pictures = on
        if not on:
            for path, facts in list(self._facts.items()):
                self._set(path, replace(facts, picture=None))

    def close(self) -> None:
        """Look no more; a thread that hangs is left alone."""
        self._limit.stop()
        for lane in (self._files, self._inside):
            if lane is not None:
                lane.close(0)

    def _are_there(self, drive: _Drive) -> _Answer:
        """Which files of a drive there are; it may hang. Any thread."""
        # os.path, as Path.exists raises if a network share does not answer.
        return {path: os.path.exists(path) for path in self._drives.get(drive, ())}  # noqa: PTH110

    def _look_inside(self) -> None:
        if self._inside is not None:
            self._inside.want([each for each in self._slides if each.path not in self._held])

    def _on_presence(self, found: _Answer | Exception) -> None:
        if isinstance(found, Exception):
            return
        for path, is_there in found.items():
            presence = Presence.THERE if is_there else Presence.MISSING
            self._set(path, replace(self.facts(path), presence=presence))

    def _on_inside(self, slide: RecentSlide, found: tuple[str, QImage | None] | Exception) -> None:
        if not isinstance(found, Exception):
            state, picture = found
            picture = picture if self._has_pictures else None
            self._set(slide.path, replace(self.facts(slide.path), state=state, picture=picture))

    def _give_up(self) -> None:
        for path, facts in list(self._facts.items()):
            if facts.presence is Presence.UNKNOWN:
                self._set(path, replace(facts, presence=Presence.UNREACHABLE))

    def _set(self, path: Path, facts: RecentFacts) -> None:
        if path in self._facts and self._facts[path] != facts:
            self._facts[path] = facts
            self.changed.emit(path)


def _looked_into(slide: RecentSlide) -> tuple[str, QImage | None]:
    """The state of the results and the thumbnail."""
    if slide.opened is None:
        return "", None
    folders, fingerprint = user_folders(), slide.opened.fingerprint
    name = thumbnail_name(slide.path, fingerprint)
    picture = Thumbnails(folders.thumbnails).load(name)
    return state_text(results_of(folders.results, fingerprint)), picture


def state_text(file: ResultsFile | None) -> str:
    """How much of a slide is classified, by which model; never what was found in it."""
    if file is None:
        return "Not classified"
    if file.problem:
        return ""
    for grid in file.grids:  # the one that was changed last comes first
        record = grid.record
        model = record.key.bundle_name
        if not record.total:
            return NO_TISSUE
        if record.is_complete:
            return f"Classified with {model}"
        if record.done or record.failed:
            share = whole_percent_text((record.done + record.failed) / record.total)
            return f"{share} classified with {model}"
    return "Not classified"
