"""The legend: every class and every other state of a cell, with its area and a check box."""

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QSizePolicy, QWidget

from bachview.core.cell_state import CellState
from bachview.core.classes import ClassSet, TissueClass
from bachview.core.units import area_text, percent_text
from bachview.ui.look.swatches import class_swatch, picture_swatch
from bachview.ui.view.painting import image_of
from bachview.viewing import textures
from bachview.viewing.overlay import OverlayMode, color_bar

#: The rows below the classes, with their explanations.
STATES = {
    CellState.UNCERTAIN: "No class is shown: none is likely enough, or the members disagree.",
    CellState.OUTSIDE: (
        "Tissue, but unlike everything that the model was trained on: it counts for no class."
    ),
    CellState.PENDING: "Tissue that no run has reached yet: it may be anything.",
    CellState.FAILED: "The file is damaged here; there is no result.",
    CellState.NO_TISSUE: (
        "Not recognised as tissue stained with H&E: glass, pen, dust, other stains, "
        "\nand cells of which less than a quarter is tissue. Not classified."
    ),
}

# Not the index of a class: a state is a number as well.
LegendKey = TissueClass | CellState


@dataclass(frozen=True, slots=True)
class Amount:
    """What a row of the legend stands for.

    Attributes
    ----------
    area_mm2 : physical area.
    share : of the tissue there, 0..1; None where a share is meaningless.
    """

    area_mm2: float
    share: float | None


def state_texture(state: CellState) -> QImage:
    """How cells in this state look in the overlay, as a small picture."""
    pixels = textures.state_texture(state)
    return image_of(pixels, with_alpha=True).copy()


class Legend(QWidget):
    """Rows: check box with swatch and name, area, share of the tissue.

    Signals
    -------
    changed : a box was checked or unchecked.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes: ClassSet | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(0, 1)
        self._heading = QLabel("", self)
        self._heading.setObjectName("muted")
        self._grid.addWidget(self._heading, 0, 1, 1, 2, Qt.AlignmentFlag.AlignRight)
        self._boxes: dict[LegendKey, QCheckBox] = {}
        self._labels: dict[LegendKey, tuple[QLabel, QLabel]] = {}
        self._unknown: frozenset[CellState] = frozenset()

    def show_classes(self, classes: ClassSet) -> None:
        if classes == self._classes:
            return
        self._classes = classes
        for row in (*self._boxes.values(), *(w for pair in self._labels.values() for w in pair)):
            row.hide()
            row.deleteLater()
        self._boxes.clear()
        self._labels.clear()
        ratio = self.devicePixelRatioF()
        for tissue_class in classes:
            box = self._add_row(
                tissue_class, tissue_class.name, f"Show cells of {tissue_class.name}."
            )
            box.setIcon(class_swatch(tissue_class, ratio))
        for state, tip in STATES.items():
            box = self._add_row(state, state.shown, tip)
            box.setIcon(picture_swatch(state_texture(state), ratio))

    def _add_row(self, key: LegendKey, name: str, tip: str) -> QCheckBox:
        row = self._grid.rowCount()
        box = QCheckBox(name.replace("&", "&&"), self)  # a single one would underline a letter
        box.setChecked(True)
        self._grid.setRowMinimumHeight(row, 22)
        box.setToolTip(tip)
        box.setIconSize(QSize(17, 17))
        if key in (CellState.OUTSIDE, CellState.FAILED, CellState.NO_TISSUE):
            # Explained only: failed cells are never hidden, and "no tissue" is never drawn.
            box.setObjectName("explained")
            box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            box.toggled.connect(lambda: box.setChecked(True))
        else:
            box.toggled.connect(self.changed)
        area, share = QLabel("–", self), QLabel("", self)
        # At full width from the start: the panel must not grow when numbers arrive.
        area.setMinimumWidth(area.fontMetrics().horizontalAdvance("0.00000 mm²"))
        share.setMinimumWidth(share.fontMetrics().horizontalAdvance("> 99.9 %"))
        for label in (area, share):
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            label.setToolTip(tip)
        self._grid.addWidget(box, row, 0)
        self._grid.addWidget(area, row, 1)
        self._grid.addWidget(share, row, 2)
        self._boxes[key] = box
        self._labels[key] = (area, share)
        return box

    @property
    def hidden_classes(self) -> frozenset[int]:
        """Indices of the classes that are unchecked."""
        return frozenset(
            index
            for index, tissue_class in enumerate(self._classes or ())
            if not self._boxes[tissue_class].isChecked()
        )

    def is_shown(self, state: CellState) -> bool:
        box = self._boxes.get(state)
        return box is None or box.isChecked()

    def explain(self, state: CellState, text: str) -> None:
        """Set the tool tip of a row."""
        for widget in (self._boxes.get(state), *self._labels.get(state, ())):
            if widget is not None:
                widget.setToolTip(text)

    def set_checked(self, key: LegendKey, checked: bool) -> None:
        if key in self._boxes:
            self._boxes[key].setChecked(checked)

    def show_heading(self, text: str) -> None:
        """Say what areas and shares are of."""
        self._heading.setText(text)

    def set_unknown(self, states: frozenset[CellState]) -> None:
        """Set the states that the model cannot tell: that no cell has them is not known."""
        self._unknown = states

    def show_amounts(self, amounts: Mapping[LegendKey, Amount]) -> None:
        """Fill in areas and shares; rows without an amount show a dash."""
        for key, (area, share) in self._labels.items():
            amount = amounts.get(key)
            if key in self._unknown and amount is not None and not amount.area_mm2:
                amount = None
            area.setText("–" if amount is None else area_text(amount.area_mm2))
            known = amount is not None and amount.share is not None
            share.setText(
                percent_text(amount.share) if known and amount and amount.share is not None else ""
            )

    @property
    def heading(self) -> str:
        """Of the columns of areas and shares."""
        return self._heading.text()

    def texts(self, key: LegendKey) -> tuple[str, str]:
        """(area, share) as shown."""
        area, share = self._labels[key]
        return area.text(), share.text()


class ColorBar(QWidget):
    """The colour scale of a mode that shows a number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bar: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_mode(self, mode: OverlayMode) -> None:
        """Show the colours of this mode; nothing for the class mode."""
        colors = color_bar(mode)
        self._bar = None
        if colors is not None:
            pixels = colors.tobytes()
            self._bar = QImage(pixels, 256, 1, 768, QImage.Format.Format_RGB888).copy()
        self.setVisible(self._bar is not None)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, 14 + self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bar with 0, 0.5 and 1 below it."""
        if self._bar is None:
            return
        painter = QPainter(self)
        painter.drawImage(QRectF(0, 0, self.width(), 11), self._bar)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        below = QRectF(0, 12, self.width(), self.height() - 12)
        for text, side in (
            ("0", Qt.AlignmentFlag.AlignLeft),
            ("0.5", Qt.AlignmentFlag.AlignHCenter),
            ("1", Qt.AlignmentFlag.AlignRight),
        ):
            painter.drawText(below, side | Qt.AlignmentFlag.AlignTop, text)
        painter.end()
