"""Whether a folder lies on another computer, where SQLite needs another kind of journal."""

import ctypes
import os
import sys
from pathlib import Path
from typing import Final

#: Kinds of file systems of other computers, as the system names them.
_NETWORK: Final = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afs", "afpfs", "ncpfs", "9p"),
        *("webdav", "davfs", "ceph", "lustre", "gpfs", "beegfs", "pvfs2", "glusterfs", "ocfs2"),
        *("gfs2", "vboxsf", "prl_fs", "vmhgfs", "autofs"),
    }
)
#: On macOS.
_USER_PROCESS: Final = ("macfuse", "osxfuse", "fusefs")
_DRIVE_REMOTE: Final = 4


def is_on_network(folder: Path) -> bool:
    """Whether `folder` is on a share. Any thread; asks the system, not the share.

    A file system of a user's process (FUSE) counts as one: what is behind it is not known.
    """
    if sys.platform == "win32":
        return _is_remote_drive(folder)
    import psutil  # slow to import, and not needed to open the viewer

    resolved = os.path.realpath(folder)
    kind, longest = "", -1
    for mount in psutil.disk_partitions(all=True):
        point = mount.mountpoint.rstrip("/")
        # The last of several at one place hides the others.
        if (resolved == point or resolved.startswith(f"{point}/")) and len(point) >= longest:
            kind, longest = mount.fstype.lower(), len(point)
    return kind in _NETWORK or kind.startswith("fuse.") or kind in _USER_PROCESS


def _is_remote_drive(folder: Path) -> bool:
    path = os.path.abspath(folder)  # noqa: PTH100  # Path.absolute keeps `..`
    if path.startswith(("\\\\", "//")):
        # `\\?\C:\…` is a long path of this computer, `\\?\UNC\…` one of a share.
        if not path.startswith(("\\\\?\\", "\\\\.\\")):
            return True
        path = path[4:]
        if path[:4].upper() == "UNC\\":
            return True
    root = f"{path[:2]}\\"
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    return bool(kernel.GetDriveTypeW(root) == _DRIVE_REMOTE)
