"""What the C library does with freed memory."""

import ctypes
import sys
from typing import Final

#: The size of a display tile, the usual large block.
LARGE_BYTES: Final = 1 << 20

#: Of glibc's ``mallopt``.
_MMAP_THRESHOLD: Final = -3


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


def keep_large_blocks_apart() -> bool:
    """Give each large block pages of its own, which go back when it is freed.

    Before the first thread is started. glibc does so above 128 KiB at first, but raises that limit
    to the size of each such block that is freed; from then on tiles lie in its heaps, where a freed
    one stays as a hole. Other systems decide themselves.

    Returns
    -------
    Whether the limit was set.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl does not have it
    return mallopt is not None and bool(mallopt(_MMAP_THRESHOLD, LARGE_BYTES))
