"""A thread's priority, with each system's own call."""

import ctypes
import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from bachview.jobs.priority import lower_thread_priority

_THIS_THREAD = (1 << 64) - 2


class _Function:
    """A function of a C library: what it is told of its types, and how it is called."""

    def __init__(self, answer: int) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []
        self.argtypes: tuple[type, ...] = ()
        self.restype: type | None = None

    def __call__(self, *values: Any) -> int:
        self.calls.append(values)
        return self.answer


@pytest.mark.parametrize("agrees", [1, 0])
def test_windows_gets_the_whole_handle_of_the_thread(
    monkeypatch: pytest.MonkeyPatch, agrees: int
) -> None:
    kernel = SimpleNamespace(
        GetCurrentThread=_Function(_THIS_THREAD), SetThreadPriority=_Function(agrees)
    )
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "WinDLL", lambda name: kernel, raising=False)
    assert lower_thread_priority() == bool(agrees)
    assert kernel.SetThreadPriority.calls == [(_THIS_THREAD, -1)]  # below normal
    # A handle has 64 bits; without a word, ctypes takes everything for 32.
    assert kernel.GetCurrentThread.restype is ctypes.c_void_p
    assert kernel.SetThreadPriority.argtypes[0] is ctypes.c_void_p


@pytest.mark.parametrize(("answer", "agreed"), [(0, True), (22, False)])
def test_macos_puts_the_thread_into_the_utility_class(
    monkeypatch: pytest.MonkeyPatch, answer: int, agreed: bool
) -> None:
    library = SimpleNamespace(pthread_set_qos_class_self_np=_Function(answer))
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert lower_thread_priority() is agreed
    assert library.pthread_set_qos_class_self_np.calls == [(0x11, 0)]


def test_linux_lowers_one_thread_and_never_raises_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"nice": 0}
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "getpriority", lambda kind, thread: now["nice"])
    monkeypatch.setattr(os, "setpriority", lambda kind, thread, nice: now.update(nice=nice))
    assert lower_thread_priority(computes_only=True)
    assert now["nice"] == 19
    assert lower_thread_priority()
    assert now["nice"] == 19


def test_a_system_without_the_call_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    assert not lower_thread_priority()
