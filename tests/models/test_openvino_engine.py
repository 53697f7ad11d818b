"""OpenVINO on machines that are not this one."""

from typing import Any

import pytest

from bachview.models import openvino_engine
from bachview.models.bundle import open_bundle
from bachview.models.ensemble import load_ensemble
from bachview.models.openvino_engine import OpenVinoEngine
from bachview.models.openvino_runtime import openvino
from tests.models.bundles import selftest_path


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
