"""The portable archive and the AppImage in a clean system with the libraries of a desktop."""

import re
import subprocess
import tarfile
from functools import partial
from pathlib import Path

from tools.installers.trial.expected import TrialSlide
from tools.installers.trial.inside import HOME, SHARED, Inside
from tools.installers.trial.screen import Screen
from tools.installers.trial.steps import Trial, require
from tools.installers.trial.use import DESKTOP_PACKAGES, User

_PLACE = Path("/srv/programs")
_PACKAGE = re.compile(r"^  (lib\S+|zlib1g|fonts\S+)", re.MULTILINE)


def prepare_desktop(inside: Inside, archive: Path) -> str:
    """Install what desktops have: the packages that the archive's README names."""
    with tarfile.open(archive) as tar:
        name = f"{tar.next().name}/README.txt"  # type: ignore[union-attr]
        readme = tar.extractfile(name)
        require(readme, "The archive has no README.txt.")
        packages = _PACKAGE.findall(readme.read().decode())  # type: ignore[union-attr]
    inside.as_root("apt-get", "update", "--quiet")
    inside.as_root(
        *("apt-get", "install", "--quiet", "--yes", "--no-install-recommends"),
        *packages,
        *DESKTOP_PACKAGES,
        # Every desktop has fonts and the layouts of keyboards.
        "fonts-dejavu-core",
        "xkb-data",
    )
    return f"{len(packages)} packages named in its README.txt"


def try_tarball(
    trial: Trial,
    inside: Inside,
    screen: Screen,
    slides: list[TrialSlide],
    *,
    archive: Path,
    pictures: Path,
) -> None:
    """Unpack it into a folder that nobody can write to, and use it from there."""
    place = inside.root / _PLACE.relative_to("/")

    def unpack() -> str:
        place.mkdir(parents=True)
        subprocess.run(["tar", "-xzf", archive, "-C", place], check=True)
        inside.read_only = _PLACE
        refused = inside.as_root("touch", _PLACE / "file", check=False)
        require(refused.returncode, "The folder can be written to.")
        return f"in {_PLACE}, mounted read-only"

    trial.step("unpack", unpack)
    (top,) = place.iterdir()
    program = _PLACE / top.name / "bachview"
    user = User(inside, screen, str(program), pictures)
    trial.step("start", lambda: user.run("--version").strip())

    def menu() -> str:
        inside.as_user(_PLACE / top.name / "add-to-menu")
        entry = HOME / ".local/share/applications/bachview.desktop"
        return user.start_from_menu(entry, "menu")

    trial.step("menu", menu)
    for number, slide in enumerate(slides):
        trial.step("file association", partial(user.open_file, slide, f"slide-{number}"))
    trial.step("files", lambda: user.compare_files(slides))

    def take_out() -> str:
        inside.as_user(_PLACE / top.name / "add-to-menu", "--remove")
        kind = "image/x-aperio-svs"
        handler = inside.as_user("xdg-mime", "query", "default", kind, check=False).stdout
        require("bachview" not in handler, "Types of files still name it.")
        return "no type of file names it"

    trial.step("out of the menu", take_out)


def try_appimage(
    trial: Trial,
    inside: Inside,
    screen: Screen,
    slides: list[TrialSlide],
    *,
    image: Path,
    pictures: Path,
) -> None:
    """Start it as it is; without FUSE, which a clean system lacks, it unpacks itself."""
    start = f"{SHARED / image.name} --appimage-extract-and-run"
    user = User(inside, screen, start, pictures)
    trial.step("start", lambda: user.run("--version").strip())

    def window() -> str:
        entry = HOME / "appimage.desktop"
        text = f"[Desktop Entry]\nType=Application\nName=bachview\nExec={start} %F\n"
        inside.as_user("sh", "-c", f"printf '%s' \"$1\" >{entry}", "write", text)
        return user.start_from_menu(entry, "menu")

    trial.step("window", window)
    trial.step("files", lambda: user.compare_files(slides))
