"""DenseNet121 from EfficientNetLite0, without gradients.

The two have no kernel in common. But both have maps at strides of 4, 8, 16 and 32 px, and each
layer of a dense block appends 32 channels to those that it is given. So they are found layer by
layer, from the student's own channels with all errors made so far, by ridge regression: the 128
hidden channels come near to channels inside a block of the teacher, whose nonlinearity they share;
and the 32 new ones are what these hidden channels add to the best linear prediction of the
teacher's map (reduced-rank regression). New channels are linear; a normalisation raises them above
zero, so that the ReLU behind it lets them pass.

Keras is imported inside the functions.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from bachview.jobs.tokens import CancelToken
from bachview.training.dense_stream import (
    RAISED,
    RIDGE,
    Doubles,
    Stream,
    adding,
    as_rows,
    halved,
    leading,
    scaled_to_one,
    solve,
    strengths,
    thinned,
)
from bachview.training.ridge import (
    RGB,
    Floats,
    Likeness,
    as_stored,
    explained,
    neighbours,
    parts,
    pooled_correlation,
    run,
)

#: For each dense block, which blocks of the teacher its layers come near to, and how many layers.
_LAYERS: Final = (
    (("block2a", 3), ("block2b", 3)),
    (("block3a", 5), ("block3b", 7)),
    (
        ("block4a", 3),
        ("block4b", 4),
        ("block4c", 4),
        ("block5a", 4),
        ("block5b", 4),
        ("block5c", 5),
    ),
    (("block6a", 3), ("block6b", 2), ("block6c", 2), ("block6d", 2), ("block7a", 3), ("top", 4)),
)
#: Of all crops, the share that a dense block is solved with: a fine map has many cells.
_SHARES: Final = (8, 8, 4, 1)
#: Place of the first and last dense block in the names of layers.
_FIRST: Final = 2
_LAST: Final = 5
_TINY: Final = 1e-6
#: Hidden and new channels of each layer.
_HIDDEN: Final = 128
_NEW: Final = 32
#: Weight of the teacher's block beside the one that a layer comes near to.
_BESIDE: Final = 0.5


def initial_densenet(
    student: Any,
    teacher: Any,
    crops: RGB,
    held: RGB,
    *,
    token: CancelToken,
    on_block: Callable[[int, int], object] = lambda done, total: None,
) -> Likeness:
    """Set the weights of a DenseNet121 so that an EfficientNetLite0's maps are linear in its own.

    See `bachview.training.solved_starts.Solve`. What is measured is the best linear prediction of
    the teacher's maps from the student's.
    """
    solving = _Solving(student, teacher, held, token)
    solving.stem(crops[:: max(_SHARES)])
    total = sum(count for layers in _LAYERS for _, count in layers)
    blocks: dict[str, float] = {}
    done = 0
    for place, (layers, share) in enumerate(zip(_LAYERS, _SHARES, strict=True), start=_FIRST):
        solving.begin(place, [name for name, _ in layers], crops[::share])
        at = 0
        for name, count in layers:
            for units in solving.units(name, count):
                done += 1
                at += 1
                solving.layer(f"conv{place}_block{at}", name, units)
                on_block(done, total)
            blocks[name] = solving.reached(name)
        solving.end(place)
    top = blocks.pop("top")
    return Likeness(blocks, top, solving.correlation())


class _Solving:
    """Student and teacher, and all maps of the dense block that is being solved."""

    def __init__(self, student: Any, teacher: Any, held: RGB, token: CancelToken) -> None:
        self._scaled = [model.get_layer("preprocessing") for model in (student, teacher)]
        self._ours, self._theirs = (model.get_layer("backbone") for model in (student, teacher))
        self._held, self._token = held, token

    def stem(self, crops: RGB) -> None:
        """Set the stem: the teacher's filters, and with both signs what is linear in block1a."""
        import keras

        kernel, offset = _folded(self._theirs, "stem_conv", "stem_bn")
        filters = np.zeros((7, 7, 3, kernel.shape[-1]))
        filters[3:6, 3:6] = kernel
        images = self._images(crops, 0)
        block = self._theirs.get_layer("block1a_project_bn").output
        (wanted,) = run(keras.Model(self._theirs.input, block), self._images(crops, 1), self._token)
        seen = neighbours(images, 7)[:, ::2, ::2]
        x, y = (as_rows(values[:, ::3, ::3]) for values in (seen, wanted))
        x, y = x - x.mean(0), y - y.mean(0)
        covariance = np.asarray(x.T @ x, np.float64) / len(x)
        across = np.asarray(x.T @ y, np.float64) / len(x)
        linear = solve(covariance, across, strengths(covariance, RIDGE)).reshape(7, 7, 3, -1)
        exact = np.concatenate([filters, linear, -linear], axis=3).reshape(len(covariance), -1)
        flat = as_stored(exact)
        middle = as_rows(seen).mean(0, dtype=np.float64)
        mean = middle @ flat
        variance = (flat * (covariance @ flat)).sum(0)
        raised = RAISED * np.sqrt(variance) - mean
        own = slice(len(offset))
        raised[own] = offset + middle @ (exact - flat)[:, own]
        self._ours.get_layer("conv1_conv").set_weights([flat.reshape(7, 7, 3, -1)])
        normalisation = self._ours.get_layer("conv1_bn")
        scale = np.sqrt(variance + normalisation.epsilon)
        normalisation.set_weights([scale, raised + mean, mean, variance])

    def begin(self, place: int, names: list[str], crops: RGB) -> None:
        """Get the maps in front of a dense block, and the teacher's maps behind its blocks."""
        import keras

        stem = place == _FIRST
        some, crops = len(crops), np.concatenate([crops, self._held])
        front = self._ours.get_layer("pool1" if stem else f"pool{place - 1}_pool").output
        first = self._theirs.get_layer(f"{names[0]}_expand_conv").input
        following = [_LAYERS[place - _FIRST + 1][0][0]] if place < _LAST else []
        behind = [
            self._theirs.get_layer(_last(self._theirs, name)).output
            for name in [*names, *following]
        ]
        theirs = keras.Model(self._theirs.input, [first, *behind])
        (raw,) = run(keras.Model(self._ours.input, front), self._images(crops, 0), self._token)
        before, *maps = run(theirs, self._images(crops, 1), self._token)
        maps, self._following = maps[: len(names)], maps[len(names) :]
        self._maps = dict(zip(names, maps, strict=True))
        self._fronts = dict(zip(names, [before, *maps[:-1]], strict=True))
        self._stream = Stream(some)
        self._stream.add(raw, raised=not stem)

    def units(self, name: str, count: int) -> list[Floats]:
        """Pre-activations inside a block that hidden channels come near to: rows for each layer.

        Of the depthwise convolution if that has a stride, else of the expansion; the first count
        most for what the block gives. When all have had their turn, they come with other signs.
        """
        import keras

        theirs, some = self._theirs, self._stream.solved_with
        front = self._fronts[name][:some]
        if name == "top":
            layers, kernel = ["top_bn"], np.eye(theirs.get_layer("top_bn").output.shape[-1])
        else:
            layers = [f"{name}_bn", f"{name}_expand_bn"]
            kernel, _ = _folded(theirs, f"{name}_project_conv", f"{name}_project_bn")
        begin = theirs.get_layer("top_conv" if name == "top" else f"{name}_expand_conv").input
        part = keras.Model(begin, [theirs.get_layer(layer).output for layer in layers])
        side = self._maps[name].shape[1]
        inner = [thinned(maps) for maps in run(part, front, self._token)]
        weight = np.clip(as_rows(inner[0]), 0, 6).std(0) * np.linalg.norm(kernel, axis=-1)
        order = np.argsort(-weight.reshape(-1), kind="stable")
        rows = as_rows(inner[-1] if front.shape[1] == side else inner[0])[:, order]
        turns = np.arange(count * _HIDDEN).reshape(count, _HIDDEN)
        signs = np.where(turns // len(order) % 2, -1, 1).astype(np.float32)
        return [rows[:, at % len(order)] * sign for at, sign in zip(turns, signs, strict=True)]

    def layer(self, place: str, name: str, units: Floats) -> None:
        """Solve the next layer of the dense block, which comes near to a block of the teacher."""
        import keras

        self._token.check()
        stream, network, some = self._stream, self._ours, self._stream.solved_with
        kernel, bias = stream.fit(units)
        mean = stream.mean @ kernel
        variance = np.maximum((kernel * (stream.covariance @ kernel)).sum(0), 0)
        inner = network.get_layer(f"{place}_1_bn")
        scale = np.sqrt(variance + inner.epsilon)
        hidden = np.maximum(stream.map_of(kernel, bias), 0)
        sights = [thinned(neighbours(part, 3)) for part in parts(hidden[:some])]
        new = adding(stream, as_rows(np.concatenate(sights)), self._wanted(name), _NEW)
        new = np.asarray(as_stored(new).reshape(3, 3, _HIDDEN, _NEW), np.float32)
        raw = np.concatenate(
            [
                keras.ops.convert_to_numpy(keras.ops.conv(part, new, padding="same"))
                for part in parts(hidden)
            ]
        )
        stream.normalise(network.get_layer(f"{place}_0_bn"))
        network.get_layer(f"{place}_1_conv").set_weights([kernel[None, None]])
        inner.set_weights([scale, mean + bias, mean, variance])
        network.get_layer(f"{place}_2_conv").set_weights([new])
        stream.add(raw)

    def reached(self, name: str) -> float:
        """R² of the best linear prediction of a block's map, of held-out crops."""
        some = self._stream.solved_with
        wanted = self._maps[name]
        kernel, bias = self._stream.fit(as_rows(thinned(wanted[:some])))
        return explained(self._stream.map_of(kernel, bias)[some:], wanted[some:])

    def end(self, place: int) -> None:
        """Solve the transition behind the dense block, or the last normalisation.

        Half of the channels go on: those that predict the teacher's maps best, and of the rest the
        principal components.
        """
        stream, network, some = self._stream, self._ours, self._stream.solved_with
        if place == _LAST:
            stream.normalise(network.get_layer("bn"))
            return
        pooled = Stream(some)
        pooled.add(np.concatenate([halved(part) for part in parts(stream.maps)]), raised=False)
        *_, last = self._maps
        targets = [halved(self._maps[last][:some]), *(maps[:some] for maps in self._following)]
        kernel = np.concatenate(
            [pooled.fit(as_rows(thinned(maps / maps.std())))[0] for maps in targets], axis=1
        )
        covariance = pooled.covariance
        width = len(covariance) // 2
        chosen = kernel @ leading(kernel.T @ covariance @ kernel, width // 2)
        sizes = np.sqrt(np.diag(covariance)) + _TINY
        alike, ours = covariance / np.outer(sizes, sizes), chosen * sizes[:, None]
        inner = ours.T @ alike @ ours
        rest = alike - alike @ ours @ np.linalg.solve(
            inner + _TINY * np.trace(inner) * np.eye(len(inner)), ours.T @ alike
        )
        others = leading(rest, width - chosen.shape[1]) / sizes[:, None]
        joined = np.concatenate([chosen, others], axis=1)
        joined = as_stored(scaled_to_one(joined, covariance))
        stream.normalise(network.get_layer(f"pool{place}_bn"))
        network.get_layer(f"pool{place}_conv").set_weights([joined[None, None]])

    def correlation(self) -> float:
        """Of the pooled last map of held-out crops with its best linear prediction."""
        some = self._stream.solved_with
        wanted = self._maps["top"]
        given = self._stream.map_of(*self._stream.fit(as_rows(wanted[:some])))
        return pooled_correlation(given[some:], wanted[some:])

    def _wanted(self, name: str) -> Floats:
        """Rows of a block's map, and with less weight of the one beside it in the dense block."""
        some, names = self._stream.solved_with, list(self._maps)
        maps = as_rows(thinned(self._maps[name][:some]))
        if name == "top":
            sizes = maps.std(0)
            return np.asarray(maps / (sizes + 0.3 * sizes.mean()))
        place = names.index(name)
        after = names[place + 1 : place + 2]
        other = after[0] if after and after[0] != "top" else names[place - 1]
        beside = as_rows(thinned(self._maps[other][:some]))
        return np.concatenate([maps / maps.std(), _BESIDE * beside / beside.std()], axis=1)

    def _images(self, crops: RGB, which: int) -> Floats:
        """Crops as the student (0) or the teacher (1) takes them."""
        return np.concatenate(
            [np.asarray(self._scaled[which](part), np.float32) for part in parts(crops)]
        )


def _folded(network: Any, convolution: str, normalisation: str) -> tuple[Doubles, Doubles]:
    """Kernel and bias of a convolution together with the normalisation behind it."""
    (kernel,) = network.get_layer(convolution).get_weights()
    layer = network.get_layer(normalisation)
    gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in layer.get_weights())
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return kernel * scale, beta - mean * scale


def _last(network: Any, name: str) -> str:
    """The last layer of a block."""
    if name == "top":
        return "top_activation"
    names = {layer.name for layer in network.layers}
    return f"{name}_add" if f"{name}_add" in names else f"{name}_project_bn"
