"""The one door to OpenVINO: imported without its telemetry, errors mapped.

``openvino_telemetry`` reports conversions to its maker over the network unless the user
opted out by hand. bachview never uses the network, so the package is hidden before OpenVINO
looks for it; OpenVINO then falls back to its own stub, which sends nothing.
"""

import sys
from functools import cache
from typing import Any, Final

#: What OpenVINO, oneDNN, the C++ runtimes and OpenCL say where memory is short. Their kind of
#: exception does not tell: all reach Python as RuntimeError.
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
    """The ``openvino`` package, its telemetry off. Any thread; takes about 0.3 s once."""
    for name in [n for n in list(sys.modules) if n.split(".")[0] == "openvino_telemetry"]:
        sys.modules.pop(name, None)
    # None makes every later "import openvino_telemetry" an ImportError.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    _replace_loaded_telemetry()
    return openvino


def _replace_loaded_telemetry() -> None:
    """Where somebody imported OpenVINO earlier, put its own stub in telemetry's place."""
    from openvino.tools.ovc import telemetry_stub

    for name, module in list(sys.modules.items()):
        if name.startswith("openvino.tools.ovc") and "tm" in vars(module):
            vars(module)["tm"] = telemetry_stub


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an OpenVINO error means that memory was short."""
    text = str(error).lower()
    return any(words in text for words in _NO_MEMORY)


def first_line(error: BaseException) -> str:
    """The line of an OpenVINO error that tells a reader most, without paths of its sources."""
    if is_out_of_memory(error):
        return "there is too little memory."
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("Exception from", "Check '"))]
    return (telling or lines or ["no reason given"])[-1].rstrip(".") + "."
