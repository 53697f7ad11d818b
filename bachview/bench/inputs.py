"""Inputs of the benchmarks: created once in the cache folder, or drawn with a fixed seed."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.bench.result import Say
from bachview.core.geometry import Point, Region
from bachview.core.patches import PatchGeometry, PatchGrid
from bachview.errors import BundleError, EngineError
from bachview.jobs.own_program import module_command
from bachview.slide.reader import SlideReader

RGB = npt.NDArray[np.uint8]


def phantom(folder: Path, width: int, height: int, say: Say) -> Path:
    """A phantom slide of this size; written if it is missing."""
    path = folder / f"phantom-{width}x{height}.tiff"
    if not path.exists():
        from bachview.phantom.writer import write_phantom

        def progress(done: int, total: int) -> None:
            say(f"writing a slide of {width:,} × {height:,} px: {100 * done / total:.0f} %")

        write_phantom(path, width=width, height=height, progress=progress)
    return path


def untrained_bundle(folder: Path, say: Say) -> Path:
    """The three real architectures with random weights.

    Built if it is missing, or has another format version.

    In a separate process: TensorFlow stays out of this one, in which memory and frame times are
    measured.

    Raises
    ------
    EngineError
        It cannot be built, usually because TensorFlow is not installed.
    """
    path = folder / "untrained-1.bachmodel"
    if not _can_be_opened(path):
        path.unlink(missing_ok=True)
        say("building the bundle of the three real architectures (a minute or two)")
        answer = subprocess.run(
            module_command("bachview", "bundle", "make-untrained", str(path)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        if answer.returncode:
            reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise EngineError(f"The bundle for the benchmark cannot be built: {reason}")
    return path


def _can_be_opened(bundle: Path) -> bool:
    from bachview.models.bundle.opened import open_bundle

    try:
        open_bundle(bundle).close()
    except BundleError:
        return False
    return True


def tissue_patches(
    reader: SlideReader, geometry: PatchGeometry, count: int, *, center: Point | None = None
) -> tuple[RGB, Region]:
    """Patches of a phantom slide around `center` (the slide's if None), nearest first.

    Returns
    -------
    (count, input_px, input_px, 3) uint8 RGB, and the level-0 region of a square of at least as
    many.
    """
    from bachview.slide.patches import PatchReader

    metadata = reader.metadata
    middle = center or metadata.pyramid.extent.center
    grid = PatchGrid.over(metadata.pyramid.extent, metadata.pixel_size, geometry).patches
    side = int(np.ceil(count**0.5)) + 1
    region = Region.around(middle, side * grid.stride_x, side * grid.stride_y)
    rows, columns = grid.cells_in(region)
    cells = [
        (r, c) for r in range(rows.start, rows.stop) for c in range(columns.start, columns.stop)
    ]
    patches = PatchReader(reader, metadata.pixel_size, geometry)
    pixels = [patches.read(grid.field(row, column)) for row, column in cells[:count]]
    return np.stack(pixels), region


def ask_child(
    module: str,
    arguments: Callable[[], Sequence[str]],
    *,
    platform: str = "offscreen",
    timeout_s: float = 120.0,
) -> dict[str, Any]:
    """Run ``python -m MODULE ARGUMENTS`` and read the JSON document that it prints last.

    For measurements that need a fresh process: start, memory. It has its own settings, so that no
    earlier session is restored.

    Parameters
    ----------
    arguments : called just before the start, so that they may include the time.
    platform : Qt's.

    Raises
    ------
    EngineError
        It failed or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="bachview-bench-") as home:
        environment = {**os.environ, "QT_QPA_PLATFORM": platform, "BACHVIEW_HOME": home}
        try:
            answer = subprocess.run(
                module_command(module, *arguments()),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                check=False,
                timeout=timeout_s,
                env=environment,
            )
        except subprocess.TimeoutExpired as error:
            raise EngineError(f"{module} did not end within {timeout_s:g} s.") from error
    if answer.returncode:
        reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise EngineError(f"{module} ended with exit code {answer.returncode}: {reason}")
    document: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    return document
