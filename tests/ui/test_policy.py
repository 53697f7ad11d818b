"""What the administrator has locked is shown in the window, and cannot be changed there."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QCheckBox, QLabel, QMenu
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.models.bundle.installed import resolve_bundle
from bachview.ui.dialogs.about import AboutDialog
from bachview.ui.dialogs.export_dialog import ExportDialog
from bachview.ui.session.run_status import RunState
from bachview.ui.session.settings import Device, SettingsFile
from tests.support.policies import set_policy
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

LOCKED = "Set by your administrator"


def test_defaults_give_way_to_the_user_and_locks_do_not(own_policy: Path, tmp_path: Path) -> None:
    settings = SettingsFile(tmp_path)
    set_policy(own_policy, 'device = "CPU"\nnames_in_exports = false\nlocked = ["device"]')
    assert settings.now.device is Device.CPU
    assert settings.now.export_names is False
    settings.now = replace(settings.now, device=Device.GPU, export_names=True)
    assert settings.now.device is Device.CPU
    assert settings.now.export_names is True
    assert settings.save()
    # Nothing of a lock stays behind.
    own_policy.unlink()
    set_policy(own_policy, "")
    assert SettingsFile(tmp_path).now.device is Device.AUTO
    assert SettingsFile(tmp_path).now.export_names is True


def test_what_the_file_says_does_not_undo_a_lock(own_policy: Path, tmp_path: Path) -> None:
    (tmp_path / "bachview.ini").write_text(
        "[classify]\nbundle=selftest\ndevice=GPU\n[export]\nnames=true\n", "utf-8"
    )
    assert SettingsFile(tmp_path).now.bundle == "selftest"
    set_policy(
        own_policy,
        'bundle = "default"\ndevice = "NPU"\nnames_in_exports = false\n'
        'locked = ["bundle", "device", "names_in_exports"]',
    )
    now = SettingsFile(tmp_path).now
    assert (now.bundle, now.device, now.export_names) == ("default", Device.NPU, False)


def test_locked_menus_say_so(own_policy: Path, qtbot: QtBot) -> None:
    set_policy(own_policy, 'bundle = "selftest"\ndevice = "CPU"\nlocked = ["bundle", "device"]')
    with open_window(qtbot) as window:
        commands, menus = window.classify_commands, window.menus
        menus.bundles.aboutToShow.emit()
        entries = {a.text(): a for a in menus.bundles.actions() if not a.isSeparator()}
        assert list(entries) == ["selftest", LOCKED, "&Open model…"]
        assert not entries[LOCKED].isEnabled()
        assert not commands.open_model.isEnabled()
        assert commands.open_model.toolTip() == LOCKED
        assert [a.isChecked() for a in commands.devices.actions] == [False, True, False, False]
        assert not any(a.isEnabled() for a in commands.devices.actions)
        assert all(a.toolTip() == LOCKED for a in commands.devices.actions)
        devices = next(m for m in window.findChildren(QMenu) if "Device" in m.title())
        assert devices.actions()[-1].text() == LOCKED


def test_another_model_is_refused_wherever_it_is_chosen(own_policy: Path, qtbot: QtBot) -> None:
    set_policy(own_policy, 'bundle = "selftest"\nlocked = ["bundle"]')
    with open_window(qtbot) as window:
        refused: list[str] = []
        window.selector.failed.connect(refused.append)
        for choice in ("default", str(resolve_bundle("default"))):
            window.selector.choose(choice)
            qtbot.waitUntil(lambda: not window.selector.is_loading, timeout=LONG_MS)
        assert len(refused) == 2
        assert all("your administrator has set bundle to selftest" in text for text in refused)
        assert window.selector.current is not None
        assert window.selector.current.choice == "selftest"
        # Its path is another name for it.
        window.selector.choose(str(resolve_bundle("selftest")))
        qtbot.waitUntil(lambda: not window.selector.is_loading, timeout=LONG_MS)
        assert len(refused) == 2


def test_a_locked_model_that_is_gone_is_not_replaced(own_policy: Path, qtbot: QtBot) -> None:
    set_policy(own_policy, 'bundle = "laboratory"\nlocked = ["bundle"]')
    with open_window(qtbot) as window:
        assert window.selector.current is None


def test_a_default_model_that_is_gone_is_replaced(own_policy: Path, qtbot: QtBot) -> None:
    set_policy(own_policy, 'bundle = "laboratory"')
    with open_window(qtbot) as window:
        qtbot.waitUntil(lambda: window.selector.current is not None, timeout=LONG_MS)
        assert window.selector.current is not None
        assert window.selector.current.choice == "default"


def test_the_export_dialog_shows_the_lock(qtbot: QtBot, tmp_path: Path) -> None:
    dialog = ExportDialog("anna.svs", tmp_path, names=False, names_locked=True)
    qtbot.addWidget(dialog)
    box = next(b for b in dialog.findChildren(QCheckBox) if "Name of the slide" in b.text())
    assert not box.isEnabled()
    assert LOCKED.lower() in box.text()
    assert not dialog.names


def test_names_locked_off_are_in_no_file(own_policy: Path, qtbot: QtBot, tmp_path: Path) -> None:
    set_policy(own_policy, 'names_in_exports = false\nlocked = ["names_in_exports"]')
    path, out = pink_slide(tmp_path / "anna.tif", side=700), tmp_path / "out"
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        window.classify_commands.classify()
        wait_for(qtbot, page, RunState.DONE)
        window.classify_commands.ask_export(page)
        dialog = page.findChild(ExportDialog)
        assert dialog is not None
        assert not dialog.names
        assert "anna" not in dialog.folder.name
        dialog.reject()
        kinds = dialog.kinds
        window.classify_commands.exports.export(page.document, out, kinds, names=True)
        qtbot.waitUntil(lambda: (out / "summary.json").exists(), timeout=LONG_MS)
    for file in out.iterdir():
        assert b"anna" not in file.read_bytes()


def test_the_notice_is_shown_as_it_is_written(own_policy: Path, qtbot: QtBot) -> None:
    set_policy(own_policy, 'notice = "Ask <b>IT</b>, extension 12."')
    with open_window(qtbot) as window:
        texts = [label.text() for label in window.start_page.findChildren(QLabel)]
        assert any("Ask <b>IT</b>, extension 12." in text for text in texts)
    about = AboutDialog(None)
    qtbot.addWidget(about)
    texts = [label.text() for label in about.findChildren(QLabel)]
    assert "Ask <b>IT</b>, extension 12." in texts
    assert f"{LOCKED}: {own_policy}" in texts


#: A process of its own, as the application ends.
SCRIPT = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from bachview.cli.main import run
from bachview.policy import places

places.computer_policy = lambda: Path(sys.argv[1])
application = QApplication([])

def answer():
    for box in QApplication.topLevelWidgets():
        print(type(box).__name__, box.text())
        box.close()

QTimer.singleShot(200, answer)
sys.exit(run(sys.argv[2:]))
"""


