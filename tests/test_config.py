"""The user's folders, by platform; the platform is substituted."""

from pathlib import Path, PureWindowsPath

import platformdirs
import platformdirs.macos
import platformdirs.unix
import platformdirs.windows
import pytest

from bachview.config import Folders, user_folders
from tests.support.policies import set_policy


@pytest.fixture
def as_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No variable says where anything is."""
    for name in ("BACHVIEW_HOME", *(f"XDG_{n}_HOME" for n in ("DATA", "CONFIG", "CACHE", "STATE"))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_linux_follows_the_xdg_folders(as_installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "PlatformDirs", platformdirs.unix.Unix)
    home = as_installed
    assert user_folders() == Folders(
        home / ".local/share/bachview",
        home / ".config/bachview",
        home / ".cache/bachview",
        home / ".local/state/bachview/log",
    )
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/data")
    assert user_folders().results == Path("/srv/data/bachview/results")


def test_windows_keeps_everything_local(
    as_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Roaming profiles are copied at each log-in; gigabytes of results would be, too.
    places = {"CSIDL_LOCAL_APPDATA": r"C:\Users\a\AppData\Local"}
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", places.__getitem__)
    monkeypatch.setattr(platformdirs, "PlatformDirs", platformdirs.windows.Windows)
    found = user_folders()
    shown = [str(p).replace("/", "\\") for p in (found.data, found.config, found.cache, found.logs)]
    local = r"C:\Users\a\AppData\Local\bachview"
    assert shown == [local, local, rf"{local}\Cache", rf"{local}\Logs"]
    assert PureWindowsPath(shown[0]).is_absolute()


def test_macos_keeps_to_the_library(as_installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "PlatformDirs", platformdirs.macos.MacOS)
    library = as_installed / "Library"
    assert user_folders() == Folders(
        library / "Application Support/bachview",
        library / "Application Support/bachview",
        library / "Caches/bachview",
        library / "Logs/bachview",
    )


def test_one_variable_moves_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BACHVIEW_HOME", str(tmp_path / "all"))
    found = user_folders()
    for folder in (found.data, found.config, found.cache, found.logs):
        assert folder.parent == tmp_path / "all"


def test_a_policy_moves_the_data_alone(as_installed: Path, own_policy: Path) -> None:
    before = user_folders()
    set_policy(own_policy, 'data_folder = "/srv/bachview"')
    after = user_folders()
    assert after.results == Path("/srv/bachview/results")
    assert (after.config, after.cache, after.logs) == (before.config, before.cache, before.logs)
