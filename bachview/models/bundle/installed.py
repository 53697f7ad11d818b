"""The bundles that come with the program, by name."""

import os
from pathlib import Path

from bachview.config import resource_folder
from bachview.errors import BundleError
from bachview.models.bundle.opened import BUNDLE_SUFFIX

SELFTEST = "selftest"
DEFAULT = "default"


def installed_bundles() -> tuple[str, ...]:
    """Names of the bundles in ``resources/models``, sorted."""
    folder = resource_folder() / "models"
    return tuple(sorted(path.stem for path in folder.glob(f"*{BUNDLE_SUFFIX}")))


def resolve_bundle(name_or_path: str) -> Path:
    """The path of a bundle given as a path or as the name of an installed one.

    ``default`` is the installed default bundle, or the self-test bundle if there is none.
    An installed name wins over a file of the same name in the working folder; write
    ``./name`` for the file.

    Raises
    ------
    BundleError
        There is no such bundle.
    """
    installed = installed_bundles()
    name = name_or_path
    if name == DEFAULT and DEFAULT not in installed:
        name = SELFTEST
    if name in installed:
        return resource_folder() / "models" / f"{name}{BUNDLE_SUFFIX}"
    # os.path, as those of Path raise if there is no such user, or for names that are too long.
    path = Path(os.path.expanduser(name_or_path))  # noqa: PTH111
    if os.path.exists(path):  # noqa: PTH110
        return path
    raise BundleError(
        f"There is no model {path.name}: give a path, or one of the installed models "
        f"({', '.join(installed) or 'none'})."
    )
