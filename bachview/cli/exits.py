"""Exit codes, the same for every command."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit code means."""

    DONE = 0
    #: A bug, or a check that failed. The log file has the trace.
    FAILED = 1
    WRONG_USE = 2
    BAD_INPUT = 3
    #: Ctrl-C. What was finished is kept.
    CANCELLED = 4
    #: Who read our output has closed it (``| head -1``): what a shell reports of a Unix tool
    #: that SIGPIPE ended.
    OUTPUT_CLOSED = 141
