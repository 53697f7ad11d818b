"""``overlay``: composing a frame's overlay of 1,000,000 classified patches."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bachview.bench.result import Result, Say, graded
from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Point, Region, Size
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.core.uncertainty import Thresholds
from bachview.viewing.style import Drawing, OverlayStyle
from bachview.viewing.viewport import Viewport

if TYPE_CHECKING:
    from bachview.ui.view.overlay_source import OverlaySource

_CELLS = 1000
_CELL_PX = 224
_MPP = 0.5
_FRAMES = 120
_SIZES = (Size(1920, 1080), Size(3840, 2160))
_THRESHOLDS = Thresholds(0.4, 0.6)


def measure(say: Say, folder: Path) -> Iterator[Result]:
    """Time from the prediction to the drawn overlay, at rest and while patches arrive.

    Then the same with contours, at reading magnification and of the whole slide, and how long it
    takes until those of a new view are there.
    """
    from PySide6.QtCore import QCoreApplication

    # Contours come from their thread through an event loop.
    application = QCoreApplication.instance() or QCoreApplication([])
    prediction = large_prediction(_CELLS)
    side = _CELLS * _CELL_PX
    middle = Point(side / 2, side / 2)
    for size in _SIZES:
        whole = side / size.height
        views = (
            ("whole slide", whole, Drawing.TINT),
            ("a tenth of it", whole / 10, Drawing.TINT),
            ("contours at 10x", 10 / (10 * _MPP), Drawing.AUTO),
            ("contours of the whole slide", whole, Drawing.CONTOURS),
        )
        for name, downsample, drawing in views:
            start = Viewport(middle, downsample, size)
            source = _source(prediction, drawing)
            if drawing is not Drawing.TINT:
                say(f"overlay: {size.width}x{size.height}, {name}, from nothing")
                yield from _until_there(source, start, f"{size.width}x{size.height}, {name}")
            for grows in (False, True):
                kind = "patches arriving" if grows else "panning"
                case = f"{size.width}x{size.height}, {name}, {kind}"
                say(f"overlay: {case}")
                for part, times in _frame_times(source, prediction, start, grows=grows).items():
                    for p in (50, 99):
                        value = float(np.percentile(times, p))
                        yield graded("overlay", f"{case}, {part}, p{p}", value, "ms")
            source.close()
    application.processEvents()


def _source(prediction: Prediction, drawing: Drawing) -> "OverlaySource":
    from bachview.ui.view.overlay_source import OverlaySource

    source = OverlaySource()
    source.pixel_size = PixelSize.typed(_MPP)
    source.style = OverlayStyle(drawing=drawing)
    source.set_prediction(prediction, _THRESHOLDS)
    return source


def _until_there(source: "OverlaySource", viewport: Viewport, case: str) -> Iterator[Result]:
    """Time until the contours of a view are there, at 60 frames a second meanwhile.

    ``share of the window's thread``: of that time, what the frames took of the thread that the
    window needs.
    """
    from PySide6.QtCore import QCoreApplication

    begun, own = time.perf_counter(), time.thread_time()
    source.layers(viewport)
    while not source.is_settled:
        time.sleep(1 / 60)
        QCoreApplication.processEvents()
        source.layers(viewport)
    elapsed, own = time.perf_counter() - begun, time.thread_time() - own
    yield graded("overlay", f"{case}, until they are there", elapsed * 1e3, "ms")
    share = 100 * own / elapsed
    yield graded("overlay", f"{case}, share of the window's thread until then", share, "%")


def large_prediction(side: int) -> Prediction:
    """A prediction of side x side classified cells with classes in patches, as in tissue."""
    region = Region(0, 0, side * _CELL_PX, side * _CELL_PX)
    grid = PatchGrid(region, _CELL_PX, _CELL_PX, _CELL_PX, _CELL_PX)
    tissue = TissueCells.centred(np.ones((side, side), np.bool_))
    prediction = Prediction(grid, BACH_CLASSES, ("a", "b"), tissue)
    random = np.random.default_rng(0)
    blots = random.random((side // 20 + 1, side // 20 + 1, 4), np.float32) ** 4
    rows, columns = np.indices((side, side)).reshape(2, -1)
    raw = blots[rows // 20, columns // 20] + random.random((side**2, 4), np.float32) / 8
    probabilities = (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)
    prediction.add(
        PatchResults(
            np.stack([rows, columns], axis=1).astype(np.int32),
            np.full(side**2, CellState.CLASSIFIED, np.uint8),
            np.stack([probabilities, probabilities], axis=1),
            probabilities,
        )
    )
    return prediction


def _frame_times(
    source: "OverlaySource", prediction: Prediction, start: Viewport, *, grows: bool
) -> dict[str, list[float]]:
    """Milliseconds of each frame of a pan; before each, a batch arrives if `grows`.

    ``composed``: from the prediction to a picture. ``drawn whole``: that picture onto every pixel
    of the screen; while panning, the view draws uncovered strips only.
    """
    from PySide6.QtCore import QCoreApplication
    from PySide6.QtGui import QImage

    from bachview.ui.view.painting import ViewPlane, paint_layers, snapped

    size = start.device_size
    image = QImage(size.width, size.height, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFFFF)
    batch = _batch(prediction)
    composed, drawn = [], []
    viewport = start
    for frame in range(_FRAMES + 1):
        if grows:
            prediction.add(batch)
        QCoreApplication.processEvents()
        begun = time.perf_counter()
        exact, x, y = snapped(viewport)
        layers = source.layers(exact)
        made = time.perf_counter()
        window = (x, y, x + size.width, y + size.height)
        paint_layers(image, ViewPlane.of(exact), (x, y), layers, window)
        if frame:  # the first draws the picture that the others reuse
            composed.append((made - begun) * 1e3)
            drawn.append((time.perf_counter() - made) * 1e3)
        viewport = viewport.panned(-9, -5)
    return {"composed": composed, "drawn whole": drawn}


def _batch(prediction: Prediction) -> PatchResults:
    rows, columns = np.indices((4, 16)).reshape(2, -1) + _CELLS // 2
    members = np.tile(np.array([0.1, 0.2, 0.3, 0.4], np.float32), (64, 2, 1))
    return PatchResults(
        np.stack([rows, columns], axis=1).astype(np.int32),
        np.full(64, CellState.CLASSIFIED, np.uint8),
        members,
        members[:, 0],
    )
