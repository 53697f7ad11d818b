"""The list of recently opened slides."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from bachview.store.provenance import now_text
from bachview.ui.session.settings import SettingsFile
from bachview.ui.session.slide_memory import Opened


@dataclass(frozen=True, slots=True)
class RecentSlide:
    """A slide of the list; `opened` is None if an earlier version has added it."""

    path: Path
    opened: Opened | None


class RecentFiles(QObject):
    """Paths, newest first, kept in the settings. GUI thread only.

    Signals
    -------
    changed : the list has changed.
    """

    changed = Signal()

    def __init__(self, settings: SettingsFile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings

    @property
    def paths(self) -> tuple[Path, ...]:
        """Newest first; missing files stay listed (a network share may be offline)."""
        return self._settings.now.recent

    @property
    def slides(self) -> tuple[RecentSlide, ...]:
        """The same, with what is known of them."""
        now = self._settings.now
        return tuple(RecentSlide(path, now.openings.get(path)) for path in now.recent)

    def add(self, path: Path, fingerprint: str = "") -> None:
        """Put `path` first, as opened now."""
        opened = Opened(now_text(), fingerprint) if fingerprint else None
        self._settings.now = self._settings.now.with_recent(path, opened)
        self.changed.emit()

    def remove(self, path: Path) -> None:
        self._keep(tuple(p for p in self.paths if p != path))

    def clear(self) -> None:
        self._keep(())

    def _keep(self, paths: tuple[Path, ...]) -> None:
        self._settings.now = self._settings.now.with_only(paths)
        self.changed.emit()
