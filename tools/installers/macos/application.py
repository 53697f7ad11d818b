"""``bachview.app``, as PyInstaller makes it beside the folder of the frozen program."""

import shutil
from pathlib import Path

from bachview.licences.document import FILE_NAME as LICENCES
from tools.installers.errors import InstallerError

NAME = "bachview.app"


def finish_application(made: Path, frozen: Path, output: Path) -> Path:
    """Put the licences into the application, and move it to `output`, which is replaced.

    The licences are known only when all else is there. They break the seal of the signature, which
    ``packaging/macos/sign_and_pack.sh`` makes anew.

    Parameters
    ----------
    made : folder in which the application is.
    frozen : the folder of the frozen program, whose licences are taken.

    Raises
    ------
    InstallerError
        There is no application, or it has no place for the licences.
    """
    application = made / NAME
    resources = application / "Contents" / "Resources" / "bachview" / "resources"
    if not resources.is_dir():
        raise InstallerError(f"{application} is missing or incomplete; see PyInstaller's log.")
    texts = [file for file in frozen.rglob(LICENCES) if file.is_file()]
    if len(texts) != 1:
        raise InstallerError(f"{frozen} has {len(texts)} files {LICENCES}, and should have one.")
    shutil.copyfile(texts[0], resources / LICENCES)
    shutil.rmtree(output, ignore_errors=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(application, output))
