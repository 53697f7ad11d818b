"""What is shipped: distributions of Python, native libraries and where they belong, bundles.

The licences and the bill of materials are made of it.
"""

import fnmatch
import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from bachview.licences.distributions import Component, component, needed, normal
from bachview.licences.document import LEFT_OUT, completed, own_components
from tools.installers.errors import InstallerError
from tools.installers.places import ROOT

PARTS = ROOT / "packaging" / "licences"
_LIBRARY = re.compile(r".+\.(?:so(?:\.[\w.]+)?|dll|pyd|dylib)", re.I)
#: Modules of Qt that are under the GPL alone, unless they are bought.
_GPL_ONLY = re.compile(
    r"(?:lib)?Qt6?(?:Charts|DataVisualization|Graphs|HttpServer|Lottie|NetworkAuth|Quick3D|"
    r"QuickTimeline|ShaderTools|VirtualKeyboard|WaylandCompositor|WaylandEglCompositor).*"
)
#: In the program, PyInstaller's loader is what starts.
_LOADER = "pyinstaller"


@dataclass(frozen=True, slots=True)
class NativeFile:
    """A library of machine code in the frozen program.

    Attributes
    ----------
    path : below the frozen program.
    owner : name of the component that it belongs to.
    """

    path: Path
    owner: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is shipped.

    Attributes
    ----------
    own : the program, its font, its bundles.
    distributions : by the distributions of Python, with what they were read from.
    parts : Python itself and libraries of the system that froze the program.
    native : the libraries of the frozen program; empty without one.
    """

    own: tuple[Component, ...]
    distributions: tuple[tuple[Component, metadata.Distribution], ...]
    parts: tuple[Component, ...]
    native: tuple[NativeFile, ...]

    @property
    def components(self) -> tuple[Component, ...]:
        return (*self.own, *(one for one, _ in self.distributions), *self.parts)


def take_inventory(environment: Path | None = None, frozen: Path | None = None) -> Inventory:
    """Take it.

    Parameters
    ----------
    environment : a virtual environment; by default that of this process.
    frozen : a frozen program, which holds some of the environment's distributions.

    Raises
    ------
    InstallerError
        A distribution is missing or has no licence text, or nobody owns a library.
    """
    path = None if environment is None else _folders_of(environment)
    found = _in_tree(frozen, path) if frozen is not None else _needed_here(path)
    distributions = tuple((_as_shipped(component(one)), one) for one in found)
    without = [one.name for one, _ in distributions if not one.texts]
    if without:
        raise InstallerError(
            f"These distributions come without the text of a licence: {', '.join(without)}. Add it "
            "to resources/licences and name it in bachview/licences/document.py."
        )
    every = _parts()
    if frozen is None:
        return Inventory(own_components(), distributions, (every["Python"].component,), ())
    native = tuple(_owners(frozen, found, tuple(every.values())))
    used = {"Python", *(file.owner for file in native)}
    parts = tuple(part.component for name, part in every.items() if name in used)
    return Inventory(own_components(), distributions, parts, native)


def _as_shipped(found: Component) -> Component:
    """With the texts that it lacks; of PyInstaller only the loader is shipped."""
    if normal(found.name) == _LOADER:
        licence = "GPL-2.0-or-later WITH Bootloader-exception"
        return replace(found, name="PyInstaller (loader)", licence=licence)
    return completed(found)


def _folders_of(environment: Path) -> list[str]:
    """Where an environment keeps its packages; the folder itself if it holds distributions."""
    if next(environment.glob("*.dist-info"), None) is not None:
        return [str(environment)]
    found = [
        *environment.glob("lib/python3*/site-packages"),
        *environment.glob("Lib/site-packages"),
    ]
    if not found:
        raise InstallerError(f"{environment} is no environment of Python: it has no site-packages.")
    return [str(folder) for folder in found]


def _needed_here(path: Sequence[str] | None) -> list[metadata.Distribution]:
    """What the project's dependencies lead to."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        asked = tomllib.load(file)["project"]["dependencies"]
    names = [re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in asked]
    found = needed(names, path, without=LEFT_OUT)
    missing = [name for name in names if normal(name) not in found]
    if missing:
        raise InstallerError(f"Not installed in the environment: {', '.join(missing)}.")
    return [one for name, one in found.items() if name != "bachview"]


def _in_tree(frozen: Path, path: Sequence[str] | None) -> list[metadata.Distribution]:
    """The distributions whose metadata are in the frozen program, as the environment has them."""
    names = {
        normal(folder.name.removesuffix(".dist-info").rsplit("-", 1)[0])
        for folder in frozen.rglob("*.dist-info")
    }
    if not names:
        raise InstallerError(f"{frozen} is no frozen program: it has no metadata of packages.")
    found = needed([*names, _LOADER], path, without=LEFT_OUT)
    missing = names - found.keys()
    if missing:
        raise InstallerError(
            f"The frozen program holds {', '.join(sorted(missing))}, which the environment lacks: "
            "name the environment that it was frozen in."
        )
    return [one for name, one in found.items() if name in names or name == _LOADER]


@dataclass(frozen=True, slots=True)
class _Part:
    component: Component
    files: tuple[str, ...]


def _parts() -> dict[str, _Part]:
    with (PARTS / "parts.toml").open("rb") as file:
        rows = tomllib.load(file)["part"]
    parts = {}
    for row in rows:
        text = (PARTS / row["text"]).read_text("utf-8")
        found = Component(row["name"], "", row["licence"], ((row["text"], text),))
        parts[row["name"]] = _Part(found, tuple(pattern.lower() for pattern in row["files"]))
    version = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    python = parts["Python"]
    parts["Python"] = replace(python, component=replace(python.component, version=version))
    return parts


def _owners(
    frozen: Path, distributions: Sequence[metadata.Distribution], parts: Sequence[_Part]
) -> list[NativeFile]:
    by_name: dict[str, str] = {}
    for distribution in distributions:
        for file in distribution.files or ():
            if _LIBRARY.fullmatch(file.name):
                by_name.setdefault(file.name.lower(), distribution.name)
    found, unowned = [], []
    for path in sorted(frozen.rglob("*")):
        if not _LIBRARY.fullmatch(path.name) or path.is_symlink() or not path.is_file():
            continue
        name = path.name.lower()
        owner = by_name.get(name) or next(
            (
                part.component.name
                for part in parts
                if any(fnmatch.fnmatchcase(name, pattern) for pattern in part.files)
            ),
            None,
        )
        place = path.relative_to(frozen)
        if _GPL_ONLY.fullmatch(path.name):
            raise InstallerError(
                f"{place} is under the GNU General Public License alone: leave it out."
            )
        if owner is None:
            unowned.append(str(place))
        else:
            found.append(NativeFile(place, owner))
    if unowned:
        raise InstallerError(
            f"Nobody owns these libraries of the frozen program: {', '.join(unowned)}. Leave them "
            "out, or add them with their licence to packaging/licences/parts.toml."
        )
    return found
