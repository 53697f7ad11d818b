"""Maps inside a backbone, by their stride: what a teacher shows and a student is compared with.

Keras is imported inside the functions.
"""

import math
from typing import Any, Final

#: Strides in px at which networks are compared.
STRIDES: Final = (8, 16, 32)


def maps_of(backbone: Any) -> dict[int, Any]:
    """The symbolic maps (N, h, w, C) of a Keras backbone with a fixed input size.

    At each of `STRIDES` that it has: the output if that is its size, else that of the last block,
    which ends by joining its branches.
    """
    import keras

    side = backbone.input.shape[1]
    found = {}
    for stride in STRIDES:
        shape = (math.ceil(side / stride),) * 2
        if backbone.output.shape[1:3] == shape:
            found[stride] = backbone.output
            continue
        sized = [layer for layer in backbone.layers if tuple(_output_shape(layer)[1:3]) == shape]
        joined = [
            layer
            for layer in sized
            if isinstance(layer, keras.layers.Add | keras.layers.Concatenate)
        ]
        if sized:
            found[stride] = (joined or sized)[-1].output
    return found


def _output_shape(layer: Any) -> tuple[int | None, ...]:
    output = layer.output
    return () if isinstance(output, list) else tuple(output.shape)


def with_maps(network: Any, strides: tuple[int, ...]) -> Any:
    """A network that gives its features and maps.

    Parameters
    ----------
    network : of `bachview.models.architectures.build_cnn`; weights are shared.
    strides : of the maps; the backbone must have them.

    Returns
    -------
    keras.Model from (N, h, w, 3) uint8 to a list: pooled features (N, F), then a map
    (N, h / stride, w / stride, C) for each stride.
    """
    import keras

    backbone = network.get_layer("backbone")
    inner = maps_of(backbone)
    inside = keras.Model(backbone.input, [backbone.output, *(inner[s] for s in strides)])
    last, *maps = inside(network.get_layer("preprocessing")(network.input))
    return keras.Model(network.input, [network.get_layer("pooled")(last), *maps])
