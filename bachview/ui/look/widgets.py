"""Small building blocks that several panels share."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QDialog,
    QFrame,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from bachview.ui.look.spacing import APART, EDGE, NEAR


def heading(text: str, parent: QWidget) -> QLabel:
    """A title inside a panel or dialog."""
    label = QLabel(text, parent)
    label.setObjectName("heading")
    return label


def muted(text: str, parent: QWidget) -> QLabel:
    """An explanatory text; wraps."""
    label = WrappedLabel(text, parent)
    label.setObjectName("muted")
    return label


def line(parent: QWidget) -> QFrame:
    """A thin horizontal line."""
    frame = QFrame(parent)
    frame.setObjectName("line")
    return frame


def plain(label: QLabel) -> QLabel:
    """Show text from files literally: a name may contain what looks like markup."""
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def tabular(font: QFont) -> QFont:
    """The same font with figures of one width, so that numbers below each other stand in line."""
    result = QFont(font)
    result.setFeature(QFont.Tag("tnum"), 1)
    return result


class WrappedLabel(QLabel):
    """Wrapped text that sets its own height, as nested layouts do not ask for it."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self.setWordWrap(True)

    def setText(self, text: str) -> None:
        super().setText(text)
        self.fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Update the height, as the lines may wrap differently."""
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Set the height that the text needs at the width that it has."""
        width = self.width()
        # Qt's answer is never below the minimum height, so the old minimum is reset first.
        before = self.minimumHeight()
        self.setMinimumHeight(0)
        height = max(0, self.heightForWidth(width))
        self.setMinimumHeight(height)
        if height != before:
            self.updateGeometry()


def allow(button: QAbstractButton, why_not: str, tip: str = "") -> None:
    """Switch a button on, with `tip`, or off, if there is a reason, which is its tool tip then."""
    button.setEnabled(not why_not)
    button.setToolTip(why_not or tip)


def height_for(widget: QWidget, width: int) -> int:
    """The height that a floating widget with wrapped labels needs at this width, px."""
    widget.resize(width, widget.height())
    layout = widget.layout()
    if layout is not None:
        layout.activate()
        # Qt tells hidden widgets of their new size only when they are shown.
        for label in widget.findChildren(WrappedLabel):
            label.fit()
        layout.activate()
    return max(widget.heightForWidth(width), widget.minimumSizeHint().height())


class ElidedLabel(QLabel):
    """One line, whatever the text: as much of it as there is room for, all of it as tool tip."""

    def __init__(self, text: str, parent: QWidget, tip: str = "") -> None:
        """`tip` : what the tool tip says where there is room for the text."""
        super().__init__("", parent)
        self._whole, self._tip = text, tip
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.show_text(text)

    @property
    def whole(self) -> str:
        """The text, none of it left out."""
        return self._whole

    def show_text(self, text: str) -> None:
        """Show as much of the text as there is room for."""
        self._whole = text
        self.setAccessibleName(text)
        self._fit(self.width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show more or less of the text."""
        super().resizeEvent(event)
        self._fit(event.size().width())

    def _fit(self, width: int) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, width)
        self.setText(shown)
        self.setToolTip(self._whole if shown != self._whole else self._tip)


def scrolled(content: QWidget) -> QScrollArea:
    """`content` in a scroll area, so that nothing is cut off in a low window."""
    area = _PanelArea()
    area.setObjectName("panel")
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    return area


class _PanelArea(QScrollArea):
    """A scroll area as wide as its content, with the scroll bar beside it."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow changes of the content's width."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def minimumSizeHint(self) -> QSize:
        """The content's minimum width; any height, since it scrolls."""
        content = self.widget()
        width = content.minimumSizeHint().width() if content is not None else 0
        return QSize(width + self.verticalScrollBar().sizeHint().width(), 80)

    def sizeHint(self) -> QSize:
        """The content's height, if there is room."""
        content = self.widget()
        height = content.sizeHint().height() if content is not None else 0
        return QSize(max(300, self.minimumSizeHint().width()), height)


def panel_column(panel: QWidget) -> QVBoxLayout:
    """The layout of a panel: one column with the common margins."""
    column = QVBoxLayout(panel)
    column.setContentsMargins(APART, NEAR, APART, NEAR)
    column.setSpacing(NEAR)
    panel.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return column


def dialog_column(dialog: QDialog) -> QVBoxLayout:
    """The layout of a dialog: one column with the common margins, the buttons last."""
    column = QVBoxLayout(dialog)
    column.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
    column.setSpacing(APART)
    return column
