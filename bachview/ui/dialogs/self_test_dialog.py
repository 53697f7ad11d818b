"""Help → Self-test: a table of checks that fills while they run."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QProgressBar, QTableWidgetItem, QWidget

from bachview.errors import BachviewError
from bachview.jobs.tokens import CancelToken
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.icons import icon
from bachview.ui.look.tables import plain_table
from bachview.ui.look.widgets import muted
from bachview.ui.session.services import Services

if TYPE_CHECKING:
    from bachview.models.verification import Check


class SelfTestDialog(LaidOutDialog):
    """Draws a slide with known classes, classifies it and checks the result."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__("Self-test", parent, title="Testing…", size=(760, 480))
        self._services = services
        self._token = CancelToken()
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 0)
        self._table = plain_table(("", "Check", "Finding"), self, stretched=2)
        self._table.setAccessibleName("Checks")
        self._table.setWordWrap(True)
        self._table.hide()  # until there is something in it
        self.content.addWidget(
            muted(
                "Draws a slide with known classes and classifies it with a model made for testing. "
                "Checks class names and order, alignment, resuming and the engine.",
                self,
            )
        )
        self.content.addWidget(self._bar)
        self.content.addWidget(self._table, 1)
        self._space = QWidget(self)
        self.content.addWidget(self._space, 1)
        self.add_close()
        self.checks: tuple[Check, ...] = ()
        self._start()

    def _start(self) -> None:
        bridge = self._services.bridge

        def run(token: CancelToken) -> "tuple[Check, ...]":
            from bachview.selftest.checks import run_selftest
            from bachview.ui.view.selftest_rendering import render_pixels

            with tempfile.TemporaryDirectory(prefix="bachview-selftest-") as folder:
                return run_selftest(
                    Path(folder),
                    render_pixels,
                    token=token,
                    progress=lambda done, total: bridge.call(self._on_progress, token, done, total),
                )

        self._services.bridge.watch(
            self._services.io.submit(run, self._token),
            self._on_done,
            self._on_error,
            on_finished=self._on_finished,
            topic=self,
        )

    def _on_progress(self, token: CancelToken, done: int, total: int) -> None:
        if token.is_cancelled:
            return
        self._bar.setRange(0, total)
        self._bar.setValue(done)

    def _on_finished(self) -> None:
        self._bar.setRange(0, 1)
        self._bar.setValue(1)
        self.set_title("The self-test was stopped")

    def _on_done(self, checks: "tuple[Check, ...]") -> None:
        self.checks = checks
        failed = sum(not check.ok for check in checks)
        self.set_title(
            f"{failed} of {len(checks)} checks failed: do not use this installation"
            if failed
            else f"All {len(checks)} checks passed"
        )
        colors = self._services.theme.colors
        self._show_rows(len(checks))
        for row, check in enumerate(checks):
            state = QTableWidgetItem("passed" if check.ok else "FAILED")
            state.setIcon(icon("check" if check.ok else "problem", colors))
            for place, item in enumerate(
                (state, QTableWidgetItem(check.name), QTableWidgetItem(check.message))
            ):
                item.setToolTip(check.message)
                self._table.setItem(row, place, item)
        self._table.resizeRowsToContents()
        for row in range(len(checks)):
            self._table.setRowHeight(row, self._table.rowHeight(row) + 8)

    def _show_rows(self, count: int) -> None:
        self._bar.hide()
        self._space.hide()
        self._table.setRowCount(count)
        self._table.show()

    def _on_error(self, error: BachviewError) -> None:
        self.set_title("The self-test could not be run")
        self._show_rows(1)
        self._table.setItem(0, 2, QTableWidgetItem(str(error)))
        self._table.resizeRowsToContents()

    def done(self, result: int) -> None:
        """Closing stops the test at its next step; its outcome is not shown."""
        self._token.cancel()
        self._services.bridge.forget(self)
        super().done(result)
