"""The steps of a trial, timed; a failed step ends the trial of its package."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.installers.errors import InstallerError


@dataclass(slots=True)
class Trial:
    """What was tried of one package in one system.

    Attributes
    ----------
    rows : step, what came of it, seconds, whether it was as it should be.
    """

    title: str
    rows: list[tuple[str, str, float, bool]] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return all(good for *_, good in self.rows)

    def step(self, name: str, act: Callable[[], str]) -> None:
        """Carry out one step and print its row.

        Raises
        ------
        InstallerError
            It failed.
        """
        begun = time.monotonic()
        try:
            said, good = act(), True
        except InstallerError as error:
            said, good = str(error), False
        seconds = time.monotonic() - begun
        self.rows.append((name, said, seconds, good))
        mark = "ok  " if good else "FAIL"
        print(f"{mark} {seconds:6.1f} s  {self.title}: {name}: {said}", flush=True)
        if not good:
            raise InstallerError(said)


def require(condition: object, text: str) -> None:
    """Fail the step with a sentence unless the condition holds."""
    if not condition:
        raise InstallerError(text)
