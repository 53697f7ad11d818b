"""``python -m tools.installers trial``: try the packages in clean systems.

It needs root, debootstrap, Xvfb, openbox, xdotool, ImageMagick and the archives of Debian and
Ubuntu. What was seen is in the folder ``report``: a table, and what was on the screen.
"""

import argparse
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bachview.config import APPLICATION
from bachview.version import __version__
from tools.installers.errors import InstallerError
from tools.installers.linux.appimage import build_appimage
from tools.installers.linux.deb import build_deb
from tools.installers.linux.tarball import build_tarball
from tools.installers.trial.deb_trial import try_deb
from tools.installers.trial.expected import TrialSlide, prepare
from tools.installers.trial.inside import HOME, Inside
from tools.installers.trial.portable_trial import prepare_desktop, try_appimage, try_tarball
from tools.installers.trial.screen import Screen, screen
from tools.installers.trial.steps import Trial
from tools.installers.trial.systems import SYSTEMS, clean_root

#: Version of the package that is there before: the same program, so that it is known to work.
_OLDER = "0.0.1~trial"


@dataclass(frozen=True, slots=True)
class Bench:
    """What all trials share."""

    folder: Path
    shared: Path
    shown: Screen
    slides: list[TrialSlide]

    def clean(self, name: str) -> Path:
        """The root of a clean system."""
        system = next(system for system in SYSTEMS if system.name == name)
        return clean_root(system, self.folder / "systems")

    def inside(self, name: str) -> Inside:
        """A fresh copy of a clean system."""
        return Inside.copied(self.clean(name), self.folder / "root", self.shared)

    def pictures(self, trial: Trial) -> Path:
        return self.folder / "report" / trial.title.replace(" ", "-")


