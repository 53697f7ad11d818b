"""Folders and constants of the installed program. Any thread; nothing is read at import."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APPLICATION = "bachview"
RESEARCH_USE = "For research use only. Not for use in diagnostic procedures."


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the program keeps its files.

    Attributes
    ----------
    data : results stores, one SQLite file for each slide.
    config : window layout, recent files, preferences.
    cache : files that can be recreated (the demo slide, pyramids of plain images).
    logs : log files and crash traces.
    """

    data: Path
    config: Path
    cache: Path
    logs: Path

    @property
    def results(self) -> Path:
        """Folder of the results stores."""
        return self.data / "results"


def user_folders() -> Folders:
    """Folders of the current user; all below ``$BACHVIEW_HOME`` if that is set."""
    home = os.environ.get("BACHVIEW_HOME")
    if home:
        root = Path(home).expanduser()
        return Folders(root / "data", root / "config", root / "cache", root / "logs")
    places = platformdirs.PlatformDirs(APPLICATION, appauthor=False)
    return Folders(
        Path(places.user_data_dir),
        Path(places.user_config_dir),
        Path(places.user_cache_dir),
        Path(places.user_log_dir),
    )


def resource_folder() -> Path:
    """Folder of icons, bundles and schemas: inside the wheel, else beside the package."""
    package = Path(__file__).parent
    inside = package / "resources"
    return inside if inside.is_dir() else package.parent / "resources"


def documents_folder() -> Path:
    """Folder of the user guide and what it links to: inside the wheel, else beside the package."""
    inside = resource_folder() / "docs"
    return inside if inside.is_dir() else resource_folder().parent / "docs"
