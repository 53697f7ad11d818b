"""Help → Collect a problem report: every file of it is shown before it is saved."""

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QFileDialog,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QSplitter,
    QWidget,
)

from bachview.errors import BachviewError
from bachview.jobs.tokens import CancelToken
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.spacing import TIGHT
from bachview.ui.look.widgets import allow, muted, plain
from bachview.ui.session.services import Services

if TYPE_CHECKING:
    from bachview.models.verification import Check
    from bachview.problem_report.report import Part, Request

_COLLECTING = "The files are being collected"
_TEST_TIP = "Checks this computer; takes about a minute"
_EXPLANATION = (
    "This is what the report holds: no slide, no picture, no results. Names of files, folders, the "
    "user and the computer are replaced. Read it before you send it, and take out what you do not "
    "want to pass on. Nothing is sent by the program."
)


class ProblemReportDialog(LaidOutDialog):
    """Lists the files of a report with their full text, and saves those that are ticked."""

    def __init__(
        self, make_request: "Callable[[], Request]", services: Services, parent: QWidget
    ) -> None:
        """Collect at once.

        Parameters
        ----------
        make_request : what the report is of; called in the GUI thread.
        """
        super().__init__("Problem report", parent, title="Collecting…", size=(940, 640))
        self._services = services
        self._token = CancelToken()
        self._request = make_request()
        self._parts: list[Part] = []
        self.files = QListWidget(self)
        self.files.setAccessibleName("Files of the report")
        self.files.setSpacing(TIGHT)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Text of the chosen file")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        split = QSplitter(Qt.Orientation.Horizontal, self)
        split.addWidget(self.files)
        split.addWidget(self.text)
        split.setStretchFactor(1, 1)
        split.setSizes([260, 640])
        split.setChildrenCollapsible(False)
        self.message = plain(muted("", self))
        self.add_close()
        self.test_button = self.add_action("Add a &self-test", _TEST_TIP)
        self.save_button = self.add_action("&Save as…")
        self.save_button.setDefault(True)
        for button in (self.test_button, self.save_button):
            allow(button, _COLLECTING)
        self.content.addWidget(muted(_EXPLANATION, self))
        self.content.addWidget(split, 1)
        self.content.addWidget(self.message)
        self.files.currentRowChanged.connect(self._show_text)
        self.files.itemChanged.connect(self._on_ticked)
        self.test_button.clicked.connect(self._test)
        self.save_button.clicked.connect(self._ask_file)
        self._collect()

    @property
    def ticked(self) -> "tuple[Part, ...]":
        """What is saved."""
        return tuple(
            part
            for row, part in enumerate(self._parts)
            if self.files.item(row).checkState() is Qt.CheckState.Checked
        )

    def save(self, path: Path) -> None:
        """Write the ticked files to a zip, and say so."""
        from bachview.problem_report.report import write_zip

        try:
            write_zip(path, self.ticked)
        except BachviewError as error:
            self.message.setText(str(error))
            return
        self.message.setText(f"Saved as {path}.")

    def _collect(self) -> None:
        request = self._request

        def collect(token: CancelToken) -> "tuple[Part, ...]":
            from bachview.problem_report.report import collect

            return collect(request)

        self._services.bridge.watch(
            self._services.io.submit(collect, self._token),
            self._on_collected,
            self._on_error,
            topic=self,
        )

    def _on_collected(self, parts: "tuple[Part, ...]") -> None:
        for part in parts:
            self._add(part)
        self.files.setCurrentRow(0)
        allow(self.test_button, "", _TEST_TIP)
        self._on_ticked()

    def _add(self, part: "Part") -> None:
        self._parts.append(part)
        item = QListWidgetItem(f"{part.title}\n{part.name}")
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Checked)
        self.files.addItem(item)

    def _show_text(self, row: int) -> None:
        if 0 <= row < len(self._parts):
            self.text.setPlainText(self._parts[row].text)

    def _on_ticked(self) -> None:
        count = len(self.ticked)
        self.title.setText(f"{count} of {len(self._parts)} files go into the report")
        allow(self.save_button, "" if count else "Tick a file first")

    def _test(self) -> None:
        allow(self.test_button, "The self-test runs, or is in the report already")
        self.message.setText("Testing…")
        request = self._request

        def test(token: CancelToken) -> "Part":
            from bachview.problem_report.report import self_test_part
            from bachview.selftest.checks import run_selftest
            from bachview.ui.view.selftest_rendering import render_pixels

            with tempfile.TemporaryDirectory(prefix="bachview-selftest-") as folder:
                checks: tuple[Check, ...] = run_selftest(Path(folder), render_pixels, token=token)
            return self_test_part(request, checks)

        self._services.bridge.watch(
            self._services.io.submit(test, self._token), self._on_tested, self._on_error, topic=self
        )

    def _on_tested(self, part: "Part") -> None:
        self.message.setText("")
        self._add(part)
        self.files.setCurrentRow(len(self._parts) - 1)
        self._on_ticked()

    def _on_error(self, error: BachviewError) -> None:
        self.message.setText(str(error))
        allow(self.test_button, "", _TEST_TIP)

    def _ask_file(self) -> None:
        # Local time, without a name of anything.
        stem = f"bachview-problem-report-{datetime.now():%Y-%m-%d-%H%M}.zip"
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the problem report", str(Path.home() / stem), "Zip archives (*.zip)"
        )
        if name:
            path = Path(name)
            self.save(path if path.suffix else path.with_suffix(".zip"))

    def done(self, result: int) -> None:
        """Closing stops what is still being collected or tested."""
        self._token.cancel()
        self._services.bridge.forget(self)
        super().done(result)
