"""The policy of this process: read once, when it is first asked for."""

import functools

from bachview.policy.places import policy_place
from bachview.policy.values import Policy


@functools.cache
def in_force() -> Policy:
    """The policy in force. Any thread.

    A change of the file counts from the next start of the program.

    Raises
    ------
    PolicyError
        There is a policy, but it cannot be read or something in it is wrong. Nothing may be done
        then: which locks it was meant to set is not known.
    """
    path = policy_place().path
    if path is None:
        return Policy()
    # Imported here: pydantic is not needed to open the viewer where there is no policy.
    from bachview.policy.document import read_policy

    return read_policy(path)
