"""Return freed memory to the system."""

import ctypes
import sys


def give_back_memory() -> bool:
    """Return freed memory to the system. Any thread; some ms, without the interpreter lock.

    glibc keeps freed blocks that lie below one in use, in the heap of each thread: much of the
    memory of a closed slide's tiles would stay with the process. Other systems return it
    themselves.

    Returns
    -------
    Whether anything was returned.
    """
    if sys.platform != "linux":
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl does not have it
    return trim is not None and bool(trim(0))
