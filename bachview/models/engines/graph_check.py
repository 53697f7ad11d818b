"""Checks of a graph before it is passed to OpenVINO, which trusts its input.

OpenVINO builds every operation that its file names and crashes on some that make no sense,
so a graph is accepted only if each of its layers is one that the export writes, with the
attributes and sizes of such a layer, and reads no byte that is not in the weights.
"""

import math
import re
from collections import deque
from typing import Any, Final

from bachview.errors import BundleError
from bachview.models.bundle.manifest import GRAPH_FILES

_LARGEST_XML: Final = 32 << 20
_MOST_LAYERS: Final = 20_000
#: Elements of one array between two layers; the largest of the networks has a few million.
_MOST_ELEMENTS: Final = 1 << 31

#: Elements that one patch may have in an array: the largest inferred size of any layer.
_MOST_INFERRED: Final = 1 << 27

#: Kernels, strides, dilations and pads: OpenVINO fills what they name before it is asked whether
#: that makes sense. Those of the networks are below 10, and 299 is the side of a large patch.
_SIDE = "[12]?[0-9]?[0-9]"
_STEP = "(?:[12][0-9][0-9]|[1-9][0-9]?)"
_NUMBERS = re.compile(r"-?\d{1,6}(, ?-?\d{1,6})*")
_PADS = re.compile(f"{_SIDE}(, ?{_SIDE})*")
_STEPS = re.compile(f"{_STEP}(, ?{_STEP})*")
_NUMBER = re.compile(r"-?\d{1,18}")
_REAL = re.compile(r"-?\d{1,9}(\.\d{1,9})?")
_FLAG = re.compile(r"true|false")
_TYPE_BYTES: Final = {
    "f64": 8, "i64": 8, "f32": 4, "i32": 4, "f16": 2, "bf16": 2, "i8": 1, "u8": 1, "boolean": 1,
}  # fmt: skip
_ELEMENT = re.compile("|".join(_TYPE_BYTES))
_SHAPE = re.compile(r"(\?|\d{1,9})?(, ?(\?|\d{1,9}))*")
_PAD = re.compile("same_upper|same_lower|valid|explicit|notset")
_BROADCAST = re.compile("numpy|none")
_ROUNDING = re.compile("floor|ceil")

_ELEMENTWISE = {"auto_broadcast": _BROADCAST}
_WINDOW = {"strides": _STEPS, "pads_begin": _PADS, "pads_end": _PADS, "auto_pad": _PAD}
_CONVOLUTION = {**_WINDOW, "dilations": _STEPS}
_POOL = {**_WINDOW, "kernel": _STEPS, "rounding_type": _ROUNDING}
_REDUCTION = {"keep_dims": _FLAG}

