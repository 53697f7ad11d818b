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
    """Output of the CNNs for N patches with R cells: for each patch its cells, row by row.

    Attributes
    ----------
    probabilities : (R, K, C) float32, rows over C sum to 1.
    features : for each CNN (R, F_k) float32, the pooled features.
    maps : (N, K, h, w, C) float32, class activation maps of whole patches in units of logits: their
        mean over (h, w), or over a cell's window of it, is the logits.
    """

    probabilities: Floats
    features: tuple[Floats, ...]
    maps: Floats

    @classmethod
    def of(cls, arrays: Sequence[Floats]) -> "CnnOutputs":
        """From what the fused networks give: probabilities, features and map of each in turn."""
        return cls(
            np.stack([_rows(values) for values in arrays[0::3]], axis=1),
            tuple(_rows(values) for values in arrays[1::3]),
            np.stack(arrays[2::3], axis=1),
        )

    def taken(self, rows: npt.NDArray[np.bool_]) -> "CnnOutputs":
        """Some of the rows; all maps."""
        return CnnOutputs(
            self.probabilities[rows], tuple(values[rows] for values in self.features), self.maps
        )

    @property
    def concatenated(self) -> Floats:
        """(R, sum of F_k) float32: the input of the scikit-learn members."""
        return np.concatenate(self.features, axis=1)


def _rows(values: Floats) -> Floats:
    """(N, F) or (N, k, k, F) to (R, F)."""
    return values.reshape(-1, values.shape[-1])


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
