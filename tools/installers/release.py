"""What a package says of its release: version, time, and what is new."""

import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bachview.version import __version__
from tools.installers.errors import InstallerError
from tools.installers.places import ROOT

#: ``## Unreleased`` or ``## 1.2.0 - 2027-01-31``, with brackets or without.
_HEADING = re.compile(r"## \[?(?P<name>[^]\s]+)\]?(?:\s+[-–]\s+(?P<date>\d{4}-\d\d-\d\d))?\s*")
_ENTRY = re.compile(r"- ")
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Release:
    """One release.

    Attributes
    ----------
    time : in UTC, whole seconds.
    changes : a sentence or several each, plain text on one line, in the order of the changelog.
    """

    version: str
    time: datetime
    changes: tuple[str, ...]


def source_time() -> datetime:
    """The time that a package carries: ``SOURCE_DATE_EPOCH``, else that of the last commit.

    Raises
    ------
    InstallerError
        Neither is known.
    """
    stated = os.environ.get("SOURCE_DATE_EPOCH")
    if stated is None:
        asked = subprocess.run(
            ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True
        )
        stated = asked.stdout.strip()
    try:
        return datetime.fromtimestamp(int(stated), UTC)
    except (ValueError, OverflowError) as error:
        raise InstallerError(
            "The time of this source is not known: run this in a git clone, or set "
            "SOURCE_DATE_EPOCH to seconds since 1970."
        ) from error


def releases(changelog: Path, version: str = __version__, *, now: datetime) -> list[Release]:
    """The releases of a changelog, newest first.

    What is unreleased is that of `version`, at the time `now`, if that has no heading yet.

    Raises
    ------
    InstallerError
        It has no heading, or a release without a date.
    """
    found: list[Release] = []
    sections = re.split(r"^(?=## )", changelog.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    for section in sections:
        heading, _, body = section.partition("\n")
        match = _HEADING.fullmatch(heading)
        if match is None:
            raise InstallerError(f"{changelog}: “{heading}” is not the heading of a release.")
        changes = _changes(body)
        if match["name"].casefold() == "unreleased":
            if changes:
                found.append(Release(version, now, changes))
        elif match["date"] is None:
            raise InstallerError(f"{changelog}: release {match['name']} has no date.")
        else:
            time = datetime.fromisoformat(match["date"]).replace(tzinfo=UTC)
            found.append(Release(match["name"], time, changes))
    if any(release.version == version for release in found[1:]):
        found = found[1:] if found[1].version == version else found
    if not found:
        raise InstallerError(f"{changelog}: no release and no change is written there.")
    return found


def _changes(body: str) -> tuple[str, ...]:
    """Entries of all lists, each on one line, without Markdown."""
    entries: list[list[str]] = []
    for line in body.splitlines():
        if _ENTRY.match(line):
            entries.append([line[2:]])
        elif entries and line.strip() and not line.startswith("#"):
            entries[-1].append(line.strip())
    return tuple(_plain(" ".join(entry)) for entry in entries)


def _plain(text: str) -> str:
    return _LINK.sub(r"\1", text).replace("**", "").replace("`", "").strip()
