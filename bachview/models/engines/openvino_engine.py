"""The default engine: OpenVINO on CPU, Intel GPU or NPU. No TensorFlow, no network.

Batches have a fixed size (the last is padded): every patch is computed by the same code whatever
else is in its batch, so a patch gets the same result alone and in a batch.

OpenVINO's worker threads inherit the priority of the thread that starts them (Linux). The graph is
therefore always compiled and first run on a low-priority thread, so that classification never
competes with the user interface.
"""

import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np

from bachview.config import user_folders
from bachview.errors import Cancelled, EngineError, EngineMemoryError
from bachview.jobs.lanes import Lane
from bachview.jobs.priority import lower_thread_priority
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.opened import Bundle
from bachview.models.engines.base import CnnOutputs, EngineInfo, Floats, Patches, joined
from bachview.models.engines.graph import INPUT_NAME, output_names, read_graph
from bachview.models.engines.openvino_compiling import CompiledGraph
from bachview.models.engines.openvino_runtime import first_line, is_out_of_memory, openvino

_log = logging.getLogger(__name__)

#: How long a cancel may wait for the next check of the token, ms.
_POLL_MS = 20
#: Patches in one request. Measured on 2 cores with the three real networks in bf16: two
#: requests of 4 at a time gave 81 patches/s, one of 8 gave 76, one of 1 gave 59.
_GRAPH_BATCH: Final = 4
#: How long the recommended batch should take, and its maximum size.
_BATCH_S: Final = 0.35
_BATCH_LIMIT: Final = 64
_T = TypeVar("_T")
_CAPABILITIES: Final = {"bf16": "BF16", "f16": "FP16"}


def available_devices() -> tuple[str, ...]:
    """Devices that OpenVINO finds on this machine, e.g. ``("CPU", "GPU")``."""
    return tuple(openvino().Core().available_devices)


def candidate_precisions(device: str) -> tuple[str, ...]:
    """Precisions that the device supports natively, fastest first; f32 is always last."""
    core = openvino().Core()
    try:
        capabilities = set(core.get_property(device, "OPTIMIZATION_CAPABILITIES"))
    except RuntimeError as error:
        # A broken driver: compiling will report why, and the next device is tried.
        _log.info("%s does not report its precisions: %s", device, first_line(error))
        return ("f32",)
    preferred = "bf16" if device.startswith("CPU") else "f16"
    fast = [preferred] if _CAPABILITIES[preferred] in capabilities else []
    # An NPU has no f32.
    exact = [] if device.startswith("NPU") and fast else ["f32"]
    return (*fast, *exact)


def candidate_devices(device: str) -> tuple[str, ...]:
    """Devices to try for the requested one, best first.

    AUTO is a GPU if there is one, else the CPU; an NPU only on request.

    Raises
    ------
    EngineError
        The device is not on this machine.
    """
    found = available_devices()
    if device == "AUTO":
        return (*(name for name in found if name.startswith("GPU")), "CPU")
    matching = tuple(name for name in found if name.split(".")[0] == device)
    if not matching:
        raise EngineError(
            f"This machine has no {device} that OpenVINO can use (it has "
            f"{', '.join(found)}): choose another device."
        )
    return matching[:1]


