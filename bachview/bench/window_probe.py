"""A real viewer in a fresh process, controlled by a script, that prints its measurements.

``python -m bachview.bench.window_probe start`` and so on; started by the benchmarks
`start`, `opening` and `memory`. The script is a generator: it yields conditions, and continues when
one holds. It runs between the events of the window, in the GUI thread.
"""

import json
import runpy
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

if TYPE_CHECKING:
    from bachview.ui.view.slide_view import SlideView
    from bachview.ui.window.main_window import MainWindow

Figures = dict[str, float]
Script = Callable[["Probe"], Iterator[Callable[[], bool]]]

_POLL_MS = 1
_GIVE_UP_S = 60.0
_STATIONS = 600


class Probe(QObject):
    """Waits for the window, then runs the script and closes the window. GUI thread.

    Attributes
    ----------
    argument : of the script: a slide, or the time when this process was started.
    figures : what the script measured.
    painted : the `time.monotonic` of the latest painting of the window or a part of it.
    """

    def __init__(self, application: QApplication, script: Script, arguments: Sequence[str]) -> None:
        super().__init__(application)  # which keeps it
        self.argument = arguments[0]
        self.figures: Figures = {}
        self.painted = 0.0
        self._script = script(self)
        self._condition: Callable[[], bool] = lambda: self.painted > 0
        self._since = time.monotonic()
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._step)
        self._timer.start()
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Record paintings; events are not consumed."""
        if event.type() == QEvent.Type.Paint and isinstance(watched, QWidget):
            self.painted = time.monotonic()
        return False

    @property
    def window(self) -> "MainWindow":
        """The viewer's window."""
        from bachview.ui.window.main_window import MainWindow

        return next(w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow))

    @property
    def view(self) -> "SlideView | None":
        """The view of the current slide, once it is open."""
        from bachview.ui.view.slide_view import SlideView

        return next((v for v in self.window.findChildren(SlideView) if v.isVisible()), None)

    def _step(self) -> None:
        if time.monotonic() - self._since > _GIVE_UP_S:
            raise SystemExit("the window did not get ready")
        while self._condition():
            self._since = time.monotonic()
            try:
                self._condition = next(self._script)
            except StopIteration:
                self._timer.stop()
                # Before the window closes, as the program may then end its process itself.
                sys.stdout.write(json.dumps(self.figures) + "\n")
                sys.stdout.flush()
                self.window.close_unasked()
                return


def start(probe: Probe) -> Iterator[Callable[[], bool]]:
    """The window is already painted when the script starts."""
    # The parent's clock: seconds since the epoch, just before it started this process.
    born = float(probe.argument)
    probe.figures["on_screen_s"] = time.time() - (time.monotonic() - probe.painted) - born
    yield from ()


def opening(probe: Probe) -> Iterator[Callable[[], bool]]:
    """Open a slide, and wait for a picture and for the sharp one."""
    begun = time.monotonic()
    probe.window.open_slides([Path(probe.argument)])

    def has_picture() -> bool:
        view = probe.view
        return view is not None and view.viewport is not None and not view.has_blank

    yield has_picture
    shown = time.monotonic()
    yield lambda: probe.painted > shown - _POLL_MS / 1e3
    probe.figures["first_picture_s"] = probe.painted - begun
    yield lambda: probe.view is not None and probe.view.is_settled
    probe.figures["sharp_s"] = time.monotonic() - begun


def memory(probe: Probe) -> Iterator[Callable[[], bool]]:
    """Ten minutes of navigation without pauses: a new place each second."""
    import numpy as np
    import psutil

    from bachview.core.geometry import Point

    process = psutil.Process()
    probe.window.open_slides([Path(probe.argument)])
    yield lambda: probe.view is not None and probe.view.is_settled
    view = probe.view
    if view is None or view.viewport is None or view.pyramid is None:
        raise SystemExit("the slide did not open")
    extent = view.pyramid.extent
    random = np.random.default_rng(0)
    coarsest = view.viewport.downsample
    samples = []
    for _ in range(_STATIONS):
        x, y = random.random(2) * (extent.right, extent.bottom)
        downsample = float(coarsest ** random.random())
        view.set_viewport(view.viewport.centered(Point(x, y)).with_downsample(downsample))
        yield lambda: probe.view is not None and probe.view.is_settled
        samples.append(process.memory_info().rss / 1e9)
    quarter = _STATIONS // 4
    probe.figures["highest_gb"] = max(samples)
    probe.figures["second_quarter_gb"] = float(np.mean(samples[quarter : 2 * quarter]))
    probe.figures["last_quarter_gb"] = float(np.mean(samples[-quarter:]))


_SCRIPTS: dict[str, Script] = {"start": start, "opening": opening, "memory": memory}


def main() -> None:
    """Run the script named by the first argument in the program as started by users."""
    _, name, *arguments = sys.argv
    application = QApplication(["bachview"])
    Probe(application, _SCRIPTS[name], arguments)
    sys.argv = ["bachview", "view"]
    runpy.run_module("bachview", run_name="__main__")


if __name__ == "__main__":
    main()
