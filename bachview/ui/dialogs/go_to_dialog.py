"""A dialog to type the place of the slide to go to."""

import math
import re

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDialogButtonBox, QFormLayout, QLineEdit, QWidget

from bachview.core.geometry import Point, Region
from bachview.core.pixel_size import PixelSize
from bachview.core.typed_numbers import typed_number
from bachview.errors import UsageError
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.widgets import WrappedLabel, allow

#: Between two numbers; a comma alone may be a decimal mark in each of them.
_BETWEEN = re.compile(r"\s*;\s*|,?\s+")
#: After a number, of a place that was copied or is written as the status bar shows it.
_UNIT = re.compile(r"(?<=[0-9])\s*(px|[\u00b5\u03bcu]m)(?=[\s,;]|$)", re.IGNORECASE)


class GoToDialog(LaidOutDialog):
    """One place, in pixels of the full resolution or in micrometres from the top left corner.

    Signals
    -------
    chosen(Point) : where to go, level-0 px.
    """

    chosen = Signal(object)

    def __init__(
        self, center: Point, extent: Region, pixel_size: PixelSize, parent: QWidget | None = None
    ) -> None:
        """Begin with the place where the view is.

        Parameters
        ----------
        extent : of the slide, level-0 px; no other place is accepted.
        pixel_size : without it there are no micrometres.
        """
        super().__init__("Go to", parent)
        self._extent = extent
        self._place = QLineEdit(f"{math.floor(center.x)}, {math.floor(center.y)}", self)
        self._place.selectAll()
        self._units = QComboBox(self)
        self._units.addItem("pixels of the full resolution", (1.0, 1.0))
        if pixel_size.mpp_x is not None and pixel_size.mpp_y is not None:
            self._units.addItem("µm", (pixel_size.mpp_x, pixel_size.mpp_y))
        self._complaint = WrappedLabel("", self)
        self._complaint.setObjectName("muted")
        self._ok = self.buttons.addButton("&Go there", QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self._ok.setDefault(True)
        form = QFormLayout()
        form.addRow("&Place: x, y", self._place)
        form.addRow("&In", self._units)
        form.addRow(self._complaint)
        self.content.addLayout(form)
        self._place.textChanged.connect(self._follow_unit)
        self._units.currentIndexChanged.connect(self._follow)
        self._follow()

    def accept(self) -> None:
        """Only with a place: the Enter key does not ask whether the button is on."""
        point, _ = self._read()
        if point is not None:
            self.chosen.emit(point)
            super().accept()

    def _read(self) -> tuple[Point | None, str]:
        """The place, or why there is none."""
        mpp_x, mpp_y = self._units.currentData()
        extent = self._extent
        text = self._place.text().strip()
        units = _units_in(text)
        if len(units) > 1:
            return None, "Type both numbers in pixels, or both in micrometres."
        if units - {self._units.currentIndex()}:
            return None, "Places in micrometres need the pixel size of the slide."
        text = _UNIT.sub("", text)
        parts = _BETWEEN.split(text)
        if len(parts) == 1:
            parts = text.split(",")
        if len(parts) != 2:
            return None, "Type two numbers, x and y, with a comma between them."
        try:
            x = typed_number(parts[0], extent.x * mpp_x, extent.right * mpp_x) / mpp_x
            y = typed_number(parts[1], extent.y * mpp_y, extent.bottom * mpp_y) / mpp_y
        except UsageError as error:
            return None, str(error)
        return Point(x, y), ""

    def _follow_unit(self) -> None:
        """Choose the unit that is typed."""
        units = _units_in(self._place.text())
        index = min(units, default=-1)
        if len(units) == 1 and index < self._units.count():
            self._units.setCurrentIndex(index)
        self._follow()

    def _follow(self) -> None:
        point, complaint = self._read()
        allow(self._ok, "" if point is not None else "Type a place first")
        self._complaint.setText(complaint)


def _units_in(text: str) -> set[int]:
    """The units that stand after numbers, as indices of the choice."""
    return {0 if unit.lower() == "px" else 1 for unit in _UNIT.findall(text)}
