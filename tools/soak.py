"""Use the window at random for long: ``make soak``.

    python -m tools.soak --minutes 20 --seed 0

A child process opens the real window (on the display, or offscreen where there is none) and
does what a restless user does: every action of the menus, keys, wheel, drags, messages, slides
opened, classified and closed, bundles and themes changed. The steps are drawn from a seed. The
exit code is 1 where the process dies or reports a fault of its own, where memory, threads or
handles grow from the first third to the last, or where a step holds the window for too long.
For each such step it shows what the GUI thread was doing.
"""

import argparse
import faulthandler
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tools.soak_watch import Step, Watchdog, table

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from bachview.ui.window.main_window import MainWindow

#: Growth from the first third of the steps to the last that is still noise.
_MOST_GROWTH = {"memory_mb": 150.0, "threads": 6.0, "handles": 12.0}
#: Longest that a single step may hold the window, ms; the budget is a frame of 100 ms.
_LONGEST_MS = 100.0
#: Steps that may take longer, of all: a first window of its kind is built once.
_SLOW_SHARE = 0.01
_SAMPLE_EVERY = 20
#: How likely a dialog stays open for another 40 ms.
_STAYS = 0.8
#: What arrives while the user does nothing: tiles, patches, slides. Judged like the steps.
_BETWEEN = "nothing, between the steps"
#: Not counted as that command: nothing is done.
_DISABLED = "a command that is disabled"
#: Bounded by the settings; what memory grows beyond it is growth.
_CACHE = "of it tiles in the cache"
_HANGS_S = 40.0


class Soak:
    """The user. GUI thread."""

    def __init__(self, window: "MainWindow", application: "QApplication", seed: int) -> None:
        self.window = window
        self.application = application
        self.random = random.Random(seed)
        self.steps: list[Step] = []
        self.between: list[Step] = []
        #: Commands that were drawn while they were disabled.
        self.disabled: set[str] = set()
        self.watchdog = Watchdog(_LONGEST_MS)
        self.samples: dict[str, list[float]] = {name: [] for name in (*_MOST_GROWTH, _CACHE)}

    def run(self, slides: list[Path], folder: Path, *, seconds: float, steps: int) -> None:
        """Until the time or the steps are over."""
        from PySide6.QtTest import QTest

        ends = time.monotonic() + seconds
        for number in range(steps):
            if time.monotonic() > ends:
                return
            # A step that never ends shows where it hangs, and ends the process.
            faulthandler.dump_traceback_later(_HANGS_S, exit=True)
            name, act = self._drawn(slides, folder)
            with self.watchdog.step(name) as step:
                act()
                self.application.processEvents()
            self.steps.append(step)
            pause = self.random.choice((0, 0, 5, 30))
            with self.watchdog.step(_BETWEEN) as step:
                QTest.qWait(pause)
            step.wall_ms -= pause
            self.between.append(step)
            if number % _SAMPLE_EVERY == 0:
                self._sample()

    def _drawn(self, slides: list[Path], folder: Path) -> tuple[str, Callable[[], object]]:
        draw, window = self.random, self.window
        kind = draw.random()
        if kind < 0.35:
            quit_it = window.file_commands.quit  # the tool does that itself
            command = draw.choice([c for c in window.commands.all if c is not quit_it])
            name = command.text().replace("&", "")
            if not command.isEnabled():
                self.disabled.add(name)
                return _DISABLED, lambda: None
            return name, command.trigger
        if kind < 0.41:
            return "magnify", draw.choice(window.view_commands.magnifications).trigger
        if kind < 0.46:
            return "open a slide", lambda: window.open_slides([draw.choice(slides)])
        if kind < 0.48:
            return "open a bad file", lambda: window.open_slides([folder / "missing.tiff"])
        if kind < 0.54:
            return "message", self._message
        if kind < 0.56:
            return "choose a bundle", lambda: window.selector.choose("selftest")
        if kind < 0.58:
            return "change a menu", self._menu
        return self._by_hand()

    def _message(self) -> None:
        messages = self.window.messages
        if self.random.random() < 0.3:
            messages.clear()
        else:
            say = self.random.choice((messages.notice, messages.problem))
            say(f"message {self.random.randint(0, 9)}")

    def _menu(self) -> None:
        menu = self.random.choice((self.window.menus.recent, self.window.menus.bundles))
        menu.aboutToShow.emit()

    def _by_hand(self) -> tuple[str, Callable[[], object]]:
        from PySide6.QtCore import QPoint, QPointF, Qt
        from PySide6.QtGui import QWheelEvent
        from PySide6.QtTest import QTest

        page, draw = self.window.tabs.page, self.random
        if page is None:
            return "look at the start page", self.application.processEvents
        view = page.view
        x, y = draw.randrange(max(1, view.width())), draw.randrange(max(1, view.height()))
        place = QPoint(x, y)
        kind = draw.random()
        if kind < 0.4:
            turn = QPoint(0, draw.choice((-240, -120, 120, 240)))
            event = QWheelEvent(
                QPointF(place), QPointF(view.mapToGlobal(place)), QPoint(), turn,
                Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            return "wheel", lambda: self.application.sendEvent(view, event)
        if kind < 0.75:
            to = QPoint(x + draw.randint(-200, 200), y + draw.randint(-200, 200))

            def drag() -> None:
                QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=place)
                QTest.mouseMove(view, to)
                QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=to)

            return "drag", drag
        if kind < 0.9:
            return "move the cursor", lambda: QTest.mouseMove(view, place)
        key = draw.choice((Qt.Key.Key_Left, Qt.Key.Key_Plus, Qt.Key.Key_Home, Qt.Key.Key_Escape))
        return "key", lambda: QTest.keyClick(view, key)

    def _sample(self) -> None:
        import psutil

        process = psutil.Process()
        self.samples["memory_mb"].append(process.memory_info().rss / 1e6)
        self.samples[_CACHE].append(self.window.services.cache.size_bytes / 1e6)
        self.samples["threads"].append(process.num_threads())
        count = getattr(process, "num_fds", None) or getattr(process, "num_handles")  # noqa: B009
        self.samples["handles"].append(count())

    @property
    def figures(self) -> dict[str, object]:
        """What was measured, for JSON."""
        return {
            "steps": [asdict(step) for step in self.steps],
            "between": [asdict(step) for step in self.between],
            "samples": self.samples,
            "never_done": sorted(self.disabled - {step.name for step in self.steps}),
        }


