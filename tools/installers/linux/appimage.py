"""The AppImage: ``python -m tools.installers appimage --runtime FILE``.

An AppImage is a small program, the runtime, with a compressed file system behind it. The runtime is
made by the AppImage project (type2-runtime) and is not part of this one: a file is given.
"""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bachview.config import APPLICATION
from bachview.version import __version__
from tools.installers.errors import InstallerError
from tools.installers.linux.arguments import BuildRequest, build_arguments
from tools.installers.linux.desktop_files import DESKTOP_FILE, filled, write_text
from tools.installers.linux.payload import copy_frozen, normalise
from tools.installers.linux.share_tree import write_share
from tools.installers.places import ROOT
from tools.installers.release import releases, source_time

#: Where the runtime says that it is one, and of which type.
_MARK_AT, _MARK = 8, b"AI\x02"
_ICON = Path("usr/share/icons/hicolor/256x256/apps") / f"{APPLICATION}.png"
_BLOCK = "256K"


def build_appimage(
    frozen: Path,
    output: Path,
    runtime: Path | None,
    *,
    version: str = __version__,
    compression: str = "zstd",
    homepage: str | None = None,
) -> Path:
    """Build the AppImage; the file written. Two calls write the same bytes.

    Raises
    ------
    InstallerError
        No runtime is given or it is not one, the frozen program is missing, or ``mksquashfs`` is.
    """
    head = _runtime(runtime)
    time = source_time()
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="appimage-", dir=output) as folder:
        root = Path(folder) / "root"
        home = root / "usr" / "lib" / APPLICATION
        copy_frozen(frozen, home, portable=True)
        share = root / "usr" / "share"
        write_share(share, releases(ROOT / "CHANGELOG.md", now=time), homepage=homepage)
        # What the AppImage's own desktop integration reads, at the top.
        shutil.copyfile(share / "applications" / DESKTOP_FILE, root / DESKTOP_FILE)
        shutil.copyfile(root / _ICON, root / f"{APPLICATION}.png")
        (root / ".DirIcon").symlink_to(f"{APPLICATION}.png")
        write_text(root / "AppRun", filled("AppRun"))
        normalise(root, time, frozenset({home / APPLICATION, root / "AppRun"}))
        packed = Path(folder) / "squashfs"
        _squash(root, packed, compression, int(time.timestamp()))
        image = output / f"{APPLICATION}-{version}-{platform.machine()}.AppImage"
        with image.open("wb") as file:
            file.write(head)
            with packed.open("rb") as body:
                shutil.copyfileobj(body, file)
        image.chmod(0o755)
    return image


def _runtime(path: Path | None) -> bytes:
    if path is None:
        raise InstallerError(
            "An AppImage needs the runtime of the AppImage project: give its file with "
            "--runtime, or as APPIMAGE_RUNTIME to make."
        )
    try:
        head = path.read_bytes()
    except OSError as error:
        raise InstallerError(f"{path} cannot be read ({error.strerror}).") from error
    if head[_MARK_AT : _MARK_AT + len(_MARK)] != _MARK:
        raise InstallerError(f"{path} is not a runtime of AppImage, type 2: take another file.")
    return head


def _squash(root: Path, target: Path, compression: str, seconds: int) -> None:
    command = [
        *("mksquashfs", str(root), str(target), "-comp", compression, "-b", _BLOCK),
        *("-all-root", "-no-xattrs", "-noappend", "-no-progress", "-quiet"),
    ]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(seconds)}
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    except FileNotFoundError as error:
        raise InstallerError("mksquashfs is missing: install squashfs-tools.") from error
    except subprocess.CalledProcessError as error:
        raise InstallerError(f"mksquashfs failed: {error.stderr.strip()}") from error


def main(arguments: Sequence[str]) -> int:
    """Build the AppImage and print its path."""
    request: BuildRequest = build_arguments("appimage", __doc__, arguments)
    print(
        build_appimage(
            request.frozen,
            request.output,
            request.runtime,
            version=request.version,
            compression=request.compression or "zstd",
            homepage=request.homepage,
        )
    )
    return 0
