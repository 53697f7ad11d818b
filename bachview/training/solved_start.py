"""EfficientNetB0 from EfficientNetLite0, without gradients.

The two have the same kernels, but Lite0 has ReLU6 for swish and no squeeze-and-excitation. So the
kernels are taken over, the excitation is set to about 1, and pre-activations are scaled up, where
swish is nearly ReLU. What is still missing is mended block by block: from the student's own maps,
with all errors made so far, ridge regression finds the layers that come nearest to the teacher's
maps. Gradient teaching can go on from there; from the bare kernels it does not get far.

Keras is imported inside the functions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import IMAGENET_MEAN, IMAGENET_STD
from bachview.models.efficientnet_lite import LITE0, block_names

Floats = npt.NDArray[np.float32]
RGB = npt.NDArray[np.uint8]

#: Of the excitation, whose sigmoid then gives 0.98 and can still be taught.
_EXCITATION_BIAS: Final = 4.0
#: Strength of the ridge, as a share of the inputs' mean variance.
_RIDGE: Final = 1e-2
#: The student's pre-activations are this many times the teacher's: swish(8x) / 8 differs from
#: ReLU(x) by at most 0.04.
_GAIN: Final = 8.0
_BATCH: Final = 16
#: Rows and columns of a map that a regression uses; a finer map is thinned out evenly.
_CELLS: Final = 14


@dataclass(frozen=True, slots=True)
class Likeness:
    """How well the student gives the teacher's maps and features of held-out crops.

    Attributes
    ----------
    blocks : R² of each block's map, in order.
    top : R² of the last map, but for its scale.
    correlation : of the pooled features, mean over those that vary.
    """

    blocks: dict[str, float]
    top: float
    correlation: float


def initial_from_lite0(
    student: Any,
    teacher: Any,
    crops: RGB,
    held: RGB,
    *,
    token: CancelToken,
    on_block: Callable[[int, int], object] = lambda done, total: None,
) -> Likeness:
    """Set the weights of an EfficientNetB0 so that it gives an EfficientNetLite0's maps.

    The same inputs give the same weights. The maps of all crops are held in memory: about 1.6 MB
    each at 224 px.

    Parameters
    ----------
    student, teacher : models of `bachview.models.architectures.build_cnn` of one input size; the
        teacher has its weights. The student's head is not touched.
    crops : (N, side, side, 3) RGB, of tissue, to solve with.
    held : (M, side, side, 3) RGB, of other patients, to measure on.
    on_block : called with the number of solved blocks, the top being the last, and their total.

    Raises
    ------
    Cancelled
        `token` was cancelled; the student's weights are then of no use.
    """
    ours, theirs = student.get_layer("backbone"), teacher.get_layer("backbone")
    _take_over(ours, theirs)
    solving = _Solving(ours, theirs, token)
    solving.begin(student, teacher, np.concatenate([crops, held]), len(crops))
    names = block_names(LITE0)
    blocks = {}
    for place, name in enumerate(names):
        blocks[name] = solving.block(name)
        on_block(place + 1, len(names) + 1)
    top, correlation = solving.top()
    on_block(len(names) + 1, len(names) + 1)
    return Likeness(blocks, top, correlation)


def _take_over(ours: Any, theirs: Any) -> None:
    """Copy the teacher's kernels; normalise inputs as it does; make the excitation about 1."""
    import keras

    for layer in theirs.layers:
        if layer.weights:
            ours.get_layer(layer.name).set_weights(layer.get_weights())
    for layer in ours.layers:
        if isinstance(layer, keras.layers.Normalization):
            # The preprocessing divides by the root of the deviation, and this by the other root.
            layer.set_weights([np.array(IMAGENET_MEAN), np.array(IMAGENET_STD), np.array(0)])
            layer.finalize_state()
        elif layer.name.endswith("_se_expand"):
            kernel, bias = layer.get_weights()
            layer.set_weights([np.zeros_like(kernel), np.full_like(bias, _EXCITATION_BIAS)])


