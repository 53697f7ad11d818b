"""OpenVINO on machines that are not this one."""

from typing import Any

import numpy as np
import pytest

from bachview.errors import EngineError
from bachview.models.bundle.opened import open_bundle
from bachview.models.engines import openvino_engine
from bachview.models.engines.openvino_engine import OpenVinoEngine
from bachview.models.engines.openvino_runtime import is_out_of_memory, openvino
from bachview.models.loading import load_ensemble
from tests.support.bundles import selftest_path


class _OtherMachine:
    """OpenVINO as it would be where a driver is broken, or the processor has no bf16."""

    def __init__(self) -> None:
        self._real = openvino()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def Core(self) -> "_OtherMachine":  # noqa: N802
        return self

    @property
    def available_devices(self) -> list[str]:
        return ["CPU", "GPU"]

    def get_property(self, device: str, name: str) -> Any:
        if device == "GPU":
            raise RuntimeError("[GPU] Failed to create a context")
        return self._real.Core().get_property(device, name)

    def read_model(self, **parts: Any) -> Any:
        return self._real.Core().read_model(**parts)

    def compile_model(self, graph: Any, device: str, options: dict[str, Any]) -> Any:
        if device == "GPU":
            raise RuntimeError("[GPU] Failed to create a context")
        return self._real.Core().compile_model(
            graph, device, {**options, "INFERENCE_PRECISION_HINT": "f32"}
        )

    def import_model(self, content: Any, device: str, options: dict[str, Any]) -> Any:
        return self._real.Core().import_model(
            content, device, {**options, "INFERENCE_PRECISION_HINT": "f32"}
        )


@pytest.fixture
def other_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = _OtherMachine()
    monkeypatch.setattr(openvino_engine, "openvino", lambda: machine)


@pytest.mark.usefixtures("other_machine")
def test_a_device_with_a_broken_driver_is_passed_over() -> None:
    with load_ensemble(selftest_path()) as ensemble:
        assert ensemble.info.device == "CPU"


@pytest.mark.usefixtures("other_machine")
def test_the_precision_that_is_stated_is_the_one_in_use() -> None:
    with open_bundle(selftest_path()) as bundle:
        engine = OpenVinoEngine(bundle, device="CPU", precision="bf16")
        assert engine.info.precision == "f32"
        engine.close()


class _Failing:
    """An inference request that fails as OpenVINO does."""

    def __init__(self, message: str) -> None:
        self._message = message

    def start_async(self, inputs: object) -> None:
        pass

    def wait_for(self, milliseconds: int) -> bool:
        raise RuntimeError(self._message)

    def cancel(self) -> None:
        pass

    def wait(self) -> None:
        raise RuntimeError("Infer Request was canceled")


@pytest.mark.parametrize(
    ("message", "is_memory"),
    [
        (
            "Exception from src/core/src/runtime/allocator.cpp:79:\nstd::bad_alloc\n",
            True,
        ),
        (
            "Check 'ptr' failed at cpu_memory.cpp:257:\nFailed to allocate 1048576 bytes of memory",
            True,
        ),
        ("could not create a memory object", True),
        ("[GPU] clEnqueueNDRangeKernel, error code: -5 CL_OUT_OF_RESOURCES", False),
        ("Exception from src/inference/src/cpp/infer_request.cpp:224:\nno such node", False),
    ],
)
def test_a_batch_for_which_memory_is_short_can_be_halved(message: str, is_memory: bool) -> None:
    with open_bundle(selftest_path()) as bundle:
        engine = OpenVinoEngine(bundle, device="CPU", precision="f32")
        side = bundle.manifest.patch.input_px
        engine._requests = [_Failing(message)]
        with pytest.raises(EngineError, match="CPU failed while classifying") as caught:
            engine.run(np.zeros((2, side, side, 3), np.uint8))
        assert isinstance(caught.value, MemoryError) == is_memory
        assert ("there is too little memory." in str(caught.value)) == is_memory
        engine.close()


def test_what_openvino_says_where_memory_is_short_is_understood() -> None:
    with pytest.raises(RuntimeError) as caught:
        openvino().Tensor(openvino().Type.f32, openvino().Shape([2**58]))
    assert is_out_of_memory(caught.value)
