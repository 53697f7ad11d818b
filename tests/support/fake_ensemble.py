"""An ensemble that answers by the patch's colour, and a bundle's facts for plans."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.patches import PatchGeometry
from bachview.jobs.tokens import CancelToken

GEOMETRY = PatchGeometry(32, 1.0, 32.0)
MEMBERS = ("a", "b", "c", "d", "e", "f")


@dataclass(frozen=True)
class Facts:
    name: str = "fake"
    sha256: str = "f" * 64
    classes: ClassSet = BACH_CLASSES
    geometry: PatchGeometry = GEOMETRY
    member_names: tuple[str, ...] = MEMBERS


@dataclass(frozen=True)
class EngineInfo:
    name: str = "fake"
    device: str = "CPU"
    precision: str = "f32"


@dataclass(frozen=True)
class Answer:
    members: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32]


class FakeEnsemble:
    """Class = quarter of the red range that the patch's mean falls into."""

    info = EngineInfo()

    def __init__(self, *, batch_size: int = 8, before: Callable[[int], None] | None = None) -> None:
        self.batch_size = batch_size
        self.judged = 0
        self._before = before

    def predict(self, patches: npt.NDArray[np.uint8], token: CancelToken | None = None) -> Answer:
        if self._before is not None:
            self._before(self.judged)
        if token is not None:
            token.check()
        self.judged += len(patches)
        index = np.minimum(patches[..., 0].mean(axis=(1, 2)) // 64, 3).astype(int)
        probabilities = np.full((len(patches), 4), 0.1, np.float32)
        probabilities[np.arange(len(patches)), index] = 0.7
        return Answer(np.repeat(probabilities[:, None], 6, axis=1), probabilities)
