"""``python -m tools.installers COMMAND [ARGUMENTS]``: build the installers, and try them.

One row of `COMMANDS` each: a module whose ``main(arguments)`` carries the command out.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

from bachview.errors import BachviewError

#: Name of the command, its module, and a line of help.
COMMANDS = {
    "appimage": ("tools.installers.linux.appimage", "the AppImage, which is started as it is"),
    "build-info": (
        "tools.installers.build_info",
        "version, commit and build date, for the package",
    ),
    "check-frozen": ("tools.installers.check_frozen", "try the frozen program beside the source"),
    "compare": ("tools.installers.compare", "what differs between two builds, and in what way"),
    "deb": ("tools.installers.linux.deb", "the package for Debian and Ubuntu"),
    "freeze": ("tools.installers.freeze", "the program in a folder, with all that it needs"),
    "info-plist": ("tools.installers.macos.info_plist", "what macOS is told of the application"),
    "licences": (
        "tools.installers.licences",
        "licences of all that is shipped, in one file",
    ),
    "icons": ("tools.installers.icon_files", "the icons of Windows and macOS, into build/icons"),
    "man": ("tools.installers.linux.man_page", "the manual page, from the help of the commands"),
    "sbom": ("tools.installers.sbom", "bill of materials (CycloneDX) of what is shipped"),
    "sizes": ("tools.installers.sizes", "what takes the room in the frozen program, as a table"),
    "sums": ("tools.installers.sums", "SHA-256 sums of the files of a release"),
    "tarball": ("tools.installers.linux.tarball", "the archive that runs from any folder"),
    "trial": ("tools.installers.trial.command", "install and use the packages in clean systems"),
    "wheels": ("tools.installers.wheels", "which package has a wheel for which platform"),
    "windows": ("tools.installers.windows.build", "the installer for Windows, by makensis"),
    "windows-test": ("tools.installers.windows.trial", "try that installer under wine"),
}


def main(arguments: Sequence[str]) -> int:
    """Carry out one command; its exit code. Bad input gets one sentence."""
    if not arguments or arguments[0] not in COMMANDS:
        print("usage: python -m tools.installers COMMAND [ARGUMENTS]\n", file=sys.stderr)
        for name, (_, line) in COMMANDS.items():
            print(f"  {name:12} {line}", file=sys.stderr)
        return 0 if list(arguments) in (["-h"], ["--help"]) else 2
    module = import_module(COMMANDS[arguments[0]][0])
    try:
        return int(module.main(arguments[1:]))
    except BachviewError as error:
        print(error, file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
