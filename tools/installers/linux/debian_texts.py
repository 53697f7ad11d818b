"""Texts of a Debian package: changelog, copyright, and who maintains it."""

import os
import textwrap
from collections.abc import Sequence
from email.utils import format_datetime

from bachview.config import APPLICATION
from tools.installers.linux.desktop_files import filled
from tools.installers.places import ROOT
from tools.installers.release import Release

_WIDTH = 79


def maintainer() -> str:
    """Who maintains the package: ``DEBFULLNAME`` and ``DEBEMAIL``, as Debian's own tools ask."""
    name = os.environ.get("DEBFULLNAME", "The bachview developers")
    return f"{name} <{os.environ.get('DEBEMAIL', 'bachview@localhost')}>"


def debian_changelog(releases: Sequence[Release], version: str) -> str:
    """The changelog in Debian's form.

    Parameters
    ----------
    version : that of the package; it stands in place of the newest release's.
    """
    signed = maintainer()
    entries = []
    for number, release in enumerate(releases):
        name = version if number == 0 else release.version
        lines = "\n".join(_item(change) for change in release.changes)
        entries.append(
            f"{APPLICATION} ({name}) stable; urgency=medium\n\n{lines}\n\n"
            f" -- {signed}  {format_datetime(release.time)}\n"
        )
    return "\n".join(entries)


def _item(text: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent="  * ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def copyright_file() -> str:
    """The copyright file, machine-readable, with the project's licence."""
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    terms = licence[licence.index("Permission is hereby granted") :].strip()
    return filled(
        "copyright", expat="\n".join(f" {line}" if line else " ." for line in terms.split("\n"))
    )
