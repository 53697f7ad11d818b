"""An ensemble that answers by the patch's colour, and its bundle's facts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.patches import PatchGeometry
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.opened import Bundle
from bachview.models.engines.base import EngineInfo
from bachview.models.ensemble import Ensemble, EnsembleOutput

GEOMETRY = PatchGeometry(32, 1.0, 32.0)
MEMBERS = ("a", "b", "c", "d", "e", "f")


@dataclass(frozen=True)
class FakeManifest:
    is_for_tissue: bool = False


@dataclass(frozen=True)
class Facts:
    name: str = "fake"
    sha256: str = "f" * 64
    classes: ClassSet = BACH_CLASSES
    geometry: PatchGeometry = GEOMETRY
    member_names: tuple[str, ...] = MEMBERS
    uniform_share: float = 0.0
    manifest: FakeManifest = FakeManifest()


class FakeEnsemble(Ensemble):
    """Class = quarter of the red range that the mean of the cell falls into.

    The cell is the patch, or one of its places, without what lies around it.
    """

    def __init__(
        self,
        *,
        facts: Facts = Facts(),
        batch_size: int = 8,
        before: Callable[[int], None] | None = None,
    ) -> None:
        self.bundle = cast("Bundle", facts)
        self._batch_size = batch_size
        self.judged = 0
        self._before = before

    @property
    def info(self) -> EngineInfo:
        return EngineInfo("fake", "CPU", "f32")

    @property
    def batch_size(self) -> int:
        return self._batch_size

    def close(self) -> None:
        pass

    def predict(
        self,
        patches: npt.NDArray[np.uint8],
        token: CancelToken | None = None,
        asked: npt.NDArray[np.bool_] | None = None,
    ) -> EnsembleOutput:
        if self._before is not None:
            self._before(self.judged)
        if token is not None:
            token.check()
        self.judged += len(patches)
        red = _cells(patches[..., 0], self.bundle.geometry).mean(axis=(1, 2))
        index = np.minimum(red // 64, 3).astype(int)
        probabilities = np.full((len(red), 4), 0.1, np.float32)
        probabilities[np.arange(len(red)), index] = 0.7
        if asked is not None:
            probabilities = probabilities[asked]
        return EnsembleOutput(np.repeat(probabilities[:, None], 6, axis=1), probabilities)


def _cells(patches: npt.NDArray[np.uint8], geometry: PatchGeometry) -> npt.NDArray[np.uint8]:
    """(N, S, S) patches to their (N * K, s, s) places, each patch's row by row."""
    count = geometry.places_per_side
    if count == 1:
        return patches
    side = round(geometry.stride_um / geometry.mpp)
    squares = patches.reshape(-1, count, side, count, side).swapaxes(2, 3)
    return squares.reshape(-1, side, side)
