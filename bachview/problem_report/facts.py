"""The computer and the program in lines of text."""

import platform
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from typing import Any

from bachview.build_info import build_info, is_frozen
from bachview.errors import EngineError
from bachview.licences.distributions import needed
from bachview.machine import machine
from bachview.models.engines.openvino_runtime import openvino


def lines_of(facts: Mapping[str, object]) -> str:
    """One line for each fact."""
    return "".join(f"{name}: {value}\n" for name, value in facts.items())


def program_facts() -> dict[str, object]:
    """Version, interpreter, and how the program was installed."""
    return {
        "bachview": build_info(ask_git=True),
        "installed as": "frozen program" if is_frozen() else "Python package",
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "file names are encoded as": sys.getfilesystemencoding(),
    }


def machine_facts() -> dict[str, object]:
    """System, processor and memory."""
    import psutil

    facts = machine()
    memory = psutil.virtual_memory()
    own = psutil.Process().memory_info().rss
    return {
        "system": facts["system"],
        "architecture": f"{platform.machine()}, {platform.architecture()[0]}",
        "C library": " ".join(platform.libc_ver()).strip() or "not stated",
        "processor": facts["processor"],
        "cores": facts["cores"],
        "processor features": ", ".join(facts["flags"]) or "none of those that matter here",
        "memory": f"{_gb(memory.total)}, {_gb(memory.available)} of it free",
        "memory of this process": _gb(own),
    }


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"


def library_versions() -> dict[str, object]:
    """Version of each library that the program depends on, and that is installed."""
    found = needed(["bachview"]).values() or metadata.distributions()
    versions = {distribution.name: distribution.version for distribution in found}
    return dict(sorted(versions.items(), key=lambda entry: entry[0].lower()))


def openvino_facts() -> dict[str, object]:
    """OpenVINO's version and the devices that it finds here. Takes half a second the first time."""
    try:
        runtime = openvino()
    except (EngineError, ImportError, OSError) as error:
        return {"OpenVINO": f"cannot be loaded ({type(error).__name__})"}
    facts: dict[str, object] = {"OpenVINO": runtime.get_version()}
    try:
        core = runtime.Core()
        for device in core.available_devices:
            facts[f"device {device}"] = _device_text(partial(core.get_property, device))
    except Exception as error:  # a driver can raise anything
        facts["devices"] = f"cannot be listed ({type(error).__name__})"
    return facts


def _device_text(ask: Callable[[str], Any]) -> str:
    texts = []
    for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES"):
        try:
            value = ask(name)
        except Exception:  # noqa: S112  # not every device states every property
            continue
        texts.append(", ".join(value) if isinstance(value, list) else str(value))
    return "; ".join(texts) or "states nothing"
