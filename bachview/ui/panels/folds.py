"""Parts of the panel that fold: a header to press, and what it hides."""

from PySide6.QtCore import QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from bachview.ui.look.spacing import APART, NEAR, RADIUS, TIGHT

_ARROW_PX = 8


class FoldHeader(QAbstractButton):
    """The arrow and the title, across the whole width; Space and the mouse press it."""

    def __init__(self, title: str, parent: QWidget, *, is_section: bool) -> None:
        super().__init__(parent)
        self._is_section = is_section
        self._remark = ""
        self.show_title(title)
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if is_section:
            font = QFont(self.font())
            font.setWeight(QFont.Weight.DemiBold)
            self.setFont(font)

    @property
    def remark(self) -> str:
        """What stands at the right of what is folded, as far as there is room."""
        return self._remark

    def show_title(self, text: str) -> None:
        """Change the title."""
        self.setText(text)
        self.setAccessibleName(text)

    def show_remark(self, text: str) -> None:
        """Say in a few words what is folded."""
        self._remark = text
        self.update()

    def sizeHint(self) -> QSize:
        width = self._left + self.fontMetrics().horizontalAdvance(self.text())
        return QSize(width, self.fontMetrics().height() + 2 * (NEAR if self._is_section else TIGHT))

    def minimumSizeHint(self) -> QSize:
        """Narrow panels shorten the title."""
        return QSize(0, self.sizeHint().height())

    @property
    def _left(self) -> int:
        """Where the title begins."""
        return (APART if self._is_section else 0) + _ARROW_PX + NEAR

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, role = self.palette(), QPalette.ColorRole
        if self.underMouse():
            painter.fillRect(self.rect(), palette.color(role.Midlight))
        if self._is_section:
            painter.fillRect(0, 0, self.width(), 1, palette.color(role.Mid))
        self._draw_arrow(painter)
        edge = APART if self._is_section else 0
        room = QRect(self._left, 0, self.width() - self._left - edge, self.height())
        elide, middle = Qt.TextElideMode.ElideRight, Qt.AlignmentFlag.AlignVCenter
        painter.setPen(palette.color(role.WindowText))
        title = self.fontMetrics().elidedText(self.text(), elide, room.width())
        painter.drawText(room, middle | Qt.AlignmentFlag.AlignLeft, title)
        room.setLeft(room.left() + self.fontMetrics().horizontalAdvance(title) + 2 * NEAR)
        if self._remark and not self.isChecked() and room.width() > 0:
            font = QFont(self.font())
            font.setWeight(QFont.Weight.Normal)
            painter.setFont(font)
            painter.setPen(palette.color(role.PlaceholderText))
            remark = painter.fontMetrics().elidedText(self._remark, elide, room.width())
            painter.drawText(room, middle | Qt.AlignmentFlag.AlignRight, remark)
        if self.hasFocus():
            painter.setPen(QPen(palette.color(role.Highlight), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), RADIUS, RADIUS)
        painter.end()

    def _draw_arrow(self, painter: QPainter) -> None:
        """It points down at what is open, and to the right at what is folded."""
        half = _ARROW_PX / 2
        middle = QPointF(self._left - NEAR - half, self.height() / 2)
        points = [QPointF(-half, -half / 2), QPointF(0, half / 2), QPointF(half, -half / 2)]
        if not self.isChecked():
            points = [QPointF(p.y(), p.x()) for p in points]
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.PlaceholderText), 1.6))
        painter.drawPolyline(QPolygonF([middle + point for point in points]))


class Fold(QWidget):
    """A header and a body that it folds.

    Signals
    -------
    pressed(bool) : the user folded it, or unfolded it.

    Attributes
    ----------
    name : names it in the settings; never changes.
    """

    pressed = Signal(bool)

    def __init__(
        self, name: str, title: str, body: QWidget, parent: QWidget, *, is_section: bool
    ) -> None:
        super().__init__(parent)
        self.name = name
        self.header = FoldHeader(title, self, is_section=is_section)
        self._body = body
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(body)
        self.fold(on=False)
        self.header.clicked.connect(self._on_clicked)

    @property
    def is_folded(self) -> bool:
        return not self.header.isChecked()

    @property
    def body_height(self) -> int:
        """How much higher it is unfolded, px."""
        return self._body.sizeHint().height()

    def fold(self, *, on: bool) -> None:
        """Show the header alone, or the body as well."""
        self.header.setChecked(not on)
        self.header.setAccessibleDescription("folded" if on else "unfolded")
        self._body.setVisible(not on)

    def _on_clicked(self) -> None:
        self.fold(on=self.is_folded)
        self.pressed.emit(self.is_folded)
