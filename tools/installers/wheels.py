"""``python -m tools.installers wheels``: which pinned package has a wheel for which platform.

uv resolves the locked versions as if it ran there, and takes nothing but wheels. Needs uv and the
package index.
"""

import argparse
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tools.installers.errors import InstallerError
from tools.installers.places import ROOT

#: Heading of a column, and what uv calls the platform. The glibc is that of Ubuntu 22.04, and of
#: 24.04 on arm64, for which Qt asks there.
PLATFORMS: Final = {
    "Windows x64": "x86_64-pc-windows-msvc",
    "macOS arm64": "aarch64-apple-darwin",
    "macOS x86-64": "x86_64-apple-darwin",
    "Linux x86-64": "x86_64-manylinux_2_35",
    "Linux arm64": "aarch64-manylinux_2_39",
}
#: The oldest macOS that is asked for; `Info.plist` says the same.
OLDEST_MACOS: Final = "13.0"
_PIN: Final = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)
_MISSING: Final = re.compile(r"Because ([\w.-]+)==(\S+) has no (?:wheels|usable wheels)")

#: Name and version of a package.
Pin = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """What one platform needs, and what of that has no wheel for it."""

    needed: frozenset[Pin]
    missing: frozenset[Pin]

    def text(self, pin: Pin) -> str:
        if pin in self.missing:
            return "**none**"
        return "yes" if pin in self.needed else "not needed"


def pins(*extras: str, run: Callable[..., str] | None = None) -> str:
    """The locked versions of the program and of some extras, for all platforms, with markers."""
    chosen = [word for extra in extras for word in ("--extra", extra)]
    return (run or _uv)(
        *("pyproject.toml", *chosen, "--constraints", "requirements.lock", "--universal"),
        *("--python-version", "3.11"),
    )


def wheels_for(
    platform: str, pinned: str, python: str, run: Callable[..., str] | None = None
) -> Found:
    """Which of the pinned packages a platform needs, and which have no wheel for it.

    uv names one that is missing at a time; it is left out, and the others are looked for again.
    """
    missing: set[Pin] = set()
    for _ in range(pinned.count("==") + 1):
        left = "\n".join(
            line for line in pinned.splitlines() if not missing & set(_PIN.findall(line))
        )
        try:
            answer = (run or _uv)(
                *("-", "--no-deps", "--only-binary", ":all:"),
                *("--python-platform", platform, "--python-version", python),
                text=left,
            )
        except InstallerError as error:
            named = _MISSING.search(str(error))
            if named is None:
                raise
            missing.add((named[1], named[2]))
        else:
            needed = missing.union(_PIN.findall(answer))
            return Found(frozenset(needed), frozenset(missing))
    raise InstallerError("uv names the same package again and again; run it by hand.")


def table(pinned: str, found: dict[str, Found]) -> str:
    """A table in Markdown: a row for each package, a column for each platform."""
    lines = [f"| package | {' | '.join(found)} |", f"|---|{'---|' * len(found)}"]
    for name, version in _PIN.findall(pinned):
        cells = " | ".join(one.text((name, version)) for one in found.values())
        lines.append(f"| {name} {version} | {cells} |")
    return "\n".join(dict.fromkeys(lines))


def _uv(*words: str, text: str = "") -> str:
    """What ``uv pip compile`` prints.

    Raises
    ------
    InstallerError
        It is missing or fails; the text holds its reason.
    """
    uv = shutil.which("uv")
    if uv is None:
        raise InstallerError("uv is missing: install it (pip install uv) and try again.")
    answer = subprocess.run(
        [uv, "pip", "compile", *words, "--no-header", "--no-annotate", "--quiet"],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS},
    )
    if answer.returncode:
        raise InstallerError(" ".join(answer.stderr.split()))
    return answer.stdout


def main(arguments: Sequence[str]) -> int:
    """Print a table for the program, and one for ``tensorflow``; 1 if a wheel is missing."""
    parser = argparse.ArgumentParser("python -m tools.installers wheels", description=__doc__)
    parser.add_argument("--python", default="3.12", help="version of Python on those platforms")
    given = parser.parse_args(arguments)
    program, everything = pins(), pins("tensorflow")
    own = set(program.splitlines())
    added = "\n".join(line for line in everything.splitlines() if line not in own)
    is_complete = True
    for title, pinned in (("The program", program), ("What `tensorflow` adds", added)):
        found = {
            name: wheels_for(platform, pinned, given.python) for name, platform in PLATFORMS.items()
        }
        is_complete &= not any(one.missing for one in found.values())
        print(f"{title}, Python {given.python}:\n\n{table(pinned, found)}\n")
    return 0 if is_complete else 1
