"""Memory that was freed, back to the system."""

import ctypes
import sys


def give_back_memory() -> bool:
    """Return to the system what was freed. Any thread; some ms, without the interpreter lock.

    glibc keeps freed blocks below any that is in use, in each thread's own heap: of the tiles
    of a closed slide a good part would stay with the process. Other systems return by
    themselves.

    Returns
    -------
    Whether there was something to return.
    """
    if sys.platform != "linux":
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    return trim is not None and bool(trim(0))
