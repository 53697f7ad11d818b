"""``make release VERSION=1.2.0``: lets the source state a new version, and what is new in it.

Only files are changed; docs/releasing.md says what comes before and after. Packages take their news
from the changelog (``tools/installers/release.py``).
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from bachview.errors import BachviewError
from bachview.files import write_text

ROOT = Path(__file__).resolve().parents[1]
VERSION_FILE = "bachview/version.py"
CHANGELOG = "CHANGELOG.md"
UPGRADING = "docs/upgrading.md"

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_STATED = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)
_RELEASED = re.compile(r"^## (\d+\.\d+\.\d+) - ", re.MULTILINE)


class ReleaseError(BachviewError):
    """A release cannot be prepared; the text says why, and what to do."""


def main(arguments: Sequence[str]) -> int:
    """Prepare a release of this source; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.release",
        description="Let the source state a new version, and what is new in it.",
    )
    parser.add_argument("version", metavar="VERSION", help="three numbers, such as 1.2.0")
    version: str = parser.parse_args(arguments).version
    try:
        _check_clean(ROOT)
        prepare(ROOT, version, datetime.now(UTC).date())
    except BachviewError as error:
        print(error, file=sys.stderr)
        return 3
    print(
        f"The source states version {version}. Read the changes, then go on in docs/releasing.md."
    )
    return 0


def prepare(root: Path, version: str, day: date) -> None:
    """Write `version` and the day into the source.

    Raises
    ------
    ReleaseError
        The version is none, or not later than the last, or nothing is new; no file is changed.
    """
    version_text, changelog, upgrading = (
        (root / name).read_text("utf-8") for name in (VERSION_FILE, CHANGELOG, UPGRADING)
    )
    stated = _STATED.search(version_text)
    if stated is None:
        raise ReleaseError(f"{VERSION_FILE} states no version.")
    numbers = _numbers(version)
    for earlier in _RELEASED.findall(changelog):
        if numbers <= _numbers(earlier):
            raise ReleaseError(f"Version {earlier} is released already; take a later one.")
    if numbers < _numbers(stated[1]):
        raise ReleaseError(f"The source states version {stated[1]}; take that or a later one.")
    texts = {
        VERSION_FILE: _STATED.sub(f'__version__ = "{version}"', version_text),
        CHANGELOG: _dated(changelog, "## ", version, day),
        UPGRADING: _dated(upgrading, "### ", version, day),
    }
    if texts[CHANGELOG] == changelog:
        raise ReleaseError(f"{CHANGELOG} has nothing under “Unreleased”.")
    for name, text in texts.items():
        write_text(root / name, text, error=ReleaseError)


def _dated(text: str, marks: str, version: str, day: date) -> str:
    """Let what is unreleased be of `version`, under an empty heading; as it is if nothing is."""
    heading = f"{marks}Unreleased\n"
    before, found, after = text.partition(f"\n{heading}")
    news = re.split(rf"^{marks}", after, maxsplit=1, flags=re.MULTILINE)[0]
    if not found or not news.strip():
        return text
    return f"{before}\n{heading}\n{marks}{version} - {day.isoformat()}\n{after}"


def _numbers(version: str) -> tuple[int, ...]:
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ReleaseError(f"{version} is no version; it has three numbers, such as 1.2.0.")
    return tuple(map(int, match.groups()))


def _check_clean(root: Path) -> None:
    changes = subprocess.run(
        ["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=False
    )
    if changes.returncode or changes.stdout:
        raise ReleaseError("The source has changes that are not committed, or is no git clone.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
