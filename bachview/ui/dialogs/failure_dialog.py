"""The dialog that reports a bug."""

from pathlib import Path

from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.widgets import WrappedLabel, plain
from bachview.ui.session.failures import Failure


class FailureDialog(LaidOutDialog):
    """Shows a bug with its traceback; does not block the window."""

    def __init__(self, failure: Failure, log_file: Path, parent: QWidget | None = None) -> None:
        super().__init__(
            "Error in bachview", parent, title="An unexpected error occurred", size=(640, 420)
        )
        self.setModal(False)
        self.failure = failure
        text = WrappedLabel(
            f"{failure.message} You can continue working. If it happens again, please report it: "
            "Help → Collect a problem report makes a file without the names of slides. The text "
            f"below is also in the log file:\n{log_file}",
            self,
        )
        trace = QPlainTextEdit(failure.trace, self)
        trace.setReadOnly(True)
        trace.setAccessibleName("Text of the error")
        trace.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        trace.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.content.addWidget(plain(text))
        self.content.addWidget(trace, 1)
        self.add_close()
        copy = self.add_action("Copy text")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(failure.trace))
