"""The computer: processor, memory, system, versions. No host or user names."""

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

#: Processor features that determine how fast the networks run.
_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_bf16", "amx_int8")
_LIBRARIES = (
    "numpy",
    "openslide-bin",
    "openvino",
    "pillow",
    "PySide6-Essentials",
    "scikit-learn",
    "tensorflow",
)


def machine() -> dict[str, Any]:
    """Processor, memory, system, versions: plain values for JSON."""
    import psutil

    from bachview.build_info import build_info

    versions = {"bachview": str(build_info(ask_git=True)), "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    facts = _processor_facts()
    found = facts.get("flags", "").split()
    return {
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "cores": psutil.cpu_count() or 1,
        "flags": [flag for flag in _FLAGS if flag in found],
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "versions": versions,
    }


def _processor_facts() -> dict[str, str]:
    """Model name and flags as the system states them; empty if it does not."""
    if sys.platform == "darwin":
        answer = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"],
            capture_output=True,
            text=True,
            check=False,
        )
        return {"model name": answer.stdout.strip()}
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return {}
    facts: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    return facts