class OpenVinoEngine:
    """A `CnnEngine` on the fused graph of a bundle."""

    def __init__(self, bundle: Bundle, *, device: str, precision: str) -> None:
        """Compile the graph for one device and precision.

        Raises
        ------
        BundleError
            The graph is damaged or not what the manifest says.
        EngineError
            The device is missing or rejects the graph.
        """
        self._manifest = bundle.manifest
        try:
            _at_low_priority(lambda: self._start(bundle, device, precision))
        except RuntimeError as error:
            raise EngineError(
                f"The device {device} cannot run the networks of {bundle.path.name} in "
                f"{precision}: {first_line(error)}"
            ) from error

    def _start(self, bundle: Bundle, device: str, precision: str) -> None:
        side = self._manifest.patch.input_px
        options: dict[str, Any] = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_PRECISION_HINT": precision,
        }
        if device == "CPU":
            # Pinned threads would stay on the core that paints the window.
            options["ENABLE_CPU_PINNING"] = False
        self._graph: CompiledGraph | None = CompiledGraph(
            openvino().Core(),
            read_graph(bundle, batch=_GRAPH_BATCH),
            device,
            options,
            user_folders().cache,
        )
        compiled = self._graph.compiled
        count = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._requests = [compiled.create_infer_request() for _ in range(count)]
        self._info = EngineInfo(
            "openvino", _device_in_use(compiled, device), _precision_in_use(compiled, precision)
        )
        blank = np.zeros((_GRAPH_BATCH, side, side, 3), np.uint8)
        # The first round starts the remaining threads, the others measure the speed; the best one
        # counts, as other load on the machine can only make it slower.
        rounds_s = [self._round_s(blank) for _ in range(4)]
        self._graph.drop_weights()
        round_s = max(min(rounds_s[1:]), 1e-4)
        rounds = max(1, min(_BATCH_LIMIT // (count * _GRAPH_BATCH), round(_BATCH_S / round_s)))
        self._batch_size = rounds * count * _GRAPH_BATCH

    def _round_s(self, blank: Patches) -> float:
        started = time.perf_counter()
        for request in self._requests:
            request.start_async({INPUT_NAME: blank})
        for request in self._requests:
            request.wait()
        return time.perf_counter() - started

    @property
    def info(self) -> EngineInfo:
        return self._info

    @property
    def batch_size(self) -> int:
        """How many patches to give at once, from the speed measured at the start."""
        return self._batch_size

    def run(self, patches: Patches, token: CancelToken | None = None) -> CnnOutputs:
        if not self._requests:
            raise EngineError("The engine is closed.")
        parts: list[CnnOutputs] = []
        running: deque[tuple[Any, int]] = deque()
        free = deque(self._requests)
        try:
            for at in range(0, len(patches), _GRAPH_BATCH):
                if not free:
                    parts.append(self._finish(running, free, token))
                if token is not None and token.is_cancelled:
                    raise Cancelled
                part = patches[at : at + _GRAPH_BATCH]
                request = free.popleft()
                running.append((request, len(part)))
                request.start_async({INPUT_NAME: _filled_up(part)})
            while running:
                parts.append(self._finish(running, free, token))
        except RuntimeError as error:
            kind = EngineMemoryError if is_out_of_memory(error) else EngineError
            raise kind(
                f"{self._info.device} failed while classifying: {first_line(error)}"
            ) from error
        finally:
            # After a cancel or an error: nothing may keep running behind the caller's back.
            for request, _ in running:
                request.cancel()
            for request, _ in running:
                _wait_for_cancelled(request)
        return joined(parts, self._manifest)

    def _finish(
        self, running: deque[tuple[Any, int]], free: deque[Any], token: CancelToken | None
    ) -> CnnOutputs:
        """Wait for the oldest request and take its result."""
        request, count = running[0]
        while not request.wait_for(_POLL_MS):
            if token is not None and token.is_cancelled:
                raise Cancelled
        running.popleft()
        free.append(request)
        return self._outputs(request, count)

    def _outputs(self, request: Any, count: int) -> CnnOutputs:
        def copied(name: str) -> Floats:
            # The request's buffers are overwritten by its next run.
            return np.array(request.get_tensor(name).data[:count], dtype=np.float32)

        networks = range(len(self._manifest.cnns))
        return CnnOutputs.of([copied(name) for k in networks for name in output_names(k)])

    def close(self) -> None:
        """Free the graph and its threads; may be called twice."""
        self._requests = []
        self._graph = None


def _device_in_use(compiled: Any, asked: str) -> str:
    try:
        used = compiled.get_property("EXECUTION_DEVICES")
    except RuntimeError:
        return asked
    names = [used] if isinstance(used, str) else list(used)
    return ",".join(names) or asked


def _precision_in_use(compiled: Any, asked: str) -> str:
    """Precision of the compiled graph: a device that lacks one silently uses another."""
    try:
        used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    except RuntimeError:
        return asked
    return used if used in ("f32", "bf16", "f16") else asked


def _filled_up(patches: Patches) -> Patches:
    if len(patches) == _GRAPH_BATCH:
        return np.ascontiguousarray(patches)
    full = np.zeros((_GRAPH_BATCH, *patches.shape[1:]), np.uint8)
    full[: len(patches)] = patches
    return full


def _at_low_priority(job: Callable[[], _T]) -> _T:
    lane = Lane("openvino-start")

    def start(_token: CancelToken) -> _T:
        lower_thread_priority(computes_only=True)  # inherited by its compute threads
        return job()

    try:
        return lane.submit(start).result()
    finally:
        lane.close()


def _wait_for_cancelled(request: Any) -> None:
    """Wait for a cancelled request, which raises then; afterwards it can be used again."""
    with contextlib.suppress(RuntimeError):
        request.wait()
