"""One text with the licences of everything: an overview, remarks, and each text once."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from bachview.config import resource_folder
from bachview.file_names import BUNDLE_SUFFIX
from bachview.licences.distributions import Component, component, needed, normal
from bachview.version import __version__

FILE_NAME = "LICENCES.txt"
#: Never imported by the program, and not part of its packages.
LEFT_OUT = frozenset({"openvino-telemetry"})
_LINE = "=" * 78
#: Distributions that come without their texts, which therefore come with the program.
_QT = ("LGPL-3.0.txt", "GPL-3.0.txt", "Qt-notices.txt")
_SUPPLIED = {
    "pyjpegls": ("pyjpegls.txt", "CharLS.txt"),
    "pyside6-essentials": _QT,
    "shiboken6": _QT,
}
#: Of the weights that the networks began with.
_OF_BUNDLES = dict.fromkeys(("default.bachmodel", "default-fast.bachmodel"), ("Apache-2.0.txt",))


def shown_licences() -> str:
    """What the window shows: the file of a package, else the licences of what is installed here.

    Takes a second without the file.
    """
    try:
        return (resource_folder() / FILE_NAME).read_text("utf-8")
    except OSError:
        return licences_text(components_here())


def components_here(path: Sequence[str] | None = None) -> tuple[Component, ...]:
    """The program's own parts, and the distributions that it needs.

    Parameters
    ----------
    path : folders to look for distributions in; by default where this Python looks.
    """
    found = needed(["bachview"], path, without=LEFT_OUT)
    found.pop("bachview", None)
    return (*own_components(), *(completed(component(one)) for one in found.values()))


def completed(found: Component) -> Component:
    """With the texts that a distribution lacks and the program has."""
    names = _SUPPLIED.get(normal(found.name), ())
    if found.texts or not names:
        return found
    return Component(found.name, found.version, found.licence, _supplied(names))


def own_components() -> tuple[Component, ...]:
    """The program itself with its icons, its font and its bundles."""
    resources = resource_folder()
    program = _first_text(resources.parent / "LICENSE", resources / "LICENSE")
    font = (resources / "fonts" / "LICENSE.txt").read_text("utf-8")
    return (
        Component(
            "bachview, with its icons and documents", __version__, "MIT", (("LICENSE", program),)
        ),
        Component("DejaVu Sans (font)", "", "Bitstream-Vera", (("fonts/LICENSE.txt", font),)),
        *map(_bundle, sorted((resources / "models").glob(f"*{BUNDLE_SUFFIX}"))),
    )


def _first_text(*paths: Path) -> str:
    for path in paths:
        if path.is_file():
            return path.read_text("utf-8")
    from importlib import metadata

    try:
        return component(metadata.distribution("bachview")).texts[0][1]
    except (metadata.PackageNotFoundError, IndexError):
        return ""


def _bundle(path: Path) -> Component:
    manifest = json.loads(_of_bundle(path, "manifest.json"))
    card = _of_bundle(path, "MODEL_CARD.md")
    name = f"{manifest['name']} (model, {path.name})"
    texts = (("MODEL_CARD.md", card), *_supplied(_OF_BUNDLES.get(path.name, ())))
    return Component(name, str(manifest["version"]), manifest["licence"], texts)


def _supplied(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    folder = resource_folder() / "licences"
    return tuple((name, (folder / name).read_text("utf-8")) for name in names)


def _of_bundle(path: Path, name: str) -> str:
    if path.is_dir():
        return (path / name).read_text("utf-8")
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode("utf-8")


def licences_text(components: Sequence[Component]) -> str:
    """The text for people: an overview, remarks, and each text once."""
    remarks = (resource_folder() / "licences" / "remarks.txt").read_text("utf-8")
    numbers: dict[str, int] = {}
    names: list[list[str]] = []
    rows: list[str] = []
    for each in components:
        found = []
        for name, text in each.texts:
            key = " ".join(text.split())
            if key not in numbers:
                numbers[key] = len(numbers) + 1
                names.append([text])
            place = numbers[key]
            names[place - 1].append(f"{each.name}: {name}")
            found.append(place)
        head = f"{each.name} {each.version}".strip()
        rows.append(f"{head}\n    {each.licence or 'see the texts'}  {_ranges(found)}\n")
    blocks = [f"Licences of bachview {__version__} and of what it is made of\n{_LINE}\n", *rows]
    blocks.append(f"\n{_LINE}\n{remarks.strip()}\n")
    for number, (text, *owners) in enumerate(names, 1):
        heads = "\n".join(owners)
        blocks.append(f"\n{_LINE}\n[{number}]\n{heads}\n{_LINE}\n\n{text.strip()}\n")
    return "".join(blocks)


def _ranges(numbers: Sequence[int]) -> str:
    """E.g. ``[3] [7-9]``."""
    ordered = sorted(set(numbers))
    runs: list[list[int]] = []
    for number in ordered:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return " ".join(f"[{run[0]}]" if len(run) == 1 else f"[{run[0]}-{run[-1]}]" for run in runs)
