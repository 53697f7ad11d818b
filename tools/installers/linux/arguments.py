"""Arguments that the commands which build packages have in common."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bachview.version import __version__


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build from what.

    Attributes
    ----------
    runtime : of AppImage, the program that stands before the file system.
    """

    frozen: Path
    output: Path
    version: str
    compression: str | None
    homepage: str | None
    runtime: Path | None


def build_arguments(command: str, text: str | None, arguments: Sequence[str]) -> BuildRequest:
    """Parse them; wrong ones end the program."""
    parser = argparse.ArgumentParser(f"python -m tools.installers {command}", description=text)
    parser.add_argument("--frozen", type=Path, default=Path("build/frozen/bachview"))
    parser.add_argument("--output", type=Path, default=Path("dist"))
    parser.add_argument("--version", default=__version__, help="another version, for tests")
    parser.add_argument("--compression", help="none is quick, for tests")
    parser.add_argument("--homepage", help="address of the project, for the catalogues of desktops")
    parser.add_argument("--runtime", type=Path, help="runtime of AppImage, a file")
    given = parser.parse_args(arguments)
    return BuildRequest(
        given.frozen.resolve(),
        given.output.resolve(),
        given.version,
        given.compression,
        given.homepage,
        given.runtime,
    )
