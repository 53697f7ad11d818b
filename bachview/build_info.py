"""Which build of the program this is: version, commit and date.

A wheel and a frozen program carry `FILE_NAME` beside this module, which
``tools/installers/build_info.py`` wrote. A source tree has no such file: there git is asked, and
only where a caller wants that.
"""

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bachview.version import __version__

FILE_NAME = "build_info.json"

_PACKAGE = Path(__file__).parent
_GIT_TIMEOUT_S = 10
_SHORT = 12


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the source.

    Attributes
    ----------
    name : in hexadecimal, of any length.
    changed : whether files were changed after it.
    """

    name: str
    changed: bool

    def __str__(self) -> str:
        return f"commit {self.name[:_SHORT]}{' with changes' if self.changed else ''}"


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """What is known of a build.

    Attributes
    ----------
    commit : None if it is not known.
    built : when, UTC; None if the program was not built, or it is not known.
    source_tree : whether the program runs from its source.
    """

    version: str
    commit: Commit | None = None
    built: datetime | None = None
    source_tree: bool = False

    def __str__(self) -> str:
        """E.g. ``0.1.0 (commit 4445772bc0de, built 2026-11-28)``."""
        parts = ["source tree"] if self.source_tree else []
        if self.commit is not None:
            parts.append(str(self.commit))
        if self.built is not None:
            parts.append(f"built {self.built:%Y-%m-%d}")
        return f"{self.version} ({', '.join(parts) or 'commit and build date unknown'})"

    def to_json(self) -> str:
        """As `FILE_NAME` holds it."""
        import json

        commit = self.commit
        document = {
            "version": self.version,
            "commit": commit.name if commit else None,
            "changed": commit.changed if commit else None,
            "built": self.built.isoformat(timespec="seconds") if self.built else None,
        }
        return json.dumps(document, indent=2) + "\n"


def build_info(package: Path = _PACKAGE, *, ask_git: bool = False) -> BuildInfo:
    """What is known of the program in the folder `package`. Any thread.

    Parameters
    ----------
    ask_git : run git if this is a source tree; it may take a second.
    """
    source = package.parent
    if (source / "pyproject.toml").is_file() and (source / ".git").exists():
        commit = commit_of(source) if ask_git else None
        return BuildInfo(__version__, commit, source_tree=True)
    stated = _stated(package / FILE_NAME)
    return stated if stated is not None else BuildInfo(__version__)


def is_frozen() -> bool:
    """Whether this is the program of an installer, which has no Python to start or add to."""
    return bool(getattr(sys, "frozen", False))


def commit_of(source: Path) -> Commit | None:
    """What git says of a source tree; None where it says nothing."""
    import subprocess  # as json, only where it is needed: every command imports this module

    # A caller that git started, such as a hook, would pass on another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    arguments = ("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    if not (source / ".git").exists():
        return None  # rather than the commit of what it was unpacked in
    try:
        answer = subprocess.run(
            ["git", "-C", str(source), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=_GIT_TIMEOUT_S,
        ).stdout.strip()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    name = answer.removesuffix("-dirty")
    return Commit(name, changed=name != answer) if _is_hexadecimal(name) else None


def _stated(file: Path) -> BuildInfo | None:
    """What a file states; None if there is none, or it is of another version."""
    import json

    try:
        document = json.loads(file.read_text("utf-8"))
        if document["version"] != __version__:
            return None
        name, changed, built = (document[key] for key in ("commit", "changed", "built"))
        commit = Commit(name, bool(changed)) if name and _is_hexadecimal(name) else None
        date = datetime.fromisoformat(built).astimezone(UTC) if built else None
    except (OSError, ValueError, TypeError, LookupError):
        return None
    return BuildInfo(__version__, commit, date)


def _is_hexadecimal(text: str) -> bool:
    return 7 <= len(text) <= 64 and not set(text) - set("0123456789abcdef")
