"""Installed Python distributions: what needs what, and the licence texts that each brings along."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

#: Names of files with a licence or with notices that it asks for, in distributions that list none.
_LICENCE_FILE = re.compile(
    r"(?:.*[._-])?(?:licen[cs]es?|copying|copyright|notice|patents)(?:[._-].*)?", re.I
)
_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd", ".h", ".html")
_UNTOLD = ("", "UNKNOWN")
#: A longer statement is the text itself.
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Component:
    """Something that is shipped, with its licence.

    Attributes
    ----------
    licence : its name, best an SPDX expression; empty if it is not stated.
    texts : (name of the file, its text).
    """

    name: str
    version: str
    licence: str
    texts: tuple[tuple[str, str], ...]


def normal(name: str) -> str:
    """The name of a distribution as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(
    names: Iterable[str],
    path: Sequence[str] | None = None,
    *,
    without: frozenset[str] = frozenset(),
) -> dict[str, metadata.Distribution]:
    """These distributions and all that they need, as far as they are installed.

    Parameters
    ----------
    path : folders to look in; by default where this Python looks.
    without : normal names of distributions that are left out.
    """
    installed = _installed(path)
    found: dict[str, metadata.Distribution] = {}
    waiting = [normal(name) for name in names]
    while waiting:
        name = waiting.pop()
        distribution = installed.get(name)
        if distribution is None or name in found or name in without:
            continue
        found[name] = distribution
        for requirement in distribution.requires or ():
            wanted = re.match(r"[A-Za-z0-9._-]+", requirement)
            if wanted is not None and "extra ==" not in requirement:
                waiting.append(normal(wanted[0]))
    return dict(sorted(found.items()))


def _installed(path: Sequence[str] | None) -> Mapping[str, metadata.Distribution]:
    found: dict[str, metadata.Distribution] = {}
    there = metadata.distributions() if path is None else metadata.distributions(path=list(path))
    for distribution in there:
        found.setdefault(normal(distribution.name), distribution)
    return found


def component(distribution: metadata.Distribution) -> Component:
    """What a distribution states of its licence."""
    return Component(
        distribution.name,
        distribution.version,
        licence_name(distribution),
        tuple(_texts(distribution)),
    )


def licence_name(distribution: metadata.Distribution) -> str:
    """The SPDX expression, else the name, else what the classifiers say; empty if nothing does."""
    facts = distribution.metadata
    expression, *_ = facts.get_all("License-Expression") or ("",)
    if expression:
        return str(expression)
    stated = str((facts.get_all("License") or ("",))[0]).strip()
    if stated not in _UNTOLD and "\n" not in stated and len(stated) <= _LONGEST_NAME:
        return stated
    classifiers = facts.get_all("Classifier") or ()
    return " AND ".join(
        classifier.rsplit(" :: ", 1)[1]
        for classifier in classifiers
        if classifier.startswith("License ::") and not classifier.endswith(":: OSI Approved")
    )


def _texts(distribution: metadata.Distribution) -> Iterator[tuple[str, str]]:
    for file in distribution.files or ():
        parts = file.parts
        is_named = _LICENCE_FILE.fullmatch(file.name) is not None
        is_in_folder = any(
            part.lower() in {"licenses", "licences", "licensing"} for part in parts[:-1]
        )
        if not (is_named or is_in_folder) or file.name.endswith(_CODE):
            continue
        path = file.locate()
        try:
            text = path.read_bytes().decode("utf-8", "replace")  # type: ignore[attr-defined]
        except OSError:
            continue
        if text.strip():
            yield "/".join(part for part in parts if not part.endswith(".dist-info")), text
