"""The members as one: the door through which everything else classifies patches."""

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.core.closable import Closable
from bachview.core.probabilities import soft_vote, temperature_scaled
from bachview.errors import UsageError
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.manifest import CnnMember, Manifest
from bachview.models.bundle.opened import Bundle
from bachview.models.classifiers import Classifier
from bachview.models.engines.base import CnnEngine, CnnOutputs, EngineInfo, Floats, Patches
from bachview.models.seen import SeenMaterial


@dataclass(frozen=True, slots=True)
class EnsembleOutput:
    """Predictions for the R cells of some patches: for each patch its cells, row by row.

    With most bundles a patch has one cell; else it has the square of
    ``bundle.geometry.cells_per_side``.

    Attributes
    ----------
    members : (R, M, C) float32, each member's probabilities, in the manifest's order.
    probabilities : (R, C) float32, the soft vote after the temperature; rows sum to 1.
    distances : (R,) float32, how far each cell is from the training material: 1 is the limit. None
        if the bundle cannot say what it has not seen.
    """

    members: Floats
    probabilities: Floats
    distances: Floats | None = None

    @property
    def is_outside(self) -> npt.NDArray[np.bool_]:
        """(R,) bool: cells outside the training material; their probabilities mean nothing."""
        if self.distances is None:
            return np.zeros(len(self.probabilities), np.bool_)
        # What is no number is near to nothing.
        return np.asarray(~(self.distances <= 1), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Class activation maps of one whole patch, in units of logits.

    Attributes
    ----------
    maps : (K, h, w, C) float32, one for each CNN; the mean over (h, w), or over a cell's window
        where a patch has several cells, is its logits.
    mean_map : (h, w, C) float32, their mean with the CNNs' weights in the soft vote.
    """

    maps: Floats
    mean_map: Floats


def members_of(
    manifest: Manifest, outputs: CnnOutputs, classifiers: tuple[Classifier, ...]
) -> Floats:
    """(R, M, C) float32: the networks' and the classifiers' votes in the manifest's order."""
    features = outputs.concatenated
    networks = iter(range(len(manifest.cnns)))
    own = iter(classifiers)
    votes = [
        outputs.probabilities[:, next(networks)]
        if isinstance(member, CnnMember)
        else next(own).probabilities(features)
        for member in manifest.members
    ]
    return np.stack(votes, axis=1)


def vote(manifest: Manifest, members: Floats) -> Floats:
    """(R, M, C) to (R, C) float32: soft vote with the manifest's weights, then temperature."""
    weights = np.array([member.weight for member in manifest.members], np.float32)
    return temperature_scaled(soft_vote(members, weights), manifest.temperature)


class Ensemble(Closable):
    """A verified bundle, ready to classify. Created by `load_ensemble`.

    Any thread; a call waits for that of another thread to end: an explanation is given between
    two batches of a run. The owner closes it, after the last call.

    Attributes
    ----------
    bundle : the bundle, open as long as the ensemble.
    """

    def __init__(
        self,
        bundle: Bundle,
        engine: CnnEngine,
        classifiers: tuple[Classifier, ...],
        seen: SeenMaterial | None = None,
    ) -> None:
        """Take over (and later close) a bundle and an engine that passed all checks."""
        self.bundle = bundle
        self._engine = engine
        self._classifiers = classifiers
        self._seen = seen
        self._lock = threading.Lock()  # an engine is used by one thread at a time

    @property
    def info(self) -> EngineInfo:
        """Engine, device and precision in use."""
        return self._engine.info

    @property
    def classes(self) -> ClassSet:
        """The classes in the order of the probabilities."""
        return self.bundle.classes

    @property
    def card(self) -> str:
        """The model card (Markdown): training data, evaluation, intended use."""
        return self.bundle.model_card

    @property
    def batch_size(self) -> int:
        """How many patches to give to `predict` at once: about a third of a second of work."""
        return self._engine.batch_size

    def predict(
        self,
        patches: Patches,
        token: CancelToken | None = None,
        asked: npt.NDArray[np.bool_] | None = None,
    ) -> EnsembleOutput:
        """Classify patches, or each of the places of wide ones.

        Parameters
        ----------
        patches : (N, input_px, input_px, 3) uint8 RGB at the bundle's mpp, N >= 0; not kept.
        token : a cancel takes effect within some 50 ms, even in the middle of a batch.
        asked : (N * K,) bool, which of the K places of each patch are asked for; None: all. The
            classifiers are not asked for the others.

        Returns
        -------
        A row for each place that is asked for, patch by patch, row by row.

        Raises
        ------
        UsageError
            The patches have another shape or type.
        Cancelled
            `token` was cancelled.
        EngineError
            The device failed.
        """
        self._check(patches)
        with self._lock:
            outputs = self._engine.run(patches, token)
            if asked is not None and not asked.all():
                outputs = outputs.taken(asked)
            members = members_of(self.bundle.manifest, outputs, self._classifiers)
            distances = None if self._seen is None else self._seen.distances(outputs.concatenated)
        return EnsembleOutput(members, vote(self.bundle.manifest, members), distances)

    def outputs(self, patches: Patches, token: CancelToken | None = None) -> CnnOutputs:
        """What the networks alone give for patches, features included; else as `predict`."""
        self._check(patches)
        with self._lock:
            return self._engine.run(patches, token)

    def explain(self, patch: Patches) -> Explanation:
        """Class activation maps of one patch (input_px, input_px, 3) uint8 RGB.

        Raises
        ------
        UsageError
            The patch has another shape or type.
        EngineError
            The device failed.
        """
        self._check(patch[None])
        with self._lock:
            maps = self._engine.run(patch[None]).maps[0]
        weights = np.array([cnn.weight for cnn in self.bundle.manifest.cnns], np.float64)
        if not weights.any():
            weights[:] = 1
        mean = np.average(maps, axis=0, weights=weights)
        return Explanation(maps, np.asarray(mean, dtype=np.float32))

    def _check(self, patches: Patches) -> None:
        side = self.bundle.geometry.input_px
        if patches.dtype != np.uint8 or patches.ndim != 4 or patches.shape[1:] != (side, side, 3):
            raise UsageError(
                f"The bundle {self.bundle.manifest.name} takes 8-bit RGB patches, uint8 of shape "
                f"(N, {side}, {side}, 3), not {patches.dtype} of shape {patches.shape}."
            )

    def __repr__(self) -> str:
        return f"<Ensemble {self.bundle.manifest.name}, {len(self.bundle.member_names)} members>"

    def close(self) -> None:
        """Free the engine and close the bundle; may be called twice."""
        self._engine.close()
        self.bundle.close()
