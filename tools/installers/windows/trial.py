"""``python -m tools.installers windows-test``: try the installer under wine.

The programs in it are stand-ins that write down what they are asked to open.

What wine cannot show is not tried: accounts without administrator's rights, the consent window,
signatures, and how Windows itself shows the entries. The same steps run on Windows in the release
workflow with the real program.
"""

import argparse
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from tools.installers.errors import InstallerError
from tools.installers.windows.build import compile_installer
from tools.installers.windows.script_parts import PROGRAMS, VIEWER
from tools.installers.windows.wine import Wine

_COMPILER = "x86_64-w64-mingw32-gcc"
_RESOURCES = "x86_64-w64-mingw32-windres"
_MANIFEST = """
"<assembly xmlns='urn:schemas-microsoft-com:asm.v1' manifestVersion='1.0'>"
"<application xmlns='urn:schemas-microsoft-com:asm.v3'><windowsSettings>"
"<longPathAware xmlns='http://schemas.microsoft.com/SMI/2016/WindowsSettings'>true</longPathAware>"
"</windowsSettings></application></assembly>"
"""
_UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\bachview"
_APP_PATH = r"Software\Microsoft\Windows\CurrentVersion\App Paths\bachview.exe"
_CLASSES = r"Software\Classes"
#: Longer than a string of NSIS may be.
_LONG_PATH = ";".join(rf"C:\tools\{number:04d}\bin" for number in range(120))
_WAIT_S = 20

#: Exit codes of ``packaging/windows/exit_codes.nsh``.
NEWER_INSTALLED, RUNNING, NOT_WRITABLE, OLD_WINDOWS = 10, 11, 14, 15


@dataclass(frozen=True, slots=True)
class Mode:
    """Per user or per machine."""

    switch: str
    root: str
    folder: str
    path_key: str


_USER = r"C:\users\{user}\AppData\Local"
MODES = (
    Mode("/CurrentUser", "HKCU", rf"{_USER}\Programs\bachview", r"HKCU\Environment"),
    Mode(
        "/AllUsers",
        "HKLM",
        r"C:\Program Files\bachview",
        r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment",
    ),
)