def test_an_invalid_policy_is_told_in_a_window_that_does_nothing_else(
    own_policy: Path, own_folders: Path
) -> None:
    set_policy(own_policy, "names_in_export = false")
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(own_policy)], capture_output=True, text=True, check=False
    )
    assert said.returncode == 3
    sentence = f"The policy {own_policy} is wrong at names_in_export: it is unknown."
    assert sentence in said.stderr
    assert said.stdout.startswith(f"QMessageBox {sentence}")
    assert not (own_folders / "config").exists()


def test_a_program_that_cannot_be_portable_says_so_in_a_window(own_policy: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(own_policy), "--portable"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert "--portable is for the packaged program" in said.stderr
    assert said.stdout.startswith("QMessageBox --portable is for the packaged program")
    assert "administrator" not in said.stdout


def test_a_locked_data_folder_holds_the_results(
    own_policy: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    data = tmp_path / "share"
    set_policy(own_policy, f'data_folder = "{data.as_posix()}"\nlocked = ["data_folder"]')
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tif", side=700))
        window.classify_commands.classify()
        wait_for(qtbot, page, RunState.DONE)
    assert user_folders().results == data / "results"
    assert len(list((data / "results").glob("*.sqlite"))) == 1


def test_the_window_leaves_its_lines_and_tells_of_trouble(
    own_policy: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    folder = tmp_path / "audit"
    folder.mkdir()
    set_policy(own_policy, f'audit_folder = "{folder.as_posix()}"')
    first, second = (pink_slide(tmp_path / f"{name}.tif", side=700) for name in "ab")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, first)
        (file,) = folder.iterdir()
        assert "opened" in file.read_text("ascii")  # before it is shown
        window.classify_commands.classify()
        wait_for(qtbot, page, RunState.DONE)
        actions = [json.loads(line)["action"] for line in file.read_text("ascii").splitlines()]
        assert actions == ["opened", "classify", "classified"]
        folder.rename(tmp_path / "gone")
        page_of(qtbot, window, second)
        qtbot.waitUntil(lambda: "audit log" in str(window.messages.texts), timeout=LONG_MS)
