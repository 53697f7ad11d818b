"""What a report says of the policy: which keys are set and locked, without folders and texts."""

from dataclasses import fields
from pathlib import Path

from bachview.errors import PolicyError
from bachview.policy.in_force import in_force
from bachview.policy.values import Policy


def policy_facts() -> dict[str, object]:
    """Each key that is set. Values are told of switches and devices; others may name something."""
    try:
        policy = in_force()
    except PolicyError:
        return {"policy": "there is one, but it cannot be used as it is"}
    if policy.source is None:
        return {"policy": "none"}
    facts: dict[str, object] = {"policy": "in force"}
    for key in (field.name for field in fields(Policy) if field.name not in {"source", "locked"}):
        value = getattr(policy, key)
        if value is None or value == ():
            continue
        text = str(value) if isinstance(value, bool) or key == "device" else "set"
        facts[key] = f"{text}, locked" if policy.is_locked(key) else text
    return facts


def policy_paths() -> tuple[Path, ...]:
    """Folders in the policy, whose names must not be told."""
    try:
        policy = in_force()
    except PolicyError:
        return ()
    named = (policy.source, policy.data_folder, policy.audit_folder, *policy.models_folders)
    own = () if policy.bundle is None else (Path(policy.bundle),)
    return (*(path for path in named if path is not None), *own)
