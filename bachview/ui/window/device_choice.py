"""The device that runs are asked to use: only one that this computer has now."""

from collections.abc import Collection
from dataclasses import replace

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup

from bachview.errors import BachviewError
from bachview.jobs.tokens import CancelToken
from bachview.policy.in_force import in_force
from bachview.policy.values import LOCKED_TEXT
from bachview.ui.session.services import Services
from bachview.ui.session.settings import Device
from bachview.ui.window.commands import call
from bachview.ui.window.messages import Message, Messages

_TEXTS = {
    Device.AUTO: "&Automatic",
    Device.CPU: "&Processor (CPU)",
    Device.GPU: "&Graphics (GPU)",
    Device.NPU: "&Neural unit (NPU)",
}
_NAMES = {Device.GPU: "graphics processor (GPU)", Device.NPU: "neural unit (NPU)"}
#: On every computer.
_ALWAYS = frozenset({Device.AUTO, Device.CPU})


class DeviceChoice(QObject):
    """Entries of the Device menu. GUI thread only.

    The choice of an earlier session stays in the settings while its device is away: a notebook may
    be docked again.
    """

    def __init__(self, services: Services, messages: Messages, parent: QObject) -> None:
        super().__init__(parent)
        self._services, self._messages = services, messages
        self._found: frozenset[Device] | None = None
        self._away: Message | None = None
        self._is_locked = in_force().is_locked("device")
        group = QActionGroup(self)
        self._actions = {device: group.addAction(text) for device, text in _TEXTS.items()}
        for device, action in self._actions.items():
            action.setCheckable(True)
            call("Device of classifications: {}", action)
            action.triggered.connect(lambda _=False, chosen=device: self._choose(chosen))
            if self._is_locked:
                action.setEnabled(False)
                action.setToolTip(LOCKED_TEXT)
        self._show()
        if self._chosen not in _ALWAYS:
            self.look()

    @property
    def actions(self) -> tuple[QAction, ...]:
        """One for each device; those of devices that are not there are hidden."""
        return tuple(self._actions.values())

    @property
    def in_use(self) -> Device:
        """What runs are asked to use now."""
        is_away = self._found is not None and self._chosen not in self._found
        return Device.AUTO if is_away and not self._is_locked else self._chosen

    @property
    def _chosen(self) -> Device:
        return self._services.settings.now.device

    def look(self) -> None:
        """Find out which devices there are now, in the io lane."""

        def ask(token: CancelToken) -> tuple[str, ...]:
            # Imported here: OpenVINO is not needed to open the viewer.
            from bachview.models.engines.openvino_engine import available_devices

            token.check()
            return available_devices()

        def on_error(error: BachviewError) -> None:
            """A run says why; until then nothing else is offered."""

        future = self._services.io.submit(ask)
        self._services.bridge.watch(future, self._on_found, on_error, topic=self)

    def _on_found(self, names: Collection[str]) -> None:
        kinds = {name.partition(".")[0] for name in names}  # e.g. GPU.0 and GPU.1
        self._found = _ALWAYS | {device for device in Device if device.value in kinds}
        self._show()
        self._tell()

    def _choose(self, device: Device) -> None:
        settings = self._services.settings
        settings.now = replace(settings.now, device=device)
        self._tell()

    def _show(self) -> None:
        # Until it is known what there is, the choice of last time may be shown.
        offered = _ALWAYS | {self._chosen} if self._found is None else self._found
        for device, action in self._actions.items():
            action.setVisible(self._is_locked or device in offered)
            action.setChecked(device is self.in_use)

    def _tell(self) -> None:
        """Say once that the device of last time is away, until it is back or another is chosen."""
        is_away = self.in_use is not self._chosen
        if self._away is not None and not is_away:
            self._away.withdraw()
            self._away = None
        if is_away and self._away is None:
            self._away = self._messages.notice(
                f"The {_NAMES[self._chosen]} of your choice is not on this computer now: until it "
                "is back, the device is chosen automatically."
            )
