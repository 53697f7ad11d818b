"""Policy files for tests."""

from pathlib import Path

from bachview.policy.in_force import in_force


def set_policy(path: Path, text: str) -> Path:
    """Put a policy in force for the rest of the test; `path` is that of `own_policy`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    in_force.cache_clear()
    return path
