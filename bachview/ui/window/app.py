"""Starts the application: theme, hooks, the window, the event loop."""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

from PySide6.QtCore import Qt, QTimer, qVersion
from PySide6.QtWidgets import QApplication, QMessageBox

from bachview.config import user_folders
from bachview.jobs.memory import keep_large_blocks_apart
from bachview.logs import LOG_NAME
from bachview.ui.dialogs.failure_dialog import FailureDialog
from bachview.ui.dialogs.modal import show
from bachview.ui.look.icons import application_icon
from bachview.ui.look.theme import Theme
from bachview.ui.session.failures import CrashFile, ExceptionHook, Failure
from bachview.ui.session.garbage import GarbageCollector
from bachview.ui.session.services import Services
from bachview.ui.session.settings import SettingsFile
from bachview.ui.window.main_window import MainWindow
from bachview.ui.window.opened_files import OpenedFiles
from bachview.version import __version__

_log = logging.getLogger(__name__)

_SIGNAL_POLL_MS = 200


def run_viewer(
    paths: Sequence[Path],
    *,
    classify: bool = False,
    warms_up: bool = True,
) -> int:
    """Open the window and run until it is closed. Main thread.

    Parameters
    ----------
    paths : slides to open; the last bundle among them is used instead of that of the last session.
    classify : classify the slides as soon as they are open.
    warms_up : load the ensemble as soon as a slide is open.

    Returns
    -------
    The exit code. If a job does not end in time, the process is ended here: everything is saved by
    then, and threads are never killed.
    """
    keep_large_blocks_apart()
    folders = user_folders()
    application = _application()
    garbage = GarbageCollector()
    _log.info("Qt %s, %s", qVersion(), application.platformName())
    crash_file = CrashFile(folders.logs)
    earlier_crash = crash_file.earlier_crash()
    crash_file.open()
    settings = SettingsFile(folders.config)
    theme = Theme(application, settings.now.theme)
    services = Services.start(settings, theme, warms_up=warms_up)
    window = MainWindow(services)
    reporter = _Reporter(window, folders.logs / LOG_NAME)
    hook = ExceptionHook(services.bridge.call, reporter.show)
    ended: list[bool] = []
    window.closed.connect(ended.append)
    window.closed.connect(application.quit)
    # Before the windows are closed by the end of the session, on systems that announce it.
    application.commitDataRequest.connect(window.expect_log_out, Qt.ConnectionType.DirectConnection)
    opened_files = OpenedFiles(application, window.open_files)
    signals = _Signals(window)
    window.show()
    window.start_with(paths, classify=classify)
    if earlier_crash is not None:
        window.messages.problem(
            "bachview stopped unexpectedly last time. Finished work is not lost; a trace is in "
            f"{earlier_crash}.",
            *window.keeper.offers,
        )
    code = application.exec()
    signals.give_back()
    opened_files.stop()
    hook.remove()
    garbage.close()
    settings.now = replace(settings.now, theme=theme.choice)
    settings.save()
    crash_file.close()
    if ended and not ended[-1]:
        # Everything is saved; waiting for a hanging thread would keep the process alive for ever.
        _log.warning("The process is ended while a job still runs.")
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)
    return code


def show_refusal(text: str) -> None:
    """Show why the program does not start, until that is answered. Main thread."""
    application = _application()
    box = QMessageBox(
        QMessageBox.Icon.Critical,
        "bachview does not start",
        text,
        QMessageBox.StandardButton.Close,
    )
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.finished.connect(application.quit)
    box.show()
    application.exec()
    box.deleteLater()


def _application() -> QApplication:
    """The application of this process, created if there is none."""
    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(["bachview"])
    application.setApplicationName("bachview")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName("bachview")
    application.setWindowIcon(application_icon())
    return application


class _Reporter:
    """Shows bugs in a dialog, one at a time, and known errors as a message."""

    def __init__(self, window: MainWindow, log_file: Path) -> None:
        self._window = window
        self._log_file = log_file
        self._dialog: FailureDialog | None = None

    def show(self, failure: Failure) -> None:
        """Tell the user. GUI thread."""
        if not failure.is_bug:
            self._window.messages.problem(failure.message)
            return
        if self._dialog is not None:
            return  # one is enough; all are in the log
        self._dialog = FailureDialog(failure, self._log_file, self._window)
        self._dialog.finished.connect(self._on_finished)
        show(self._dialog)

    def _on_finished(self) -> None:
        self._dialog = None  # it deletes itself


class _Signals:
    """Close the window on Ctrl-C in the terminal, and when the user logs out. Nothing is asked."""

    def __init__(self, window: MainWindow) -> None:
        def close(number: int, frame: FrameType | None) -> None:
            window.close_unasked()

        names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        self._earlier = {number: signal.signal(number, close) for number in numbers}
        # Python runs signal handlers only while executing Python code, so it must run now and then.
        self._timer = QTimer(window)
        self._timer.setInterval(_SIGNAL_POLL_MS)
        self._timer.timeout.connect(lambda: None)
        self._timer.start()

    def give_back(self) -> None:
        """Restore the previous handlers."""
        self._timer.stop()
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
