"""The page shown while no slide is open."""

import itertools
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from bachview.config import RESEARCH_USE
from bachview.core.units import count_text
from bachview.policy.in_force import in_force
from bachview.ui.look.icons import application_icon, icon
from bachview.ui.look.spacing import APART, EDGE, NEAR, RADIUS, SECTION, TIGHT
from bachview.ui.look.theme import Theme
from bachview.ui.look.widgets import allow, heading, muted, plain
from bachview.ui.session.recent import RecentFiles
from bachview.ui.session.recent_facts import RecentLook
from bachview.ui.window.recent_list import RecentList

#: Wider, the eye has to travel from the buttons to the cards.
_WIDEST_PX = 1560
#: A lower page is without title and ornament.
_HIGH_PX = 420
_DEMO_TIP = "Draws a slide whose classes are known, and classifies it"
_FIRST_STEPS = (
    "Drop slide files anywhere in this window, or press <b>Open a slide…</b>",
    "Drag to move, turn the wheel to zoom, press <b>Home</b> for the whole slide",
    "Press <b>Classify</b>: the tissue is coloured while you go on reading",
)


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

    def __init__(
        self, recent: RecentFiles, look: RecentLook, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("startPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._recent, self._look, self._theme = recent, look, theme
        self._is_drop_target = False
        self._is_stale = True
        self.list = RecentList(theme, self)
        self._progress_text = muted("", self)
        self._progress = QProgressBar(self)
        self._progress.setTextVisible(False)
        notice = plain(muted(" ".join(filter(None, (RESEARCH_USE, in_force().notice))), self))
        notice.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._body = QStackedWidget(self)
        self._body.addWidget(self._make_recent())
        self._body.addWidget(self._make_first_steps())
        column = QWidget(self)
        column.setMaximumWidth(_WIDEST_PX)
        inner = QVBoxLayout(column)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(EDGE)
        inner.addWidget(self._make_head())
        inner.addLayout(self._make_buttons())
        inner.addWidget(self._progress_text)
        inner.addWidget(self._progress)
        inner.addWidget(self._body, 1)
        center = QHBoxLayout()
        center.addStretch(1)
        center.addWidget(column, 1000)
        center.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(SECTION + NEAR, SECTION, SECTION + NEAR, APART)
        outer.setSpacing(APART)
        outer.addLayout(center, 1)
        outer.addWidget(notice)

        in_order = (self._open, self.last_button, self._demo, self._clear, self.list)
        for one, next_one in itertools.pairwise(in_order):
            self.setTabOrder(one, next_one)
        self.list.openRequested.connect(self.recentRequested)
        self.list.removeRequested.connect(recent.remove)
        look.changed.connect(self._on_facts)
        recent.changed.connect(self._on_recent)
        theme.changed.connect(self._tint)
        self._tint()
        self.show_progress("", 0, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a low window the slides come first."""
        super().resizeEvent(event)
        has_room = self.height() >= _HIGH_PX
        for widget in (self._head, self._drop_picture, self._kinds):
            widget.setVisible(has_room)

    def _make_head(self) -> QWidget:
        picture = QLabel(self)
        picture.setPixmap(application_icon().pixmap(QSize(48, 48)))
        title = QLabel("bachview", self)
        title.setObjectName("title")
        subtitle = muted(
            "View whole-slide images while an ensemble of classifiers colours the tissue by class.",
            self,
        )
        words = QVBoxLayout()
        words.setSpacing(TIGHT)
        words.addWidget(title)
        words.addWidget(subtitle)
        self._head = QWidget(self)
        head = QHBoxLayout(self._head)
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(EDGE)
        head.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        return self._head

    def _make_buttons(self) -> QHBoxLayout:
        self._open = QPushButton("Open a slide…", self)
        self._open.setObjectName("primary")
        self._open.setToolTip("Open slide files (Ctrl+O)")
        self._open.clicked.connect(self.openRequested)
        self.last_button = QPushButton(self)
        self.last_button.setToolTip("Open them where they were left (Ctrl+Shift+T)")
        self.last_button.clicked.connect(self.reopenRequested)
        self.last_button.hide()
        self._demo = QPushButton("Try the demo slide", self)
        self._demo.setToolTip(_DEMO_TIP)
        self._demo.clicked.connect(self.demoRequested)
        buttons = QHBoxLayout()
        buttons.setSpacing(NEAR)
        for button in (self._open, self.last_button, self._demo):
            buttons.addWidget(button)
        buttons.addSpacing(NEAR)
        buttons.addWidget(muted("or drop slide files anywhere in this window", self), 1)
        return buttons

    def _make_recent(self) -> QWidget:
        page = QWidget(self)
        self._clear = clear = QPushButton("Clear list", page)
        clear.setObjectName("link")
        clear.setToolTip("Forget these slides and delete their small pictures")
        clear.clicked.connect(self._recent.clear)
        row = QHBoxLayout()
        row.addWidget(heading("Recent slides", page))
        row.addStretch(1)
        row.addWidget(clear)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(NEAR)
        column.addLayout(row)
        column.addWidget(self.list, 1)
        return page

    def _make_first_steps(self) -> QWidget:
        page = QFrame(self)
        page.setObjectName("dropTarget")
        self._drop_picture = QLabel(page)
        title = heading("Your first slide", page)
        steps = QVBoxLayout()
        steps.setSpacing(NEAR)
        for number, text in enumerate(_FIRST_STEPS, 1):
            steps.addWidget(QLabel(f"{number}.&nbsp;&nbsp;{text}", page))
        self._kinds = kinds = muted(
            "Aperio, Hamamatsu, Leica, MIRAX, Philips, Ventana, Zeiss, DICOM, OME-TIFF, TIFF, "
            "JPEG, PNG",
            page,
        )
        kinds.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column = QVBoxLayout(page)
        column.setSpacing(EDGE)
        column.addStretch(2)
        column.addWidget(self._drop_picture, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(title, 0, Qt.AlignmentFlag.AlignHCenter)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addLayout(steps)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(kinds)
        column.addStretch(3)
        return page

    def showEvent(self, event: QShowEvent) -> None:
        """Update the list of recent slides, and look at them again."""
        self._renew()
        super().showEvent(event)
        self.setFocus()

    def event(self, event: QEvent) -> bool:
        """Somebody may have plugged in a drive meanwhile."""
        if event.type() == QEvent.Type.WindowActivate and self.isVisible():
            self._look.look(self._recent.slides)
        return super().event(event)

    def show_progress(self, text: str, done: int, total: int) -> None:
        """Show the progress of a preparation and allow no other; an empty text ends it."""
        self._progress_text.setText(text)
        self._progress.setRange(0, total)
        self._progress.setValue(done)
        for widget in (self._progress_text, self._progress):
            widget.setVisible(bool(text))
        allow(self._demo, text, _DEMO_TIP)

    def show_last(self, count: int) -> None:
        """Offer to reopen the slides of the last session, if there are any."""
        which = "slide" if count == 1 else f"{count_text(count)} slides"
        self.last_button.setText(f"Reopen the {which} of last time")
        self.last_button.setVisible(count > 0)

    def show_drop_target(self, *, on: bool) -> None:
        """Files are being dragged over the window, or no longer."""
        if on != self._is_drop_target:
            self._is_drop_target = on
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Frame the page while files are dragged over it."""
        super().paintEvent(event)
        if not self._is_drop_target:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.colors.accent), 3, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self.rect().adjusted(8, 8, -9, -9), 2 * RADIUS, 2 * RADIUS)
        painter.end()

    def _on_recent(self) -> None:
        """The list has changed: renew it, but only if it is visible.

        It changes with every slide that is opened, in front of this page.
        """
        self._is_stale = True
        if self.isVisible():
            self._renew()

    def _on_facts(self, path: Path) -> None:
        self.list.show_facts(path, self._look.facts(path))

    def _renew(self) -> None:
        slides = self._recent.slides
        self._look.look(slides)
        if not self._is_stale:
            return
        self._is_stale = False
        self.list.show_slides([(slide, self._look.facts(slide.path)) for slide in slides])
        self._body.setCurrentIndex(0 if slides else 1)
        self.setFocusProxy(self.list if slides else self._open)

    def _tint(self) -> None:
        colors = self._theme.colors
        self._drop_picture.setPixmap(icon("open", colors, ink=colors.muted).pixmap(QSize(48, 48)))
