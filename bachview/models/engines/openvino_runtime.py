"""The only place that imports OpenVINO: without telemetry, and with errors mapped.

``openvino_telemetry`` reports conversions to its vendor over the network unless the user has opted
out. bachview never uses the network, so the package is hidden before OpenVINO looks for it;
OpenVINO then falls back to its own stub, which sends nothing.
"""

import sys
from functools import cache
from typing import Any, Final

#: Messages of OpenVINO, oneDNN, the C++ runtimes and OpenCL when memory is short. The type of the
#: exception does not help: all reach Python as RuntimeError.
_NO_MEMORY: Final = (
    "bad_alloc",
    "bad allocation",
    "failed to allocate",
    "could not create a memory",
    "out of memory",
    "cl_out_of_host_memory",
    "cl_mem_object_allocation_failure",
)


@cache
def openvino() -> Any:
    """The ``openvino`` package without telemetry. Any thread; takes about 0.3 s once."""
    for name in [n for n in list(sys.modules) if n.split(".")[0] == "openvino_telemetry"]:
        sys.modules.pop(name, None)
    # None makes every later "import openvino_telemetry" an ImportError.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    _replace_loaded_telemetry()
    return openvino


def _replace_loaded_telemetry() -> None:
    """If OpenVINO was imported earlier, replace its telemetry by its own stub."""
    from openvino.tools.ovc import telemetry_stub

    for name, module in list(sys.modules.items()):
        if name.startswith("openvino.tools.ovc") and "tm" in vars(module):
            vars(module)["tm"] = telemetry_stub


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an OpenVINO error is due to lack of memory."""
    text = str(error).lower()
    return any(words in text for words in _NO_MEMORY)


def first_line(error: BaseException) -> str:
    """The most informative line of an OpenVINO error, without paths of its sources."""
    if is_out_of_memory(error):
        return "there is too little memory."
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("Exception from", "Check '"))]
    return (telling or lines or ["no reason given"])[-1].rstrip(".") + "."
