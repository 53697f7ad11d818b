"""The page shown while no slide is open."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from bachview.config import RESEARCH_USE
from bachview.file_names import printable
from bachview.policy.in_force import in_force
from bachview.ui.look.icons import application_icon, icon
from bachview.ui.look.theme import Theme
from bachview.ui.look.widgets import heading, line, muted, plain
from bachview.ui.session.recent import RecentFiles

_MOST_SHOWN = 6
_WIDTH_PX = 560


class StartPage(QWidget):
    """Open button, recent slides, and the hint that files can be dropped.

    Signals
    -------
    openRequested, demoRequested, reopenRequested : a button was pressed.
    recentRequested(Path) : a recent slide was chosen.
    """

    openRequested = Signal()
    demoRequested = Signal()
    reopenRequested = Signal()
    recentRequested = Signal(object)

    def __init__(self, recent: RecentFiles, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("startPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._recent = recent
        self._theme = theme
        picture = QLabel(self)
        picture.setPixmap(application_icon().pixmap(QSize(64, 64)))
        title = QLabel("bachview", self)
        title.setObjectName("title")
        subtitle = muted(
            "View whole-slide images while an ensemble of classifiers colours the tissue by class.",
            self,
        )
        self._open = QPushButton("Open a slide…", self)
        self._open.setObjectName("primary")
        self._open.setToolTip("Open slide files (Ctrl+O)")
        self._demo = QPushButton("Try the demo slide", self)
        self._demo.setToolTip("Draws a slide whose classes are known, and classifies it")
        self.last_button = QPushButton(self)
        self.last_button.setToolTip("Open them where they were left (Ctrl+Shift+T)")
        self.last_button.hide()
        hint = muted("or drop slide files anywhere in this window", self)
        self._progress_text = muted("", self)
        self._progress = QProgressBar(self)
        self._progress.setTextVisible(False)
        self._recent_box = QFrame(self)
        self._recent_box.setObjectName("card")
        self._recent_column = QVBoxLayout(self._recent_box)
        self._recent_column.setContentsMargins(16, 12, 16, 12)
        self._recent_column.setSpacing(2)
        notice = plain(muted(" ".join(filter(None, (RESEARCH_USE, in_force().notice))), self))
        notice.setAlignment(Qt.AlignmentFlag.AlignCenter)

        head = QHBoxLayout()
        head.setSpacing(18)
        head.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(title)
        words.addWidget(subtitle)
        head.addLayout(words, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addWidget(self._open)
        buttons.addWidget(self._demo)
        buttons.addWidget(self.last_button)
        buttons.addWidget(hint, 1)
        column = QWidget(self)
        column.setMaximumWidth(_WIDTH_PX)
        inner = QVBoxLayout(column)
        inner.setSpacing(20)
        inner.addLayout(head)
        inner.addLayout(buttons)
        progress = QVBoxLayout()
        progress.setSpacing(6)
        progress.addWidget(self._progress_text)
        progress.addWidget(self._progress)
        inner.addLayout(progress)
        inner.addWidget(self._recent_box)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        center = QHBoxLayout()
        center.addStretch(1)
        center.addWidget(column, 1000)
        center.addStretch(1)
        outer.addLayout(center)
        outer.addStretch(3)
        outer.addWidget(notice)

        self._open.clicked.connect(self.openRequested)
        self._demo.clicked.connect(self.demoRequested)
        self.last_button.clicked.connect(self.reopenRequested)
        recent.changed.connect(self._on_recent)
        theme.changed.connect(self._on_recent)
        self._recent_rows: list[QWidget] = []
        self._is_stale = True
        self.show_progress("", 0, 0)

    def showEvent(self, event: QShowEvent) -> None:
        """Update the list of recent slides."""
        self._renew()
        super().showEvent(event)

    def show_progress(self, text: str, done: int, total: int) -> None:
        """Show the progress of a preparation and allow no other; an empty text ends it."""
        self._progress_text.setText(text)
        self._progress.setRange(0, total)
        self._progress.setValue(done)
        for widget in (self._progress_text, self._progress):
            widget.setVisible(bool(text))
        self._demo.setEnabled(not text)

    def show_last(self, count: int) -> None:
        """Offer to reopen the slides of the last session, if there are any."""
        which = "slide" if count == 1 else f"{count:,} slides"
        self.last_button.setText(f"Reopen the {which} of last time")
        self.last_button.setVisible(count > 0)

    def _on_recent(self) -> None:
        """The list has changed: rebuild its rows, but only if they are visible.

        It changes with every slide that is opened, in front of this page.
        """
        self._is_stale = True
        if self.isVisible():
            self._renew()

    def _renew(self) -> None:
        if self._is_stale:
            self._is_stale = False
            self._show_recent()

    def _show_recent(self) -> None:
        for row in self._recent_rows:
            row.hide()
            row.deleteLater()
        paths = self._recent.paths[:_MOST_SHOWN]
        self._recent_box.setVisible(bool(paths))
        self._recent_rows = [
            heading("Recent slides", self._recent_box),
            line(self._recent_box),
            *(self._recent_button(path) for path in paths),
        ]
        for row in self._recent_rows:
            self._recent_column.addWidget(row)
            row.show()  # at once, not only after the next turn of the event loop

    def _recent_button(self, path: Path) -> QPushButton:
        button = QPushButton(self._recent_box)
        button.setObjectName("link")
        button.setIcon(icon("slide", self._theme.colors))
        metrics = button.fontMetrics()
        shown = printable(path.name)
        name = metrics.elidedText(shown, Qt.TextElideMode.ElideMiddle, _WIDTH_PX - 110)
        # An ampersand in a file name is not a shortcut.
        button.setText(name.replace("&", "&&"))
        button.setToolTip(printable(str(path)))
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.clicked.connect(lambda: self.recentRequested.emit(path))
        return button
