"""Files by which a desktop knows the program, from the templates in ``packaging/linux``."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tools.installers.linux.mime_types import ALL_TYPES
from tools.installers.places import ROOT
from tools.installers.release import Release

TEMPLATES = ROOT / "packaging" / "linux"
#: The name that the window carries, too (`QGuiApplication.setDesktopFileName`).
DESKTOP_FILE = "bachview.desktop"
COMPONENT = "org.bachview.bachview"


def filled(template: str, **values: object) -> str:
    """A template with its values; a value that is missing is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=template.endswith(".xml"),
    )
    return environment.get_template(template).render(**values)


def desktop_entry(command: str = "bachview") -> str:
    """The desktop entry, whose ``Exec`` starts `command`."""
    types = ";".join(kind.name for kind in ALL_TYPES)
    return filled(DESKTOP_FILE, command=command, mime_types=f"{types};")


def metainfo(releases: list[Release], homepage: str | None) -> str:
    """The AppStream component.

    Parameters
    ----------
    homepage : address of the project, below which its pictures are; None: there is none, and
        neither address nor screenshots are stated.
    """
    types = [kind.name for kind in ALL_TYPES]
    return filled(
        "metainfo.xml",
        component=COMPONENT,
        desktop_file=DESKTOP_FILE,
        releases=releases,
        homepage=homepage and homepage.rstrip("/"),
        mime_types=types,
    )


def write_text(path: Path, text: str) -> None:
    """Write a file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
