"""The part of the export dialog that says how large pictures are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QWidget

from bachview.core.geometry import Region, Size
from bachview.core.pixel_size import PixelSize
from bachview.core.units import bytes_text, length_text, pixels_text, significant_text
from bachview.export.options import (
    MOST_PAGE_PX,
    Compression,
    PictureSize,
    estimated_bytes,
)
from bachview.ui.look.number_edit import NumberEdit
from bachview.ui.look.spacing import NEAR, SECTION
from bachview.ui.look.widgets import muted
from bachview.ui.session.export_choices import (
    LONGEST_PX,
    MAGNIFICATIONS,
    STEPS,
    ZOOMS,
    ExportChoices,
    SizeBy,
)
from bachview.viewing.viewport import Viewport

_SIZES = {
    SizeBy.LONGEST: "Longest side, px",
    SizeBy.MAGNIFICATION: "Magnification",
    SizeBy.SCREEN: "As on the screen",
}
#: Widest field for a number, px.
_FIELD_PX = 96


@dataclass(frozen=True, slots=True)
class Shown:
    """What pictures are made of.

    Attributes
    ----------
    extent : the whole of level 0.
    view : what is on the screen; None if nothing is.
    """

    extent: Region
    pixel_size: PixelSize
    view: Viewport | None = None


def _choice(name: str, items: Sequence[tuple[str, Any]], chosen: Any, parent: QWidget) -> QComboBox:
    box = QComboBox(parent)
    box.setAccessibleName(name)
    for text, value in items:
        box.addItem(text, value)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    return box


class _Sized(QWidget):
    """A row of controls below a kind of file, and what comes of them.

    Signals
    -------
    changed() : another size was chosen.
    """

    changed = Signal()

    def __init__(self, shown: Shown | None, parent: QWidget) -> None:
        super().__init__(parent)
        self._shown = shown
        self._region: Region | None = None
        self._said = muted("", self)
        self._row = QHBoxLayout()
        self._row.setSpacing(NEAR)
        grid = QGridLayout(self)
        grid.setContentsMargins(SECTION, 0, 0, 0)
        grid.setVerticalSpacing(NEAR // 2)
        grid.addLayout(self._row, 0, 0)
        grid.addWidget(self._said, 1, 0)

    def _tell(self, size: Size | None, kind: str, compression: Compression) -> None:
        """Say how large the picture is."""
        if self._shown is None or size is None:
            self._said.setText("")
            return
        weight = bytes_text(estimated_bytes(kind, size, compression))
        self._said.setText(f"{pixels_text(size.width, size.height)}, about {weight}")

    def _area(self) -> Region | None:
        """What is drawn, level-0 px."""
        if self._shown is None:
            return None
        whole = self._shown.extent
        return whole if self._region is None else self._region.intersection(whole)


class PictureOptions(_Sized):
    """Format and size of the picture with legend and scale bar."""

    def __init__(
        self,
        formats: Sequence[tuple[str, str]],
        shown: Shown | None,
        choices: ExportChoices,
        parent: QWidget,
    ) -> None:
        """Offer `formats` (name, key), of which the chosen ones are in `choices`."""
        super().__init__(shown, parent)
        chosen = next((k for _, k in formats if k in (choices.kinds or ())), formats[0][1])
        self._format = _choice("Format of the picture", formats, chosen, self)
        self._by = _choice("Size of the picture", (), None, self)
        self._wanted_by = choices.size_by
        self._px = NumberEdit(*LONGEST_PX, self, is_whole=True)
        self._px.setText(f"{choices.longest_px}")
        self._px.setAccessibleName("Longest side of the picture, px")
        self._times = NumberEdit(*MAGNIFICATIONS, self)
        self._times.setText(significant_text(choices.magnification, 4))
        self._times.setAccessibleName("Magnification of the picture")
        zooms = [(f"{zoom}× its pixels", zoom) for zoom in ZOOMS]
        self._zoom = _choice("Pixels per pixel of the screen", zooms, choices.zoom, self)
        self._fields: dict[SizeBy, QWidget] = {
            SizeBy.LONGEST: self._px,
            SizeBy.MAGNIFICATION: self._times,
            SizeBy.SCREEN: self._zoom,
        }
        for edit in (self._px, self._times):
            edit.setMaximumWidth(_FIELD_PX)
        for control in (self._format, self._by, *self._fields.values()):
            self._row.addWidget(control)
        self._row.addStretch(1)
        self.show_part(None, is_visible=False)
        for box in (self._format, self._zoom):
            box.currentIndexChanged.connect(self._renew)
        self._by.activated.connect(self._on_by)
        for edit in (self._px, self._times):
            edit.textChanged.connect(self._renew)

    def show_part(self, region: Region | None, *, is_visible: bool) -> None:
        """Offer what is possible for this part of the slide, level-0 px; None: all of it."""
        self._region = region
        offered = [SizeBy.LONGEST, SizeBy.MAGNIFICATION]
        if is_visible and self._shown is not None and self._shown.view is not None:
            offered.append(SizeBy.SCREEN)
        self._by.blockSignals(True)
        self._by.clear()
        for by in offered:
            self._by.addItem(_SIZES[by], by)
        self._by.setCurrentIndex(max(0, self._by.findData(self._wanted_by)))
        self._by.blockSignals(False)
        self._renew()

    @property
    def kind(self) -> str:
        """Key of the chosen format."""
        key: str = self._format.currentData()
        return key

    @property
    def complaint(self) -> str:
        """Why the picture cannot be written, in a sentence; empty if it can."""
        edit = {SizeBy.LONGEST: self._px, SizeBy.MAGNIFICATION: self._times}.get(self._chosen_by)
        if edit is not None and edit.value is None:
            return edit.complaint or "Type the size of the picture."
        size = self._size()
        if size is not None and size.width * size.height > MOST_PAGE_PX:
            return (
                f"A picture of {pixels_text(size.width, size.height)} is too large: choose a "
                "smaller size, or the whole-slide picture below."
            )
        return ""

    @property
    def chosen(self) -> dict[str, Any]:
        """Fields of `ExportChoices`."""
        found: dict[str, Any] = {"size_by": self._chosen_by, "zoom": self._zoom.currentData()}
        if (px := self._px.value) is not None:
            found["longest_px"] = round(px)
        if (times := self._times.value) is not None:
            found["magnification"] = times
        return found

    @property
    def _chosen_by(self) -> SizeBy:
        # Qt gives a plain string back.
        return SizeBy(self._by.currentData())

    def _size(self) -> Size | None:
        area, shown = self._area(), self._shown
        if area is None or shown is None:
            return None
        by, px, times = self._chosen_by, self._px.value, self._times.value
        if by is SizeBy.SCREEN and shown.view is not None:
            screen, zoom = shown.view.device_size, self._zoom.currentData()
            return Size(screen.width * zoom, screen.height * zoom)
        if by is SizeBy.MAGNIFICATION:
            if times is None or shown.pixel_size.mpp is None:
                return None
            return PictureSize(magnification=times).px(area, shown.pixel_size)
        return None if px is None else PictureSize(round(px)).px(area, shown.pixel_size)

    def _on_by(self) -> None:
        self._wanted_by = self._chosen_by
        self._renew()

    def _renew(self) -> None:
        for by, field in self._fields.items():
            field.setVisible(by is self._chosen_by)
        self._tell(self._size(), self.kind, Compression.JPEG)
        self.changed.emit()


class PyramidOptions(_Sized):
    """Resolution and compression of the whole-slide picture."""

    def __init__(self, shown: Shown | None, choices: ExportChoices, parent: QWidget) -> None:
        super().__init__(shown, parent)
        steps = [(self._step_text(step), step) for step in STEPS]
        self._step = _choice("Resolution of the whole-slide picture", steps, choices.step, self)
        packed = [("JPEG", Compression.JPEG), ("Lossless", Compression.DEFLATE)]
        wanted = packed[choices.lossless][1]
        self._packed = _choice("Compression of the whole-slide picture", packed, wanted, self)
        self._row.addWidget(self._step)
        self._row.addWidget(self._packed)
        self._row.addStretch(1)
        for box in (self._step, self._packed):
            box.currentIndexChanged.connect(self._renew)
        self.show_part(None)

    def show_part(self, region: Region | None) -> None:
        """Speak of this part of the slide, level-0 px; None: all of it."""
        self._region = region
        self._renew()

    @property
    def chosen(self) -> dict[str, Any]:
        """Fields of `ExportChoices`."""
        lossless = self._compression is Compression.DEFLATE
        return {"step": self._step.currentData(), "lossless": lossless}

    @property
    def _compression(self) -> Compression:
        return Compression(self._packed.currentData())

    def _step_text(self, step: int) -> str:
        mpp = None if self._shown is None else self._shown.pixel_size.mpp
        text = "Full resolution" if step == 1 else f"1 : {step}"
        return text if mpp is None else f"{text} ({length_text(mpp * step)} per pixel)"

    def _renew(self) -> None:
        area, shown = self._area(), self._shown
        size = None
        if area is not None and shown is not None:
            size = PictureSize(step=self._step.currentData()).px(area, shown.pixel_size)
        self._tell(size, "ome_tiff", self._compression)
        self.changed.emit()


class GeoJsonOptions(QWidget):
    """What becomes an object."""

    def __init__(self, choices: ExportChoices, parent: QWidget) -> None:
        super().__init__(parent)
        kinds = [("Connected regions", False), ("Each cell", True)]
        self._cells = _choice("Objects", kinds, choices.cells, self)
        states = [("Also what has no class", True), ("Classes only", False)]
        self._states = _choice("Cells without a class", states, choices.without_class, self)
        self._states.setToolTip(
            "Whether what is uncertain, outside the training material, not yet classified or\n"
            "not readable has objects of its own"
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(SECTION, 0, 0, 0)
        row.setSpacing(NEAR)
        for box in (self._cells, self._states):
            row.addWidget(box)
        row.addStretch(1)

    @property
    def chosen(self) -> dict[str, Any]:
        """Fields of `ExportChoices`."""
        return {
            "cells": self._cells.currentData(),
            "without_class": self._states.currentData(),
        }
