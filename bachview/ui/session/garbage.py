"""Collects cyclic garbage in the GUI thread only.

Python collects in whatever thread happens to allocate. A closed dialog that its own slots refer to
is such garbage; collected in a worker, it is destroyed there while the GUI thread may be using the
same parts of Qt: the process crashes, or both threads deadlock, one holding the interpreter lock
and the other a lock of Qt.
"""

import gc

from PySide6.QtCore import QObject, QTimer

#: Time between two checks; garbage of workers stays for that long.
_PERIOD_MS = 250
_OLDEST = 2
#: Python's own rule: not before the number of long-lived objects has grown by a quarter.
_GROWTH = 1.25


class GarbageCollector(QObject):
    """Replaces the automatic collection of the process. GUI thread; the owner closes it."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Switch the automatic collection off and start."""
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        # What has been imported so far is never freed: scanning it again and again would block the
        # window for 70 ms each time.
        gc.freeze()
        self._timer = QTimer(self)
        self._timer.setInterval(_PERIOD_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()
        self._long_lived = _count_long_lived()

    def collect(self) -> None:
        """Collect the generations that are due, as Python itself would."""
        due = [count > most for count, most in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if not due[0]:
            return
        if due[1] and due[2] and self._has_grown():
            gc.collect(_OLDEST)
            self._long_lived = _count_long_lived()
        else:
            gc.collect(1 if due[1] else 0)

    def _has_grown(self) -> bool:
        """Whether a full collection, which takes some frames, may be worthwhile."""
        return _count_long_lived() > _GROWTH * self._long_lived

    def close(self) -> None:
        """Hand collection back to Python."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()


def _count_long_lived() -> int:
    return gc.get_freeze_count() + len(gc.get_objects(generation=_OLDEST))
