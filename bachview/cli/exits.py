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
