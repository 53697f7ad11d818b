"""Compiling a graph so that its weights are in memory once.

OpenVINO's CPU plugin lays the kernels out anew for the processor, and keeps the float32 ones from
which it did so as long as the graph lives, although it hardly reads them again: twice the size of
the bf16 ones that it computes with. They are therefore moved to a file, from which the system reads
back what is still needed.
"""

import io
import logging
import mmap
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from bachview.jobs.memory import give_back_memory
from bachview.models.engines.openvino_runtime import openvino

_log = logging.getLogger(__name__)

#: Takes mapped pages out of memory; None where the system offers nothing of the kind (Windows).
_DROP: Final[int | None] = getattr(mmap, "MADV_DONTNEED", None)


class CompiledGraph:
    """A graph compiled for a device. One thread at a time.

    Attributes
    ----------
    compiled : the ``openvino.CompiledModel``. Neither it nor its requests may be used after the
        last reference to this object is gone.
    """

    def __init__(
        self, core: Any, graph: Any, device: str, options: Mapping[str, Any], folder: Path
    ) -> None:
        """Compile; on the CPU a second time, from a file of the first result.

        Parameters
        ----------
        core : an ``openvino.Core``.
        graph : an ``openvino.Model``.
        options : of ``compile_model``.
        folder : for the file, created if necessary. The file has no name and some four bytes for
            each weight. Where it cannot be written, the weights stay in memory.

        Raises
        ------
        RuntimeError
            The device rejects the graph.
        """
        self.compiled = core.compile_model(graph, device, options)
        self._weights: mmap.mmap | None = None
        if device != "CPU" or _DROP is None or not _can_import(core, device):
            return
        try:
            self._weights = _written(self.compiled, folder)
        except OSError as error:
            _log.info("the weights stay in memory: %s", error.strerror)
            return
        self.compiled = None
        give_back_memory()
        shared = openvino().Tensor(np.frombuffer(self._weights, np.uint8), shared_memory=True)
        self.compiled = core.import_model(shared, device, options)

    def drop_weights(self) -> None:
        """Take out of memory what only compiling and the first run needed. Quick."""
        if self._weights is not None and _DROP is not None:
            self._weights.madvise(_DROP)


def _can_import(core: Any, device: str) -> bool:
    return "EXPORT_IMPORT" in core.get_property(device, "OPTIMIZATION_CAPABILITIES")


class _Passed(io.BytesIO):
    """Writes to a file. OpenVINO takes nothing but this class, and changes its first bytes last."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self.error: OSError | None = None  # OpenVINO loses it and goes on

    def write(self, content: Any) -> int:
        try:
            return self._file.write(content)
        except OSError as error:
            self.error = error
            raise

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _written(compiled: Any, folder: Path) -> mmap.mmap:
    """The exported graph, mapped from a file that is deleted with the last reference.

    Raises
    ------
    OSError
        There is no room, or `folder` is not writable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder, prefix="weights-") as file:
        stream = _Passed(file)
        compiled.export_model(stream)
        if stream.error is not None:
            raise stream.error
        file.flush()
        # Writable only because OpenVINO takes no other memory: it never writes.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_WRITE)
