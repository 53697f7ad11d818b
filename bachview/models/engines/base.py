"""The interface of engines that run the CNNs of a bundle, with OpenVINO or TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.manifest import Manifest

Patches = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
EngineName = Literal["openvino", "tensorflow"]
Device = Literal["AUTO", "CPU", "GPU", "NPU"]
Precision = Literal["auto", "f32", "bf16", "f16"]

ENGINES: tuple[EngineName, ...] = ("openvino", "tensorflow")
DEVICES: tuple[Device, ...] = ("AUTO", "CPU", "GPU", "NPU")
PRECISIONS: tuple[Precision, ...] = ("auto", "f32", "bf16", "f16")


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What is actually in use, whatever was requested.

    Attributes
    ----------
    name : ``openvino`` or ``tensorflow``.
    device : e.g. ``CPU``, ``GPU.0``.
    precision : ``f32``, ``bf16`` or ``f16``.
    """

    name: str
    device: str
    precision: str


@dataclass(frozen=True, slots=True)
class CnnOutputs:
    """Output of the CNNs for N patches.

    Attributes
    ----------
    probabilities : (N, K, C) float32, rows over C sum to 1.
    features : for each CNN (N, F_k) float32, the pooled features.
    maps : (N, K, h, w, C) float32, class activation maps in units of logits: their mean over
        (h, w) is the logits.
    """

    probabilities: Floats
    features: tuple[Floats, ...]
    maps: Floats

    @property
    def concatenated(self) -> Floats:
        """(N, sum of F_k) float32: the input of the scikit-learn members."""
        return np.concatenate(self.features, axis=1)


class CnnEngine(Protocol):
    """Runs the CNNs. One thread at a time, not always the same; the owner closes it."""

    @property
    def info(self) -> EngineInfo:
        """Engine, device and precision in use."""

    @property
    def batch_size(self) -> int:
        """Batch size: more patches are split, and the last batch is padded."""

    def run(self, patches: Patches, token: CancelToken | None = None) -> CnnOutputs:
        """Run the CNNs on `patches`.

        Parameters
        ----------
        patches : (N, input_px, input_px, 3) uint8 RGB, N >= 0; not kept.
        token : checked while computing; a cancel takes effect within some 50 ms.

        Raises
        ------
        Cancelled
            `token` was cancelled.
        EngineError
            The device failed.
        """

    def close(self) -> None:
        """Free the device; may be called twice."""


def joined(parts: Sequence[CnnOutputs], manifest: Manifest) -> CnnOutputs:
    """Concatenate the outputs of batches; with the right shapes even if there are none."""
    if len(parts) == 1:
        return parts[0]
    cnns, classes = manifest.cnns, len(manifest.classes)
    if not parts:
        return CnnOutputs(
            np.zeros((0, len(cnns), classes), np.float32),
            tuple(np.zeros((0, cnn.features), np.float32) for cnn in cnns),
            np.zeros((0, len(cnns), *cnns[0].map_size, classes), np.float32),
        )
    return CnnOutputs(
        np.concatenate([part.probabilities for part in parts]),
        tuple(np.concatenate([part.features[k] for part in parts]) for k in range(len(cnns))),
        np.concatenate([part.maps for part in parts]),
    )
