"""``bundle verify``: every check of loading, one by one."""

from dataclasses import dataclass
from pathlib import Path

from bachview.errors import BundleError, EngineError
from bachview.models.loading import Loading


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a report.

    Attributes
    ----------
    name : what was checked.
    ok : whether it holds.
    message : what was found, in one sentence.
    """

    name: str
    ok: bool
    message: str


def verify_bundle(
    path: Path, *, engine: str = "openvino", device: str = "AUTO", precision: str = "auto"
) -> tuple[Check, ...]:
    """Take every step of loading a bundle and report each.

    The first step that fails is the last in the report, as later steps depend on it.

    Raises
    ------
    UsageError
        `engine`, `device` or `precision` has an unknown value.
    """
    checks: list[Check] = []
    with Loading(path, engine=engine, device=device, precision=precision) as loading:
        for name, step in loading.steps():
            try:
                checks.append(Check(name, True, step()))
            except (BundleError, EngineError) as error:
                checks.append(Check(name, False, str(error)))
                break
    return tuple(checks)
