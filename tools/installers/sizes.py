"""``python -m tools.installers sizes``: what takes the room in the frozen program.

Links count nothing. The parts are compressed one by one, so that each has its own figure; an
archive of all of them is smaller by a little.
"""

import argparse
import io
import lzma
import tarfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from bachview.cli.output import print_table
from tools.installers.errors import InstallerError
from tools.installers.places import FROZEN, executable

BUDGET_MB: Final = 250
OTHER: Final = "other libraries"
#: First part of the place within the folder of libraries, and what it belongs to.
_GROUPS: Final[Mapping[str, str]] = {
    "PySide6": "Qt",
    "shiboken6": "Qt",
    "openvino": "OpenVINO",
    "imagecodecs": "imagecodecs",
    "imagecodecs.libs": "imagecodecs",
    "openslide": "OpenSlide",
    "openslide_bin": "OpenSlide",
    "PIL": "Pillow",
    "pillow.libs": "Pillow",
    "numpy": "numpy",
    "numpy.libs": "numpy",
    "scipy": "scipy",
    "scipy.libs": "scipy",
    "sklearn": "scikit-learn",
    "scikit_learn.libs": "scikit-learn",
    "matplotlib": "matplotlib",
    "contourpy": "matplotlib",
    "kiwisolver": "matplotlib",
    "base_library.zip": "Python",
}
_XZ_PRESET: Final = 6
_ZSTD_LEVEL: Final = 12


@dataclass(frozen=True, slots=True)
class Part:
    """What one group of files takes, in bytes."""

    name: str
    files: int
    plain: int
    xz: int
    zstd: int


def main(arguments: Sequence[str]) -> int:
    """Print the table; exit code 1 if the budget is exceeded."""
    parser = argparse.ArgumentParser("python -m tools.installers sizes", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FROZEN, metavar="DIR")
    parts = measure(parser.parse_args(arguments).folder)
    total = Part("total", *(sum(getattr(p, f) for p in parts) for f in Part.__slots__[1:]))
    columns = [("", False), ("files", True), ("MB", True), ("xz, MB", True), ("zstd, MB", True)]
    rows = [
        (
            part.name,
            f"{part.files:,}",
            *(f"{n / 1e6:.1f}" for n in (part.plain, part.xz, part.zstd)),
        )
        for part in (*parts, total)
    ]
    print_table("The frozen program", columns, rows)
    fits = total.xz <= BUDGET_MB * 1e6
    print(f"Budget: {BUDGET_MB} MB compressed; {'kept' if fits else 'exceeded'} with xz.")
    return 0 if fits else 1


def measure(folder: Path) -> list[Part]:
    """The parts, the largest first. Takes minutes.

    Raises
    ------
    InstallerError
        There is no frozen program.
    """
    if not executable(folder).is_file():
        raise InstallerError(f"{folder} has no frozen program: run make freeze.")
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            groups[group_of(PurePosixPath(path.relative_to(folder).as_posix()))].append(path)
    with ThreadPoolExecutor() as pool:
        parts = pool.map(lambda item: _part(*item), groups.items())
    return sorted(parts, key=lambda part: part.plain, reverse=True)


def group_of(place: PurePosixPath) -> str:
    """What a file belongs to.

    Parameters
    ----------
    place : within the frozen program.
    """
    if len(place.parts) == 1:
        return "bachview and other modules in Python"
    inside = PurePosixPath(*place.parts[1:])
    first = inside.parts[0]
    if first.startswith(("libpython", "python3")):
        return "Python"
    if first == "bachview":
        is_bundle = inside.parts[1:3] == ("resources", "models")
        return "bundles" if is_bundle else "bachview's resources and documents"
    if first.endswith(".dist-info"):
        return "licences and names of packages"
    return _GROUPS.get(first, OTHER)


def _part(name: str, files: Sequence[Path]) -> Part:
    import imagecodecs

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for file in files:
            archive.add(file, arcname=file.name)
    content = packed.getvalue()
    return Part(
        name,
        len(files),
        sum(file.stat().st_size for file in files),
        len(lzma.compress(content, preset=_XZ_PRESET)),
        len(imagecodecs.zstd_encode(content, level=_ZSTD_LEVEL)),
    )
