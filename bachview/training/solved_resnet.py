"""ResNet50V2 from EfficientNetLite0, without gradients.

The two have nothing in common but their strides. So each bottleneck is given some of the teacher's
hidden units: those that tell most about the teacher's maps beyond what the student has already. Its
first convolution comes nearest to what the teacher's expansion gives these units, its second, of
3 x 3 px, to what the depthwise convolution gives them, by ridge regression from the student's own
maps with all errors made so far. What flows past the bottlenecks is simply the main parts of all
units of the stage, side by side, from which the next layers read; where it ends, the channels of
the last map are the teacher's features.

Keras is imported inside the functions.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import build_cnn
from bachview.training.aligned_teacher import CELLS, AlignedTeacher, part_of, thinned
from bachview.training.ridge import (
    RGB,
    Floats,
    Likeness,
    Regression,
    as_stored,
    explained,
    main_parts,
    neighbours,
    parts,
    pooled_correlation,
    regression,
    run,
    telling,
    thin,
)

#: Strength of the ridge, as a share of the inputs' mean variance, for fine and coarse maps: there
#: are few cells of these.
_RIDGES: Final = {4: 1e-3, 8: 1e-3, 16: 1e-2, 32: 0.1}
#: Added to what flows past the bottlenecks in deviations, so that their first ReLU cuts nothing.
_SHIFT: Final = 4.0
#: Counted as a part's own variance, as a share of the mean over parts.
_LEAST_VARIANCE: Final = 0.01
#: Crops with which the filters of the stem are chosen.
_STEM_CROPS: Final = 48
#: Crops whose neighbourhoods are held at once.
_CHUNK: Final = 64
_TOP: Final = 1280


class _Bottleneck(NamedTuple):
    """A block of the student.

    Attributes
    ----------
    stride : of its output, px.
    teachers : blocks of the teacher whose hidden units it may be given.
    past, kept : main parts that flow on from the input of the stage, and from its own units.
    """

    name: str
    stride: int
    teachers: tuple[str, ...]
    past: int
    kept: int


_PLAN: Final = (
    _Bottleneck("conv2_block1", 4, ("block2a",), 64, 64),
    _Bottleneck("conv2_block2", 4, ("block2b",), 0, 64),
    _Bottleneck("conv2_block3", 8, ("block3a",), 0, 64),
    _Bottleneck("conv3_block1", 8, ("block3a", "block3b"), 128, 96),
    _Bottleneck("conv3_block2", 8, ("block3b",), 0, 96),
    _Bottleneck("conv3_block3", 8, ("block3b",), 0, 96),
    _Bottleneck("conv3_block4", 16, ("block4a",), 0, 96),
    _Bottleneck("conv4_block1", 16, ("block4a", "block4b"), 256, 128),
    _Bottleneck("conv4_block2", 16, ("block4b", "block4c"), 0, 128),
    _Bottleneck("conv4_block3", 16, ("block4c", "block5a"), 0, 128),
    _Bottleneck("conv4_block4", 16, ("block5a", "block5b"), 0, 128),
    _Bottleneck("conv4_block5", 16, ("block5b", "block5c"), 0, 128),
    _Bottleneck("conv4_block6", 32, ("block6a",), 0, 128),
    _Bottleneck("conv5_block1", 32, ("block6a", "block6b"), 256, 256),
    _Bottleneck("conv5_block2", 32, ("block6c", "block6d"), 0, 256),
    _Bottleneck("conv5_block3", 32, ("block6d", "block7a"), 0, 0),
)


def initial_resnet_from_lite0(
    student: Any,
    teacher: Any,
    crops: RGB,
    held: RGB,
    *,
    token: CancelToken,
    on_block: Callable[[int, int], object] = lambda done, total: None,
) -> Likeness:
    """Set the weights of a ResNet50V2, see `bachview.training.solved_starts.Solve`.

    The side of the crops is 64 px or more. Up to 5 MB for each crop of 224 px are held in memory.
    """
    solving = _Solving(teacher, np.concatenate([crops, held]), len(crops), token)
    blocks = {}
    for place, bottleneck in enumerate(_PLAN):
        blocks[bottleneck.name] = solving.bottleneck(bottleneck)
        on_block(place + 1, len(_PLAN) + 1)
    top, correlation = solving.top()
    student.get_layer("backbone").set_weights(solving.weights())
    on_block(len(_PLAN) + 1, len(_PLAN) + 1)
    return Likeness(blocks, top, correlation)


class _Solving:
    """The student's map (N, h, w, C) in front of the bottleneck that comes next, and the teacher's.

    The first `some` of the N crops are solved with.
    """

    def __init__(self, teacher: Any, crops: RGB, some: int, token: CancelToken) -> None:
        self._teacher = AlignedTeacher(teacher, crops, token)
        model = build_cnn("resnet50_v2", input_px=self._teacher.side, class_count=2)
        self._net, self._token, self._some = model.get_layer("backbone"), token, some
        layer = model.get_layer("preprocessing")
        pixels = np.asarray(layer(self._teacher.inner(crops)), np.float32)
        _solve_stem(self._net.get_layer("conv1_conv"), pixels[:_STEM_CROPS], self._teacher)
        (self._maps,) = run(part_of(self._net, None, "pool1_pool"), pixels, token)
        self._units = self._teacher.units()
        self._stride, self._used = 4, 0

    def weights(self) -> Any:
        """Of the whole backbone."""
        return self._net.get_weights()

    def bottleneck(self, block: _Bottleneck) -> float:
        """Solve it and go on; R² of its last teacher's held-out maps, read from its own."""
        net, some, token = self._net, self._some, self._token

        def layer(name: str) -> Any:
            return net.get_layer(f"{block.name}_{name}")

        def part(*last: str) -> Any:
            names = (f"{block.name}_{name}" for name in last)
            return part_of(net, f"{block.name}_preact_bn", *names)

        ridge = _RIDGES[block.stride]
        _standardise(layer("preact_bn"), thinned(self._maps[:some]))
        expanded, hidden = self._chosen(block, layer("1_conv").filters)

        (seen,) = run(part("preact_relu"), self._maps[:some], token, (CELLS,))
        regression(seen, expanded, ridge).store(layer("1_conv"), layer("1_bn"))
        step = block.stride // self._stride
        sums = Regression()
        for at in range(0, some, _CHUNK):
            chunk = self._maps[at : min(at + _CHUNK, some)]
            (inner,) = run(part("1_relu"), chunk, token)
            near = thinned(neighbours(inner, 3)[:, ::step, ::step])
            sums.add(near, hidden[at : at + len(near)])
        sums.solve(ridge).store(layer("2_conv"), layer("2_bn"))

        seen, units = run(part("preact_relu", "2_relu"), self._maps[:some], token, (CELLS, CELLS))
        self._store_last(block, layer, seen, units)
        (self._maps,) = run(part("out"), self._maps, token)
        self._stride = block.stride
        return self._read(block.teachers[-1])

    def top(self) -> tuple[float, float]:
        """Let the last map show itself; R² of held-out maps, correlation of pooled features."""
        some, normalisation = self._some, self._net.get_layer("post_bn")
        mean, variance = _moments(self._maps[:some])
        scale, shift = np.sqrt(variance + normalisation.epsilon), mean.copy()
        # Behind the teacher's features are further main parts, of any scale.
        scale[_TOP:], shift[_TOP:] = 1, 0
        normalisation.set_weights([scale, shift, mean, variance])
        given = np.maximum(self._maps[some:, ..., :_TOP], 0)
        wanted = np.clip(self._teacher.top[some:], 0, 6)
        return explained(given, wanted), pooled_correlation(given, wanted)

    def _chosen(self, block: _Bottleneck, count: int) -> tuple[Floats, Floats]:
        """The hidden units that the bottleneck is given, as `Units` has them."""
        some, found = self._some, [self._units[name] for name in block.teachers]
        strides = [self._teacher.strides[name] for name in block.teachers]
        hidden = np.concatenate([units.hidden[:some] for units in found], axis=3)
        # A unit whose expansion is finer than the student's map is estimated twice in its place.
        expanded = np.concatenate(
            [
                (units.expanded if stride == self._stride else units.hidden)[:some]
                for units, stride in zip(found, strides, strict=True)
            ],
            axis=3,
        )
        step = block.stride // self._stride
        known = thinned(self._maps[:some, ::step, ::step])
        wanted = [units.given[:some] / units.given[:some].std() for units in found]
        chosen = telling(
            np.clip(hidden, 0, 6),
            np.concatenate(wanted, axis=3),
            count,
            known / (known.std((0, 1, 2)) + 1e-6),
        )
        return expanded[..., chosen], hidden[..., chosen]

    def _store_last(
        self, block: _Bottleneck, layer: Callable[[str], Any], seen: Floats, units: Floats
    ) -> None:
        """Set what goes on: the teacher's features in the last stage, and main parts."""
        convolution, some = layer("3_conv"), self._some
        own = np.zeros(convolution.get_weights()[0].shape[2:])
        past, bias = np.zeros((seen.shape[-1], own.shape[1])), np.zeros(own.shape[1])
        begin = _TOP if block.name.startswith("conv5") else 0
        if begin:
            wanted, ridge = self._teacher.top[:some], _RIDGES[block.stride]
            if block.past:
                found = regression(np.concatenate([seen, units], axis=3), wanted, ridge)
                # Each is stored with scales of its own.
                halves = map(as_stored, np.split(found.kernel, [seen.shape[-1]]))
                past[:, :begin], own[:, :begin] = halves
                given = _mean(seen) @ past[:, :begin] + _mean(units) @ own[:, :begin]
            else:
                found = regression(units, wanted - self._maps[:some, ..., :begin], ridge)
                own[:, :begin], given = found.kernel, found.mean
            bias[:begin] = found.wanted_mean - given
        if block.past:
            free = slice(begin, begin + block.past)
            past[:, free], bias[free] = main_parts(seen, block.past)
            layer("0_conv").set_weights([past[None, None], np.zeros_like(bias)])
            self._used = free.stop
        free = slice(self._used, self._used + block.kept)
        own[:, free], bias[free] = main_parts(units, block.kept)
        self._used = free.stop
        convolution.set_weights([own[None, None], bias])

    def _read(self, name: str) -> float:
        some, maps, wanted = self._some, thinned(self._maps), self._units[name].given
        found = regression(maps[:some], wanted[:some], 1e-3)
        given = maps[some:] @ found.kernel + found.wanted_mean - found.mean
        return explained(np.asarray(given, np.float32), wanted[some:])


