"""EfficientNetLite0 as a teacher whose cells lie on those of a network that is padded evenly.

A cell of its maps lies up to 31 px to the right of and below that of the same number of a ResNet or
DenseNet, whose strided convolutions are padded alike on both sides. So such a student is shown an
inner part of each crop, in which a whole number of cells of the teacher, at every stride, lies
before the student's first.

Keras is imported inside the functions.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from bachview.jobs.tokens import CancelToken
from bachview.models.efficientnet_lite import LITE0, block_names
from bachview.training.ridge import RGB, Floats, parts, run, thin

#: Rows and columns of a map that a regression uses; a finer map is thinned out evenly.
CELLS: Final = 8
#: By stride, the cell of the teacher's map that lies on the first of the student's; and px between
#: the edges of what they see, at the left, and at both sides together.
_FIRST_CELL: Final = {2: 15, 4: 7, 8: 3, 16: 1, 32: 0}
_MARGIN: Final = 31
_LOST: Final = 32


class Units(NamedTuple):
    """Of a block of the teacher: what it gives, in the student's cells, thinned out.

    Attributes
    ----------
    expanded : (N, h, w, U), stride of its input: units in front of the depthwise convolution.
    hidden : (N, h, w, U), stride of its output: the same behind it; both before they are cut.
    given : (N, h, w, C) its map.
    """

    expanded: Floats
    hidden: Floats
    given: Floats


class AlignedTeacher:
    """What the teacher shows of all crops, in the student's cells.

    Attributes
    ----------
    side : of the inner part of the crops that the student is shown, px.
    strides : px between the inputs of each block.
    top : (N, h, w, C) what its last convolution gives, before it is cut.
    """

    def __init__(self, model: Any, crops: RGB, token: CancelToken) -> None:
        self._net, self._token = model.get_layer("backbone"), token
        self.side = crops.shape[1] - _LOST
        layer = model.get_layer("preprocessing")
        self._pixels = np.concatenate([np.asarray(layer(p), np.float32) for p in parts(crops)])
        self.strides: dict[str, int] = {}

    def inner(self, crops: RGB) -> RGB:
        """What the student is shown of crops."""
        cells = slice(_MARGIN, _MARGIN + self.side)
        return crops[:, cells, cells]

    def first(self, count: int, *names: str) -> list[Floats]:
        """What layers show of the first crops."""
        shown = run(part_of(self._net, None, *names), self._pixels[:count], self._token)
        return [self._aligned(maps) for maps in shown]

    def units(self) -> dict[str, Units]:
        """Of all blocks that have hidden units."""
        names = {layer.name for layer in self._net.layers}
        (maps,) = run(part_of(self._net, None, "block1a_project_bn"), self._pixels, self._token)
        found = {}
        for name in block_names(LITE0)[1:]:
            last = f"{name}_add" if f"{name}_add" in names else f"{name}_project_bn"
            part = part_of(
                self._net, f"{name}_expand_conv", f"{name}_expand_bn", f"{name}_bn", last
            )
            self.strides[name] = self._pixels.shape[1] // maps.shape[1]
            shown = []
            for batch in parts(maps):
                expanded, hidden, given = run(part, batch, self._token)
                chosen = (thinned(self._aligned(m)) for m in (expanded, hidden, given))
                shown.append((*chosen, given))
            *units, maps = (np.concatenate(values) for values in zip(*shown, strict=True))
            found[name] = Units(*units)
        (top,) = run(part_of(self._net, "top_conv", "top_bn"), maps, self._token)
        self.top = self._aligned(top)
        return found

    def _aligned(self, maps: Floats) -> Floats:
        stride = self._pixels.shape[1] // maps.shape[1]
        cells = slice(_FIRST_CELL[stride], _FIRST_CELL[stride] + self.side // stride)
        return maps[:, cells, cells].copy()


def thinned(maps: Floats) -> Floats:
    """Evenly chosen cells of maps (N, h, w, C), about `CELLS` in a row."""
    return thin(maps, CELLS)


def part_of(network: Any, first: str | None, *last: str) -> Any:
    """From the input of a layer, or of the network, to outputs of layers."""
    import keras

    begin = network.input if first is None else network.get_layer(first).input
    return keras.Model(begin, [network.get_layer(name).output for name in last])
