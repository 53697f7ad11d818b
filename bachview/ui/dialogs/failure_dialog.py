"""The dialog that reports a bug."""

from pathlib import Path

from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QWidget,
)

from bachview.ui.look.widgets import dialog_column
from bachview.ui.session.failures import Failure


class FailureDialog(QDialog):
    """Shows a bug with its traceback; does not block the window."""

    def __init__(self, failure: Failure, log_file: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Error in bachview")
        self.setModal(False)
        self.failure = failure
        heading = QLabel("An unexpected error occurred", self)
        heading.setObjectName("heading")
        text = QLabel(
            f"{failure.message} You can continue working. If it happens again, please report it: "
            "Help → Collect a problem report makes a file without the names of slides. The text "
            f"below is also in the log file:\n{log_file}",
            self,
        )
        text.setWordWrap(True)
        trace = QPlainTextEdit(failure.trace, self)
        trace.setReadOnly(True)
        trace.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        trace.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        trace.setMinimumHeight(180)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        copy = buttons.addButton("Copy text", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(failure.trace))
        buttons.rejected.connect(self.reject)
        copy.setAutoDefault(False)
        buttons.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
        column = dialog_column(self)
        column.addWidget(heading)
        column.addWidget(text)
        column.addWidget(trace, 1)
        column.addWidget(buttons)
        self.resize(640, 420)
