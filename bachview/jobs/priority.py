"""Low priority for the calling thread, so that classification yields to the user interface."""

import ctypes
import os
import sys
import threading

_THREAD_PRIORITY_BELOW_NORMAL = -1
_QOS_CLASS_UTILITY = 0x11

#: A tenth of the GUI thread's share. Not 19: a thread that holds the interpreter lock but gets no
#: processor keeps the GUI thread waiting; frames were later at 19 than at 10. For the same reason
#: all threads that run Python in the background have the same priority.
_NICE = 10

#: For threads that never hold the interpreter lock. They yield to threads that may hold it:
#: otherwise the compute threads of an engine keep the holder, and thus the window, waiting
#: (measured while classifying: 99 % of the waits for the lock under 5 ms instead of 10 to 20).
_COMPUTE_NICE = 19


def lower_thread_priority(*, computes_only: bool = False) -> bool:
    """Lower the calling thread's priority; threads that it starts inherit it on Linux.

    nice 10 or 19 on Linux (where priorities are per thread), ``SetThreadPriority`` on
    Windows, the utility QoS class on macOS.

    Parameters
    ----------
    computes_only : neither this thread nor those it starts run Python code.

    Returns
    -------
    Whether the system agreed; a refusal is not an error.
    """
    try:
        if sys.platform == "win32":
            kernel = ctypes.WinDLL("kernel32")
            # The handle is -2 in all 64 bits; as an `int`, ctypes would pass 32 of them.
            kernel.GetCurrentThread.restype = ctypes.c_void_p
            kernel.SetThreadPriority.argtypes = (ctypes.c_void_p, ctypes.c_int)
            return bool(
                kernel.SetThreadPriority(kernel.GetCurrentThread(), _THREAD_PRIORITY_BELOW_NORMAL)
            )
        if sys.platform == "darwin":
            library = ctypes.CDLL(None)
            return library.pthread_set_qos_class_self_np(_QOS_CLASS_UTILITY, 0) == 0
        thread = threading.get_native_id()
        wanted = _COMPUTE_NICE if computes_only else _NICE
        present = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, max(present, wanted))
    except (OSError, AttributeError):
        return False
    return True
