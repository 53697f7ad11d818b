"""Folders and constants of the installed program. Any thread; nothing is read at import."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from bachview.policy.in_force import in_force

APPLICATION = "bachview"
#: Folder for everything, instead of those of the system.
HOME_VARIABLE = "BACHVIEW_HOME"
RESEARCH_USE = "For research use only. Not for use in diagnostic procedures."


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the program keeps its files.

    Attributes
    ----------
    data : results stores, one SQLite file for each slide.
    config : window layout, recent files, preferences.
    cache : files that can be recreated (the demo slide, pyramids of plain images, thumbnails).
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

    @property
    def models(self) -> Path:
        """Folder of the models that the user has made by teaching one."""
        return self.data / "models"

    @property
    def thumbnails(self) -> Path:
        """Folder of small pictures of the slides that the user has opened."""
        return self.cache / "thumbnails"


def user_folders() -> Folders:
    """Folders of the current user; all below ``$BACHVIEW_HOME`` if that is set.

    The administrator's policy may say where the data are; a lock there wins over the variable.

    Raises
    ------
    PolicyError
        There is a policy, but something in it is wrong.
    """
    policy, own = in_force(), own_folders()
    if policy.data_folder is None:
        return own
    if os.environ.get(HOME_VARIABLE) and not policy.is_locked("data_folder"):
        return own
    return replace(own, data=policy.data_folder)


def results_folder(asked: Path | None, what: str) -> Path:
    """The folder of the results: that which is asked for, or the user's.

    Parameters
    ----------
    what : asks for another, in the sentence of the error, e.g. ``--store D:/results``.

    Raises
    ------
    LockedError
        Another than the policy's is asked for.
    """
    folder = user_folders().results
    if asked is None or asked.absolute() == folder.absolute():
        return folder
    if in_force().is_locked("data_folder"):
        raise in_force().refusal("data_folder", what)
    return asked


def own_folders() -> Folders:
    """The folders without what a policy says, which has no say in the place of the logs."""
    home = os.environ.get(HOME_VARIABLE)
    if home:
        root = Path(home).expanduser()
        return Folders(root / "data", root / "config", root / "cache", root / "logs")
    # Not roaming on Windows: results are too large for that, and settings name files of this
    # computer.
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
