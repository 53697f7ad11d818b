"""No display: one sentence that names the way without one."""

import os
import sys
from pathlib import Path

import pytest

from bachview.cli import display
from tests.support.cli import Cli

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asked on Linux only")


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("arguments", [[], ["demo"], ["slide.svs"]])
def test_one_sentence_names_the_headless_command(
    cli: Cli, no_display: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    answer = cli(*arguments)
    assert answer.code == 2
    assert "bachview classify" in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_a_display_that_does_not_answer_is_named(cli: Cli, no_display: pytest.MonkeyPatch) -> None:
    no_display.setenv("DISPLAY", ":9731")
    answer = cli()
    assert answer.code == 2
    assert ":9731" in answer.err


def test_a_missing_library_is_named(no_display: pytest.MonkeyPatch, cli: Cli) -> None:
    no_display.setenv("DISPLAY", ":0")
    no_display.setattr(display, "_answers", lambda name: True)
    no_display.setattr(display, "_missing_library", lambda: "libxcb-cursor.so.0")
    answer = cli()
    assert answer.code == 2
    assert "libxcb-cursor.so.0" in answer.err
    assert "apt-get install" in answer.err


def test_the_offscreen_platform_needs_no_display(no_display: pytest.MonkeyPatch) -> None:
    no_display.setenv("QT_QPA_PLATFORM", "offscreen")
    display.require_display()


def test_remote_displays_are_left_to_qt(no_display: pytest.MonkeyPatch) -> None:
    assert display._answers("host.example:10.0")


def test_a_listening_server_answers(no_display: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import socket

    number = 40_000 + os.getpid() % 10_000
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(f"\0/tmp/.X11-unix/X{number}")
        server.listen()
        assert display._answers(f":{number}.0")
    assert not display._answers(f":{number}")