@dataclass(slots=True)
class Trial:
    """One mode of installation, from the first version to the removal of the results.

    Attributes
    ----------
    installers : by version, oldest first.
    outcomes : what was expected, and whether it was so.
    """

    wine: Wine
    mode: Mode
    installers: dict[str, Path]
    outcomes: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def home(self) -> PureWindowsPath:
        """The user's folder of local data."""
        users = [one.name for one in (self.wine.drive / "users").iterdir() if one.name != "Public"]
        return PureWindowsPath(_USER.format(user=users[0]))

    @property
    def folder(self) -> PureWindowsPath:
        return PureWindowsPath(self.mode.folder.format(user=self.home.parts[2]))

    def run(self) -> None:
        """All steps, in order; each goes on from where the one before it ended."""
        for step in (
            self._refused_on_old_windows,
            self._first_installation,
            self._opened_by_association,
            self._refused_while_running,
            self._upgrade,
            self._downgrade,
            self._removal,
            self._another_folder,
            self._removal_of_results,
        ):
            step()

    def _expect(self, what: str, holds: bool) -> None:
        self.outcomes.append((f"{self.mode.switch[1:]}: {what}", holds))

    def _install(self, version: str, *switches: str) -> int:
        return self.wine.call(str(self.installers[version]), "/S", self.mode.switch, *switches)

    def _log(self) -> str:
        places = list(self.wine.drive.glob("users/*/Temp/bachview-setup.log"))
        return places[0].read_text("utf-16") if places else ""

    def _value(self, key: str, name: str = "") -> str | None:
        return self.wine.values(rf"{self.mode.root}\{key}").get(name.casefold())

    def _exists(self, folder: PureWindowsPath, name: str = "") -> bool:
        return self.wine.path(folder / name).exists()

    def _opened(self) -> str:
        file = self.wine.path(self.home / "bachview" / "results" / "opened.txt")
        return file.read_text("utf-8") if file.exists() else ""

    def _refused_on_old_windows(self) -> None:
        self.wine.pretend("win7")
        code = self._install("1.0.0")
        self._expect("refused on Windows 7, with its own exit code", code == OLD_WINDOWS)
        self._expect("the log says why", "needs Windows 10 1809 or newer" in self._log())
        self._expect("nothing was installed", not self._exists(self.folder))
        self.wine.pretend("win10")

    def _first_installation(self) -> None:
        self.wine.set_value(rf"HKLM\{_CLASSES}\.svs", "", "other.slide")
        offers = rf"{self.mode.root}\{_CLASSES}\.tif\OpenWithProgids"
        self.wine.set_value(offers, "other.tif", "")
        self.wine.set_value(self.mode.path_key, "Path", _LONG_PATH, "REG_EXPAND_SZ")
        self._expect("installed silently", self._install("1.0.0", "/PATH=1") == 0)
        for name in (*PROGRAMS, "uninstall.exe", r"_internal\old.txt"):
            self._expect(f"{name} is there", self._exists(self.folder, name))
        folder = str(self.folder)
        self._expect("version of the entry", self._value(_UNINSTALL, "DisplayVersion") == "1.0.0")
        self._expect("folder of the entry", self._value(_UNINSTALL, "InstallLocation") == folder)
        size = int(self._value(_UNINSTALL, "EstimatedSize") or "0", 16)
        self._expect("size of the entry", size > 0)
        self._expect("App Paths", self._value(_APP_PATH) == rf"{folder}\{VIEWER}")
        self._expect("Start menu", bool(self._shortcuts()))
        self._expect(
            "a type without a default gets one",
            self._value(rf"{_CLASSES}\.ndpi") == "bachview.ndpi",
        )
        self._expect(
            "another program's default stays, and ours is offered",
            self.wine.values(r"HKCR\.svs").get("") == "other.slide"
            and self._value(rf"{_CLASSES}\.svs") != "bachview.svs"
            and "bachview.svs" in self.wine.values(offers.replace(".tif", ".svs")),
        )
        offered = self.wine.values(offers)
        self._expect(
            "TIFF is offered, beside another program, and not taken",
            {"bachview.tif", "other.tif"} <= set(offered)
            and self._value(rf"{_CLASSES}\.tif") != "bachview.tif",
        )
        self._expect("long PATH is longer by one entry", self._path() == f"{_LONG_PATH};{folder}")

    def _shortcuts(self) -> list[Path]:
        return [
            *self.wine.drive.glob("users/*/AppData/Roaming/**/Start Menu/**/bachview.lnk"),
            *self.wine.drive.glob("ProgramData/**/Start Menu/**/bachview.lnk"),
        ]

    def _path(self) -> str | None:
        return self.wine.values(self.mode.path_key).get("path")

    def _opened_by_association(self) -> None:
        slides = self.wine.drive / "slides of today"
        slides.mkdir(exist_ok=True)
        for name in ("Präparat 1.ndpi", "neu.bachmodel"):
            (slides / name).touch()
            self._open(PureWindowsPath(rf"C:\slides of today\{name}"))
            self._expect(f"{name} is opened by its type", name in self._opened())

    def _open(self, file: PureWindowsPath) -> None:
        """Open a file as a double click does."""
        if self.mode.root == "HKLM":
            self.wine.call("start", "/wait", str(file))
            return
        # wine looks for types that are registered for the machine only.
        kind = self._value(rf"{_CLASSES}\{file.suffix}")
        command = self._value(rf"{_CLASSES}\{kind}\shell\open\command") or ""
        self.wine.call(*shlex.split(command.replace("\\", "\\\\").replace("%1", _escaped(file))))

    def _refused_while_running(self) -> None:
        end = self.wine.drive / "end"
        program = self.wine.begin(str(self.folder / VIEWER), "--wait", r"C:\end")
        try:
            time.sleep(1)
            self._expect("upgrade refused while it runs", self._install("1.1.0") == RUNNING)
            self._expect("the log says so", "is running" in self._log())
            code = self.wine.call(
                str(self.folder / "uninstall.exe"), "/S", *_unquoted(f"_?={self.folder}")
            )
            self._expect("removal refused while it runs", code == RUNNING)
            self._expect("still installed", self._exists(self.folder, r"_internal\old.txt"))
        finally:
            end.touch()
            program.wait(_WAIT_S)
            end.unlink()

    def _upgrade(self) -> None:
        before = self._opened()
        note = self.wine.path(self.folder / "_internal" / "note of an administrator.txt")
        note.touch()
        self._expect("upgraded silently", self._install("1.1.0") == 0)
        self._expect("new version", self._value(_UNINSTALL, "DisplayVersion") == "1.1.0")
        self._expect("old files are gone", not self._exists(self.folder, r"_internal\old.txt"))
        self._expect("new files are there", self._exists(self.folder, r"_internal\new\new.txt"))
        self._expect("a file of others stays", note.exists())
        self._expect("results stay", bool(before) and self._opened() == before)
        self._expect("what was chosen is kept", self._path() == f"{_LONG_PATH};{self.folder}")
        note.unlink()

    def _downgrade(self) -> None:
        for older in ("1.0.0", "1.1.0rc1"):
            self._expect(f"{older} refused", self._install(older) == NEWER_INSTALLED)
            self._expect("the log says why", "1.1.0 is installed, which is newer" in self._log())
        self._expect("1.1.0 stays", self._exists(self.folder, r"_internal\new\new.txt"))
        self._expect("1.1.0 may be installed again", self._install("1.1.0") == 0)

    def _uninstall(self, *switches: str) -> None:
        stated = self._value(_UNINSTALL, "QuietUninstallString") or ""
        program, _, rest = stated.removeprefix('"').partition('"')
        self.wine.call(program, *rest.split(), *switches)
        self.wine.settle()

    def _removal(self) -> None:
        before = self._opened()
        self._uninstall()
        self._expect("its folder is gone", not self._exists(self.folder))
        self._expect("its entry is gone", self._value(_UNINSTALL, "DisplayName") is None)
        self._expect("Start menu is as before", not self._shortcuts())
        self._expect("PATH is as before", self._path() == _LONG_PATH)
        self._expect("no type is left", self._value(rf"{_CLASSES}\.ndpi") is None)
        self._expect("no class is left", self._value(rf"{_CLASSES}\bachview.ndpi") is None)
        offered = self.wine.values(rf"{self.mode.root}\{_CLASSES}\.tif\OpenWithProgids")
        self._expect("others' types stay", set(offered) == {"other.tif"})
        self._expect(
            "others' default stays", self.wine.values(r"HKCR\.svs").get("") == "other.slide"
        )
        self._expect("results stay", bool(before) and self._opened() == before)

    def _another_folder(self) -> None:
        code = self._install("1.0.0", r"/D=Z:\proc\bachview")  # of the kernel, so not writable
        self._expect("a folder that cannot be written is refused", code == NOT_WRITABLE)
        self._expect("the log says so, too", "cannot be written" in self._log())
        first, second = (PureWindowsPath(rf"C:\Eigene Programme\b {n}") for n in (1, 2))
        switches = ("/TYPES=0", "/MENU=0")
        self._expect("/D", self._install("1.0.0", *switches, *_unquoted(f"/D={first}\\")) == 0)
        self._expect("in that folder", self._exists(first, VIEWER))
        stated = self._value(_UNINSTALL, "InstallLocation")
        self._expect("the entry names it without a backslash at the end", stated == str(first))
        self._expect(
            "no types and no Start menu if not wanted",
            self._value(rf"{_CLASSES}\.ndpi") is None and not self._shortcuts(),
        )
        self._expect("PATH is left alone unless wanted", self._path() == _LONG_PATH)
        self._expect("moved by an upgrade", self._install("1.1.0", *_unquoted(f"/D={second}")) == 0)
        self._expect("not in the first folder", not self._exists(first))
        self._expect("in the second", self._exists(second, VIEWER))

    def _removal_of_results(self) -> None:
        self._expect("there are results", self._exists(self.home, "bachview"))
        self._uninstall("/REMOVEDATA")
        self._expect("results are gone if wanted", not self._exists(self.home, "bachview"))
        self._expect("the log says so", "removing" in self._log())


