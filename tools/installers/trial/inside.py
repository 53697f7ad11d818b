"""Commands inside a system that lies in a folder."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.installers.errors import InstallerError

USER = "reader"
HOME = Path("/home") / USER
#: Folder of the host's X sockets, and of files that both sides see.
_SOCKETS = Path("/tmp/.X11-unix")  # noqa: S108
SHARED = Path("/srv/shared")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ENTER = """
set -e
root=$1; user=$2; shared=$3; sockets=$4; shift 4
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mkdir -p "$root/srv/shared" "$root/tmp/.X11-unix"
mount --bind "$shared" "$root/srv/shared"
if [ -d "$sockets" ]; then mount --bind "$sockets" "$root/tmp/.X11-unix"; fi
if [ -n "$READ_ONLY" ]; then
    mount --bind "$root$READ_ONLY" "$root$READ_ONLY"
    mount -o remount,bind,ro "$root$READ_ONLY"
fi
unset READ_ONLY
exec chroot --userspec="$user" "$root" "$@"
"""


class Inside:
    """A copy of a clean system, in which packages are tried. Needs root.

    Parameters
    ----------
    root : its folder; changed at will.
    shared : a folder of the host that the system sees as `SHARED`.
    """

    def __init__(self, root: Path, shared: Path) -> None:
        self.root = root
        self.shared = shared
        #: A folder of the system that nobody can write to, root neither.
        self.read_only: Path | None = None

    @classmethod
    def copied(cls, clean: Path, root: Path, shared: Path) -> "Inside":
        """A fresh copy, with an ordinary user and the host's way to name servers."""
        if os.geteuid() != 0:
            raise InstallerError("Packages are tried in systems of their own: run this as root.")
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", clean, root], check=True)
        resolver = root / "etc" / "resolv.conf"
        resolver.unlink(missing_ok=True)
        shutil.copyfile("/etc/resolv.conf", resolver)
        inside = cls(root, shared)
        inside.as_root("useradd", "--create-home", "--shell", "/bin/bash", USER)
        return inside

    def as_root(self, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command as root, with the network."""
        return self._run(command, "root:root", {"DEBIAN_FRONTEND": "noninteractive"}, check=check)

    def as_user(
        self,
        *command: str | Path,
        check: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as the ordinary user, without any network."""
        return self._run(command, f"{USER}:{USER}", environment or {}, offline=True, check=check)

    def start(self, *command: str | Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start a command as the ordinary user, without any network; it ends with its parent."""
        log = (self.shared / "started.log").open("a", encoding="utf-8")
        with log:
            return subprocess.Popen(
                self._entered(command, f"{USER}:{USER}", offline=True),
                env=self._environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
            )

    def _run(
        self,
        command: Sequence[str | Path],
        user: str,
        environment: Mapping[str, str],
        *,
        offline: bool = False,
        check: bool,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self._entered(command, user, offline=offline),
            env=self._environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if check and done.returncode:
            said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
            words = " ".join(str(word) for word in command)
            raise InstallerError(f"“{words}” ended with {done.returncode}:\n{said}")
        return done

    def _entered(
        self, command: Sequence[str | Path], user: str, *, offline: bool
    ) -> list[str | Path]:
        namespaces = ["--mount", "--pid", "--fork", "--kill-child", *(["--net"] if offline else [])]
        return [
            *("unshare", *namespaces, "sh", "-c", _ENTER, "enter"),
            *(self.root, user, self.shared, _SOCKETS),
            *command,
        ]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": _PATH,
            "HOME": str(HOME),
            "LANG": "C.UTF-8",
            "READ_ONLY": str(self.read_only or ""),
            **more,
        }
