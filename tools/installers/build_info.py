"""``python -m tools.installers build-info --output FILE``: of which commit and date a build is.

The wheel's build calls it as well, in an environment that has hatchling alone.
"""

import argparse
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bachview import build_info as known
from bachview.build_info import FILE_NAME, BuildInfo, commit_of
from bachview.version import __version__
from tools.installers.errors import InstallerError
from tools.installers.places import ROOT


def main(arguments: Sequence[str]) -> int:
    """Write the file for the tree that this module is in."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.installers build-info",
        description="Write version, commit and build date to a file that goes into the package "
        f"as bachview/{FILE_NAME}.",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    output: Path = parser.parse_args(arguments).output
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(of_source(ROOT).to_json(), encoding="utf-8", newline="\n")
    return 0


def of_source(root: Path) -> BuildInfo:
    """What a build of this source states of itself.

    A source archive states the commit that it was made of; the date is that of the build, or
    ``SOURCE_DATE_EPOCH``.

    Raises
    ------
    InstallerError
        ``SOURCE_DATE_EPOCH`` is no time.
    """
    commit = commit_of(root)
    if commit is None and not (root / ".git").exists():
        commit = known.build_info(root / "bachview").commit
    return BuildInfo(__version__, commit, _build_time())


def _build_time() -> datetime:
    stated = os.environ.get("SOURCE_DATE_EPOCH")
    if not stated:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(stated), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InstallerError(
            f"SOURCE_DATE_EPOCH is {stated}; it must be whole seconds since 1970."
        ) from error