class _Solving:
    """Student and teacher, and their maps (N, h, w, C) in front of the block that comes next."""

    def __init__(self, ours: Any, theirs: Any, token: CancelToken) -> None:
        self._ours, self._theirs, self._token = ours, theirs, token

    def begin(self, student: Any, teacher: Any, crops: RGB, solved_with: int) -> None:
        """Scale the stem, and get the maps behind it of all crops; the first are solved with."""
        self._solved_with = solved_with
        scaled = [model.get_layer("preprocessing") for model in (student, teacher)]
        ours, theirs = (
            np.concatenate([np.asarray(layer(part), np.float32) for part in _parts(crops)])
            for layer in scaled
        )
        _raise(self._ours.get_layer("stem_bn"), _GAIN)
        (self._maps,) = self._run(_part(self._ours, None, "stem_activation"), ours)
        (self._wanted,) = self._run(_part(self._theirs, None, "stem_activation"), theirs)

    def block(self, name: str) -> float:
        """Solve a block and go on to the maps behind it; R² of the held-out ones."""
        ours, some = self._ours, self._solved_with
        names = {layer.name for layer in ours.layers}
        last = f"{name}_add" if f"{name}_add" in names else f"{name}_project_bn"
        depthwise, expand = f"{name}_dwconv", f"{name}_expand_bn"
        if expand in names:
            first = f"{name}_expand_conv"
            raw, wanted = self._run(
                _part(self._theirs, first, expand, last), self._wanted, thin=(True, False)
            )
            self._fit(f"{name}_expand", raw)
        else:
            first = depthwise
            (wanted,) = self._run(_part(self._theirs, first, last), self._wanted)
        layer = ours.get_layer(depthwise)
        layer.set_weights([layer.get_weights()[0] / _GAIN])
        _raise(ours.get_layer(f"{name}_bn"), _GAIN)

        part = _part(ours, first, f"{name}_se_excite", last)
        inner, _ = self._run(part, self._maps[:some], thin=(True, True))
        missing = _thin(wanted[:some])
        if last.endswith("_add"):
            missing = missing - _thin(self._maps[:some])
        _regress(self._pair(f"{name}_project"), inner, missing)
        _, self._maps = self._run(part, self._maps, thin=(True, False))
        self._wanted = wanted
        return _r2(self._maps[some:], wanted[some:])

    def top(self) -> tuple[float, float]:
        """Solve the last convolution; R² of held-out maps, correlation of pooled features."""
        names = "top_bn", "top_activation"
        raw, wanted = self._run(_part(self._theirs, "top_conv", *names), self._wanted)
        self._fit("top", raw)
        some = self._solved_with
        (given,) = self._run(_part(self._ours, "top_conv", names[1]), self._maps[some:])
        given, wanted = given / _GAIN, wanted[some:]
        pooled = [np.asarray(part.mean((1, 2)), np.float64) for part in (given, wanted)]
        return _r2(given, wanted), _correlation(*pooled)

    def _fit(self, name: str, raw: Floats) -> None:
        """Fit a convolution to the teacher's pre-activations.

        Not cut at 0 and 6, where they no longer matter: that makes them harder to fit.
        """
        some = self._solved_with
        _regress(self._pair(name), _thin(self._maps[:some]), raw[:some])
        _raise(self._pair(name)[1], _GAIN)

    def _pair(self, name: str) -> tuple[Any, Any]:
        """A convolution of the student, and the normalisation behind it."""
        return self._ours.get_layer(f"{name}_conv"), self._ours.get_layer(f"{name}_bn")

    def _run(self, part: Any, maps: Floats, thin: tuple[bool, ...] = ()) -> list[Floats]:
        """All outputs of a part of a network, those with `thin` thinned out."""
        import keras

        found = []
        for batch in _parts(maps):
            self._token.check()
            outputs = [
                np.asarray(keras.ops.convert_to_numpy(values), np.float32)
                for values in keras.tree.flatten(part(batch))
            ]
            wanted = thin or (False,) * len(outputs)
            found.append(
                [_thin(o) if is_thin else o for o, is_thin in zip(outputs, wanted, strict=True)]
            )
        return [np.concatenate(values) for values in zip(*found, strict=True)]


def _part(network: Any, first: str | None, *last: str) -> Any:
    """From the input of a layer, or of the network, to a list of outputs of layers."""
    import keras

    begin = network.input if first is None else network.get_layer(first).input
    if first == "block1a_dwconv":
        begin = network.get_layer("stem_activation").output
    return keras.Model(begin, [network.get_layer(name).output for name in last])


def _raise(normalisation: Any, gain: float) -> None:
    """Multiply what a normalisation gives."""
    gamma, beta, *statistics = normalisation.get_weights()
    normalisation.set_weights([gain * gamma, gain * beta, *statistics])


def _regress(layers: tuple[Any, Any], maps: Floats, wanted: Floats) -> None:
    """Fit a 1 x 1 convolution and the normalisation behind it by ridge regression.

    The normalisation gets the statistics of the maps, so that training can go on with it.
    """
    convolution, normalisation = layers
    x, y = (part.reshape(-1, part.shape[-1]) for part in (maps, wanted))
    x_mean, y_mean = (part.mean(0, dtype=np.float64) for part in (x, y))
    x, y = x - x_mean.astype(np.float32), y - y_mean.astype(np.float32)
    covariance = np.asarray(x.T @ x, np.float64) / len(x)
    ridge = _RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    kernel = np.linalg.solve(covariance + ridge, np.asarray(x.T @ y, np.float64) / len(x))
    variance = np.maximum((kernel * (covariance @ kernel)).sum(0), 0)
    convolution.set_weights([kernel[None, None]])
    scale = np.sqrt(variance + normalisation.epsilon)
    normalisation.set_weights([scale, y_mean, x_mean @ kernel, variance])


def _thin(maps: Floats) -> Floats:
    """Evenly chosen cells of maps (N, h, w, C), at most about `_CELLS` in a row."""
    step = max(1, maps.shape[1] // _CELLS)
    return maps[:, ::step, ::step]


def _parts(values: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    return [values[at : at + _BATCH] for at in range(0, len(values), _BATCH)]


def _r2(given: Floats, wanted: Floats) -> float:
    """Explained share of the variance of maps (N, h, w, C), channels taken together."""
    left = np.square(given - wanted).sum(dtype=np.float64)
    return float(1 - left / np.square(wanted - wanted.mean((0, 1, 2))).sum(dtype=np.float64))


def _correlation(given: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64]) -> float:
    one, other = given - given.mean(0), wanted - wanted.mean(0)
    sizes = np.sqrt((one**2).sum(0) * (other**2).sum(0))
    varying = sizes > sizes.mean() * 1e-3
    return float(((one * other).sum(0)[varying] / sizes[varying]).mean())
