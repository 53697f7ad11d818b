"""Which files to write, and into which folder."""

import os
from pathlib import Path

from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from bachview.config import RESEARCH_USE
from bachview.export import formats
from bachview.export.formats import ExportFormat, written_kinds
from bachview.ui.look.widgets import heading, muted, plain


class ExportDialog(QDialog):
    """Kinds and folder; says which existing files will be replaced."""

    def __init__(self, title: str, folder: Path, parent: QWidget | None = None) -> None:
        """`folder` is that of the last export."""
        super().__init__(parent)
        self.setWindowTitle("Export results")
        self._boxes = {kind: QCheckBox(kind.title, self) for kind in formats.FORMATS}
        self._folder = QLineEdit(str(folder), self)
        self._folder.setAccessibleName("Folder")
        self._folder.setMinimumWidth(360)
        choose = QPushButton("Choose…", self)
        choose.clicked.connect(self._choose)
        self._note = muted("", self)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self._write = self._buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        self._write.setDefault(True)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self._folder, 1)
        row.addWidget(choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 14)
        column.setSpacing(10)
        column.addWidget(plain(heading(f"Results of {title}", self)))
        for kind, box in self._boxes.items():
            box.setChecked(True)
            box.setToolTip(kind.file_name)
            box.toggled.connect(self._check)
            column.addWidget(box)
        column.addSpacing(4)
        column.addLayout(row)
        column.addWidget(self._note)
        column.addWidget(muted(f"{RESEARCH_USE} Label images are never exported.", self))
        column.addWidget(self._buttons)
        self._folder.textChanged.connect(self._check)
        self._check()

    @property
    def kinds(self) -> tuple[ExportFormat, ...]:
        return tuple(kind for kind, box in self._boxes.items() if box.isChecked())

    @property
    def folder(self) -> Path:
        # os.path, as Path.expanduser raises if there is no such user.
        return Path(os.path.expanduser(self._folder.text().strip()))  # noqa: PTH111

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the results", str(self.folder))
        if chosen:
            self._folder.setText(chosen)

    def _check(self) -> None:
        text = self._folder.text().strip()
        self._write.setEnabled(bool(text and self.kinds))
        there = [
            kind.file_name
            for kind in written_kinds(self.folder, self.kinds if text else ())
            # os.path, as Path.exists raises if a network share does not answer.
            if os.path.exists(self.folder / kind.file_name)  # noqa: PTH110
        ]
        self._note.setText(f"Will be replaced: {', '.join(there)}." if there else "")
