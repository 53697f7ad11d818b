"""Messages that float over the slide, and never move it."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QKeyEvent
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
from bachview.ui.look.spacing import APART, NEAR
from bachview.ui.look.theme import Theme
from bachview.ui.look.widgets import WrappedLabel, height_for
from bachview.ui.window.messages import Message, Messages, Offer, Tone

_MOST_SHOWN = 3
_WIDTH_PX = 440
#: Kept free at the bottom left for the scale bar, px.
_SCALE_PX, _SCALE_WIDTH_PX = 56, 330
#: Narrower than this beside the scale bar, they go above it, px.
_LEAST_PX = 210
_TICK_MS = 250
#: How long a notice stays: time to notice it, and to read it slowly.
_LEAST_MS, _PER_CHARACTER_MS = 4_000, 70


class Toast(QFrame):
    """One message.

    Signals
    -------
    closed : the user has read it.
    chosen(Offer) : one of its buttons was pressed.
    """

    closed = Signal()
    chosen = Signal(object)

    def __init__(self, message: Message, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(message.tone.value)
        self.message = message
        self.shown_ms = 0
        self._key: object = None
        self._theme = theme
        self._picture = QLabel(self)
        self._label = WrappedLabel("", self)
        # File names may contain what looks like markup.
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._close = close = QToolButton(self)
        close.setAutoRaise(True)
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.closed)
        row = QHBoxLayout()
        row.setSpacing(NEAR)
        row.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._label, 1)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(NEAR)
        self._buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(APART, NEAR, NEAR, NEAR)
        column.setSpacing(NEAR)
        column.addLayout(row)
        column.addLayout(self._buttons)
        self._offers: list[QPushButton] = []
        theme.changed.connect(self._tint)
        self._tint()
        self.renew()

    def renew(self) -> None:
        """Show the message as it is now; said once more, its time begins anew."""
        message = self.message
        key = message.count, message.offers
        if key == self._key:
            return
        self._key = key
        self.shown_ms = 0
        self._label.setText(message.shown_text)
        self.setAccessibleName(message.shown_text)
        for button in self._offers:
            button.hide()
            button.deleteLater()
        self._offers = [self._button(offer) for offer in message.offers]
        for button in self._offers:
            self._buttons.addWidget(button)
            button.show()

    def _button(self, offer: Offer) -> QPushButton:
        button = QPushButton(offer.text, self)
        button.clicked.connect(lambda: self.chosen.emit(offer))
        return button

    @property
    def time_needed_ms(self) -> int:
        return _LEAST_MS + _PER_CHARACTER_MS * len(self.message.text)

    @property
    def has_keyboard(self) -> bool:
        """Whether one of its buttons has the keyboard."""
        return any(button.hasFocus() for button in (*self._offers, self._close))

    def take_keyboard(self) -> None:
        (*self._offers, self._close)[0].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _tint(self) -> None:
        colors, is_notice = self._theme.colors, self.message.tone is Tone.NOTICE
        ink = colors.notice_text if is_notice else colors.problem_text
        picture = icon("info" if is_notice else "warning", colors, ink=ink)
        self._picture.setPixmap(picture.pixmap(QSize(20, 20)))
        self._close.setIcon(icon("close", colors, ink=ink))


class Toasts(QWidget):
    """The newest open messages, at the bottom right of what they lie on. GUI thread only.

    Signals
    -------
    moreRequested : the user wants to see those for which there is no room.
    left : the keyboard goes back to the slide.
    """

    moreRequested = Signal()
    left = Signal()

    def __init__(
        self, messages: Messages, theme: Theme, area: QWidget, over: Callable[[], QRect]
    ) -> None:
        """`over` : the part of `area` that they may lie on."""
        super().__init__(area)
        self._messages, self._theme, self._area, self._over = messages, theme, area, over
        # Our own list, as a wrapper returned by QLayout.itemAt() outlives its item (see
        # tests/ui/test_qt_ownership.py).
        self._toasts: dict[Message, Toast] = {}
        self._is_aside = False
        self._more = QPushButton(self)
        self._more.setToolTip("Show all messages (F8)")
        self._more.clicked.connect(self.moreRequested)
        self._clock = QTimer(self, interval=_TICK_MS)
        self._clock.timeout.connect(lambda: self.pass_time(_TICK_MS))
        self.hide()
        area.installEventFilter(self)
        messages.said.connect(self._announce)
        messages.changed.connect(self.arrange)

    def step_aside(self, aside: bool) -> None:  # a Qt slot
        """Leave the place to the list, in which they are too."""
        self._is_aside = aside
        self.arrange()

    @property
    def shown(self) -> tuple[Toast, ...]:
        """Those that can be seen, the newest last."""
        return tuple(toast for toast in self._toasts.values() if not toast.isHidden())

    @property
    def more_text(self) -> str:
        """What is said of those for which there is no room; empty if there is room for all."""
        return "" if self._more.isHidden() else self._more.text()

    def take_keyboard(self) -> bool:
        """Give the keyboard to the newest; False if there is none."""
        if not self.shown or self.isHidden():
            return False
        self.shown[-1].take_keyboard()
        return True

    def close_newest(self) -> bool:
        """Close the newest that asks nothing; False if there is none."""
        for toast in reversed(self.shown):
            if not toast.message.asks:
                self._close(toast.message)
                return True
        return False

    def pass_time(self, ms: int) -> None:
        """Count the time for which notices have been seen, and close those that have had theirs.

        It stands still while the cursor or the keyboard is on one of them: they must not move then.
        """
        is_seen = self.isVisible() and not self.window().isMinimized()
        if not is_seen or self.underMouse() or any(toast.has_keyboard for toast in self.shown):
            return
        for toast in self.shown:
            if not toast.message.stays:
                toast.shown_ms += ms
                if toast.shown_ms >= toast.time_needed_ms:
                    self._messages.fade(toast.message)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes the one that has the keyboard, if it asks nothing, and leaves."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
            return
        for toast in self.shown:
            if toast.has_keyboard and not toast.message.asks:
                self._messages.close(toast.message)
        self.left.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self.arrange()
        return False

    def _announce(self, message: Message) -> None:
        """Let a screen reader say it."""
        if not QAccessible.isActive():
            return
        event = QAccessibleAnnouncementEvent(self.window(), message.shown_text)
        if message.tone is Tone.PROBLEM:
            event.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
        QAccessible.updateAccessibility(event)

    def _toast_of(self, message: Message) -> Toast:
        toast = self._toasts.get(message)
        if toast is None:
            toast = self._toasts[message] = Toast(message, self._theme, self)
            toast.closed.connect(lambda: self._close(message))
            toast.chosen.connect(lambda offer: self._answer(message, offer))
        toast.renew()
        return toast

    def _close(self, message: Message) -> None:
        self._leave(message)
        self._messages.close(message)

    def _answer(self, message: Message, offer: Offer) -> None:
        self._leave(message)
        self._messages.answer(message, offer)

    def _leave(self, message: Message) -> None:
        """The buttons of a message are about to go, and with them the keyboard that they have."""
        toast = self._toasts.get(message)
        if toast is not None and toast.has_keyboard:
            self.left.emit()

    def arrange(self) -> None:
        """Lie over the area as it is now."""
        wanted = self._messages.open
        for message in [m for m in self._toasts if m not in wanted]:
            toast = self._toasts.pop(message)
            toast.hide()
            toast.deleteLater()
        over = self._over()
        beside = over.width() - 2 * APART - _SCALE_WIDTH_PX
        is_over_scale = beside < _LEAST_PX
        width = min(_WIDTH_PX, over.width() - 2 * APART if is_over_scale else beside)
        bottom = over.bottom() - APART - (_SCALE_PX if is_over_scale else 0)
        room = bottom - over.top()
        shown: list[tuple[Toast, int]] = []
        for message in reversed(wanted[-_MOST_SHOWN:]):
            toast = self._toast_of(message)
            height = height_for(toast, width)
            if shown and height + NEAR > room:
                break
            room -= height + NEAR
            shown.insert(0, (toast, height))
        hidden = len(wanted) - len(shown)
        top = 0
        has_room = self._more.sizeHint().height() + NEAR <= room  # otherwise the bell says it
        self._more.setVisible(hidden > 0 and has_room)
        if hidden > 0 and has_room:
            self._more.setText(f"and {hidden} more…")
            size = self._more.sizeHint()
            self._more.setGeometry(width - size.width(), 0, size.width(), size.height())
            top = size.height() + NEAR
        visible = {toast for toast, _ in shown}
        for toast in self._toasts.values():
            toast.setVisible(toast in visible)
        # In the order in which the Tab key goes through them.
        for toast, height in shown:
            toast.setGeometry(0, top, width, height)
            toast.raise_()
            top += height + NEAR
        height = max(0, top - NEAR)
        self.setGeometry(over.right() - APART - width, bottom - height, width, height)
        self.setVisible(bool(shown) and not self._is_aside)
        self.raise_()
        if shown and not self._clock.isActive():
            self._clock.start()
        elif not shown:
            self._clock.stop()
