"""All messages of the session: a button in the status bar, and the list that it opens."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from bachview.ui.look.icons import icon
from bachview.ui.look.spacing import APART, EDGE, NEAR
from bachview.ui.look.theme import Theme
from bachview.ui.look.widgets import WrappedLabel, heading, height_for, line, scrolled
from bachview.ui.window.messages import Message, Messages, Offer

_WIDTH_PX = 480
#: Kept free at the top for the minimap, px.
_MINIMAP_PX = 240


def _clock_text(message: Message) -> str:
    return message.time.strftime("%H:%M")


class MessagesButton(QToolButton):
    """Says how many messages may have been missed. GUI thread only."""

    def __init__(self, messages: Messages, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._messages, self._theme = messages, theme
        self.setAutoRaise(True)
        self.setIconSize(QSize(16, 16))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # Beside figures that must not move when a message comes.
        self.setText("99")
        self.setMinimumWidth(self.sizeHint().width())
        messages.changed.connect(self._renew)
        theme.changed.connect(self._renew)
        self._renew()

    def _renew(self) -> None:
        unread, is_empty = self._messages.unread, not self._messages.all
        self.setText(f"{unread}" if unread else "")
        self.setIcon(icon("bell", self._theme.colors))
        self.setEnabled(not is_empty)
        count = "no unread ones" if not unread else f"{unread} unread"
        tip = "Off, because there are no messages yet" if is_empty else f"Messages, {count} (F8)"
        self.setToolTip(tip)
        self.setAccessibleName(f"Messages, {count}")


class MessageList(QFrame):
    """The messages with their times, the newest first, over the bottom right of the slide.

    Signals
    -------
    left : it was closed; the keyboard goes back to the slide.
    shownChanged(bool) : it is open, or no longer.
    """

    left = Signal()
    shownChanged = Signal(bool)

    def __init__(
        self, messages: Messages, theme: Theme, area: QWidget, over: Callable[[], QRect]
    ) -> None:
        """`over` : the part of `area` that it lies on."""
        super().__init__(area)
        self.setObjectName("card")
        self._messages, self._theme, self._over = messages, theme, over
        self.setAccessibleName("Messages")
        self._copy = QPushButton("Copy", self)
        self._copy.setToolTip("Copy all messages as text")
        self._clear = QPushButton("Clear", self)
        self._clear.setToolTip("Forget all messages, also those that are still shown")
        self._close = QToolButton(self)
        self._close.setAutoRaise(True)
        self._close.setToolTip("Close the list (Esc)")
        self._close.setAccessibleName("Close the list")
        head = QHBoxLayout()
        head.setSpacing(NEAR)
        head.addWidget(heading("Messages", self), 1)
        for button in (self._copy, self._clear, self._close):
            head.addWidget(button)
        self._inside = QWidget(self)
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(0, 0, NEAR, 0)
        self._column.setSpacing(NEAR)
        self._column.addStretch(1)
        self._area = scrolled(self._inside)
        self._area.setObjectName("onCard")
        self._area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(EDGE, APART, NEAR, APART)
        column.setSpacing(NEAR)
        column.addLayout(head)
        column.addWidget(self._area, 1)
        self._rows: list[QWidget] = []
        self.hide()
        self._copy.clicked.connect(self._copy_all)
        self._clear.clicked.connect(self._clear_all)
        self._close.clicked.connect(self.leave)
        area.installEventFilter(self)
        messages.changed.connect(self._renew)
        theme.changed.connect(self._tint)
        self._tint()

    @property
    def text(self) -> str:
        """What Copy copies: a line for each message, the oldest first."""
        return "\n".join(f"{_clock_text(m)}\t{m.shown_text}" for m in self._messages.all)

    def toggle(self) -> None:
        """Open it with the keyboard in it, or close it."""
        if not self.isHidden():
            self.leave()
        elif self._messages.all:
            self.show()
            self._area.setFocus()

    def leave(self) -> None:
        """Close it."""
        self.hide()
        self.left.emit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._renew()
        self.shownChanged.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.shownChanged.emit(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes it."""
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._place()
        return False

    def _renew(self) -> None:
        """Write it anew while it is open; who has it before him has read it."""
        if self.isHidden():
            return
        if self._messages.unread:
            self._messages.mark_read()  # comes back here
            return
        for row in self._rows:
            row.hide()
            row.deleteLater()
        self._rows = []
        for message in reversed(self._messages.all):
            if self._rows:
                self._rows.append(line(self._inside))
            self._rows.append(self._row(message))
        for row in self._rows:
            self._column.insertWidget(self._column.count() - 1, row)
            row.show()
        self._clear.setEnabled(bool(self._rows))
        self._copy.setEnabled(bool(self._rows))
        self._place()
        self.raise_()

    def _row(self, message: Message) -> QWidget:
        row = QWidget(self._inside)
        time = QLabel(_clock_text(message), row)
        time.setObjectName("muted")
        text = WrappedLabel("", row)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setText(message.shown_text)
        if message.is_over:
            text.setObjectName("muted")
            text.setToolTip("Over: answered, or no longer true")
        column = QVBoxLayout()
        column.setSpacing(NEAR)
        column.addWidget(text)
        if message.offers:
            buttons = QHBoxLayout()
            buttons.setSpacing(NEAR)
            for offer in message.offers:
                buttons.addWidget(self._button(message, offer, row))
            buttons.addStretch(1)
            column.addLayout(buttons)
        across = QHBoxLayout(row)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(APART)
        across.addWidget(time, 0, Qt.AlignmentFlag.AlignTop)
        across.addLayout(column, 1)
        return row

    def _button(self, message: Message, offer: Offer, row: QWidget) -> QPushButton:
        button = QPushButton(offer.text, row)
        button.clicked.connect(lambda: self._answer(message, offer))
        return button

    def _answer(self, message: Message, offer: Offer) -> None:
        self.leave()
        self._messages.answer(message, offer)

    def _copy_all(self) -> None:
        QGuiApplication.clipboard().setText(self.text)

    def _clear_all(self) -> None:
        self.leave()
        self._messages.clear()

    def _place(self) -> None:
        if self.isHidden():
            return
        over = self._over()
        width = min(_WIDTH_PX, over.width() - 2 * APART)
        room = max(over.height() - _MINIMAP_PX - APART, over.height() // 2)
        inside = width - EDGE - 2 * NEAR - self._area.verticalScrollBar().sizeHint().width()
        self._inside.setFixedWidth(inside)
        rows = sum(height_for(row, inside - NEAR) + NEAR for row in self._rows)
        wanted = rows + self._close.sizeHint().height() + 4 * APART
        height = min(room, wanted)
        self.setGeometry(
            over.right() - APART - width, over.bottom() - APART - height, width, height
        )

    def _tint(self) -> None:
        self._close.setIcon(icon("close", self._theme.colors))
