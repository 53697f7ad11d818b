"""Low priority for the calling thread, so that classification yields to the hand."""

import ctypes
import os
import sys
import threading

_THREAD_PRIORITY_BELOW_NORMAL = -1
_QOS_CLASS_UTILITY = 0x11

#: A tenth of the GUI thread's share. Not 19: a thread that holds the interpreter lock and
#: gets no processor keeps the GUI thread waiting; frames were late by more at 19 than at 10.
#: For the same reason all background threads have the same priority.
_NICE = 10


def lower_thread_priority() -> bool:
    """Lower the calling thread's priority; threads that it starts inherit it on Linux.

    nice 10 on Linux (where priorities are per thread), ``SetThreadPriority`` on Windows,
    the utility QoS class on macOS.

    Returns
    -------
    Whether the system agreed; a refusal is no error.
    """
    try:
        if sys.platform == "win32":
            kernel = ctypes.WinDLL("kernel32")
            return bool(
                kernel.SetThreadPriority(kernel.GetCurrentThread(), _THREAD_PRIORITY_BELOW_NORMAL)
            )
        if sys.platform == "darwin":
            library = ctypes.CDLL(None)
            return library.pthread_set_qos_class_self_np(_QOS_CLASS_UTILITY, 0) == 0
        thread = threading.get_native_id()
        present = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, max(present, _NICE))
    except (OSError, AttributeError):
        return False
    return True
