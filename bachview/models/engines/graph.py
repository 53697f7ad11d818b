"""The fused graph in a bundle: names of its ports, reading and checking it."""

from typing import Any

from bachview.errors import BundleError
from bachview.models.bundle.manifest import GRAPH_FILES
from bachview.models.bundle.opened import Bundle
from bachview.models.engines.graph_check import check_graph_file, check_inferred_sizes
from bachview.models.engines.openvino_runtime import first_line, openvino

INPUT_NAME = "patches"


def output_names(index: int) -> tuple[str, str, str]:
    """Names of the outputs of CNN `index`: probabilities, features, activation map."""
    return f"probabilities_{index}", f"features_{index}", f"map_{index}"


def read_graph(bundle: Bundle, *, batch: int) -> Any:
    """The bundle's ``openvino.Model`` for batches of this size, checked against the manifest.

    Raises
    ------
    BundleError
        The graph cannot be read, its input or outputs are not what the manifest says, or a
        layer gives more than memory holds.
    """
    xml, weights = (bundle.read(name) for name in GRAPH_FILES)
    where = bundle.path.name
    check_graph_file(xml, len(weights), where)
    try:
        graph = openvino().Core().read_model(model=xml, weights=weights)
        check_graph(graph, bundle)
        side = bundle.manifest.patch.input_px
        graph.reshape([batch, side, side, 3])
    except RuntimeError as error:
        raise BundleError(
            f"The networks in {where} are damaged ({GRAPH_FILES[0]}): {first_line(error)}"
        ) from error
    check_inferred_sizes(graph, batch, where)
    return graph


def check_graph(graph: Any, bundle: Bundle) -> None:
    """Compare types and shapes of the ports with the manifest.

    Raises
    ------
    BundleError
        They differ.
    """
    manifest = bundle.manifest
    where = bundle.path.name
    side, classes = manifest.patch.input_px, len(manifest.classes)
    count = manifest.geometry.places_per_side
    cells = (count, count) if count > 1 else ()
    if len(graph.inputs) != 1:
        raise BundleError(f"The networks in {where} have {len(graph.inputs)} inputs, not one.")
    wanted: dict[str, tuple[str, tuple[int, ...]]] = {}
    for index, cnn in enumerate(manifest.cnns):
        probabilities, features, class_map = output_names(index)
        wanted[probabilities] = ("f32", (*cells, classes))
        wanted[features] = ("f32", (*cells, cnn.features))
        wanted[class_map] = ("f32", (*cnn.map_size, classes))
    _check_port(graph.inputs[0], INPUT_NAME, "u8", (side, side, 3), where)
    found = {name: port for port in graph.outputs for name in port.get_names()}
    if len(graph.outputs) != len(wanted):
        raise BundleError(
            f"The networks in {where} have {len(graph.outputs)} outputs; the "
            f"{len(manifest.cnns)} CNN members of the manifest need {len(wanted)}."
        )
    for name, (kind, shape) in wanted.items():
        if name not in found:
            raise BundleError(f"The networks in {where} have no output {name}.")
        _check_port(found[name], name, kind, shape, where)


def _check_port(port: Any, name: str, kind: str, shape: tuple[int, ...], where: str) -> None:
    if name not in port.get_names():
        raise BundleError(f"The input of the networks in {where} is not called {name}.")
    partial = port.get_partial_shape()
    sizes = tuple(
        partial[axis].get_length() if partial[axis].is_static else None
        for axis in range(1, len(partial))
    )
    type_name = port.get_element_type().to_string()
    if type_name != kind or sizes != shape:
        raise BundleError(
            f"{name} of the networks in {where} is {type_name} of shape {sizes}, but the "
            f"manifest needs {kind} of shape {shape}."
        )
