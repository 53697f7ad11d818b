"""A dialog to type the region to classify."""

from PySide6.QtWidgets import (
    QDialogButtonBox,
    QFormLayout,
    QWidget,
)

from bachview.core.geometry import Region, Size
from bachview.core.pixel_size import PixelSize
from bachview.core.units import length_text, pixels_text
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.number_edit import NumberEdit
from bachview.ui.look.spacing import EDGE
from bachview.ui.look.widgets import WrappedLabel, allow, muted


class RegionDialog(LaidOutDialog):
    """X, Y, width, height in level-0 px, kept inside the slide."""

    def __init__(
        self,
        size: Size,
        start: Region,
        pixel_size: PixelSize,
        parent: QWidget | None = None,
    ) -> None:
        """`size` of level 0; `start` is the initial region."""
        super().__init__("Classify a region", parent)
        self._pixel_size = pixel_size
        self._size = size
        inside = start.intersection(Region(0, 0, size.width, size.height))
        self._boxes = (
            self._box(0, size.width - 1, inside.x),
            self._box(0, size.height - 1, inside.y),
            self._box(1, size.width, inside.width),
            self._box(1, size.height, inside.height),
        )
        self._extent = WrappedLabel("", self)
        self._extent.setObjectName("muted")
        form = QFormLayout()
        form.setHorizontalSpacing(EDGE)
        for text, box in zip(("&Left", "&Top", "&Width", "&Height"), self._boxes, strict=True):
            form.addRow(text, box)
            box.textChanged.connect(self._show_extent)
        form.addRow("", self._extent)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self._start = self.buttons.addButton("Classify", QDialogButtonBox.ButtonRole.AcceptRole)
        self._start.setDefault(True)
        self.content.addWidget(
            muted(
                "In pixels of the full resolution; the slide has "
                f"{pixels_text(size.width, size.height)}. The initial values are the visible "
                "region.",
                self,
            )
        )
        self.content.addLayout(form)
        self.setMinimumWidth(380)
        self._show_extent()

    def _box(self, low: int, high: int, value: float) -> NumberEdit:
        box = NumberEdit(low, max(low, high), self, is_whole=True)
        box.setText(f"{min(max(round(value), low), high)}")
        return box

    @property
    def region(self) -> Region | None:
        """The typed region, clipped to the slide; level-0 px. None while a number is missing."""
        x, y, width, height = (box.value for box in self._boxes)
        if x is None or y is None or width is None or height is None:
            return None
        return Region(x, y, width, height).intersection(
            Region(0, 0, self._size.width, self._size.height)
        )

    def accept(self) -> None:
        """Only with a region: the Enter key does not ask whether the button is on."""
        if self.region is not None:
            super().accept()

    def _show_extent(self) -> None:
        region, known = self.region, self._pixel_size
        allow(self._start, "" if region is not None else "Type a region on the slide first")
        if region is None:
            complaints = (box.complaint for box in self._boxes)
            text = next((complaint for complaint in complaints if complaint), "Type four numbers.")
        elif known.is_plausible and known.mpp_x and known.mpp_y:
            width, height = region.width * known.mpp_x, region.height * known.mpp_y
            text = f"{length_text(width)} × {length_text(height)}{known.remark}"
        else:
            text = pixels_text(region.width, region.height)
        self._extent.setText(text)
