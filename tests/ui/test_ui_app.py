"""Start and end of the application, and what happens to errors nobody caught."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.errors import Cancelled, SlideOpenError
from bachview.ui.dialogs.failure_dialog import FailureDialog
from bachview.ui.session.failures import CRASH_NAME, CrashFile, ExceptionHook, Failure, failure_of
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import pink_slide

#: The libraries that a start without a slide does not wait for.
_HEAVY = {"pydantic", "openvino", "sklearn", "scipy", "tensorflow", "tifffile", "pydicom", "psutil"}

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


#: Runs the viewer in a process of its own: it takes over signals and the fault handler.
SCRIPT = """
import os, signal, sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from bachview.ui.window.app import run_viewer
from bachview.ui.window.main_window import MainWindow

application = QApplication([])

def look():
    windows = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]
    if windows and windows[0].tabs.page is not None and not windows[0].selector.is_loading:
        print(windows[0].windowTitle(), flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
    else:
        QTimer.singleShot(50, look)

QTimer.singleShot(0, look)
sys.exit(run_viewer([Path(sys.argv[1])], warms_up=False))
"""


def test_the_window_waits_for_no_heavy_library() -> None:
    code = (
        "import sys, bachview.ui.window.app; "
        "print([name for name in sys.argv[1:] if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, *sorted(_HEAVY)]
    assert subprocess.check_output(command, text=True).strip() == "[]"


def test_the_viewer_runs_until_the_system_ends_it(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(800, 600))
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", SCRIPT, str(path)],
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "a.tiff – bachview"), done.stderr
    assert (user_folders().config / "bachview.ini").exists()
    assert not list(user_folders().logs.glob(CRASH_NAME.format("*")))


#: As systems that announce the end of a session do, while a slide is being classified.
LOG_OUT = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from bachview.models.bundle.installed import resolve_bundle
from bachview.ui.window.app import run_viewer
from bachview.ui.window.main_window import MainWindow

application = QApplication([])

def look():
    windows = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]
    page = windows[0].tabs.page if windows else None
    progress = page.document.run.status.progress if page is not None else None
    if progress is None or not progress.done:
        QTimer.singleShot(20, look)
        return
    print(windows[0].close(), QApplication.activeModalWidget().windowTitle(), flush=True)
    if sys.argv[2] == "announced":
        application.commitDataRequest.emit(None)
    application.quit()
    print(windows[0].isVisible(), flush=True)
    windows[0].close_unasked()

QTimer.singleShot(0, look)
sys.exit(run_viewer([Path(sys.argv[1]), resolve_bundle("selftest")], classify=True, warms_up=False))
"""


@pytest.mark.parametrize(("end", "stays"), [("announced", False), ("asked for", True)])
def test_a_log_out_in_a_run_waits_for_no_answer(tmp_path: Path, end: str, stays: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", LOG_OUT, str(pink_slide(tmp_path / "a.tiff")), end],
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    said = ["False Close bachview", str(stays)]
    assert (done.returncode, done.stdout.splitlines()) == (0, said), done.stderr


def test_a_known_error_is_a_sentence_and_a_bug_has_its_trace(
    expects_log: pytest.LogCaptureFixture,
) -> None:
    known = failure_of(SlideOpenError("a.svs is empty."))
    assert known == Failure("a.svs is empty.", "")
    assert not known.is_bug
    assert not expects_log.records
    try:
        raise ZeroDivisionError
    except ZeroDivisionError as error:
        bug = failure_of(error)
    assert bug.is_bug
    assert "ZeroDivisionError" in bug.trace
    assert expects_log.records[-1].levelname == "CRITICAL"


def test_the_hook_hands_errors_of_any_thread_over(
    expects_log: pytest.LogCaptureFixture,
) -> None:
    shown: list[Failure] = []
    threads: list[threading.Thread] = []

    def hand_over(function: Callable[[Failure], None], failure: Failure) -> None:
        threads.append(threading.current_thread())
        function(failure)

    earlier = sys.excepthook
    hook = ExceptionHook(hand_over, shown.append)
    try:

        def fail() -> None:
            raise ZeroDivisionError

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        sys.excepthook(Cancelled, Cancelled(), None)
    finally:
        hook.remove()
    assert sys.excepthook is earlier
    assert [failure.is_bug for failure in shown] == [True]
    assert threads == [thread]


#: No process has a number beyond the largest that systems give.
_DEAD = 2**22 + 1


def test_a_crash_of_a_process_that_still_runs_is_left_to_it(tmp_path: Path) -> None:
    running = tmp_path / CRASH_NAME.format(os.getppid())
    running.write_text("Fatal Python error", encoding="utf-8")
    killed = tmp_path / CRASH_NAME.format(_DEAD)
    killed.touch()
    assert CrashFile(tmp_path).earlier_crash() is None
    assert running.exists()
    assert not killed.exists()


def test_a_crash_of_the_last_session_is_found_once(tmp_path: Path) -> None:
    (tmp_path / CRASH_NAME.format(_DEAD)).write_text("Fatal Python error", encoding="utf-8")
    kept = CrashFile(tmp_path).earlier_crash()
    assert kept is not None
    assert kept.read_text(encoding="utf-8") == "Fatal Python error"
    assert CrashFile(tmp_path).earlier_crash() is None


def test_the_dialog_of_a_bug_shows_its_trace(qtbot: QtBot, tmp_path: Path) -> None:
    dialog = FailureDialog(Failure("Something went wrong.", "Traceback: x"), tmp_path / "log")
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.failure.is_bug
    assert not dialog.isModal()
