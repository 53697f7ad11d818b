"""What the first bytes of a file say of it as a DICOM file, without any library."""

import re
from typing import Final

#: The kind of object that slides are.
WHOLE_SLIDE_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.77.1.6"

#: MediaStorageSOPClassUID, within the first few hundred bytes.
_KIND = re.compile(rb"\x02\x00\x02\x00UI..([0-9.]{1,64})", re.DOTALL)


def begins_as_dicom(head: bytes) -> bool:
    """Whether these are the first 132 bytes or more of a DICOM file."""
    return head[128:132] == b"DICM"


def kind_in(head: bytes) -> str | None:
    """UID of the kind of object of which these are the first 2 kB or more.

    Returns
    -------
    Empty where the file states none; None if it is no DICOM file.
    """
    if not begins_as_dicom(head):
        return None
    found = _KIND.search(head)
    return found[1].decode() if found else ""
