"""The command line's entry."""

from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    return 0
