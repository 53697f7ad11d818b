"""The portable archive: ``python -m tools.installers tarball``.

It is unpacked anywhere, also where its user may not write, and needs no installation.
"""

import gzip
import platform
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bachview.config import APPLICATION
from bachview.version import __version__
from tools.installers.linux.arguments import BuildRequest, build_arguments
from tools.installers.linux.desktop_files import filled, write_text
from tools.installers.linux.payload import copy_frozen, normalise
from tools.installers.linux.share_tree import write_share
from tools.installers.linux.system_libraries import file_names, packages_needed
from tools.installers.places import ROOT
from tools.installers.release import releases, source_time

_INTEGRATE = "add-to-menu"


def build_tarball(
    frozen: Path, output: Path, *, version: str = __version__, homepage: str | None = None
) -> Path:
    """Build the archive; the file written. Two calls write the same bytes.

    Raises
    ------
    InstallerError
        The frozen program is missing or incomplete.
    """
    time = source_time()
    output.mkdir(parents=True, exist_ok=True)
    name = f"{APPLICATION}-{version}"
    with tempfile.TemporaryDirectory(prefix="tarball-", dir=output) as folder:
        top = Path(folder) / name
        files = copy_frozen(frozen, top, portable=True)
        packages = packages_needed(files, file_names(top))
        news = releases(ROOT / "CHANGELOG.md", now=time)
        write_share(top / "share", news, homepage=homepage)
        write_text(top / _INTEGRATE, filled(_INTEGRATE))
        write_text(top / "README.txt", filled("README.txt", version=version, packages=packages))
        (top / "LICENSE.txt").write_bytes((ROOT / "LICENSE").read_bytes())
        normalise(top, time, frozenset({top / APPLICATION, top / _INTEGRATE}))
        archive = output / f"{name}-linux-{platform.machine()}.tar.gz"
        with (
            archive.open("wb") as raw,
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for path in (top, *sorted(top.rglob("*"))):
                tar.add(path, str(path.relative_to(folder)), recursive=False, filter=_of_root)
    return archive


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Owned by root, whoever builds it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = int(entry.mtime)
    return entry


def main(arguments: Sequence[str]) -> int:
    """Build the archive and print its path."""
    request: BuildRequest = build_arguments("tarball", __doc__, arguments)
    print(
        build_tarball(
            request.frozen, request.output, version=request.version, homepage=request.homepage
        )
    )
    return 0
