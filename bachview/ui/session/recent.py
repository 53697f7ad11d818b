"""The list of recently opened slides."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from bachview.ui.session.settings import SettingsFile


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

    def add(self, path: Path) -> None:
        """Put `path` first."""
        self._settings.now = self._settings.now.with_recent(path)
        self.changed.emit()

    def remove(self, path: Path) -> None:
        self._keep(tuple(p for p in self.paths if p != path))

    def clear(self) -> None:
        self._keep(())

    def _keep(self, paths: tuple[Path, ...]) -> None:
        self._settings.now = replace(self._settings.now, recent=paths)
        self.changed.emit()
