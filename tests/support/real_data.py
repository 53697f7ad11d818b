"""Real slides and photos, which are not part of the project."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared_file(name: str) -> Path:
    """A real file that is not part of the project; the test is skipped where it is missing."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the real test data are not here: {name}")
    return path
