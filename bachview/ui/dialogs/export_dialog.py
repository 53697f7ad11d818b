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
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from bachview.config import RESEARCH_USE
from bachview.core.geometry import Region
from bachview.core.scope import WHOLE_SLIDE
from bachview.export import formats
from bachview.export.formats import ExportFormat, written_kinds
from bachview.policy.values import LOCKED_TEXT
from bachview.ui.dialogs.picture_options import (
    GeoJsonOptions,
    PictureOptions,
    PyramidOptions,
    Shown,
)
from bachview.ui.look.spacing import APART, EDGE, NEAR, TIGHT
from bachview.ui.look.widgets import allow, dialog_column, heading, height_for, line, muted, plain
from bachview.ui.session.export_choices import ExportChoices
from bachview.ui.session.exporting import VISIBLE_PART

#: Room for the longest line of controls, px.
_WIDTH_PX = 540


class ExportDialog(QDialog):
    """Part of the slide, kinds, their options and the folder; says what will be replaced."""

    def __init__(
        self,
        title: str,
        folder: Path,
        parent: QWidget | None = None,
        *,
        picture: str = "",
        parts: Mapping[str, Region | None] = MappingProxyType({WHOLE_SLIDE: None}),
        shown: Shown | None = None,
        choices: ExportChoices | None = None,
        names: bool = True,
        nameless: Path | None = None,
        names_locked: bool = False,
        is_dicom: bool = False,
    ) -> None:
        """Show what can be written.

        Parameters
        ----------
        title : the slide's name.
        folder : where to write, to begin with.
        picture : which of several in the file, e.g. ``focal plane 2 of 3``; empty for one.
        parts : what can be written of the slide, by the words for it; level-0 px, None for the
            whole slide.
        shown : what pictures are made of; None: their sizes are not said.
        choices : of the files, to begin with; None: the usual ones.
        names : whether the slide's name is written, to begin with.
        nameless : the folder instead of `folder` where it is not; None for the same.
        names_locked : whether the administrator has set `names`.
        is_dicom : whether the slide is one of DICOM, which only such can have DICOM objects of.
        """
        super().__init__(parent)
        self.setWindowTitle("Export results")
        choices = choices or ExportChoices()
        self._choices = choices
        self._part = QComboBox(self)
        self._part.setAccessibleName("Part of the slide")
        for text, region in parts.items():
            self._part.addItem(text, region)
        self._boxes = self._kind_boxes(choices)
        variants = [
            (kind.suffix[1:].upper(), kind.key)
            for kind in formats.FORMATS
            if "overlay" in (kind.key, kind.variant_of)
        ]
        self._picture = PictureOptions(variants, shown, choices, self)
        self._pyramid = PyramidOptions(shown, choices, self)
        self._geojson = GeoJsonOptions(choices, self)
        self._names = self._names_box(names, is_locked=names_locked)
        self._proposed = {True: str(folder), False: str(nameless or folder)}
        self._folder = QLineEdit(self._proposed[names], self)
        self._folder.setAccessibleName("Folder")
        self._folder.setMinimumWidth(360)
        self._note = muted("", self)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self._write = self._buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        self._write.setDefault(True)
        self._is_dicom = is_dicom
        self._lay_out(title, picture)
        self._allow_dicom()
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        for box in self._boxes.values():
            box.toggled.connect(self._check)
        self._part.currentIndexChanged.connect(self._on_part)
        for part in (self._picture, self._pyramid):
            part.changed.connect(self._check)
        self._folder.textChanged.connect(self._check)
        self._names.toggled.connect(self._propose)
        self._names.toggled.connect(self._allow_dicom)
        self._on_part()
        # Wrapped labels ask for the height of a narrower dialog.
        self.resize(_WIDTH_PX, height_for(self, _WIDTH_PX))

    def _kind_boxes(self, choices: ExportChoices) -> dict[ExportFormat, QCheckBox]:
        """A box for each kind; file formats of the same share one."""
        boxes = {}
        chosen = {kind.variant_of or kind.key for kind in choices.chosen_kinds}
        for kind in formats.FORMATS:
            if kind.variant_of:
                continue
            box = QCheckBox(kind.title, self)
            box.setChecked(kind.key in chosen)
            box.setToolTip(", ".join(kind.file_names.values()))
            boxes[kind] = box
        return boxes

    def _allow_dicom(self) -> None:
        """DICOM objects carry the patient's name, as the slide does."""
        why_not = "" if self._is_dicom else "Only for DICOM slides"
        if not why_not and not self._names.isChecked():
            why_not = "Carries the patient's name, as the slide does; allow names first"
        for kind, box in self._boxes.items():
            if kind.is_dicom:
                allow(box, why_not, ", ".join(kind.file_names.values()))
                box.setChecked(box.isChecked() and not why_not)
        self._check()

    def _names_box(self, names: bool, *, is_locked: bool) -> QCheckBox:
        box = QCheckBox("Name of the slide inside the files", self)
        box.setChecked(names)
        box.setToolTip(
            "Names of slides may tell who the patient is.\n"
            "Without it the files name the slide by a fingerprint of its content only."
        )
        if is_locked:
            box.setEnabled(False)
            box.setText(f"{box.text()} ({LOCKED_TEXT.lower()})")
            box.setToolTip(f"{LOCKED_TEXT}.")
        return box

    def _lay_out(self, title: str, picture: str) -> None:
        column = dialog_column(self)
        column.addWidget(plain(heading(f"Results of {title}", self)))
        if picture:
            column.addWidget(muted(f"{picture[0].upper()}{picture[1:]}", self))
        what = QFormLayout()
        what.setHorizontalSpacing(EDGE)
        what.addRow("&Part of the slide", self._part)
        column.addLayout(what)
        column.addWidget(line(self))
        files = QVBoxLayout()
        files.setSpacing(TIGHT)
        below = {"geojson": self._geojson, "overlay": self._picture, "ome_tiff": self._pyramid}
        for kind, box in self._boxes.items():
            files.addWidget(box)
            options = below.get(kind.key)
            if options is not None:
                files.addWidget(options)
                options.setEnabled(box.isChecked())
                box.toggled.connect(options.setEnabled)
            files.addSpacing(NEAR)
        column.addLayout(files)
        column.addWidget(line(self))
        choose = QPushButton("Choose…", self)
        choose.clicked.connect(self._choose)
        row = QHBoxLayout()
        row.setSpacing(NEAR)
        row.addWidget(self._folder, 1)
        row.addWidget(choose)
        where = QFormLayout()
        where.setHorizontalSpacing(EDGE)
        where.setVerticalSpacing(APART)
        where.addRow(self._folder_label(), row)
        where.addRow("", self._names)
        column.addLayout(where)
        column.addStretch(1)
        column.addWidget(self._note)
        column.addWidget(muted(f"{RESEARCH_USE} Label images are never exported.", self))
        column.addWidget(self._buttons)

    def _folder_label(self) -> QLabel:
        label = QLabel("F&older", self)
        label.setBuddy(self._folder)
        return label

    @property
    def kinds(self) -> tuple[ExportFormat, ...]:
        """What to write."""
        keys = {kind.key for kind, box in self._boxes.items() if box.isChecked()}
        if "overlay" in keys:
            keys = keys - {"overlay"} | {self._picture.kind}
        return tuple(kind for kind in formats.FORMATS if kind.key in keys)

    @property
    def choices(self) -> ExportChoices:
        """What was chosen of the files."""
        # What only this slide cannot have is remembered for others.
        before = () if self._is_dicom else self._choices.chosen_kinds
        kept = [kind.key for kind in before if kind.is_dicom]
        return ExportChoices(
            **{
                "kinds": (*(kind.key for kind in self.kinds), *kept),
                "longest_px": self._choices.longest_px,
                "magnification": self._choices.magnification,
                **self._picture.chosen,
                **self._pyramid.chosen,
                **self._geojson.chosen,
            }
        )

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

    def accept(self) -> None:
        """Only what can be written: the Enter key does not ask whether the button is on."""
        if self._write.isEnabled():
            super().accept()

    def _on_part(self) -> None:
        is_visible = self._part.currentText() == VISIBLE_PART
        self._picture.show_part(self.region, is_visible=is_visible)
        self._pyramid.show_part(self.region)
        self._check()

    def _propose(self, names: bool) -> None:  # a slot
        """The folder's name is a name too, unless the user has chosen it."""
        if self._folder.text() == self._proposed[not names]:
            self._folder.setText(self._proposed[names])

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the results", str(self.folder))
        if chosen:
            self._folder.setText(chosen)

    def _check(self) -> None:
        text, kinds = self._folder.text().strip(), self.kinds
        shows_page = any("overlay" in (kind.key, kind.variant_of) for kind in kinds)
        complaint = self._picture.complaint if shows_page else ""
        why_not = complaint if kinds else "Choose a file to write first"
        allow(self._write, why_not if text else "State a folder first")
        there = [
            name
            for kind in written_kinds(self.folder, kinds if text else ())
            for name in kind.file_names.values()
            # os.path, as Path.exists raises if a network share does not answer.
            if os.path.exists(self.folder / name)  # noqa: PTH110
        ]
        replaced = f"Will be replaced: {', '.join(there)}." if there else ""
        self._note.setText(complaint or replaced)
        self._note.setVisible(bool(complaint or replaced))
