"""The Debian package in one clean system: installed, used, upgraded, removed."""

import json
import subprocess
from functools import partial
from pathlib import Path

from tools.installers.trial.expected import TrialSlide
from tools.installers.trial.inside import HOME, SHARED, Inside
from tools.installers.trial.screen import Screen
from tools.installers.trial.steps import Trial, require
from tools.installers.trial.use import DESKTOP_PACKAGES, User

_ENTRY = Path("/usr/share/applications/bachview.desktop")
_LIBRARIES = "/usr/lib/bachview"
#: Libraries that are only suggested: one desktop's look, and graphics cards of Intel.
_SUGGESTED = ("libgtk-3.", "libgdk", "libcairo", "libpango", "libatk", "libOpenCL.", "libcups.")


def try_deb(
    trial: Trial,
    inside: Inside,
    screen: Screen,
    slides: list[TrialSlide],
    *,
    package: Path,
    older: Path,
    pictures: Path,
) -> None:
    """Carry out all steps.

    Parameters
    ----------
    package, older : in the folder that the system sees; the older is installed first.
    """
    user = User(inside, screen, "bachview", pictures)

    def install(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
        return inside.as_root(
            *("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *options),
            SHARED / file.name,
            check="--allow-downgrades" not in options,
        )

    def first() -> str:
        inside.as_root("apt-get", "update", "--quiet")
        install(older)
        return f"{older.name} and what it depends on"

    trial.step("install", first)
    trial.step("libraries", lambda: _libraries(inside))
    trial.step("self-test", lambda: _self_test(user))

    trial.step("completion", lambda: _completion(inside))

    def desktop() -> str:
        # Without what they recommend: on Ubuntu 22.04 a viewer of pictures that takes TIFF files.
        install_all = ("apt-get", "install", "--quiet", "--yes", "--no-install-recommends")
        inside.as_root(*install_all, *DESKTOP_PACKAGES)
        return user.start_from_menu(_ENTRY, "menu")

    trial.step("desktop entry", desktop)
    for number, slide in enumerate(slides):
        trial.step("file association", partial(user.open_file, slide, f"slide-{number}"))
    trial.step("files", lambda: user.compare_files(slides))

    def upgrade() -> str:
        install(package)
        return f"to {_version(inside)}; {user.kept_results(slides)}"

    trial.step("upgrade", upgrade)
    trial.step("files after the upgrade", lambda: user.compare_files(slides))

    def downgrade() -> str:
        done = install(older, "--allow-downgrades")
        sentence = "cannot be replaced by the older"
        # apt passes on what dpkg says, on its own standard output.
        told = done.stdout + done.stderr
        said = [line for line in told.splitlines() if sentence in line]
        require(done.returncode and said, f"The downgrade was not refused:\n{told}")
        require(_version(inside) == package.name.split("_")[1], "Another version is there now.")
        user.run("--version")
        return f"refused: “{said[0]}”"

    trial.step("downgrade", downgrade)

    def remove() -> str:
        inside.as_root("apt-get", "remove", "--quiet", "--yes", "bachview")
        require(not (inside.root / "usr/bin/bachview").is_symlink(), "/usr/bin/bachview is left.")
        cache = inside.root / "usr/share/applications/mimeinfo.cache"
        require("bachview" not in cache.read_text("utf-8"), "Types of files still name it.")
        return f"the program is gone; {_results(inside)} are kept"

    trial.step("remove", remove)

    def purge() -> str:
        done = inside.as_root("apt-get", "purge", "--quiet", "--yes", "bachview")
        left = [
            path
            for path in inside.as_root(
                *("find", "/etc", "/opt", "/usr", "/var/lib", "-name", "*bachview*")
            ).stdout.splitlines()
            if not path.startswith("/var/lib/apt/lists")
        ]
        require(not left, f"Left behind: {', '.join(left)}.")
        require("Results and settings of users are kept" in done.stdout, "That is not said.")
        return f"no file is left outside the home folders; {_results(inside)} are kept"

    trial.step("purge", purge)


def _version(inside: Inside) -> str:
    return inside.as_root("dpkg-query", "--show", "--showformat=${Version}", "bachview").stdout


def _libraries(inside: Inside) -> str:
    """Every library that any file needs is found, but for those that are only suggested."""
    script = (
        f"find {_LIBRARIES} -type f \\( -name '*.so' -o -name '*.so.*' -o -name bachview \\) | "
        f"LD_LIBRARY_PATH={_LIBRARIES}/_internal xargs ldd 2>/dev/null | grep 'not found' | sort -u"
    )
    missing = {
        line.split()[0]
        for line in inside.as_user("sh", "-c", script, check=False).stdout.splitlines()
    }
    needed = sorted(name for name in missing if not name.startswith(_SUGGESTED))
    require(not needed, f"Not found: {', '.join(needed)}.")
    return f"all found without recommended packages; {len(missing)} that are only suggested are not"


def _completion(inside: Inside) -> str:
    """The script of the package asks the installed program, and is answered."""
    script = (
        "source /usr/share/bash-completion/completions/bachview; "
        "COMP_WORDS=(bachview classify --pre) COMP_CWORD=2; _bachview_completion bachview; "
        'echo "${COMPREPLY[*]}"'
    )
    answer = inside.as_user("bash", "-c", script).stdout.strip()
    require(answer == "--precision", f"bash is told “{answer}” for “classify --pre”.")
    return "bash completes “classify --pre” to “--precision”"


def _self_test(user: User) -> str:
    checks = json.loads(user.run("selftest", "--json"))["checks"]
    bad = [check["name"] for check in checks if not check["ok"]]
    require(not bad, f"Failed: {', '.join(bad)}.")
    return f"{len(checks)} checks passed, without any network"


def _results(inside: Inside) -> str:
    folder = inside.root / HOME.relative_to("/") / ".local/share/bachview/results"
    files = (
        [path for path in folder.iterdir() if path.suffix == ".sqlite"] if folder.exists() else []
    )
    require(files, "The users' results are gone.")
    return f"{len(files)} results files"
