"""Exit codes, the same for every command."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit code means."""

    DONE = 0
    #: A bug (the log file has the traceback), or a check that failed.
    FAILED = 1
    WRONG_USE = 2
    BAD_INPUT = 3
    #: Ctrl-C. Finished work is kept.
    CANCELLED = 4
    #: The reader of our output has closed it (``| head -1``): the code that a shell reports for a
    #: Unix tool ended by SIGPIPE.
    OUTPUT_CLOSED = 141
