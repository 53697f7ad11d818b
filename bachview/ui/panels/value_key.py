"""The key of an overlay that shows a number: its colours, what they mean, and what is not drawn."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from bachview.core.classes import ClassSet
from bachview.ui.look.spacing import TIGHT
from bachview.ui.look.widgets import WrappedLabel, muted
from bachview.viewing.overlay import OverlayStyle, color_bar
from bachview.viewing.value_words import left_out_text, value_number, value_words

_BAR_PX = 16


class ValueKey(QWidget):
    """Title, ramp with numbers, meaning, and the classes whose cells are left out.

    Signals
    -------
    allWanted : the classes that are left out shall be drawn again.
    """

    allWanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = WrappedLabel("", self)
        self._ramp = _Ramp(self)
        self._meaning = muted("", self)
        self._left_out = QWidget(self)
        self._names = muted("", self._left_out)
        show_all = QPushButton("Show all", self._left_out)
        show_all.setObjectName("link")
        show_all.setToolTip("Draw the cells of all classes again")
        show_all.clicked.connect(self.allWanted)
        row = QHBoxLayout(self._left_out)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._names, 1)
        row.addWidget(show_all, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(TIGHT)
        for widget in (self._title, self._ramp, self._meaning, self._left_out):
            column.addWidget(widget)

    def show_style(self, style: OverlayStyle, classes: ClassSet) -> None:
        """Explain a style that shows a number."""
        title, meaning = value_words(style, classes)
        self._title.setText(title)
        self._meaning.setText(meaning)
        left_out = left_out_text(style, classes)
        self._names.setText(left_out)
        self._left_out.setVisible(bool(left_out))
        self._ramp.show_style(style)

    @property
    def texts(self) -> tuple[str, str, str]:
        """Title, meaning, and what is left out, as shown."""
        left_out = "" if self._left_out.isHidden() else self._names.text()
        return self._title.text(), self._meaning.text(), left_out


class _Ramp(QWidget):
    """The colours as the overlay has them on white glass, with numbers below."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._style = OverlayStyle()
        self._image = QImage()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Colours from 0 to 1")

    def show_style(self, style: OverlayStyle) -> None:
        colors = color_bar(style.mode, style.opacity)
        if colors is None:
            return
        self._style = style
        self._image = QImage(colors.tobytes(), 256, 1, 768, QImage.Format.Format_RGB888).copy()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, _BAR_PX + TIGHT + self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette = self.palette()
        bar = QRectF(0.5, 0.5, self.width() - 1, _BAR_PX - 1)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(bar, self._image)
        hidden = bar.width() * self._style.threshold
        painter.fillRect(QRectF(bar.left(), bar.top(), hidden, bar.height()), Qt.GlobalColor.white)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1))
        painter.drawRect(bar)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        below = QRectF(0, _BAR_PX + TIGHT, self.width(), self.height() - _BAR_PX - TIGHT)
        for value, side in (
            (0.0, Qt.AlignmentFlag.AlignLeft),
            (0.5, Qt.AlignmentFlag.AlignHCenter),
            (1.0, Qt.AlignmentFlag.AlignRight),
        ):
            text = value_number(self._style, value)
            painter.drawText(below, side | Qt.AlignmentFlag.AlignTop, text)
        painter.end()
