"""Only devices that are there are offered; the one of last time is used again when it is back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bachview.ui.look.theme import Theme, ThemeChoice
from bachview.ui.session.services import Services
from bachview.ui.session.settings import Device, SettingsFile
from bachview.ui.window.device_choice import DeviceChoice
from bachview.ui.window.messages import Messages
from tests.support.windows import LONG_MS


@pytest.fixture
def services(qapp: QApplication, tmp_path: Path) -> Iterator[Services]:
    services = Services.start(SettingsFile(tmp_path), Theme(qapp, ThemeChoice.LIGHT))
    yield services
    assert services.close(10)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names = ["CPU"]
    where = "bachview.models.engines.openvino_engine.available_devices"
    monkeypatch.setattr(where, lambda: tuple(names))
    return names


def offered(choice: DeviceChoice) -> list[str]:
    return [action.text().replace("&", "") for action in choice.actions if action.isVisible()]


def used(choice: DeviceChoice) -> str:
    return choice.in_use.value


def checked(choice: DeviceChoice) -> list[str]:
    return [action.text().replace("&", "") for action in choice.actions if action.isChecked()]


def test_what_is_not_there_is_not_offered(
    qtbot: QtBot, services: Services, there: list[str]
) -> None:
    messages = Messages()
    choice = DeviceChoice(services, messages, messages)
    assert offered(choice) == ["Automatic", "Processor (CPU)"]
    there += ["GPU.0", "GPU.1"]
    choice.look()
    qtbot.waitUntil(lambda: "Graphics (GPU)" in offered(choice), timeout=LONG_MS)
    assert "Neural unit (NPU)" not in offered(choice)
    choice.actions[2].trigger()
    assert choice.in_use is services.settings.now.device is Device.GPU
    assert messages.texts == ()


def test_a_device_that_is_away_is_kept_for_when_it_is_back(
    qtbot: QtBot, services: Services, there: list[str]
) -> None:
    services.settings.now = replace(services.settings.now, device=Device.GPU)
    messages = Messages()
    choice = DeviceChoice(services, messages, messages)  # looks by itself
    qtbot.waitUntil(lambda: bool(messages.texts), timeout=LONG_MS)
    assert "graphics processor (GPU)" in messages.texts[0]
    assert used(choice) == "AUTO"
    assert checked(choice) == ["Automatic"]
    assert services.settings.now.device is Device.GPU
    messages.close(messages.all[0])
    there.append("NPU")
    choice.look()  # as whenever the menu is opened
    qtbot.waitUntil(lambda: "Neural unit (NPU)" in offered(choice), timeout=LONG_MS)
    assert messages.texts == (), "it is not said again and again"
    there.append("GPU")
    choice.look()
    qtbot.waitUntil(lambda: used(choice) == "GPU", timeout=LONG_MS)
    there.remove("GPU")
    choice.look()
    qtbot.waitUntil(lambda: bool(messages.texts), timeout=LONG_MS)
    there.append("GPU")
    choice.look()
    qtbot.waitUntil(lambda: list(messages.texts) == [], timeout=LONG_MS)
    assert used(choice) == "GPU"
    assert checked(choice) == ["Graphics (GPU)"]
    there.remove("GPU")
    choice.look()
    qtbot.waitUntil(lambda: used(choice) == "AUTO", timeout=LONG_MS)
    choice.actions[1].trigger()
    assert used(choice) == services.settings.now.device.value == "CPU"
    assert list(messages.texts) == []