def _unquoted(switch: str) -> list[str]:
    """A switch with blanks in it, which the setup wants without quotes."""
    return switch.split(" ")


def _escaped(file: PureWindowsPath) -> str:
    return str(file).replace("\\", "\\\\")


def stand_in_payload(folder: Path, version: str, files: Sequence[str]) -> Path:
    """A payload of programs that only write down what they were asked to open.

    Raises
    ------
    InstallerError
        The compiler is missing or fails.
    """
    if shutil.which(_COMPILER) is None:
        raise InstallerError(
            f"{_COMPILER} is missing, so there is no stand-in for the program: install it (on "
            "Debian and Ubuntu: apt-get install gcc-mingw-w64-x86-64)."
        )
    folder.mkdir(parents=True)
    source = Path(__file__).with_name("stand_in.c")
    manifest = folder / "manifest.o"
    subprocess.run(
        [_RESOURCES, "--output", str(manifest)],
        input=f"1 24 BEGIN {_MANIFEST} END".encode(),
        check=True,
    )
    for name in PROGRAMS:
        made = subprocess.run(
            [
                *(_COMPILER, "-municode", "-O1", "-s", f'-DVERSION="{version}"'),
                *("-o", str(folder / name), str(source), str(manifest)),
            ]
        )
        if made.returncode:
            raise InstallerError(f"{_COMPILER} cannot compile {source.name}.")
    manifest.unlink()
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(version, "utf-8")
    return folder


def try_installer(folder: Path, say: Callable[[str], None]) -> list[tuple[str, bool]]:
    """Try both modes, each in a Windows of its own; what was expected, and whether it was so."""
    payloads = {
        "1.0.0": ["_internal/old.txt", "_internal/both.txt"],
        "1.1.0rc1": ["_internal/both.txt"],
        "1.1.0": ["_internal/both.txt", "_internal/new/new.txt", "_internal/$odd name.txt"],
    }
    installers = {
        version: compile_installer(
            stand_in_payload(folder / version, version, files),
            folder,
            version=version,
            is_trial=True,
        )
        for version, files in payloads.items()
    }
    outcomes: list[tuple[str, bool]] = []
    for mode in MODES:
        say(f"trying {mode.switch[1:]}")
        with Wine(folder / f"wine{mode.switch[1:]}") as wine:
            trial = Trial(wine, mode, installers)
            trial.run()
            outcomes += trial.outcomes
    return outcomes


def main(arguments: Sequence[str]) -> int:
    """Print each expectation and whether it was met; 1 if one was not."""
    parser = argparse.ArgumentParser("python -m tools.installers windows-test")
    parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        outcomes = try_installer(Path(place), lambda text: print(text, flush=True))
    for what, holds in outcomes:
        print(f"{'ok    ' if holds else 'FAILED'}  {what}")
    failed = sum(not holds for _, holds in outcomes)
    print(f"{len(outcomes)} expectations, {failed} failed")
    return 1 if failed else 0
