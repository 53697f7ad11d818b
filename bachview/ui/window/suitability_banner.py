"""A card over a slide that the model cannot judge, or that was classified although it cannot."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from bachview.errors import UnsuitableSlideError
from bachview.ui.look.icons import icon
from bachview.ui.look.spacing import APART, NEAR
from bachview.ui.look.theme import Theme
from bachview.ui.look.widgets import WrappedLabel
from bachview.ui.window.messages import Tone

_NOT_CHECKED = (
    "This slide was classified by an earlier version, which did not check whether it is what the "
    "model was trained on."
)


class SuitabilityBanner(QFrame):
    """Says what was measured. Only a refusal can be closed. GUI thread only.

    Signals
    -------
    anywayRequested : classify the slide although the check speaks against it.
    closed : the user has read the refusal.
    """

    anywayRequested = Signal()
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tone = Tone.PROBLEM
        self.setObjectName(self._tone.value)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._picture = QLabel(self)
        self._text = WrappedLabel("", self)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.anyway = QPushButton("Classify anyway", self)
        self.anyway.setToolTip(
            "Classify it although the classes may mean nothing; the slide and every export say so"
        )
        self.close_button = QPushButton("Close", self)
        self.close_button.setToolTip("Close this message; nothing is classified")
        self.anyway.clicked.connect(self.anywayRequested)
        self.close_button.clicked.connect(self.closed)
        row = QHBoxLayout()
        row.setSpacing(NEAR)
        row.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(NEAR)
        buttons.addStretch(1)
        buttons.addWidget(self.anyway)
        buttons.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(APART, NEAR, APART, NEAR)
        column.setSpacing(NEAR)
        column.addLayout(row)
        column.addLayout(buttons)
        theme.changed.connect(self._tint)
        self._tint()
        self.hide()

    @property
    def text(self) -> str:
        """What is shown; empty if nothing is."""
        return "" if self.isHidden() else self._text.text()

    def show_refusal(self, sentences: tuple[str, ...], *, has_results: bool) -> None:
        """Nothing was classified now because of `sentences`; ask what to do.

        Parameters
        ----------
        has_results : earlier results are shown, which were not checked then.
        """
        what = "Not classified further" if has_results else "Not classified"
        text = f"{what}: {' '.join(sentences)} {UnsuitableSlideError.advice()}"
        self._show(text, Tone.PROBLEM, asks=True)

    def show_warnings(self, warnings: tuple[str, ...] | None) -> None:
        """What speaks against the classes on the slide; None if that was not checked."""
        if warnings is None:
            self._show(_NOT_CHECKED, Tone.NOTICE, asks=False)
        elif warnings:
            found = " ".join(warnings)
            text = f"Classified anyway, although: {found} The classes shown may mean nothing."
            self._show(text, Tone.PROBLEM, asks=False)
        else:
            self.hide()

    def _show(self, text: str, tone: Tone, *, asks: bool) -> None:
        self._text.setText(text.replace(" %", "\u00a0%"))  # never at the start of a line
        self.anyway.setVisible(asks)
        self.close_button.setVisible(asks)
        if tone is not self._tone:
            self._tone = tone
            self.setObjectName(tone.value)
            for widget in (self, self._text):  # the style goes by the name
                self.style().unpolish(widget)
                self.style().polish(widget)
            self._tint()
        self.show()

    def _tint(self) -> None:
        colors, is_notice = self._theme.colors, self._tone is Tone.NOTICE
        ink = colors.notice_text if is_notice else colors.problem_text
        picture = icon("info" if is_notice else "warning", colors, ink=ink)
        self._picture.setPixmap(picture.pixmap(QSize(20, 20)))