#: Type and version of each layer that the export writes: its attributes, and its minimum and
#: maximum number of inputs.
_OPERATIONS: Final[dict[tuple[str, str], tuple[dict[str, re.Pattern[str]], int, int]]] = {
    ("Parameter", "opset1"): ({"shape": _SHAPE, "element_type": _ELEMENT}, 0, 0),
    ("Const", "opset1"): (
        {"element_type": _ELEMENT, "shape": _SHAPE, "offset": _NUMBER, "size": _NUMBER}, 0, 0,
    ),
    ("Result", "opset1"): ({}, 1, 1),
    ("Add", "opset1"): (_ELEMENTWISE, 2, 2),
    ("Subtract", "opset1"): (_ELEMENTWISE, 2, 2),
    ("Multiply", "opset1"): (_ELEMENTWISE, 2, 2),
    ("Divide", "opset1"): ({**_ELEMENTWISE, "m_pythondiv": _FLAG}, 2, 2),
    ("Convert", "opset1"): ({"destination_type": _ELEMENT}, 1, 1),
    ("ReLU", "opset1"): ({}, 1, 1),
    ("Clamp", "opset1"): ({"min": _REAL, "max": _REAL}, 1, 1),
    ("Sigmoid", "opset1"): ({}, 1, 1),
    ("Swish", "opset4"): ({}, 1, 2),
    ("SoftMax", "opset8"): ({"axis": _NUMBER}, 1, 1),
    ("Convolution", "opset1"): (_CONVOLUTION, 2, 2),
    ("GroupConvolution", "opset1"): (_CONVOLUTION, 2, 2),
    ("MatMul", "opset1"): ({"transpose_a": _FLAG, "transpose_b": _FLAG}, 2, 2),
    ("AvgPool", "opset1"): ({**_POOL, "exclude-pad": _FLAG}, 1, 1),
    ("MaxPool", "opset8"): (
        {**_POOL, "dilations": _STEPS, "index_element_type": _ELEMENT, "axis": _NUMBER}, 1, 1,
    ),
    ("Pad", "opset1"): ({"pad_mode": re.compile("constant")}, 3, 4),
    ("Concat", "opset1"): ({"axis": _NUMBER}, 1, 4096),
    ("Transpose", "opset1"): ({}, 2, 2),
    ("Reshape", "opset1"): ({"special_zero": _FLAG}, 2, 2),
    ("Squeeze", "opset1"): ({}, 1, 2),
    ("Unsqueeze", "opset1"): ({}, 2, 2),
    ("ShapeOf", "opset3"): ({"output_type": _ELEMENT}, 1, 1),
    ("Gather", "opset8"): ({"batch_dims": _NUMBER}, 3, 3),
    ("ReduceMean", "opset1"): (_REDUCTION, 2, 2),
    ("ReduceProd", "opset1"): (_REDUCTION, 2, 2),
    ("StridedSlice", "opset1"): (
        {
            f"{name}_mask": _NUMBERS
            for name in ("begin", "end", "new_axis", "shrink_axis", "ellipsis")
        }, 3, 4,
    ),
}  # fmt: skip

#: Allowed beside a layer's data: a marker of OpenVINO that does not change results.
_MARKS: Final = frozenset({"decompression", "fused_names", "nonconvertible_to_fp16"})

_Layer = tuple[set[str], set[str]]


