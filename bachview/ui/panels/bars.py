"""Probabilities of the classes as bars."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from bachview.core.classes import ClassSet
from bachview.core.units import percent_text
from bachview.ui.look.spacing import NEAR, TIGHT
from bachview.ui.look.swatches import SIDE_PX, class_swatch
from bachview.ui.look.widgets import tabular

_ROW_PX = 21
_PERCENT_PX = 60


class ProbabilityBars(QWidget):
    """One bar for each class; empty bars while nothing is known."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes: ClassSet | None = None
        self._values: tuple[float, ...] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Class probabilities")

    def show_classes(self, classes: ClassSet) -> None:
        self._classes = classes
        self._values = None
        self.updateGeometry()
        self.update()

    def show_values(self, values: Sequence[float] | None) -> None:
        """Set the probabilities, one for each class; None empties the bars."""
        self._values = None if values is None else tuple(float(v) for v in values)
        if self._classes is not None and self._values is not None:
            self.setAccessibleDescription(
                ", ".join(
                    f"{c.name} {percent_text(v)}"
                    for c, v in zip(self._classes, self._values, strict=True)
                )
            )
        self.update()

    @property
    def values(self) -> tuple[float, ...] | None:
        """The probabilities shown."""
        return self._values

    def sizeHint(self) -> QSize:
        return QSize(250, _ROW_PX * len(self._classes or ()))

    def minimumSizeHint(self) -> QSize:
        """Narrow panels shorten the bars, not the text."""
        return QSize(_PERCENT_PX + SIDE_PX + 120, self.sizeHint().height())

    @property
    def _names_px(self) -> int:
        """Room for the names: for the longest of them, but not all that there is."""
        font = QFont(self.font())
        font.setBold(True)
        metrics = QFontMetrics(font)
        longest = max((metrics.horizontalAdvance(c.name) for c in self._classes or ()), default=0)
        return min(longest + NEAR, (self.width() - _PERCENT_PX - SIDE_PX) * 2 // 3)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(tabular(self.font()))
        palette = self.palette()
        text = palette.color(QPalette.ColorRole.WindowText)
        groove = palette.color(QPalette.ColorRole.Midlight)
        names = self._names_px
        left = SIDE_PX + NEAR + names
        width = max(10, self.width() - left - _PERCENT_PX)
        best = max(self._values) if self._values else 0
        for row, tissue_class in enumerate(self._classes or ()):
            top = row * _ROW_PX
            swatch = class_swatch(tissue_class, self.devicePixelRatioF())
            painter.drawPixmap(0, top + (_ROW_PX - SIDE_PX) // 2, swatch)
            value = self._values[row] if self._values else None
            font = painter.font()
            font.setBold(value is not None and value == best)
            painter.setFont(font)
            painter.setPen(text)
            name = painter.fontMetrics().elidedText(
                tissue_class.name, Qt.TextElideMode.ElideRight, names - TIGHT
            )
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(SIDE_PX + NEAR, top, names, _ROW_PX), middle, name)
            bar = QRectF(left, top + _ROW_PX / 2 - 5, width, 10)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(groove)
            painter.drawRoundedRect(bar, 5, 5)
            if value is None:
                continue
            if value * width >= 1:
                painter.setBrush(QColor(*tissue_class.color))
                painter.drawRoundedRect(
                    QRectF(bar.left(), bar.top(), max(10.0, value * width), 10), 5, 5
                )
            painter.setPen(text)
            place = QRectF(left + width, top, _PERCENT_PX, _ROW_PX)
            painter.drawText(place, middle | Qt.AlignmentFlag.AlignRight, percent_text(value))
        painter.end()
