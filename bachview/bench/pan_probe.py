"""A slide view in a separate process, moved by scripted mouse and wheel events.

``python -m bachview.bench.pan_probe SLIDE WIDTH HEIGHT [BUNDLE]`` prints the times of all
frames as one JSON document; with a bundle, the slide is classified meanwhile. Started by the
benchmark `pan`.

A frame's time is everything that the GUI thread does for it: the input event, everything that
worker threads have handed over since the last frame, and the painting. Between frames the GUI
thread sleeps until the next one is due, and the workers can use the machine.
"""

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from bachview.core.geometry import Point, Region
from bachview.core.predictions import PatchResults, Prediction
from bachview.jobs.lanes import Lane
from bachview.jobs.progress import Progress
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideReader
from bachview.ui.bridge import Bridge
from bachview.ui.view.slide_view import SlideView

_CACHE_BYTES = 512 << 20
_WAIT_S = 60.0

#: Interval between frames, s: 60 Hz.
_FRAME_S = 1 / 60

Step = Callable[[], None]


class Hand:
    """Sends events as a user would."""

    def __init__(self, view: SlideView) -> None:
        self._view = view
        self._at = QPointF(view.width() / 2, view.height() / 2)

    def _mouse(self, kind: QEvent.Type, button: Qt.MouseButton, held: Qt.MouseButton) -> None:
        event = QMouseEvent(kind, self._at, self._at, button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self._view, event)

    def press(self) -> None:
        """Left button down."""
        left = Qt.MouseButton.LeftButton
        self._mouse(QEvent.Type.MouseButtonPress, left, left)

    def release(self) -> None:
        """Left button up."""
        self._mouse(
            QEvent.Type.MouseButtonRelease, Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        )

    def move(self, dx: float, dy: float) -> None:
        """Mouse move with the button down."""
        self._at += QPointF(dx, dy)
        self._mouse(QEvent.Type.MouseMove, Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton)

    def wheel(self, units: int) -> None:
        """Turn the wheel, 120 units per notch."""
        event = QWheelEvent(
            self._at,
            self._at,
            QPoint(),
            QPoint(0, units),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,  # Qt's: not inverted
        )
        QApplication.sendEvent(self._view, event)


def pan_path(hand: Hand, view: SlideView) -> Iterator[Step]:
    """300 frames of dragging along curves, from very slow to a screen in half a second."""
    fastest = view.width() / 30
    for stroke in range(6):
        yield hand.press
        for n in range(48):
            speed = fastest * math.sin(math.pi * (n + 0.5) / 48) * (0.15, 0.4, 1.0)[stroke % 3]
            angle = 1.1 * stroke + n / 30
            yield partial(hand.move, speed * math.cos(angle), speed * math.sin(angle))
        yield hand.release


def zoom_path(hand: Hand) -> Iterator[Step]:
    """300 frames: zoom out to the whole slide and in to level 0, in notches and finely."""
    for units, frames in ((-120, 75), (120, 75), (-40, 75), (40, 75)):
        for n in range(frames):
            # A notch every third frame, as fast as a user turns; fractions of one in each frame.
            is_due = abs(units) < 120 or n % 3 == 0
            yield partial(hand.wheel, units if is_due else 0)


@dataclass
class Frames:
    """Measurements: ms of each frame, processor ms in it, blank frames."""

    times: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    blank: int = 0


def measure(view: SlideView, steps: Iterator[Step]) -> Frames:
    """Walk the path at 60 frames a second, or as fast as it goes."""
    frames = Frames()
    application = QApplication.instance()
    assert application is not None  # noqa: S101  # made in main
    due = time.perf_counter()
    for step in steps:
        due += _FRAME_S
        begun, used = time.perf_counter(), time.thread_time()
        step()
        application.processEvents()
        ended = time.perf_counter()
        frames.times.append((ended - begun) * 1e3)
        frames.processor.append((time.thread_time() - used) * 1e3)
        frames.blank += view.has_blank
        if ended < due:
            time.sleep(due - ended)
        else:
            due = ended
    return frames


def wait_for(condition: Callable[[], bool]) -> None:
    """Run the event loop until the condition holds."""
    deadline = time.perf_counter() + _WAIT_S
    while not condition():
        if time.perf_counter() > deadline:
            raise SystemExit("the view did not get ready")
        QApplication.processEvents()
        time.sleep(0.002)


@contextmanager
def classifying(view: SlideView, reader: SlideReader, bundle: Path) -> Iterator[None]:
    """Classify the slide, visible part first, with the overlay growing in the view."""
    from bachview.inference.plan import make_plan
    from bachview.inference.run import RunStart, classify
    from bachview.models.loading import load_ensemble
    from bachview.store.results import ResultStore

    metadata, bridge, token = reader.metadata, Bridge(), CancelToken()
    lane = Lane("inference", low_priority=True)
    shown: list[Prediction] = []
    region: list[Region] = []

    def follow(_: object = None) -> None:
        if view.viewport is not None:
            region[:] = [view.viewport.region]

    with ExitStack() as stack:
        ensemble = stack.enter_context(load_ensemble(bundle))
        plan = make_plan(metadata, metadata.pixel_size, ensemble.bundle)
        thresholds = ensemble.bundle.thresholds

        def start(run: RunStart) -> None:
            shown[:] = [run.prediction]
            view.set_prediction(run.prediction, thresholds)

        def grow(results: PatchResults) -> None:
            shown[0].add(results)
            view.refresh_overlay()

        def on_results(results: PatchResults, _: Progress) -> None:
            bridge.call(grow, results)

        def job(token: CancelToken) -> None:
            while True:  # a fast machine starts again, so that the run competes to the end
                with (
                    tempfile.TemporaryDirectory(prefix="bachview-bench-") as folder,
                    ResultStore.open(Path(folder), metadata.fingerprint) as store,
                ):
                    classify(
                        reader,
                        ensemble,
                        plan,
                        store,
                        token,
                        view=lambda: region[0] if region else None,
                        on_start=lambda run: bridge.call(start, run),
                        on_results=on_results,
                    )

        follow()
        view.viewportChanged.connect(follow)
        future = lane.submit(job, token)
        wait_for(lambda: future.done() or (bool(shown) and shown[0].version > 2))
        yield
        if future.done():
            raise SystemExit(f"the run ended during the measurement: {future.exception()!r}")
        bridge.close()
        token.cancel()
        lane.close(10)


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    from bachview.slide.opening import open_slide
    from bachview.slide.tiles.cache import TileCache

    slide, width, height, *bundle = arguments
    QApplication([sys.argv[0], "-style", "Fusion"])
    reader = open_slide(Path(slide))
    view = SlideView()
    view.resize(int(width), int(height))
    view.show()
    view.set_slide(reader, TileCache(_CACHE_BYTES), reader.metadata.pixel_size)
    wait_for(lambda: view.is_settled)
    extent = reader.metadata.pyramid.extent
    view.zoom_to_magnification(10.0)
    view.center_on(Point(extent.width * 0.45, extent.height * 0.45))
    wait_for(lambda: view.is_settled)
    hand = Hand(view)
    with ExitStack() as stack:
        if bundle:
            stack.enter_context(classifying(view, reader, Path(bundle[0])))
        pan = measure(view, pan_path(hand, view))
        zoom = measure(view, zoom_path(hand))
    closed = view.close_slide()
    reader.close()
    document = {
        "pan": pan.times,
        "zoom": zoom.times,
        "processor": [*pan.processor, *zoom.processor],
        "blank": pan.blank + zoom.blank,
    }
    print(json.dumps(document))  # noqa: T201
    return 0 if closed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
