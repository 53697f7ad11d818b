"""The networks' linear heads in the fused graph: read, and replaced without TensorFlow.

A head stands in the graph once or twice: before the probabilities, and before the activation map.
Only what the program's own export writes is known here; any other graph keeps its heads.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.models.bundle.manifest import GRAPH_FILES
from bachview.models.bundle.opened import Bundle
from bachview.models.engines.graph import output_names
from bachview.models.engines.openvino_runtime import openvino

Floats = npt.NDArray[np.float32]
#: (F, C) kernel and (C,) bias of a head.
Linear = tuple[Floats, Floats]

#: Operations between a head's product and an output, through which it is looked for.
_THROUGH = frozenset({"Softmax", "Reshape", "Result", "Transpose", "Squeeze", "Unsqueeze"})


def read_heads(bundle: Bundle) -> tuple[Linear | None, ...]:
    """The head of each network, in the graph's order; None where it is not one that is known.

    Raises
    ------
    BundleError
        The graph cannot be read from the bundle.
    """
    graph = _graph(bundle)
    heads: list[Linear | None] = []
    for index, cnn in enumerate(bundle.manifest.cnns):
        found = _head(graph, index, cnn.features, len(bundle.classes))
        heads.append(None if found is None else (_value(found[0]), _value(found[1]).ravel()))
    return tuple(heads)


def write_with_heads(bundle: Bundle, heads: tuple[Linear | None, ...], folder: Path) -> None:
    """Write the bundle's graph with other heads into `folder`.

    Parameters
    ----------
    heads : for each network the new one; None keeps it. Only those that `read_heads` has found can
        be replaced.
    """
    ov = openvino()
    graph = _graph(bundle)
    # Found before the first is replaced: the graph can be read in any order.
    places = []
    for index, (cnn, head) in enumerate(zip(bundle.manifest.cnns, heads, strict=True)):
        if head is None:
            continue
        found = _head(graph, index, cnn.features, len(bundle.classes))
        if found is None:
            raise ValueError(f"the head of {cnn.name} cannot be replaced")
        places.append((found, _map_head(graph, index, cnn.features, len(bundle.classes)), head))
    for found, of_map, (kernel, bias) in places:
        ports = {
            _key(port): (port, value) for port, value in zip(found, (kernel, bias), strict=True)
        }
        if of_map is not None:
            ports |= {
                _key(port): (port, value)
                for port, value in zip(of_map, (kernel, bias), strict=True)
            }
        for port, value in ports.values():
            shape = tuple(port.get_shape())
            constant = ov.op.Constant(np.ascontiguousarray(value, np.float32).reshape(shape))
            for reader in list(port.get_target_inputs()):
                reader.replace_source_output(constant.output(0))
    ov.save_model(graph, folder / GRAPH_FILES[0], compress_to_fp16=False)


def _graph(bundle: Bundle) -> Any:
    xml, weights = (bundle.read(name) for name in GRAPH_FILES)
    return openvino().Core().read_model(model=xml, weights=weights)


def _key(port: Any) -> tuple[str, int]:
    return port.get_node().get_name(), port.get_index()


def _head(graph: Any, index: int, features: int, classes: int) -> tuple[Any, Any] | None:
    """The ports of kernel and bias before the probabilities of a network."""
    return _linear(graph, output_names(index)[0], features, classes)


def _map_head(graph: Any, index: int, features: int, classes: int) -> tuple[Any, Any] | None:
    """The same before its activation map, which may share them."""
    return _linear(graph, output_names(index)[2], features, classes)


def _linear(graph: Any, output: str, features: int, classes: int) -> tuple[Any, Any] | None:
    node = graph.output(output).get_node()
    while node.get_type_name() in _THROUGH:
        node = node.input(0).get_source_output().get_node()
    if node.get_type_name() != "Add":
        return None
    bias = node.input(1).get_source_output()
    node = node.input(0).get_source_output().get_node()
    while node.get_type_name() in _THROUGH:
        node = node.input(0).get_source_output().get_node()
    if node.get_type_name() != "MatMul":
        return None
    attributes = node.get_attributes()
    kernel = node.input(1).get_source_output()
    if attributes["transpose_a"] or attributes["transpose_b"]:
        return None
    shapes = tuple(kernel.get_partial_shape()), tuple(bias.get_partial_shape())
    if not all(each.is_static for shape in shapes for each in shape):
        return None
    sizes = [int(np.prod([each.get_length() for each in shape])) for shape in shapes]
    first = shapes[0][0].get_length() if shapes[0] else 0
    return (kernel, bias) if first == features and sizes == [features * classes, classes] else None


def _value(port: Any) -> Floats:
    """What a port gives that depends on no input: a stored constant, perhaps converted."""
    ov = openvino()
    compiled = ov.Core().compile_model(
        ov.Model([port], []), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    return np.array(compiled({})[0], np.float32)
