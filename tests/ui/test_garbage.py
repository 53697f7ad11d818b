"""Widgets are destroyed by the GUI thread, whoever allocates."""

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from bachview.ui.session.garbage import GarbageCollector


class _Dialog(QDialog):
    """In a cycle, as a dialog with slots of its own often is."""

    def __init__(self) -> None:
        super().__init__()
        self.itself = self


@pytest.fixture(autouse=True)
def garbage_of_this_thread() -> None:
    """Here the collector itself sees to that."""


@pytest.fixture
def collector(qapp: QApplication) -> Iterator[GarbageCollector]:
    collector = GarbageCollector()
    yield collector
    collector.close()
    collector.deleteLater()


def _drop_a_dialog() -> list[int]:
    """Threads in which the dialog went, once it has gone."""
    threads: list[int] = []
    weakref.finalize(_Dialog(), lambda: threads.append(threading.get_ident()))
    return threads


def _allocate_elsewhere() -> None:
    """So much that Python would collect in that thread, if it might."""
    worker = threading.Thread(target=lambda: [[[]] for _ in range(300_000)])
    worker.start()
    worker.join()


@pytest.mark.usefixtures("collector")
def test_a_dropped_dialog_goes_in_the_gui_thread(qtbot: QtBot) -> None:
    threads = _drop_a_dialog()
    _allocate_elsewhere()
    assert not threads
    gc.collect(1)  # into the last generation, as the collector's rounds would in a while
    _allocate_elsewhere()
    qtbot.waitUntil(lambda: gc.get_count()[0] < gc.get_threshold()[0], timeout=5_000)
    gc.collect()
    assert threads == [threading.get_ident()]


def test_the_collection_is_given_back(collector: GarbageCollector) -> None:
    assert not gc.isenabled()
    collector.close()
    assert gc.isenabled()


def test_what_was_there_at_the_start_is_not_looked_through_again(
    collector: GarbageCollector,
) -> None:
    assert gc.is_tracked(gc.callbacks)
    assert not any(each is gc.callbacks for each in gc.get_objects())
    collector.close()
    assert any(each is gc.callbacks for each in gc.get_objects())


def test_everything_is_collected_only_when_much_has_stayed(
    collector: GarbageCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gc, "get_count", lambda: (10_000, 1_000, 1_000))
    full: list[int] = []
    collect = gc.collect

    def noted(oldest: int) -> int:
        full.append(oldest)
        return collect(oldest)

    monkeypatch.setattr(gc, "collect", noted)
    collector.collect()
    assert full == [1]
    there = len(gc.get_objects()) + gc.get_freeze_count()
    kept: list[list[int]] = [[] for _ in range(there)]
    collect(1)
    collector.collect()
    assert full == [1, 2]
    assert len(kept)
