"""The bundles that come with the program or from the administrator, by name."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from bachview.config import resource_folder, user_folders
from bachview.errors import BundleError
from bachview.file_names import BUNDLE_SUFFIX
from bachview.policy.in_force import in_force
from bachview.policy.values import Policy

SELFTEST = "selftest"
DEFAULT = "default"


def installed_bundles() -> tuple[str, ...]:
    """Names of the bundles of the program and of those in the folders of the policy, sorted."""
    return tuple(sorted(_installed(in_force().models_folders)))


def own_bundles() -> tuple[str, ...]:
    """Names of the bundles that the user has kept after teaching, sorted; those of others win."""
    others = _installed(in_force().models_folders)
    return tuple(sorted(name for name in _own() if name not in others))


def _own() -> dict[str, Path]:
    with contextlib.suppress(OSError):
        return {path.stem: path for path in user_folders().models.glob(f"*{BUNDLE_SUFFIX}")}
    return {}


def shipped_bundles() -> frozenset[str]:
    """Names of those that come with the program."""
    return frozenset(path.stem for path in _models().glob(f"*{BUNDLE_SUFFIX}"))


def _models() -> Path:
    return resource_folder() / "models"


def _installed(models_folders: Sequence[Path]) -> dict[str, Path]:
    """Path by name. What comes with the program cannot be replaced by another of its name."""
    found: dict[str, Path] = {}
    for folder in (_models(), *models_folders):
        with contextlib.suppress(OSError):  # a share that does not answer has none
            for path in sorted(folder.glob(f"*{BUNDLE_SUFFIX}")):
                found.setdefault(path.stem, path)
    return found


def resolve_bundle(name_or_path: str, policy: Policy | None = None) -> Path:
    """The path of a bundle given as a path or as the name of an installed or a kept one.

    ``default`` is the installed default bundle, or the self-test bundle if there is none.
    An installed name wins over a file of the same name in the working folder; write
    ``./name`` for the file.

    Parameters
    ----------
    policy : None: the one in force.

    Raises
    ------
    BundleError
        There is no such bundle.
    """
    policy = in_force() if policy is None else policy
    installed = _installed(policy.models_folders)
    name = name_or_path
    if name == DEFAULT and DEFAULT not in installed:
        name = SELFTEST
    if name in installed:
        return installed[name]
    # os.path, as those of Path raise if there is no such user, or for names that are too long.
    path = Path(os.path.expanduser(name_or_path))  # noqa: PTH111
    # A name in the policy is that of an installed one only: any user may have a file of that name.
    is_settled = name_or_path == policy.bundle and not Path(name_or_path).is_absolute()
    if not is_settled and name in (own := _own()):
        return own[name]
    if not is_settled and os.path.exists(path):  # noqa: PTH110
        return path
    raise BundleError(
        f"There is no model {path.name}: give a path, or one of the installed models "
        f"({', '.join(sorted((*installed, *own_bundles()))) or 'none'})."
    )


def bundle_in_use(asked: str | None) -> Path:
    """The path of the bundle to classify with.

    Parameters
    ----------
    asked : name or path; None: the policy's, or the default one.

    Raises
    ------
    BundleError
        There is no such bundle.
    LockedError
        The policy allows another one only.
    """
    policy = in_force()
    usual = policy.bundle or DEFAULT
    if asked is None or asked == usual:
        return resolve_bundle(usual)
    path = resolve_bundle(asked)
    if policy.is_locked("bundle") and not path.samefile(resolve_bundle(usual)):
        raise policy.refusal("bundle", f"The use of the model {path.name}")
    return path