@contextmanager
def _answered(application: "QApplication", slides: list[Path], folder: Path) -> Iterator[None]:
    """Dialogs of the system give an answer at once; ours are accepted or closed in a while."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QDialog, QFileDialog

    def files(*_: object) -> tuple[list[str], str]:
        return [str(slides[0])], ""

    def nothing(*_: object) -> tuple[str, str]:
        return "", ""

    QFileDialog.getOpenFileNames = files  # type: ignore[method-assign, assignment]
    QFileDialog.getOpenFileName = nothing  # type: ignore[method-assign, assignment]
    QFileDialog.getExistingDirectory = lambda *_: str(folder)  # type: ignore[method-assign]

    draw = random.Random(0)

    def answer() -> None:
        modal = application.activeModalWidget()
        dialogs = [w for w in application.topLevelWidgets() if isinstance(w, QDialog)]
        for dialog in dialogs if modal is None else [d for d in dialogs if d is modal]:
            # Some stay for a while, so that what they work on arrives in them.
            if not dialog.isVisible() or draw.random() < _STAYS:
                continue
            if dialog.isModal() and draw.random() < 0.5:
                dialog.accept()
            else:
                dialog.close()

    timer = QTimer()
    timer.timeout.connect(answer)
    timer.start(40)
    yield
    timer.stop()


def _use(folder: Path, *, seconds: float, steps: int, seed: int) -> int:
    """In the child: the window, the user, the figures on standard output."""
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtWidgets import QApplication

    from bachview.config import user_folders
    from bachview.phantom.writer import write_phantom
    from bachview.ui.look.theme import Theme, ThemeChoice
    from bachview.ui.session.garbage import GarbageCollector
    from bachview.ui.session.services import Services
    from bachview.ui.session.settings import SettingsFile
    from bachview.ui.window.main_window import MainWindow

    slides = [folder / f"{number}.tiff" for number in range(3)]
    for number, slide in enumerate(slides):
        write_phantom(slide, width=2048 + 512 * number, height=2048, seed=number)
    faults: list[str] = []
    sys.excepthook = lambda *fault: faults.append("".join(traceback.format_exception(*fault)))
    application = QApplication(["soak", "-style", "Fusion"])
    garbage = GarbageCollector(application)
    settings = SettingsFile(user_folders().config)
    settings.now = replace(settings.now, bundle="selftest", export_folder=folder / "exports")
    theme = Theme(application, ThemeChoice.LIGHT)
    window = MainWindow(Services.start(settings, theme), closing_s=30)
    window.resize(1280, 800)
    window.show()
    soak = Soak(window, application, seed)
    with _answered(application, slides, folder):
        soak.run(slides, folder, seconds=seconds, steps=steps)
    faulthandler.cancel_dump_traceback_later()
    window.close_unasked()
    garbage.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    print(json.dumps({**soak.figures, "faults": faults}))
    sys.stdout.flush()
    os._exit(0)  # the figures are there; what Qt does at its very end is not part of it


def _growth(values: list[float]) -> float:
    """From the first third to the last."""
    third = len(values) // 3
    if not third:
        return 0.0
    # The first third holds the warming up: its highest is what was needed once.
    return statistics.median(values[-third:]) - max(values[:third])


def _judged(figures: dict[str, object], steps: list[Step], between: list[Step]) -> list[str]:
    """Sentences of what is wrong."""
    wrong = [f"a fault of the program: {text}" for text in figures["faults"]]  # type: ignore[attr-defined]
    samples: dict[str, list[float]] = figures["samples"]  # type: ignore[assignment]
    for name, most in _MOST_GROWTH.items():
        growth = _growth(samples[name])
        if name == "memory_mb":
            growth -= max(0.0, _growth(samples[_CACHE]))
        if growth > most:
            wrong.append(f"{name} grows by {growth:.0f}")
    slow = sum(step.wall_ms > _LONGEST_MS for step in (*steps, *between))
    if slow > _SLOW_SHARE * len(steps):
        wrong.append(f"{slow} steps held the window for more than {_LONGEST_MS:.0f} ms")
    return wrong


def main() -> int:
    """The table, and the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--steps", type=int, default=1_000_000, help="at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    seconds = 60 * asked.minutes
    if asked.child is not None:
        faulthandler.enable()
        return _use(asked.child, seconds=seconds, steps=asked.steps, seed=asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "BACHVIEW_HOME": f"{folder}/home"}
        if "DISPLAY" not in environment:
            environment["QT_QPA_PLATFORM"] = "offscreen"
        done = subprocess.run(
            [sys.executable, "-m", "tools.soak", *sys.argv[1:], "--child", folder],
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds + 300,
            check=False,
        )
    # What the offscreen platform says of every window with a least size is no news.
    print(*(t for t in done.stderr.splitlines() if "propagateSizeHints" not in t), sep="\n")
    if done.returncode:
        print(f"the window died: exit code {done.returncode}")
        return 1
    figures = json.loads(done.stdout.splitlines()[-1])
    steps = [Step(**step) for step in figures["steps"]]
    between = [Step(**step) for step in figures["between"]]
    print(*table(steps, between, _LONGEST_MS), sep="\n")
    for name, values in figures["samples"].items():
        third = max(1, len(values) // 3)
        first, last = max(values[:third]), statistics.median(values[-third:])
        print(f"  {name:26} at most {first:.0f} in the first third, {last:.0f} in the last")
    print("never done:", ", ".join(figures["never_done"]) or "nothing")
    wrong = _judged(figures, steps, between)
    print("\n".join(wrong) or "nothing is wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
