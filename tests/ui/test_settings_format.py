"""Settings files of earlier and newer programs, and of two programs at once."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.ui.session.recent import RecentFiles
from bachview.ui.session.settings import FILE_NAME, SettingsFile
from bachview.ui.session.settings_format import FORMAT_KEY, SETTINGS_FORMAT
from bachview.ui.session.slide_memory import SlideMemory
from tests.support.windows import open_window

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

EARLIER = "[view]\nminimap=false\n[lab]\nscanner=7\n"
NEWER = f"[General]\nformat={SETTINGS_FORMAT + 1}\n[view]\nminimap=false\n[glass]\ntint=blue\n"
SEEN = SlideMemory(None, 1.0, 0.0, 0.5)


def _raw(folder: Path) -> QSettings:
    return QSettings(str(folder / FILE_NAME), QSettings.Format.IniFormat)


def _made_newer(folder: Path) -> None:
    """As another, newer program does while this one runs."""
    file = folder / FILE_NAME
    now, newer = f"{FORMAT_KEY}={SETTINGS_FORMAT}\n", f"{FORMAT_KEY}={SETTINGS_FORMAT + 11}\n"
    text = file.read_text("utf-8")
    assert now in text
    file.write_text(text.replace(now, newer), encoding="utf-8")


def test_a_file_without_a_format_is_taken_over_after_a_backup(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(EARLIER)
    file = SettingsFile(tmp_path)
    assert not file.now.minimap
    assert file.notice == ""
    assert (tmp_path / "bachview.v1-backup.ini").read_text() == EARLIER
    raw = _raw(tmp_path)
    assert (int(raw.value(FORMAT_KEY)), raw.value("lab/scanner")) == (SETTINGS_FORMAT, "7")
    (tmp_path / "bachview.v1-backup.ini").unlink()
    SettingsFile(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]  # once is enough


def test_without_a_backup_nothing_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(EARLIER)
    (tmp_path / "bachview.v1-backup.ini").mkdir()  # in the way
    assert not SettingsFile(tmp_path).now.minimap
    assert (tmp_path / FILE_NAME).read_text() == EARLIER


def test_looking_at_no_file_makes_none(tmp_path: Path) -> None:
    assert SettingsFile(tmp_path).save()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_settings_file_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\x00\xff not an ini file")
    file = SettingsFile(tmp_path)
    file.now = replace(file.now, minimap=False)
    assert file.save()
    assert not SettingsFile(tmp_path).now.minimap
    assert (tmp_path / "bachview.damaged.ini").read_bytes() == b"\x00\xff not an ini file"


def test_a_file_of_a_newer_program_is_used_and_not_changed(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(NEWER)
    file = SettingsFile(tmp_path)
    assert not file.now.minimap
    assert f"newer bachview (format {SETTINGS_FORMAT + 1}" in file.notice
    file.now = replace(file.now, kinetic_pan=True)
    RecentFiles(file).add(tmp_path / "a.svs")
    assert file.now.kinetic_pan  # until the end
    assert file.now.recent == (tmp_path / "a.svs",)
    assert not file.save()
    del file
    assert (tmp_path / FILE_NAME).read_text() == NEWER
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_newer_program_that_starts_meanwhile_has_the_last_word(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path)
    file.now = replace(file.now, minimap=False)
    assert file.save()
    _made_newer(tmp_path)
    left = (tmp_path / FILE_NAME).read_text("utf-8")
    file.now = replace(file.now, kinetic_pan=True)
    assert not file.save()
    assert (file.now.kinetic_pan, file.now.minimap) == (True, False)
    assert (tmp_path / FILE_NAME).read_text("utf-8") == left


@pytest.mark.parametrize("stated", ["abc", "-3", "2.5", "9" * 400, "", "@Invalid()"])
def test_a_format_that_is_no_number_counts_as_none(tmp_path: Path, stated: str) -> None:
    (tmp_path / FILE_NAME).write_text(f"[General]\nformat={stated}\n[view]\nminimap=false\n")
    file = SettingsFile(tmp_path)
    assert not file.now.minimap
    assert file.notice == ""
    assert (tmp_path / "bachview.v1-backup.ini").exists()


def _as_another_program(folder: Path, key: str, value: str) -> None:
    """Written past QSettings, which shares what it has read within a process."""
    with (folder / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(f"[{key.split('/')[0]}]\n{key.split('/')[1]}={value}\n")


def test_what_another_program_wrote_meanwhile_stays(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path)
    file.now = replace(file.now, kinetic_pan=True)
    file.save()
    _as_another_program(tmp_path, "lab/scanner", "7")
    _as_another_program(tmp_path, "overlay/opacity", "0.25")
    file.now = replace(file.now, minimap=False)
    file.save()
    raw = _raw(tmp_path)
    assert (raw.value("lab/scanner"), raw.value("overlay/opacity")) == ("7", "0.25")
    assert raw.value("view/minimap") == "false"


def test_slides_and_recent_files_of_two_programs_are_joined(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path)
    file.now = replace(file.now, minimap=False)
    file.save()
    stale = file.now
    entry = '"{\\"q1:b\\": {\\"downsample\\": 1.0, \\"mpp\\": 0.5}}"'
    text = (tmp_path / FILE_NAME).read_text("utf-8")
    text = text.replace("[General]\n", f"[General]\nslides={entry}\n")
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    _as_another_program(tmp_path, "recent/files", '"[\\"b.svs\\"]"')
    file.now = stale.with_slide("q1:a", SEEN).with_recent(Path("a.svs"))
    assert list(file.now.slides) == ["q1:b", "q1:a"]
    assert file.now.recent == (Path("a.svs"), Path("b.svs"))
    file.now = replace(file.now, recent=())
    assert file.now.recent == ()


def test_the_window_says_that_its_settings_are_of_a_newer_program(qtbot: QtBot) -> None:
    folder = user_folders().config
    folder.mkdir(parents=True)
    (folder / FILE_NAME).write_text(NEWER)
    with open_window(qtbot) as window:
        said = window.messages.texts
        assert any("written by a newer bachview" in text for text in said)
    assert (folder / FILE_NAME).read_text() == NEWER
