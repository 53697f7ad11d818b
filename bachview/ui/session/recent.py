"""The list of recently opened slides."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from bachview.ui.session.settings import Settings

MOST_RECENT = 12
_KEY = "recent/files"


class RecentFiles(QObject):
    """Paths, newest first, kept in the settings. GUI thread only.

    Signals
    -------
    changed : the list has changed.
    """

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings

    @property
    def paths(self) -> tuple[Path, ...]:
        """Newest first; missing files stay listed (a network share may be offline)."""
        return tuple(Path(text) for text in self._settings.texts(_KEY, MOST_RECENT))

    def add(self, path: Path) -> None:
        """Put `path` first."""
        self._store([path, *(p for p in self.paths if p != path)])

    def remove(self, path: Path) -> None:
        """Forget `path`."""
        self._store([p for p in self.paths if p != path])

    def clear(self) -> None:
        """Forget all."""
        self._store([])

    def _store(self, paths: list[Path]) -> None:
        self._settings.put_texts(_KEY, [str(p) for p in paths[:MOST_RECENT]])
        self.changed.emit()
