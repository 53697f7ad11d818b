"""The Debian package, from a frozen program: ``python -m tools.installers deb``."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bachview.config import APPLICATION
from bachview.version import __version__
from tools.installers.errors import InstallerError
from tools.installers.linux.arguments import BuildRequest, build_arguments
from tools.installers.linux.debian_texts import copyright_file, debian_changelog, maintainer
from tools.installers.linux.desktop_files import TEMPLATES, filled, write_text
from tools.installers.linux.payload import copy_frozen, normalise
from tools.installers.linux.share_tree import write_gzip, write_share
from tools.installers.linux.system_libraries import file_names, packages_needed
from tools.installers.places import ROOT
from tools.installers.release import releases, source_time

#: What makes the associations of files work; a server needs none of it.
_FOR_THE_DESKTOP = ["desktop-file-utils", "hicolor-icon-theme", "shared-mime-info", "xdg-utils"]
#: Fonts that Qt finds by way of fontconfig.
_FONTS = "fonts-dejavu-core | fonts-freefont-ttf | fonts-liberation"
_SCRIPTS = ("preinst", "postrm")
_HOME = Path("usr/lib") / APPLICATION


def build_deb(
    frozen: Path,
    output: Path,
    *,
    version: str = __version__,
    compression: str = "xz",
    homepage: str | None = None,
) -> Path:
    """Build the package; the file written.

    Two calls with the same frozen program write the same bytes.

    Parameters
    ----------
    compression : of ``dpkg-deb``; "none" is quick.

    Raises
    ------
    InstallerError
        The frozen program is missing or incomplete, or ``dpkg-deb`` fails.
    """
    time = source_time()
    news = releases(ROOT / "CHANGELOG.md", now=time)
    with tempfile.TemporaryDirectory(prefix="deb-", dir=_scratch(output)) as folder:
        root = Path(folder) / "root"
        home = root / _HOME
        files = copy_frozen(frozen, home, portable=False)
        packages = packages_needed(files, file_names(home))
        packages["depends"].append(_FONTS)
        packages["recommends"] += _FOR_THE_DESKTOP
        start = root / "usr" / "bin" / APPLICATION
        start.parent.mkdir(parents=True)
        start.symlink_to(Path("..", "lib", APPLICATION, APPLICATION))
        share = root / "usr" / "share"
        write_share(share, news, homepage=homepage)
        documents = share / "doc" / APPLICATION
        write_text(documents / "copyright", copyright_file())
        write_gzip(documents / "changelog.gz", debian_changelog(news, version))
        overrides = (TEMPLATES / "lintian-overrides").read_text(encoding="utf-8")
        write_text(share / "lintian" / "overrides" / APPLICATION, overrides)
        normalise(root, time, frozenset({home / APPLICATION}))

        control = root / "DEBIAN"
        architecture = _asked("dpkg", "--print-architecture")
        write_text(
            control / "control",
            filled(
                "control",
                version=version,
                architecture=architecture,
                maintainer=maintainer(),
                installed_kib=_kib(root),
                packages=packages,
                homepage=homepage,
            ),
        )
        write_text(control / "md5sums", _md5sums(root))
        for name in _SCRIPTS:
            write_text(control / name, filled(name, version=version))
        normalise(control, time, frozenset(control / name for name in _SCRIPTS))

        output.mkdir(parents=True, exist_ok=True)
        package = output / f"{APPLICATION}_{version}_{architecture}.deb"
        _asked(
            "dpkg-deb",
            "--root-owner-group",
            f"-Z{compression}",
            "--build",
            str(root),
            str(package),
            epoch=int(time.timestamp()),
        )
    return package


def _scratch(output: Path) -> Path:
    """The folder of large temporary files: on the disk of the result, not in memory."""
    output.mkdir(parents=True, exist_ok=True)
    return output


def _kib(root: Path) -> int:
    """Room on a disk, by the rule of Debian: each file rounded up, each folder 1."""
    return sum(
        1 if path.is_symlink() or path.is_dir() else -(-path.stat().st_size // 1024)
        for path in root.rglob("*")
    )


def _md5sums(root: Path) -> str:
    lines = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if path.is_file() and not path.is_symlink() and name.parts[0] != "DEBIAN":
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
            lines.append(f"{digest.hexdigest()}  {name}\n")
    return "".join(lines)


def _asked(*command: str, epoch: int | None = None) -> str:
    environment = dict(os.environ)
    if epoch is not None:
        environment["SOURCE_DATE_EPOCH"] = str(epoch)
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    except FileNotFoundError as error:
        raise InstallerError(f"{command[0]} is missing: install dpkg.") from error
    except subprocess.CalledProcessError as error:
        raise InstallerError(f"{command[0]} failed: {error.stderr.strip()}") from error
    return asked.stdout.strip()


def main(arguments: Sequence[str]) -> int:
    """Build the package and print its path."""
    request: BuildRequest = build_arguments("deb", __doc__, arguments)
    print(
        build_deb(
            request.frozen,
            request.output,
            version=request.version,
            compression=request.compression or "xz",
            homepage=request.homepage,
        )
    )
    return 0
