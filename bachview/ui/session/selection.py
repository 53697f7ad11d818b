"""Which annotations of a slide are selected."""

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal


class Selection(QObject):
    """Ids of the selected annotations. GUI thread only.

    Signals
    -------
    changed : others are selected.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ids: frozenset[str] = frozenset()

    @property
    def ids(self) -> frozenset[str]:
        """Ids of the selected annotations."""
        return self._ids

    def set(self, ids: Iterable[str]) -> None:
        """Select these and no others."""
        found = frozenset(ids)
        if found != self._ids:
            self._ids = found
            self.changed.emit()

    def toggle(self, annotation_id: str) -> None:
        """Select one as well, or no longer."""
        self.set(self._ids ^ {annotation_id})

    def add(self, ids: Iterable[str]) -> None:
        """Select these as well."""
        self.set(self._ids.union(ids))

    def clear(self) -> None:
        """Select none."""
        self.set(())
