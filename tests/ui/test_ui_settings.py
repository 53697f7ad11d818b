"""What is remembered is checked on its way in, and lost rather than believed."""

from pathlib import Path

import pytest
from PySide6.QtCore import QRect

from bachview.core.geometry import Point
from bachview.ui.session.recent import MOST_RECENT, RecentFiles
from bachview.ui.session.settings import FILE_NAME, Settings, SlideMemory
from bachview.ui.session.window_memory import is_reachable


def test_values_survive_a_new_session(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.put("view/kinetic_pan", True)
    settings.put("overlay/opacity", 0.3)
    settings.put("classify/bundle", "Größe 日本")
    memory = SlideMemory(Point(12.5, 99), 4.0, 90.0, 0.25)
    settings.put_slide_memory("q1:abc", memory)
    assert settings.save()

    again = Settings(tmp_path)
    assert again.flag("view/kinetic_pan", False)
    assert again.number("overlay/opacity", 0.5, 0, 1) == 0.3
    assert again.text("classify/bundle") == "Größe 日本"
    assert again.slide_memory("q1:abc") == memory
    assert again.slide_memory("q1:other") is None


@pytest.mark.parametrize(
    "text",
    [
        "[overlay]\nopacity=7\n",
        "[overlay]\nopacity=nan\n",
        "[overlay]\nopacity=much\n",
        "[overlay]\nopacity=@Invalid()\n",
        "\x00\xff not an ini file",
    ],
)
def test_a_value_that_makes_no_sense_counts_as_absent(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    assert Settings(tmp_path).number("overlay/opacity", 0.5, 0, 1) == 0.5


@pytest.mark.parametrize(
    "entry",
    [
        "7",
        "[]",
        '"[[[["',
        '{"q1:a": 3}',
        '{"q1:a": {"x": "here"}}',
        '{"q1:a": {"x": 1, "y": 1, "downsample": -2}}',
    ],
)
def test_a_damaged_slide_memory_has_no_position(tmp_path: Path, entry: str) -> None:
    settings = Settings(tmp_path)
    settings.put("slides", entry)
    memory = settings.slide_memory("q1:a")
    assert memory is None or memory.center is None


def test_an_implausible_pixel_size_is_not_remembered(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.put("slides", '{"q1:a": {"mpp": 352.78}}')
    memory = settings.slide_memory("q1:a")
    assert memory is not None
    assert memory.typed_mpp is None


def test_slides_seen_longest_ago_are_forgotten(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    for number in range(305):
        settings.put_slide_memory(f"q1:{number}", SlideMemory(None, 1.0, 0.0, 0.5))
    assert settings.slide_memory("q1:0") is None
    assert settings.slide_memory("q1:304") is not None


def test_recent_files_are_newest_first_without_doubles_and_bounded(tmp_path: Path) -> None:
    recent = RecentFiles(Settings(tmp_path))
    for number in range(20):
        recent.add(tmp_path / f"{number}.svs")
    recent.add(tmp_path / "15.svs")
    assert len(recent.paths) == MOST_RECENT
    assert [p.stem for p in recent.paths[:3]] == ["15", "19", "18"]
    recent.clear()
    assert recent.paths == ()


def test_a_window_comes_back_only_where_its_title_can_be_reached() -> None:
    screen = QRect(0, 0, 1920, 1080)
    assert is_reachable(QRect(100, 100, 1200, 800), [screen])
    assert not is_reachable(QRect(2500, 100, 1200, 800), [screen])
    assert is_reachable(QRect(2500, 100, 1200, 800), [screen, QRect(1920, 0, 1920, 1080)])
    assert not is_reachable(QRect(100, -600, 1200, 800), [screen])
    assert not is_reachable(QRect(1900, 100, 1200, 800), [screen])
    assert not is_reachable(QRect(0, 0, 10, 10), [screen])
