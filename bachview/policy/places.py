"""Where the policy is looked for, so that an ordinary user cannot replace it."""

import ctypes
import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from bachview.errors import PolicyError

#: Names a policy to try out, which counts only on a computer that has none.
VARIABLE = "BACHVIEW_POLICY"
_NAME = "policy.toml"
#: FOLDERID_ProgramData.
_PROGRAM_DATA = "62AB5D82-FDC1-4DC3-A9DD-070D1D495D97"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the policy in force stands.

    Attributes
    ----------
    path : None if there is no policy.
    note : one sentence if a variable of the user was ignored; else empty.
    """

    path: Path | None
    note: str = ""


def computer_policy() -> Path:
    """The policy file of this computer, whether there is one or not.

    No environment variable has a say in it: users set those.
    """
    if sys.platform == "win32":
        return program_data() / "bachview" / _NAME
    if sys.platform == "darwin":
        return Path("/Library/Application Support/bachview") / _NAME
    return Path("/etc/bachview") / _NAME


def program_data() -> Path:
    """``%ProgramData%`` as Windows knows it, whatever the variable of that name says."""
    windll = ctypes.windll  # type: ignore[attr-defined,unused-ignore]
    wanted = (ctypes.c_ubyte * 16)()
    windll.ole32.CLSIDFromString(ctypes.c_wchar_p(f"{{{_PROGRAM_DATA}}}"), ctypes.byref(wanted))
    found = ctypes.c_wchar_p()
    windll.shell32.SHGetKnownFolderPath(ctypes.byref(wanted), 0, None, ctypes.byref(found))
    try:
        if not found.value:
            raise PolicyError("Windows does not say where its folder ProgramData is.")
        return Path(found.value)
    finally:
        windll.ole32.CoTaskMemFree(found)


def policy_place() -> Place:
    """The policy in force; anything at the computer's place counts, even if it is unreadable."""
    path = computer_policy()
    asked = os.environ.get(VARIABLE)
    if _is_something(path):
        note = ""
        if asked:
            note = f"{VARIABLE} is ignored, because this computer has a policy of its own."
        return Place(path, note)
    return Place(Path(asked).expanduser().absolute() if asked else None)


def _is_something(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # an unreadable folder may hold one
        return True
    return True


def user_name() -> str:
    """The name of this user as the system knows it, not as a variable says."""
    try:
        if sys.platform == "win32":
            return os.getlogin()
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (KeyError, OSError, ImportError):
        # A user without an entry, as in a container.
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else getpass.getuser()


def can_be_changed(path: Path) -> bool:
    """Whether this user may change the file, or put another in its place where that is known."""
    try:
        with path.open("r+b"):
            return True
    except OSError:
        pass
    # Windows answers this only by trying.
    return sys.platform != "win32" and os.access(path.parent, os.W_OK)
