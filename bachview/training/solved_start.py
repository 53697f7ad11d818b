"""EfficientNetB0 from EfficientNetLite0, without gradients.

The two have the same kernels, but Lite0 has ReLU6 for swish and no squeeze-and-excitation. So the
kernels are taken over, the excitation is set to about 1, and pre-activations are scaled up, where
swish is nearly ReLU. What is still missing is mended block by block: from the student's own maps,
with all errors made so far, ridge regression finds the layers that come nearest to the teacher's
maps. Gradient teaching can go on from there; from the bare kernels it does not get far.

Keras is imported inside the functions.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import IMAGENET_MEAN, IMAGENET_STD
from bachview.models.efficientnet_lite import LITE0, block_names
from bachview.models.engines.keras_weights import round_kernels
from bachview.training.ridge import (
    RGB,
    Floats,
    Likeness,
    explained,
    parts,
    pooled_correlation,
    regression,
    run,
    thin,
)

#: Of the excitation, whose sigmoid then gives 0.98 and can still be taught.
_EXCITATION_BIAS: Final = 4.0
#: Strength of the ridge, as a share of the inputs' mean variance.
_RIDGE: Final = 1e-2
#: The student's pre-activations are this many times the teacher's: swish(8x) / 8 differs from
#: ReLU(x) by at most 0.04.
_GAIN: Final = 8.0
#: Rows and columns of a map that a regression uses; a finer map is thinned out evenly.
_CELLS: Final = 14


def initial_from_lite0(
    student: Any,
    teacher: Any,
    crops: RGB,
    held: RGB,
    *,
    token: CancelToken,
    on_block: Callable[[int, int], object] = lambda done, total: None,
) -> Likeness:
    """Set the weights of an EfficientNetB0, see `bachview.training.solved_starts.Solve`.

    The maps of all crops are held in memory: about 1.6 MB each at 224 px.
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
    """Copy the teacher's kernels, rounded; normalise inputs as it does; excitation about 1."""
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
    round_kernels(ours, "int8")


class _Solving:
    """Student and teacher, and their maps (N, h, w, C) in front of the block that comes next."""

    def __init__(self, ours: Any, theirs: Any, token: CancelToken) -> None:
        self._ours, self._theirs, self._token = ours, theirs, token

    def begin(self, student: Any, teacher: Any, crops: RGB, solved_with: int) -> None:
        """Scale the stem, and get the maps behind it of all crops; the first are solved with."""
        self._solved_with = solved_with
        scaled = [model.get_layer("preprocessing") for model in (student, teacher)]
        ours, theirs = (
            np.concatenate([np.asarray(layer(part), np.float32) for part in parts(crops)])
            for layer in scaled
        )
        _raise(self._ours.get_layer("stem_bn"), _GAIN)
        (self._maps,) = run(_part(self._ours, None, "stem_activation"), ours, self._token)
        (self._wanted,) = run(_part(self._theirs, None, "stem_activation"), theirs, self._token)

    def block(self, name: str) -> float:
        """Solve a block and go on to the maps behind it; R² of the held-out ones."""
        ours, some = self._ours, self._solved_with
        names = {layer.name for layer in ours.layers}
        last = f"{name}_add" if f"{name}_add" in names else f"{name}_project_bn"
        depthwise, expand = f"{name}_dwconv", f"{name}_expand_bn"
        if expand in names:
            first = f"{name}_expand_conv"
            raw, wanted = run(
                _part(self._theirs, first, expand, last), self._wanted, self._token, (_CELLS, None)
            )
            self._fit(f"{name}_expand", raw)
        else:
            first = depthwise
            (wanted,) = run(_part(self._theirs, first, last), self._wanted, self._token)
        layer = ours.get_layer(depthwise)
        layer.set_weights([layer.get_weights()[0] / _GAIN])
        _raise(ours.get_layer(f"{name}_bn"), _GAIN)

        part = _part(ours, first, f"{name}_se_excite", last)
        inner, _ = run(part, self._maps[:some], self._token, (_CELLS, _CELLS))
        missing = thin(wanted[:some], _CELLS)
        if last.endswith("_add"):
            missing = missing - thin(self._maps[:some], _CELLS)
        regression(inner, missing, _RIDGE).store(*self._pair(f"{name}_project"))
        _, self._maps = run(part, self._maps, self._token, (_CELLS, None))
        self._wanted = wanted
        return explained(self._maps[some:], wanted[some:])

    def top(self) -> tuple[float, float]:
        """Solve the last convolution; R² of held-out maps, correlation of pooled features."""
        names = "top_bn", "top_activation"
        raw, wanted = run(_part(self._theirs, "top_conv", *names), self._wanted, self._token)
        self._fit("top", raw)
        some = self._solved_with
        (given,) = run(_part(self._ours, "top_conv", names[1]), self._maps[some:], self._token)
        given, wanted = given / _GAIN, wanted[some:]
        return explained(given, wanted), pooled_correlation(given, wanted)

    def _fit(self, name: str, raw: Floats) -> None:
        """Fit a convolution to the teacher's pre-activations.

        Not cut at 0 and 6, where they no longer matter: that makes them harder to fit.
        """
        some = self._solved_with
        found = regression(thin(self._maps[:some], _CELLS), raw[:some], _RIDGE)
        found.store(*self._pair(name), gain=_GAIN)

    def _pair(self, name: str) -> tuple[Any, Any]:
        """A convolution of the student, and the normalisation behind it."""
        return self._ours.get_layer(f"{name}_conv"), self._ours.get_layer(f"{name}_bn")


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
