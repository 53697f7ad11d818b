"""The messages of a session: one sentence each, with what can be done about it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from PySide6.QtCore import QObject, Signal

#: Beyond this the oldest that no longer lie over the slide are forgotten.
_MOST_KEPT = 200


class Tone(StrEnum):
    """Severity of a message; also its object name in the style sheet."""

    NOTICE = "notice"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Offer:
    """A button on a message.

    Attributes
    ----------
    is_question : the message waits for an answer, and the button goes once it has been pressed.
    """

    text: str
    action: Callable[[], object]
    is_question: bool = True


class Message:
    """One message; what states a condition is withdrawn when that ends.

    Attributes
    ----------
    offers : what can still be done about it.
    time : when it was said, the last time of several.
    count : how often it was said.
    is_open : it lies over the slide; otherwise it is only in the list.
    is_read : the user has closed or answered it, or has seen the list.
    is_over : it was answered, or is no longer true.
    """

    def __init__(self, text: str, tone: Tone, owner: "Messages") -> None:
        self.text, self.tone, self._owner = text, tone, owner
        self.offers: tuple[Offer, ...] = ()
        self.time = datetime.now()
        self.count = 0
        self.is_open = self.is_read = self.is_over = False

    @property
    def stays(self) -> bool:
        """Whether it lies over the slide until it is closed or answered."""
        return self.tone is Tone.PROBLEM or self.asks

    @property
    def asks(self) -> bool:
        """Whether it waits for an answer."""
        return any(offer.is_question for offer in self.offers)

    @property
    def shown_text(self) -> str:
        """The text, and how often it was said."""
        return self.text if self.count < 2 else f"{self.text} ({self.count} times)"

    def withdraw(self) -> None:
        """It is no longer true: it goes, and the list keeps it as something that is over."""
        self._owner.end(self)


class Messages(QObject):
    """Says things to the user, and keeps what was said. GUI thread only.

    Signals
    -------
    said(Message) : a message, or an earlier one once more.
    changed : anything about the messages.
    """

    said = Signal(object)
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: list[Message] = []

    @property
    def all(self) -> tuple[Message, ...]:
        """Those of this session, the newest last."""
        return tuple(self._all)

    @property
    def open(self) -> tuple[Message, ...]:
        """Those that lie over the slide, the newest last."""
        return tuple(message for message in self._all if message.is_open)

    @property
    def texts(self) -> tuple[str, ...]:
        """Of the open messages, the newest last."""
        return tuple(message.text for message in self.open)

    @property
    def unread(self) -> int:
        """How many the user may have missed."""
        return sum(not (message.is_read or message.is_over) for message in self._all)

    def notice(self, text: str, *offers: Offer) -> Message:
        """Say something that goes by itself, unless one of the offers is a question."""
        return self._say(text, Tone.NOTICE, offers)

    def problem(self, text: str, *offers: Offer) -> Message:
        """Say what went wrong; it stays until it is closed or no longer true."""
        return self._say(text, Tone.PROBLEM, offers)

    def _say(self, text: str, tone: Tone, offers: tuple[Offer, ...]) -> Message:
        message = next((m for m in self._all if (m.text, m.tone) == (text, tone)), None)
        if message is None:
            message = Message(text, tone, self)
        else:
            self._all.remove(message)
        self._all.append(message)
        message.offers, message.time = offers, datetime.now()
        message.count += 1
        message.is_open, message.is_read, message.is_over = True, False, False
        surplus = max(0, len(self._all) - _MOST_KEPT)
        for old in [m for m in self._all if not m.is_open][:surplus]:
            self._all.remove(old)
        self.said.emit(message)
        self.changed.emit()
        return message

    def answer(self, message: Message, offer: Offer) -> None:
        """Do what was offered."""
        message.is_open, message.is_read = False, True
        if offer.is_question:
            message.offers, message.is_over = (), True
        self.changed.emit()
        offer.action()

    def close(self, message: Message) -> None:
        """The user has read it."""
        message.is_open, message.is_read = False, True
        self.changed.emit()

    def fade(self, message: Message) -> None:
        """It has been shown for long enough; whether it was read is unknown."""
        message.is_open = False
        self.changed.emit()

    def end(self, message: Message) -> None:
        """It is no longer true."""
        if not message.is_over:
            message.offers, message.is_open, message.is_over = (), False, True
            self.changed.emit()

    def withdraw(self, text: str) -> None:
        """End the messages with this text."""
        for message in [shown for shown in self._all if shown.text == text]:
            self.end(message)

    def mark_read(self) -> None:
        """The user has seen the list."""
        if self.unread:
            for message in self._all:
                message.is_read = True
            self.changed.emit()

    def clear(self) -> None:
        """Forget all of them."""
        self._all.clear()
        self.changed.emit()
