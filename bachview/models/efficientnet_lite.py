"""EfficientNet-Lite: EfficientNet without squeeze-and-excitation, with ReLU6 in place of swish.

Made for processors and small devices (Tan and Le, ICML 2019; Liu, "Higher accuracy on vision
models with EfficientNet-Lite", TensorFlow blog, 2020). keras.applications has none. The layers are
named as those of its EfficientNetB0, whose kernels have the same shapes as those of Lite0.
"""

import math
from typing import Any, Final, NamedTuple


class _Stage(NamedTuple):
    """Blocks of one shape: the first has the stride, the others none."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


_STAGES: Final = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
_STEM_FILTERS: Final = 32
_TOP_FILTERS: Final = 1280
_FILTERS_STEP: Final = 8


class Scaling(NamedTuple):
    """Multiples of Lite0's filters and repeats; stem, first and last stage, and top keep theirs."""

    width: float
    depth: float


LITE0: Final = Scaling(1.0, 1.0)
LITE1: Final = Scaling(1.0, 1.1)
LITE2: Final = Scaling(1.1, 1.2)


def block_names(scaling: Scaling) -> list[str]:
    """Names of the blocks in order, as the layers of keras.applications begin: ``block2a``."""
    return [
        f"block{number}{chr(ord('a') + repeat)}"
        for number, stage in enumerate(_scaled(scaling), start=1)
        for repeat in range(stage.repeats)
    ]


def build_lite(scaling: Scaling, side: int) -> Any:
    """The backbone with random weights.

    Parameters
    ----------
    side : of the input square, px.

    Returns
    -------
    keras.Model from (N, side, side, 3) float32, standardised as for ImageNet, to the last map
    (N, side / 32, side / 32, 1280), named ``backbone``.
    """
    import keras

    layers = keras.layers

    def normalised(x: Any, name: str) -> Any:
        return layers.BatchNormalization(epsilon=1e-3, name=name)(x)

    def block(x: Any, name: str, stage: _Stage, stride: int) -> Any:
        before = x
        if stage.expansion != 1:
            width = before.shape[-1] * stage.expansion
            x = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_expand_conv")(x)
            x = layers.ReLU(6, name=f"{name}_expand_activation")(normalised(x, f"{name}_expand_bn"))
        x = layers.DepthwiseConv2D(
            stage.kernel, stride, "same", use_bias=False, name=f"{name}_dwconv"
        )(x)
        x = layers.ReLU(6, name=f"{name}_activation")(normalised(x, f"{name}_bn"))
        x = layers.Conv2D(stage.filters, 1, use_bias=False, name=f"{name}_project_conv")(x)
        x = normalised(x, f"{name}_project_bn")
        if stride == 1 and before.shape[-1] == stage.filters:
            x = layers.Add(name=f"{name}_add")([x, before])
        return x

    pixels = layers.Input((side, side, 3))
    x = layers.Conv2D(_STEM_FILTERS, 3, 2, "same", use_bias=False, name="stem_conv")(pixels)
    x = layers.ReLU(6, name="stem_activation")(normalised(x, "stem_bn"))
    names = iter(block_names(scaling))
    for stage in _scaled(scaling):
        for repeat in range(stage.repeats):
            x = block(x, next(names), stage, 1 if repeat else stage.stride)
    x = layers.Conv2D(_TOP_FILTERS, 1, use_bias=False, name="top_conv")(x)
    x = layers.ReLU(6, name="top_activation")(normalised(x, "top_bn"))
    return keras.Model(pixels, x, name="backbone")


def weight_names(scaling: Scaling) -> dict[str, str]:
    """Names in the published PyTorch state dictionaries of the layers that have weights.

    Returns
    -------
    Prefix in the dictionary (``_blocks.0._bn1``) of each layer (``block1a_bn``).
    """
    names = {"stem_conv": "_conv_stem", "stem_bn": "_bn0"}
    parts = {
        "expand_conv": "_expand_conv",
        "expand_bn": "_bn0",
        "dwconv": "_depthwise_conv",
        "bn": "_bn1",
        "project_conv": "_project_conv",
        "project_bn": "_bn2",
    }
    for place, block in enumerate(block_names(scaling)):
        for ours, theirs in parts.items():
            if place or not ours.startswith("expand"):
                names[f"{block}_{ours}"] = f"_blocks.{place}.{theirs}"
    return {**names, "top_conv": "_conv_head", "top_bn": "_bn1"}


def _scaled(scaling: Scaling) -> list[_Stage]:
    last = len(_STAGES) - 1
    return [
        stage._replace(
            filters=_rounded(stage.filters * scaling.width),
            repeats=stage.repeats
            if place in (0, last)
            else math.ceil(stage.repeats * scaling.depth),
        )
        for place, stage in enumerate(_STAGES)
    ]


def _rounded(filters: float) -> int:
    """To the nearest multiple of 8 that is not more than a tenth smaller."""
    nearest = max(_FILTERS_STEP, int(filters + _FILTERS_STEP / 2) // _FILTERS_STEP * _FILTERS_STEP)
    return nearest + _FILTERS_STEP if nearest < 0.9 * filters else nearest
