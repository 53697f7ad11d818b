"""The tree ``share`` of every package: desktop, icons, manual page, completion."""

import gzip
from pathlib import Path

from bachview.config import APPLICATION
from tools.installers.linux.completion import PLACES, completion_script
from tools.installers.linux.desktop_files import (
    COMPONENT,
    DESKTOP_FILE,
    desktop_entry,
    metainfo,
    write_text,
)
from tools.installers.linux.icons import write_icons
from tools.installers.linux.man_page import man_page
from tools.installers.linux.mime_types import mime_document
from tools.installers.places import ROOT
from tools.installers.release import Release


def write_share(folder: Path, releases: list[Release], *, homepage: str | None = None) -> None:
    """Write what the program shows of itself to a desktop and to shells.

    Parameters
    ----------
    folder : becomes ``/usr/share``.
    """
    write_text(folder / "applications" / DESKTOP_FILE, desktop_entry())
    write_text(folder / "mime" / "packages" / f"{APPLICATION}.xml", mime_document())
    write_text(folder / "metainfo" / f"{COMPONENT}.metainfo.xml", metainfo(releases, homepage))
    drawing = ROOT / "resources" / "icons" / f"{APPLICATION}.svg"
    write_icons(drawing, folder / "icons" / "hicolor", name=APPLICATION)
    write_gzip(folder / "man" / "man1" / f"{APPLICATION}.1.gz", man_page(releases[0].time))
    for shell, place in PLACES.items():
        write_text(folder / place, completion_script(shell))


def write_gzip(path: Path, text: str) -> None:
    """Write a text compressed, the same bytes each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
