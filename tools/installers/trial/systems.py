"""Clean systems of Debian and Ubuntu, made by debootstrap and kept for the next trial."""

import hashlib
import re
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tools.installers.errors import InstallerError

_DEBOOTSTRAP = Path("/usr/share/debootstrap/scripts")
_KEYRING = Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg")
#: Ubuntu's keys, where the host has no package of them: the file in the archive, and its SHA-256.
_KEY_PACKAGE = "pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb"
_KEY_SHA256 = "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8"
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class System:
    """One release of a distribution, by its code name."""

    name: str
    text: str
    is_ubuntu: bool = False


SYSTEMS = (
    System("bookworm", "Debian 12"),
    System("jammy", "Ubuntu 22.04", is_ubuntu=True),
    System("noble", "Ubuntu 24.04", is_ubuntu=True),
)


def clean_root(system: System, cache: Path) -> Path:
    """The root folder of a clean system; it is made if it is not in the cache.

    Raises
    ------
    InstallerError
        debootstrap is missing, or the archive cannot be reached.
    """
    root = cache / system.name
    if root.exists():
        return root
    if shutil.which("debootstrap") is None:
        raise InstallerError("debootstrap is missing: install it to try packages.")
    cache.mkdir(parents=True, exist_ok=True)
    part = cache / f"{system.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    command = ["debootstrap", "--variant=minbase"]
    if system.is_ubuntu:
        # An older debootstrap has no script for a newer release; they are all the same.
        command += ["--components=main,universe", f"--keyring={_ubuntu_keyring(cache)}"]
        command += [system.name, str(part), _ubuntu_archive(), str(_DEBOOTSTRAP / "gutsy")]
    else:
        command += [system.name, str(part)]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        last = (made.stdout + made.stderr).strip().rpartition("\n")[2]
        raise InstallerError(f"{system.text} cannot be installed into a folder: {last}")
    part.rename(root)
    return root


def _ubuntu_archive() -> str:
    """The archive that debootstrap itself takes."""
    script = (_DEBOOTSTRAP / "gutsy").read_text(encoding="utf-8")
    for address in re.findall(r"default_mirror (\S+)", script):
        if "old-releases" not in address and "ports" not in address:
            return str(address)
    raise InstallerError("debootstrap knows no archive of Ubuntu.")


def _ubuntu_keyring(cache: Path) -> Path:
    if _KEYRING.exists():
        return _KEYRING
    folder = cache / "ubuntu-keyring"
    keyring = folder / _KEYRING.relative_to("/")
    if not keyring.exists():
        address = f"{_ubuntu_archive()}/{_KEY_PACKAGE}"
        try:
            with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                content = answer.read()
        except OSError as error:
            raise InstallerError(f"The archive of Ubuntu cannot be reached ({error}).") from error
        if hashlib.sha256(content).hexdigest() != _KEY_SHA256:
            raise InstallerError("The archive's keys are not those expected: nothing is installed.")
        package = cache / "ubuntu-keyring.deb"
        package.write_bytes(content)
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    return keyring
