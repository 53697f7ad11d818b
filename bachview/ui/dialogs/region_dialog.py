"""A dialog to type the region to classify."""

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from bachview.core.geometry import Region, Size
from bachview.core.pixel_size import PixelSize
from bachview.core.units import length_text
from bachview.ui.look.widgets import muted


class RegionDialog(QDialog):
    """X, Y, width, height in level-0 px, kept inside the slide."""

    def __init__(
        self,
        size: Size,
        start: Region,
        pixel_size: PixelSize,
        parent: QWidget | None = None,
    ) -> None:
        """`size` of level 0; `start` is the initial region."""
        super().__init__(parent)
        self.setWindowTitle("Classify a region")
        self._pixel_size = pixel_size
        self._size = size
        inside = start.intersection(Region(0, 0, size.width, size.height))
        self._x = self._box(0, size.width - 1, inside.x)
        self._y = self._box(0, size.height - 1, inside.y)
        self._width = self._box(1, size.width, inside.width)
        self._height = self._box(1, size.height, inside.height)
        self._extent = QLabel(self)
        self._extent.setObjectName("muted")
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        for text, box in (
            ("&Left", self._x),
            ("&Top", self._y),
            ("&Width", self._width),
            ("&Height", self._height),
        ):
            form.addRow(text, box)
            box.valueChanged.connect(self._show_extent)
        form.addRow("", self._extent)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        start_button = buttons.addButton("Classify", QDialogButtonBox.ButtonRole.AcceptRole)
        start_button.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 14)
        column.setSpacing(12)
        column.addWidget(
            muted(
                f"In pixels of the full resolution; the slide has {size.width:,} × {size.height:,} "
                "px. The initial values are the visible region.",
                self,
            )
        )
        column.addLayout(form)
        column.addWidget(buttons)
        self.setMinimumWidth(380)
        self._show_extent()

    def _box(self, low: int, high: int, value: float) -> QSpinBox:
        box = QSpinBox(self)
        box.setRange(low, max(low, high))
        box.setValue(round(value))
        box.setSuffix(" px")
        box.setGroupSeparatorShown(True)
        return box

    @property
    def region(self) -> Region:
        """The typed region, clipped to the slide; level-0 px."""
        typed = Region(self._x.value(), self._y.value(), self._width.value(), self._height.value())
        return typed.intersection(Region(0, 0, self._size.width, self._size.height))

    def _show_extent(self) -> None:
        region, known = self.region, self._pixel_size
        if known.is_plausible and known.mpp_x and known.mpp_y:
            width, height = region.width * known.mpp_x, region.height * known.mpp_y
            self._extent.setText(f"{length_text(width)} × {length_text(height)}")
        else:
            self._extent.setText(f"{region.width:,.0f} × {region.height:,.0f} px")
