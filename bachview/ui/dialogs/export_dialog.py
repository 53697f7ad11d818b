"""What to write of a slide, into which files and which folder."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from bachview.config import RESEARCH_USE
from bachview.core.geometry import Region
from bachview.core.scope import WHOLE_SLIDE
from bachview.export import formats
from bachview.export.formats import ExportFormat, written_kinds
from bachview.policy.values import LOCKED_TEXT
from bachview.ui.look.spacing import TIGHT
from bachview.ui.look.widgets import dialog_column, heading, muted, plain


class ExportDialog(QDialog):
    """Part of the slide, kinds and folder; says which existing files will be replaced."""

    def __init__(
        self,
        title: str,
        folder: Path,
        parent: QWidget | None = None,
        *,
        picture: str = "",
        parts: Mapping[str, Region | None] = MappingProxyType({WHOLE_SLIDE: None}),
        names: bool = True,
        nameless: Path | None = None,
        names_locked: bool = False,
    ) -> None:
        """Show what can be written, all of it chosen.

        Parameters
        ----------
        title : the slide's name.
        folder : where to write, to begin with.
        picture : which of several in the file, e.g. ``focal plane 2 of 3``; empty for one.
        parts : what can be written of the slide, by the words for it; level-0 px, None for the
            whole slide.
        names : whether the slide's name is written, to begin with.
        nameless : the folder instead of `folder` where it is not; None for the same.
        names_locked : whether the administrator has set `names`.
        """
        super().__init__(parent)
        self.setWindowTitle("Export results")
        self._boxes = {kind: QCheckBox(kind.title, self) for kind in formats.FORMATS}
        self._part = QComboBox(self)
        self._part.setAccessibleName("Part of the slide")
        for text, region in parts.items():
            self._part.addItem(text, region)
        self._names = QCheckBox("Name of the slide in the files", self)
        self._names.setChecked(names)
        self._names.setToolTip(
            "Names of slides may tell who the patient is.\n"
            "Without it the files name the slide by a fingerprint of its content only."
        )
        if names_locked:
            self._names.setEnabled(False)
            self._names.setText(f"{self._names.text()} ({LOCKED_TEXT.lower()})")
            self._names.setToolTip(f"{LOCKED_TEXT}.")
        self._proposed = {True: str(folder), False: str(nameless or folder)}
        self._folder = QLineEdit(self._proposed[names], self)
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
        column = dialog_column(self)
        column.addWidget(plain(heading(f"Results of {title}", self)))
        if picture:
            column.addWidget(muted(f"{picture[0].upper()}{picture[1:]}", self))
        column.addWidget(self._part)
        for kind, box in self._boxes.items():
            box.setChecked(kind.is_usual)
            box.setToolTip(", ".join(kind.file_names.values()))
            box.toggled.connect(self._check)
            column.addWidget(box)
        column.addSpacing(TIGHT)
        column.addWidget(self._names)
        column.addLayout(row)
        column.addWidget(self._note)
        column.addWidget(muted(f"{RESEARCH_USE} Label images are never exported.", self))
        column.addWidget(self._buttons)
        self._folder.textChanged.connect(self._check)
        self._names.toggled.connect(self._propose)
        self._check()

    @property
    def kinds(self) -> tuple[ExportFormat, ...]:
        return tuple(kind for kind, box in self._boxes.items() if box.isChecked())

    @property
    def region(self) -> Region | None:
        """The chosen part, level-0 px; None for the whole slide."""
        chosen: Region | None = self._part.currentData()
        return chosen

    @property
    def names(self) -> bool:
        """Whether the slide's name is to be written."""
        return self._names.isChecked()

    @property
    def folder(self) -> Path:
        # os.path, as Path.expanduser raises if there is no such user.
        return Path(os.path.expanduser(self._folder.text().strip()))  # noqa: PTH111

    def _propose(self, names: bool) -> None:  # a slot
        """The folder's name is a name too, unless the user has chosen it."""
        if self._folder.text() == self._proposed[not names]:
            self._folder.setText(self._proposed[names])

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the results", str(self.folder))
        if chosen:
            self._folder.setText(chosen)

    def _check(self) -> None:
        text = self._folder.text().strip()
        self._write.setEnabled(bool(text and self.kinds))
        there = [
            name
            for kind in written_kinds(self.folder, self.kinds if text else ())
            for name in kind.file_names.values()
            # os.path, as Path.exists raises if a network share does not answer.
            if os.path.exists(self.folder / name)  # noqa: PTH110
        ]
        self._note.setText(f"Will be replaced: {', '.join(there)}." if there else "")
