"""The known error of building an installer."""

from bachview.errors import BachviewError


class InstallerError(BachviewError):
    """An installer cannot be built or tried here; the text says why, and what to do."""
