"""Messages above the slide: one sentence each, closed by the user, never in the way."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QSize, Qt, QTimer, Signal
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
from bachview.ui.look.theme import Theme
from bachview.ui.look.widgets import WrappedLabel

_MOST_SHOWN = 3
_NOTICE_MS = 12_000


class Tone(StrEnum):
    """Severity of a message; also its object name in the style sheet."""

    NOTICE = "notice"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Offer:
    """A button on a message."""

    text: str
    action: Callable[[], object]


class Message(QFrame):
    """One message.

    Signals
    -------
    closed : one of its buttons was pressed.
    """

    closed = Signal()

    def __init__(
        self, text: str, tone: Tone, theme: Theme, offer: Offer | None, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName(tone.value)
        self.text = text
        self.has_offer = offer is not None
        self._theme, self._tone = theme, tone
        self._picture = QLabel(self)
        label = WrappedLabel(text, self)
        label.setTextFormat(Qt.TextFormat.PlainText)  # file names may contain what looks like HTML
        label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._close = close = QToolButton(self)
        close.setAutoRaise(True)
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.closed)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 7, 8, 7)
        row.setSpacing(10)
        row.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(label, 1)
        if offer is not None:
            button = QPushButton(offer.text, self)
            button.clicked.connect(offer.action)
            button.clicked.connect(self.closed)
            row.addWidget(button)
        row.addWidget(close)
        theme.changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        colors, is_notice = self._theme.colors, self._tone is Tone.NOTICE
        ink = colors.notice_text if is_notice else colors.problem_text
        picture = icon("info" if is_notice else "warning", colors, ink=ink)
        self._picture.setPixmap(picture.pixmap(QSize(20, 20)))
        self._close.setIcon(icon("close", colors, ink=ink))


class MessageBar(QWidget):
    """The newest messages; the oldest is dropped, those with a button last. GUI thread only.

    Signals
    -------
    answered : the user closed a message; the slide gets the keyboard focus back.
    """

    answered = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        # Our own list, as a wrapper returned by QLayout.itemAt() outlives its item (see
        # tests/ui/test_qt_ownership.py).
        self._messages: list[Message] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)

    @property
    def texts(self) -> tuple[str, ...]:
        """The messages shown, oldest first."""
        return tuple(message.text for message in self._messages)

    def notice(self, text: str, offer: Offer | None = None) -> None:
        """Show a message that needs no answer; it disappears after a while."""
        message = self._show(text, Tone.NOTICE, offer)
        if offer is None:
            QTimer.singleShot(_NOTICE_MS, message, lambda: self._remove(message))

    def problem(self, text: str, offer: Offer | None = None) -> None:
        """Show what went wrong; the message stays until it is closed."""
        self._show(text, Tone.PROBLEM, offer)

    def withdraw(self, text: str) -> None:
        """Remove a message that is no longer true."""
        for message in [shown for shown in self._messages if shown.text == text]:
            self._remove(message)

    def clear(self) -> None:
        for message in list(self._messages):
            self._remove(message)

    def _show(self, text: str, tone: Tone, offer: Offer | None) -> Message:
        for old in [shown for shown in self._messages if shown.text == text]:
            self._remove(old)
        while len(self._messages) >= _MOST_SHOWN:
            # The oldest, but what waits for an answer goes last.
            self._remove(min(self._messages, key=lambda shown: shown.has_offer))
        message = Message(text, tone, self._theme, offer, self)
        message.closed.connect(lambda: self._on_closed(message))
        self._messages.append(message)
        self._column.addWidget(message)
        message.show()
        return message

    def _on_closed(self, message: Message) -> None:
        self.answered.emit()
        self._remove(message)

    def _remove(self, message: Message) -> None:
        if message in self._messages:
            self._messages.remove(message)
            message.hide()
            message.deleteLater()