def check_graph_file(xml: bytes, weights_size: int, where: str) -> None:
    """Reject a graph that contains anything but what the export writes.

    Parameters
    ----------
    xml : the graph's description, as stored in the bundle.
    weights_size : bytes of its weights.
    where : the bundle, for the sentence.

    Raises
    ------
    BundleError
        It is not XML, or a layer, an attribute, a size or a connection is not one that the
        export writes.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    if len(xml) > _LARGEST_XML:
        raise _refused(where, f"it is larger than {_LARGEST_XML >> 20} MiB")
    try:
        root = fromstring(xml, forbid_dtd=True)
    except DefusedXmlException as error:
        raise _refused(where, "it declares entities") from error
    # Bytes in no known encoding end in ValueError or LookupError.
    except (ParseError, ValueError, LookupError) as error:
        raise _refused(where, "it is not XML") from error
    sections = {section.tag: section for section in root}
    if len(sections) != len(root) or not {"layers", "edges"} <= set(sections):
        raise _refused(where, "it is not made of layers and edges")
    if set(sections) - {"layers", "edges", "rt_info"}:
        raise _refused(where, "it has an unknown section")
    if len(sections["layers"]) > _MOST_LAYERS:
        raise _refused(where, f"it has more than {_MOST_LAYERS:,} layers")
    layers: dict[str, _Layer] = {}
    for layer in sections["layers"]:
        number = layer.get("id", "")
        if number in layers or not _NUMBER.fullmatch(number):
            raise _refused(where, "two layers have the same number")
        layers[number] = _checked_layer(layer, weights_size, where)
    _check_edges(sections["edges"], layers, where)


def check_inferred_sizes(graph: Any, batch: int, where: str) -> None:
    """Refuse a graph whose layers give more than memory holds, before it is compiled.

    Parameters
    ----------
    graph : an ``openvino.Model`` of a fixed batch size.
    batch : patches in a batch.
    where : the bundle, for the sentence.

    Raises
    ------
    BundleError
        A size is unknown or too large.
    """
    for layer in graph.get_ops():
        for output in layer.outputs():
            shape = output.get_partial_shape()
            name = f"the layer {layer.get_friendly_name()[:60]!r}"
            if shape.is_dynamic:
                raise _refused(where, f"{name} has a size that is not known before it runs")
            if math.prod(shape.to_shape()) > batch * _MOST_INFERRED:
                raise _refused(where, f"{name} is too large")


def _checked_layer(layer: Any, weights_size: int, where: str) -> _Layer:
    """Inputs and outputs of a layer."""
    kind = layer.get("type", ""), layer.get("version", "")
    name = f"the layer {layer.get('name', '')[:60]!r}"
    known = _OPERATIONS.get(kind)
    if known is None or layer.tag != "layer":
        raise _refused(where, f"{name} is a {kind[0][:40]!r}, which none of our networks has")
    if set(layer.attrib) - {"id", "name", "type", "version", "output_names"}:
        raise _refused(where, f"{name} has an unknown attribute")
    patterns, least, most = known
    data: dict[str, str] = {}
    ports: dict[str, set[str]] = {"input": set(), "output": set()}
    if len({part.tag for part in layer}) != len(layer):
        # Libraries differ in which of two they read.
        raise _refused(where, f"{name} has a part twice")
    for part in layer:
        if part.tag == "data":
            data |= part.attrib
        elif part.tag in ports:
            ports[part.tag] |= _checked_ports(part, name, where)
        elif part.tag != "rt_info" or any(mark.get("name") not in _MARKS for mark in part):
            raise _refused(where, f"{name} has an unknown part")
    for attribute, value in data.items():
        pattern = patterns.get(attribute)
        if pattern is None or not pattern.fullmatch(value):
            raise _refused(where, f"{name} has {attribute[:40]}={value[:40]!r}")
    if not least <= len(ports["input"]) <= most:
        raise _refused(where, f"{name} has {len(ports['input'])} inputs")
    if kind[0] == "Const":
        _check_constant(data, weights_size, name, where)
    return ports["input"], ports["output"]


def _check_constant(data: dict[str, str], weights_size: int, name: str, where: str) -> None:
    if set(data) != {"element_type", "shape", "offset", "size"} or "?" in data["shape"]:
        raise _refused(where, f"{name} does not state its type")
    count = math.prod(int(side) for side in data["shape"].split(",") if side.strip())
    offset, size = int(data["offset"]), int(data["size"])
    if size != count * _TYPE_BYTES[data["element_type"]]:
        raise _refused(where, f"{name} has a size that does not match its shape")
    if offset < 0 or offset + size > weights_size:
        raise _refused(where, f"{name} reads beyond the weights")


def _checked_ports(part: Any, name: str, where: str) -> set[str]:
    found: set[str] = set()
    for port in part:
        number = port.get("id", "")
        sides = [dim.text or "" for dim in port]
        if number in found or not _NUMBER.fullmatch(number):
            raise _refused(where, f"{name} has two ports with the same number")
        if not all(_NUMBER.fullmatch(side) and int(side) >= -1 for side in sides):
            raise _refused(where, f"{name} has a size that is not a number")
        if math.prod(abs(int(side)) for side in sides) > _MOST_ELEMENTS:
            raise _refused(where, f"{name} is too large")
        found.add(number)
    return found


def _check_edges(edges: Any, layers: dict[str, _Layer], where: str) -> None:
    """Check that every input is fed once by an existing output, and that no layer feeds itself."""
    fed: set[tuple[str, str]] = set()
    after: dict[str, list[str]] = {number: [] for number in layers}
    waiting = dict.fromkeys(layers, 0)
    for edge in edges:
        source, target = edge.get("from-layer", ""), edge.get("to-layer", "")
        port = edge.get("to-port", "")
        if (
            source not in layers
            or target not in layers
            or edge.get("from-port", "") not in layers[source][1]
            or port not in layers[target][0]
            or (target, port) in fed
        ):
            raise _refused(where, "a connection leads nowhere")
        fed.add((target, port))
        after[source].append(target)
        waiting[target] += 1
    if len(fed) != sum(len(inputs) for inputs, _ in layers.values()):
        raise _refused(where, "an input has no connection")
    ready = deque(number for number, count in waiting.items() if not count)
    ordered = 0
    while ready:
        ordered += 1
        for target in after[ready.popleft()]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if ordered != len(layers):
        raise _refused(where, "its layers feed each other in a circle")


def _refused(where: str, why: str) -> BundleError:
    return BundleError(
        f"The networks in {where} are damaged or were changed ({GRAPH_FILES[0]}): {why}. "
        "They were not loaded; get the model again from its author."
    )