def _solve_stem(convolution: Any, pixels: Floats, teacher: AlignedTeacher) -> None:
    """Choose filters of 7 x 7 px whose greatest values tell most about the teacher's second block.

    There are those that come nearest to what its first layers give, with both signs.
    """
    import keras

    size, step = 7, 4
    wanted = teacher.first(len(pixels), "stem_bn", "block1a_bn", "block2a_expand_bn", "block2a_bn")
    *linear, later = wanted
    near = neighbours(pixels, size)[:, ::2, ::2][:, ::step, ::step]
    found = [regression(near, maps[:, ::step, ::step], 1e-4) for maps in linear]
    kernel = np.concatenate([one.kernel for one in found], axis=1)
    bias = np.concatenate([one.wanted_mean - one.mean for one in found])
    kernel, bias = np.concatenate([kernel, -kernel], axis=1), np.concatenate([bias, -bias])
    shape = size, size, pixels.shape[-1], -1
    greatest = []
    for batch in parts(pixels):
        maps = keras.ops.conv(
            np.pad(batch, ((0, 0), (3, 3), (3, 3), (0, 0))),
            np.asarray(kernel.reshape(shape), np.float32),
            strides=2,
            padding="valid",
        )
        # Padded as the network does it, with zeros.
        maps = keras.ops.pad(maps + np.asarray(bias, np.float32), ((0, 0), (1, 1), (1, 1), (0, 0)))
        greatest.append(np.asarray(keras.ops.max_pool(maps, 3, 2, "valid")))
    pooled = thin(np.concatenate(greatest), 2 * CELLS)
    scale, later = pooled.std((0, 1, 2)), thin(later, 2 * CELLS)
    count = convolution.get_weights()[0].shape[-1]
    chosen = telling(pooled / scale, later / later.std((0, 1, 2)), count)
    kernel, bias = (values[..., chosen] / scale[chosen] for values in (kernel, bias))
    rounded = as_stored(kernel)
    bias += _mean(near) @ (kernel - rounded)
    convolution.set_weights([rounded.reshape(shape), bias])


def _standardise(normalisation: Any, maps: Floats) -> None:
    """But for parts of next to no variance, of which bfloat16 would show only rounding."""
    mean, variance = _moments(maps)
    variance += _LEAST_VARIANCE * variance.mean()
    normalisation.set_weights([np.ones_like(mean), np.full_like(mean, _SHIFT), mean, variance])


def _moments(maps: Floats) -> tuple[Any, Any]:
    return _mean(maps), maps.var((0, 1, 2), np.float64)


def _mean(maps: Floats) -> Any:
    return maps.mean((0, 1, 2), np.float64)
