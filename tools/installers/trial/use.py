"""What a user does with the installed program, by way of the desktop."""

import json
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tools.installers.errors import InstallerError
from tools.installers.trial.expected import TrialSlide, compare
from tools.installers.trial.inside import SHARED, Inside
from tools.installers.trial.screen import Screen
from tools.installers.trial.steps import require

#: The desktop that the trial has: programs that start others by their entries and types.
DESKTOP_PACKAGES = (
    *("libglib2.0-bin", "xdg-utils", "shared-mime-info", "desktop-file-utils"),
    # Without a desktop environment xdg-utils asks it for the types of files.
    "libfile-mimeinfo-perl",
)
_ENTRY = "bachview.desktop"
_CLASSIFY, _QUIT = "ctrl+r", "ctrl+q"
_PATIENCE_S = 600.0
#: How long the program may take to end after its window was closed.
_ENDS_S, _AGAIN_S = 40.0, 6.0
#: Long enough for the picture at rest, with the colours of the last cells.
_SETTLES_S = 2.0


class User:
    """An ordinary user in front of a screen.

    Parameters
    ----------
    program : how a shell starts the program.
    pictures : folder for what was on the screen.
    """

    def __init__(self, inside: Inside, screen: Screen, program: str, pictures: Path) -> None:
        self.inside, self.screen, self.program = inside, screen, program
        self.pictures = pictures

    def run(self, *arguments: str | Path) -> str:
        """Run the program in a shell; its output."""
        return self.inside.as_user(*self.program.split(), *arguments).stdout

    def start_from_menu(self, entry: Path, name: str) -> str:
        """Start the program as a menu does, photograph the window, and quit."""
        begun = time.monotonic()
        self._started(["gio", "launch", str(entry)], "^bachview$", name, classifies=None)
        return f"started from {entry.name} in {time.monotonic() - begun:.1f} s, quit"

    def open_file(self, slide: TrialSlide, name: str) -> str:
        """Open a slide by its type, classify it in the window, photograph it, and quit."""
        path = SHARED / slide.path.name
        kind = self.inside.as_user("xdg-mime", "query", "filetype", path).stdout.strip()
        handler = self.inside.as_user("xdg-mime", "query", "default", kind).stdout.strip()
        if handler and handler != _ENTRY:
            # Ubuntu names a program for TIFF files, whether it is installed or not; a user chooses.
            self.inside.as_user("xdg-mime", "default", _ENTRY, kind)
            handler = self.inside.as_user("xdg-mime", "query", "default", kind).stdout.strip()
        require(handler == _ENTRY, f"{kind} is opened by “{handler}”.")
        self._started(["xdg-open", str(path)], slide.path.name, name, classifies=path)
        return f"{slide.path.name} is {kind}; opened with xdg-open, classified, quit"

    def _started(
        self, command: list[str], title: str, name: str, *, classifies: Path | None
    ) -> None:
        # The shell stays until the program has ended, as the system ends with its first process. An
        # AppImage has its own name while it unpacks.
        names = f"bachview {Path(self.program.split()[0]).name}"
        waiting = f'trap "" HUP; "$@"; while pidof {names} >/dev/null; do sleep 0.2; done'
        process = self.inside.start(
            *("sh", "-c", waiting, "wait", *command), environment=self.screen.environment
        )
        try:
            window = self.screen.wait_for_window(title)
            if classifies is not None:
                time.sleep(_SETTLES_S)
                self.screen.press(window, _CLASSIFY)
                self._wait_for_results(classifies)
            time.sleep(_SETTLES_S)
            self.screen.photograph(self.pictures / f"{name}.png")
            self._quit(window, process)
        except InstallerError:
            self.screen.photograph(self.pictures / f"{name}-failed.png")
            raise
        finally:
            process.kill()
            process.wait()

    def _quit(self, window: str, process: subprocess.Popen[str]) -> None:
        """Press the keys until it ends: a busy machine may lose them."""
        ends = time.monotonic() + _ENDS_S
        while time.monotonic() < ends:
            self.screen.press(window, _QUIT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_AGAIN_S)
                return
        raise InstallerError("The program did not end after it was closed.")

    def _wait_for_results(self, slide: Path) -> None:
        ends = time.monotonic() + _PATIENCE_S
        while time.monotonic() < ends:
            results = json.loads(self.run("results", "list", slide, "--json"))["results"]
            if results and not results[0]["pending"] and results[0]["runs"][-1]["outcome"]:
                return
            time.sleep(1.0)
        raise InstallerError(f"{slide.name} was not classified in the window in time.")

    def compare_files(self, slides: list[TrialSlide]) -> str:
        """Write the files of the slides, and compare them with those of the source."""
        said = []
        for slide in slides:
            output = SHARED / "written"
            self.run("classify", SHARED / slide.path.name, "--output", output)
            here = self.inside.shared / output.relative_to(SHARED)
            said.append(compare(slide, here))
            shutil.rmtree(here)
        return "; ".join(said)

    def kept_results(self, slides: list[TrialSlide]) -> str:
        """The results of all slides are there, complete, and nothing has to be computed again."""
        for slide in slides:
            listed = json.loads(self.run("results", "list", SHARED / slide.path.name, "--json"))
            require(listed["results"], f"The results of {slide.path.name} are gone.")
            (result,) = listed["results"]
            require(not result["pending"], f"Cells of {slide.path.name} are missing.")
        return f"results of {len(slides)} slides are complete"
