"""Where the policy belongs on each platform, whatever the user's variables say."""

import ctypes
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bachview.errors import PolicyError
from bachview.policy import places

COMPUTER_POLICY = places.computer_policy  # the fixture of every test replaces it later


@pytest.mark.parametrize(
    ("platform", "path"),
    [
        ("linux", "/etc/bachview/policy.toml"),
        ("darwin", "/Library/Application Support/bachview/policy.toml"),
        ("win32", "P:/ProgramData/bachview/policy.toml"),
    ],
)
def test_the_place_by_platform(monkeypatch: pytest.MonkeyPatch, platform: str, path: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(places, "program_data", lambda: Path("P:/ProgramData"))
    for name in ("ProgramData", "PROGRAMDATA", "WIN_PD_OVERRIDE_COMMON_APPDATA", "XDG_CONFIG_DIRS"):
        monkeypatch.setenv(name, "/home/user/mine")
    assert COMPUTER_POLICY().as_posix() == path


class _Windows:
    """The three functions of Windows that are called."""

    def __init__(self, answer: str | None) -> None:
        self.answer, self.asked = answer, ""
        self.freed: list[str | None] = []
        self.ole32 = SimpleNamespace(
            CLSIDFromString=self._remember, CoTaskMemFree=lambda p: self.freed.append(p.value)
        )
        self.shell32 = SimpleNamespace(SHGetKnownFolderPath=self._tell)

    def _remember(self, text: ctypes.c_wchar_p, into: Any) -> None:
        self.asked = str(text.value)

    def _tell(self, of: Any, flags: int, token: None, into: Any) -> None:
        into._obj.value = self.answer


@pytest.mark.parametrize("answer", ["D:\\ProgramData", None])
def test_windows_is_asked_for_its_folder(
    monkeypatch: pytest.MonkeyPatch, answer: str | None
) -> None:
    windows = _Windows(answer)
    monkeypatch.setattr(ctypes, "windll", windows, raising=False)
    monkeypatch.setenv("ProgramData", "C:\\Users\\me")
    if answer is None:
        # Not "no policy": that would undo every lock.
        with pytest.raises(PolicyError, match="does not say"):
            places.program_data()
    else:
        assert str(places.program_data()) == answer
    assert windows.asked == "{62AB5D82-FDC1-4DC3-A9DD-070D1D495D97}"
    assert windows.freed == [answer]


def test_an_ordinary_user_cannot_change_what_is_not_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("", "utf-8")
    assert places.can_be_changed(file)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    # Its folder is the user's, who can put another file there.
    assert places.can_be_changed(file)
    monkeypatch.setattr("os.access", lambda *_: False)
    assert not places.can_be_changed(file)
