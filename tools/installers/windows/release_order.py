"""Four numbers for a version, as Windows wants them, which order releases as PEP 440 does."""

from packaging.version import InvalidVersion, Version

from tools.installers.errors import InstallerError

#: A number of a version of Windows has 16 bits.
_LARGEST = 0xFFFF
#: Each kind of release has this many numbers of its own in the fourth place.
_ROOM = 10_000
_KINDS = {"a": 1, "b": 2, "rc": 3}
_FINAL = 4


def release_order(version: str) -> str:
    """E.g. ``1.2.0.40000`` for the final 1.2 and ``1.2.0.30001`` for its first candidate.

    Raises
    ------
    InstallerError
        It is no version, or one that four numbers cannot tell from others.
    """
    try:
        parsed = Version(version)
    except InvalidVersion as error:
        raise InstallerError(f"“{version}” is not a version such as 1.2.0 or 1.2.0rc1.") from error
    parts = [parsed.pre, parsed.post, parsed.dev]
    if parsed.epoch or len(parsed.release) > 3 or sum(part is not None for part in parts) > 1:
        raise InstallerError(
            f"Windows cannot order the version {version}: use up to three numbers, and one of "
            "aN, bN, rcN, .postN and .devN at most."
        )
    if parsed.dev is not None:
        kind, number = 0, parsed.dev
    elif parsed.pre is not None:
        kind, number = _KINDS[parsed.pre[0]], parsed.pre[1]
    else:
        kind, number = _FINAL, 0 if parsed.post is None else parsed.post + 1
    numbers = (*parsed.release, 0, 0)[:3]
    if number >= _ROOM or max(numbers) > _LARGEST:
        raise InstallerError(f"A number of the version {version} is too large for Windows.")
    return ".".join(str(one) for one in (*numbers, kind * _ROOM + number))