def main(arguments: Sequence[str]) -> int:
    """Try them; 1 if a step failed."""
    given = _parsed(arguments)
    folder: Path = given.folder.resolve()
    report, shared = folder / "report", folder / "shared"
    for path in (report, shared, folder / "source"):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    shared.chmod(0o777)
    begun = time.monotonic()
    trials: list[Trial] = []
    with screen() as shown:
        slides = prepare(shared, folder / "source", given.slide)
        bench = Bench(folder, shared, shown, slides)
        systems = [name for name in given.systems if _is_there(bench, name)]
        package = given.dist / f"{APPLICATION}_{__version__}_amd64.deb"
        if "lintian" in given.packages:
            lint = Trial("lintian")
            trials.append(_carried_out(lint, bench, partial(_lint, lint, package)))
        if "deb" in given.packages:
            trials += _debs(bench, package, given.frozen, systems)
        if {"tarball", "appimage"} & set(given.packages):
            trials += _portables(bench, given, systems)
    shutil.rmtree(folder / "root", ignore_errors=True)
    text = _table(trials, time.monotonic() - begun)
    (report / "report.md").write_text(text, encoding="utf-8")
    good = bool(trials) and all(trial.is_good for trial in trials)
    print(f"{'All steps' if good else 'NOT all steps'} were as they should be: {report}/report.md")
    return 0 if good else 1


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tools.installers trial", description=__doc__)
    parser.add_argument("--dist", type=Path, default=Path("dist"), help="folder of the packages")
    parser.add_argument("--frozen", type=Path, default=Path("build/frozen/bachview"))
    parser.add_argument("--folder", type=Path, default=Path("build/installer-test"))
    parser.add_argument("--slide", type=Path, help="a real slide, besides the phantom")
    names = [system.name for system in SYSTEMS]
    parser.add_argument("--systems", nargs="+", choices=names, default=names)
    kinds = ["lintian", "deb", "tarball", "appimage"]
    parser.add_argument("--packages", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--runtime", type=Path, help="of AppImage; without it none is tried")
    return parser.parse_args(arguments)


def _carried_out(trial: Trial, bench: Bench, act: Callable[[], None]) -> Trial:
    """A failed step has its row and the user's log; other packages are tried all the same."""
    try:
        act()
    except InstallerError as error:
        log = bench.folder / "root" / HOME.relative_to("/") / ".local/state/bachview/log"
        if log.exists():
            shutil.copytree(log, bench.pictures(trial) / "log", dirs_exist_ok=True)
        if trial.is_good:
            trial.rows.append(("before the first step", str(error), 0.0, False))
            print(f"FAIL {trial.title}: {error}", flush=True)
    return trial


def _is_there(bench: Bench, name: str) -> bool:
    """Whether a clean system can be had here; if not, that is said."""
    try:
        bench.clean(name)
    except InstallerError as error:
        print(f"Nothing was tried on {name}: {error}", flush=True)
        return False
    return True


def _debs(bench: Bench, package: Path, frozen: Path, systems: list[str]) -> list[Trial]:
    here = bench.shared / package.name
    if not package.exists():
        raise InstallerError(f"{package} is missing: run make installer.")
    shutil.copyfile(package, here)
    older = build_deb(frozen.resolve(), bench.shared, version=_OLDER, compression="none")
    done = []
    for name in systems:
        trial = Trial(f"deb on {name}")
        done.append(_carried_out(trial, bench, partial(_deb, trial, bench, name, here, older)))
    here.unlink()
    older.unlink()
    return done


def _deb(trial: Trial, bench: Bench, name: str, package: Path, older: Path) -> None:
    try_deb(
        trial,
        bench.inside(name),
        bench.shown,
        bench.slides,
        package=package,
        older=older,
        pictures=bench.pictures(trial),
    )


def _lint(trial: Trial, package: Path) -> None:
    """No error and no warning of lintian is without an answer in the overrides."""

    def findings() -> str:
        try:
            asked = subprocess.run(
                ["lintian", "--allow-root", "--fail-on", "error,warning", package],
                capture_output=True,
                text=True,
            )
        except FileNotFoundError as error:
            raise InstallerError("lintian is missing: install it.") from error
        if asked.returncode:
            raise InstallerError(asked.stdout + asked.stderr)
        return "no error and no warning but those that lintian-overrides answers"

    trial.step("findings", findings)


def _portables(bench: Bench, given: argparse.Namespace, systems: list[str]) -> list[Trial]:
    """The archive, and in the same system, which has what desktops have, the AppImage."""
    trials: list[Trial] = []
    pattern = f"{APPLICATION}-{__version__}-linux-*.tar.gz"
    archive = next(iter(sorted(given.dist.glob(pattern))), None)
    if archive is None:
        archive = build_tarball(given.frozen.resolve(), given.dist)
    for name in systems:
        inside = bench.inside(name)
        trial = Trial(f"tarball on {name}")
        trials.append(_carried_out(trial, bench, partial(_portable, trial, inside, bench, archive)))
        inside.read_only = None
        if "appimage" in given.packages and given.runtime is not None:
            trial = Trial(f"AppImage on {name}")
            trials.append(_carried_out(trial, bench, partial(_image, trial, inside, bench, given)))
    if "appimage" in given.packages and given.runtime is None:
        print("The AppImage was not tried: no runtime of AppImage is given.")
    return trials


def _portable(trial: Trial, inside: Inside, bench: Bench, archive: Path) -> None:
    trial.step("desktop", lambda: prepare_desktop(inside, archive))
    try_tarball(
        trial,
        inside,
        bench.shown,
        bench.slides,
        archive=archive,
        pictures=bench.pictures(trial),
    )


def _image(trial: Trial, inside: Inside, bench: Bench, given: argparse.Namespace) -> None:
    (found,) = sorted(given.dist.glob(f"{APPLICATION}-{__version__}-*.AppImage")) or [
        build_appimage(given.frozen.resolve(), given.dist, given.runtime)
    ]
    image = bench.shared / found.name
    shutil.copy(found, image)
    try:
        try_appimage(
            trial,
            inside,
            bench.shown,
            bench.slides,
            image=image,
            pictures=bench.pictures(trial),
        )
    finally:
        image.unlink()


def _table(trials: Sequence[Trial], seconds: float) -> str:
    lines = [f"# Trial of bachview {__version__}", "", f"{seconds / 60:.0f} minutes.", ""]
    for trial in trials:
        lines += [f"## {trial.title}", "", "| step | | s | |", "|---|---|---|---|"]
        for name, said, took, good in trial.rows:
            told = said.replace("\n", "<br>").replace("|", r"\|")
            lines.append(f"| {name} | {told} | {took:.0f} | {'ok' if good else '**failed**'} |")
        lines.append("")
    return "\n".join(lines)
