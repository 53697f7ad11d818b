"""Where the policy belongs on each platform, whatever the user's variables say."""

import sys
from pathlib import Path

import pytest

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
