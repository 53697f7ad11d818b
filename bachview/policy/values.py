"""The policy in force, as values that the rest of the program asks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from bachview.errors import LockedError

#: Shown where a setting cannot be changed.
LOCKED_TEXT: Final = "Set by your administrator"
#: Keys that can be locked; the others hold anyway.
LOCKABLE: Final = ("data_folder", "bundle", "device", "names_in_exports")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the administrator has set. None: nothing is set.

    Attributes
    ----------
    source : the file; None if there is no policy.
    data_folder : of the results.
    models_folders : whose bundles are listed like those installed.
    bundle : the model to begin with, a name or a path.
    device : what the networks run on.
    names_in_exports : whether exported files hold the slide's name.
    audit_folder : of the audit log.
    notice : of the institution.
    locked : keys that users cannot change.
    """

    source: Path | None = None
    data_folder: Path | None = None
    models_folders: tuple[Path, ...] = ()
    bundle: str | None = None
    device: str | None = None
    names_in_exports: bool | None = None
    audit_folder: Path | None = None
    notice: str | None = None
    locked: frozenset[str] = frozenset()

    def is_locked(self, key: str) -> bool:
        return key in self.locked

    def settled(self, key: str, asked: T | None, fallback: T, what: str) -> T:
        """What holds for a key: the lock, what is asked for, the policy's default, `fallback`.

        Parameters
        ----------
        asked : None if the user has not said.
        what : asks for it, in the sentence of the error, e.g. ``--device GPU``.

        Raises
        ------
        LockedError
            Something other than what is locked is asked for.
        """
        default: Any = getattr(self, key)
        if self.is_locked(key) and asked is not None and asked != default:
            raise self.refusal(key, what)
        if asked is not None:
            return asked
        return fallback if default is None else default

    @property
    def forbids_names(self) -> bool:
        """Whether what leaves the program must not tell which slide it is of."""
        return self.is_locked("names_in_exports") and not self.names_in_exports

    def check_names(self, what: str) -> None:
        """Check that a file may be written which names its slides or photos.

        Parameters
        ----------
        what : the file in the sentence of the error.

        Raises
        ------
        LockedError
            The policy has exported files hold no names.
        """
        if self.forbids_names:
            raise self.refusal("names_in_exports", what)

    def refusal(self, key: str, what: str) -> LockedError:
        """The error for what a lock does not allow."""
        value = getattr(self, key)
        shown = {True: "on", False: "off"}.get(value, value) if value is not None else "nothing"
        return LockedError(
            f"{what} is not possible here: your administrator has set {key} to {shown} "
            f"({self.source})."
        )
