"""What is remembered is checked on its way in, and lost rather than believed."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from bachview.core.geometry import Point
from bachview.marks.annotation import AnnotationClass
from bachview.ui.look.theme import ThemeChoice
from bachview.ui.session.recent import RecentFiles
from bachview.ui.session.settings import FILE_NAME, Device, Settings, SettingsFile
from bachview.ui.session.slide_memory import Opened, SlideMemory
from bachview.ui.session.stored_values import MOST_RECENT
from bachview.viewing.overlay import Drawing, Marks

#: One value of every field, none of them the default.
_OTHERS = Settings(
    theme=ThemeChoice.DARK,
    colour_management=False,
    kinetic_pan=True,
    minimap=False,
    annotation_values=False,
    grid=True,
    tools=False,
    panel_annotations=True,
    annotation_classes=(AnnotationClass("Mitoses", (1, 2, 3)),),
    brush_px=35.0,
    wand_tolerance=2.0,
    reopen=True,
    thumbnails=False,
    dialog_sizes={"ResultsDialog": (700, 500)},
    openings={Path("a.svs"): Opened("2026-11-27T18:05:00+00:00", "c2:abc")},
    overlay_opacity=0.3,
    overlay_marks=Marks.HATCHING,
    overlay_drawing=Drawing.BOTH,
    folding={"votes": False, "run": True},
    bundle="Größe 日本",
    device=Device.CPU,
    opening_folder=Path("slides"),
    export_folder=Path("results, of today"),
    export_names=False,
    export_choices='{"cells": true}',
    recent=(Path("b.svs"), Path("a.svs")),
    slides={"q1:abc": SlideMemory(Point(12.5, 99), 4.0, 90.0, 0.25)},
    research_use_seen=True,
    cache_bytes=1 << 30,
    window_x=-5,
    window_y=7,
    window_width=1360,
    window_height=860,
    window_maximized=True,
    window_state=b"\x00\xff\x01",
)

#: Where users' files keep them.
_KEYS = {
    "format",
    "view/theme",
    "view/colour_management",
    "view/kinetic_pan",
    "view/minimap",
    "view/annotation_values",
    "view/grid",
    "view/tools",
    "panel/annotations",
    "annotations/classes",
    "tools/brush",
    "tools/wand",
    "overlay/opacity",
    "overlay/marks",
    "overlay/drawing",
    "panel/folding",
    "classify/bundle",
    "classify/device",
    "open/folder",
    "export/folder",
    "export/names",
    "export/choices",
    "recent/files",
    "recent/opened",
    "recent/pictures",
    "session/reopen",
    "slides",
    "start/research_use_seen",
    "cache/bytes",
    "window/dialogs",
    "window/x",
    "window/y",
    "window/width",
    "window/height",
    "window/maximized",
    "window/state",
}


def _written(folder: Path, **values: object) -> Settings:
    """What is read from a file with these values, whose keys have `__` for a slash."""
    file = QSettings(str(folder / FILE_NAME), QSettings.Format.IniFormat)
    for key, value in values.items():
        file.setValue(key.replace("__", "/"), value)
    file.sync()
    return SettingsFile(folder).now


def test_every_value_survives_a_new_session(tmp_path: Path) -> None:
    for field in fields(Settings):  # so that a new one is tried as well
        assert getattr(_OTHERS, field.name) != getattr(Settings(), field.name), field.name
    file = SettingsFile(tmp_path)
    assert file.now == Settings()
    file.now = _OTHERS
    assert file.save()
    assert SettingsFile(tmp_path).now == _OTHERS
    raw = QSettings(str(tmp_path / FILE_NAME), QSettings.Format.IniFormat)
    assert set(raw.allKeys()) == _KEYS


def test_only_what_changes_is_written(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path)
    file.now = replace(file.now, minimap=False)
    raw = QSettings(str(tmp_path / FILE_NAME), QSettings.Format.IniFormat)
    file.save()
    raw.sync()
    assert sorted(raw.allKeys()) == ["format", "view/minimap"]
    assert raw.value("view/minimap") == "false"


def test_two_windows_on_one_file_keep_what_the_other_remembers(tmp_path: Path) -> None:
    first, second = SettingsFile(tmp_path), SettingsFile(tmp_path)
    first.now = first.now.with_slide("q1:a", SlideMemory(None, 1.0, 0.0, 0.5))
    first.save()
    second.save()
    second.now = second.now.with_slide("q1:b", SlideMemory(None, 1.0, 0.0, 0.5))
    assert list(second.now.slides) == ["q1:a", "q1:b"]


@pytest.mark.parametrize(
    "text",
    [
        "[overlay]\nopacity=7\n",
        "[overlay]\nopacity=nan\n",
        "[overlay]\nopacity=much\n",
        "[overlay]\nopacity=@Invalid()\n",
        "[overlay]\nmarks=stars\n",
        "[panel]\nfolding=[1]\n",
        "[panel]\nfolding={broken\n",
        "[view]\ntheme=7\nminimap=perhaps\n",
        "[classify]\ndevice=TPU\nbundle=\n",
        "[cache]\nbytes=12\n",
        "[window]\nx=1e99\nwidth=3\nstate=7\nmaximized=3\n",
        "[recent]\nfiles=a.svs\n",
        "\x00\xff not an ini file",
    ],
)
def test_a_value_that_makes_no_sense_counts_as_absent(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    assert SettingsFile(tmp_path).now == Settings()


def test_a_choice_may_be_written_with_other_capitals(tmp_path: Path) -> None:
    settings = _written(tmp_path, overlay__marks="Letters", classify__device="gpu")
    assert (settings.overlay_marks, settings.device) == (Marks.LETTERS, Device.GPU)


def test_a_text_of_unlikely_length_counts_as_absent(tmp_path: Path) -> None:
    assert _written(tmp_path, classify__bundle="x" * 4097).bundle == "default"


def test_a_list_loses_only_what_is_no_path(tmp_path: Path) -> None:
    files = json.dumps([7, "a.svs", "", None, *(f"{number}.svs" for number in range(20))])
    recent = _written(tmp_path, recent__files=files).recent
    assert recent[:2] == (Path("a.svs"), Path("0.svs"))
    assert len(recent) == MOST_RECENT


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
    memory = _written(tmp_path, slides=entry).slides.get("q1:a")
    assert memory is None or memory == SlideMemory(None, 1.0, 0.0, None)


def test_an_implausible_pixel_size_is_not_remembered(tmp_path: Path) -> None:
    memory = _written(tmp_path, slides='{"q1:a": {"mpp": 352.78}}').slides["q1:a"]
    assert memory.typed_mpp is None


def test_a_number_past_every_range_is_no_number(tmp_path: Path) -> None:
    slides = {"q1:a": {"x": 10**400, "y": 2, "downsample": 1, "rotation": 0, "mpp": 0.5}}
    memory = _written(tmp_path, slides=json.dumps(slides)).slides["q1:a"]
    assert memory == SlideMemory(None, 1.0, 0.0, 0.5)


def test_slides_seen_longest_ago_are_forgotten(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path)
    memory = SlideMemory(None, 1.0, 0.0, 0.5)
    file.now = replace(file.now, slides={f"q1:{number}": memory for number in range(299)})
    for number in range(299, 302):
        file.now = file.now.with_slide(f"q1:{number}", memory)
    file.now = file.now.with_slide("q1:2", memory)  # seen again: the last one from now on
    file.now = file.now.with_slide("q1:302", memory)
    kept = list(file.now.slides)
    assert len(kept) == 300
    assert kept[0] == "q1:4"
    assert kept[-2:] == ["q1:2", "q1:302"]


def test_recent_files_are_newest_first_without_doubles_and_bounded(tmp_path: Path) -> None:
    recent = RecentFiles(SettingsFile(tmp_path))
    for number in range(20):
        recent.add(tmp_path / f"{number}.svs")
    recent.add(tmp_path / "15.svs")
    assert len(recent.paths) == MOST_RECENT
    assert [p.stem for p in recent.paths[:3]] == ["15", "19", "18"]
    recent.remove(tmp_path / "19.svs")
    assert [p.stem for p in recent.paths[:2]] == ["15", "18"]
    recent.clear()
    assert recent.paths == ()


def test_paths_that_are_no_text_are_kept(tmp_path: Path) -> None:
    odd = Path('gr\udcf6\udcdfe/a;b, ="%41')
    file = SettingsFile(tmp_path)
    odd_settings = replace(
        file.now, bundle=str(odd), opening_folder=odd, export_folder=odd, recent=(odd,)
    )
    file.now = odd_settings
    assert file.save()
    assert SettingsFile(tmp_path).now == odd_settings
