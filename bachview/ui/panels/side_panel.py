"""The panel beside the slide: one column of sections that fold."""

from dataclasses import replace
from itertools import pairwise

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from bachview.ui.look.spacing import APART, NEAR, TIGHT
from bachview.ui.look.widgets import plain, scrolled
from bachview.ui.panels.bookmarks_panel import BookmarksPanel
from bachview.ui.panels.cursor_panel import CursorPanel
from bachview.ui.panels.cursor_reading import CursorReading
from bachview.ui.panels.folds import Fold
from bachview.ui.panels.jobs_panel import JobsPanel
from bachview.ui.panels.overlay_amounts import Amounts
from bachview.ui.panels.overlay_panel import OverlayPanel
from bachview.ui.panels.panel import Panel
from bachview.ui.panels.result_panel import ResultPanel
from bachview.ui.session.bundles import BundleSummary
from bachview.ui.session.run_status import RunState, RunStatus
from bachview.ui.session.settings import SettingsFile

#: Unfolded only where there is room for them, in this order, until the user decides.
_IF_ROOM = ("votes", "run")
_WIDTH_PX = 320
_STEPS = 1000


class SidePanel(Panel):
    """Shows the sections that have something to say, and remembers which the user has folded.

    Attributes
    ----------
    result, at_cursor, overlay, run, bookmarks : the sections' contents.
    """

    name, title = "panel", "Panel"

    def __init__(self, settings: SettingsFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        #: By name, what the user has folded or unfolded.
        self._decided = dict(settings.now.folding)
        self._has_slide = self._has_prediction = False
        self._status = RunStatus()
        self._progress = _Progress(self)
        self._content = content = QWidget(self)
        self.result = ResultPanel(content)
        self.at_cursor = CursorPanel(content)
        self.overlay = OverlayPanel(settings, self.result.legend, content)
        self.run = JobsPanel(content)
        self.bookmarks = BookmarksPanel(content)
        #: What the window tells the panel, it tells each of these.
        self._panels: tuple[Panel, ...] = (
            self.result,
            self.at_cursor,
            self.overlay,
            self.run,
            self.bookmarks,
        )
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.sections: dict[str, Fold] = {}
        for panel in self._panels:
            section = Fold(panel.name, panel.title, panel, content, is_section=True)
            self.sections[panel.name] = section
            column.addWidget(section)
        column.addStretch(1)
        self._area = scrolled(content)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._progress)
        whole.addWidget(self._area, 1)
        for fold in self.folds:
            fold.pressed.connect(lambda folded, fold=fold: self._on_pressed(fold, folded))
        self._unfolded: Fold | None = None
        # Once it has been laid out.
        self._look = QTimer(self, singleShot=True, interval=0)
        self._look.timeout.connect(self._look_at_unfolded)
        self.overlay.styleChanged.connect(self.result.show_style)
        self.bookmarks.shownChanged.connect(self._show_sections)
        self._show_sections()

    def sizeHint(self) -> QSize:
        return QSize(max(_WIDTH_PX, self.minimumSizeHint().width()), 600)

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The sections and what folds inside them."""
        return tuple(self.findChildren(Fold))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Unfold what there is now room for."""
        super().resizeEvent(event)
        self._adapt()

    # -- what the window tells -----------------------------------------------------------

    def show_contents(self, *, has_slide: bool, has_prediction: bool) -> None:
        self._has_slide, self._has_prediction = has_slide, has_prediction
        for panel in self._panels:
            panel.show_contents(has_slide=has_slide, has_prediction=has_prediction)
        self._show_sections()

    def show_bundle(self, bundle: BundleSummary) -> None:
        for panel in self._panels:
            panel.show_bundle(bundle)
        self._order_stops()
        self._adapt()

    def show_amounts(self, amounts: Amounts) -> None:
        for panel in self._panels:
            panel.show_amounts(amounts)

    def show_reading(self, reading: CursorReading | None) -> None:
        for panel in self._panels:
            panel.show_reading(reading)

    def show_status(self, status: RunStatus) -> None:
        self._status = status
        self._progress.show_status(status)
        self.sections[self.run.name].header.show_remark(status.title)
        for panel in self._panels:
            panel.show_status(status)
        self._show_sections()

    def show_obstacle(self, obstacle: str) -> None:
        for panel in self._panels:
            panel.show_obstacle(obstacle)

    # -- what is shown -------------------------------------------------------------------

    def _show_sections(self) -> None:
        """Hide the sections that would be empty."""
        has_run = self._has_slide and self._status.state is not RunState.IDLE
        for panel, shown in (
            (self.at_cursor, self._has_prediction),
            (self.overlay, self._has_prediction),
            (self.run, self._has_prediction or has_run),
            (self.bookmarks, self._has_slide and self.bookmarks.has_bookmarks),
        ):
            self.sections[panel.name].setVisible(shown)
        self._adapt()

    def _adapt(self) -> None:
        """Fold and unfold what the user has not decided on, by the room that there is."""
        undecided = []
        for fold in self.folds:
            if fold.name in self._decided:
                fold.fold(on=self._decided[fold.name])
            elif fold.name in _IF_ROOM:
                undecided.append(fold)
            else:
                fold.fold(on=False)
        shown = [fold for fold in undecided if fold.header.isVisibleTo(self._content)]
        needed = self._content.sizeHint().height()
        needed -= sum(fold.body_height for fold in shown if not fold.is_folded)
        room = self._area.height() - needed
        for fold in sorted(shown, key=lambda fold: _IF_ROOM.index(fold.name)):
            fits = fold.body_height <= room
            # The reason why a run has ended is read without a further step.
            has_news = fold.name == self.run.name and bool(self._status.message)
            fold.fold(on=not fits and not has_news)
            room -= 0 if fold.is_folded else fold.body_height

    def show_section(self, panel: Panel) -> None:
        """Unfold the section of one of the panels, as the user would, and scroll to it."""
        self._on_pressed(self.sections[panel.name], folded=False)

    def _order_stops(self) -> None:
        """Let the keyboard go from top to bottom; rows that are made later come last otherwise."""
        stops: list[QWidget] = []
        for panel in self._panels:
            stops += [self.sections[panel.name].header, *panel.findChildren(QWidget)]
        stops = [
            stop
            for stop in stops
            if stop.focusPolicy() & Qt.FocusPolicy.TabFocus
            if stop.window() is self.window()  # not the lists of combo boxes
        ]
        for before, after in pairwise(stops):
            self.setTabOrder(before, after)

    def _on_pressed(self, fold: Fold, folded: bool) -> None:
        self._decided[fold.name] = folded
        self._settings.now = replace(self._settings.now, folding=dict(self._decided))
        self._adapt()
        if not folded:
            self._unfolded = fold
            self._look.start()

    def _look_at_unfolded(self) -> None:
        """Scroll to what the user has unfolded, first of all to its header."""
        if self._unfolded is not None:
            self._area.ensureWidgetVisible(self._unfolded, 0, 0)
            self._area.ensureWidgetVisible(self._unfolded.header, 0, 0)


class _Progress(QWidget):
    """How far the run is; it stays while the sections scroll, and is away without a run."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._text = plain(QLabel(self))
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the classification")
        column = QVBoxLayout(self)
        column.setContentsMargins(APART, NEAR, APART, NEAR)
        column.setSpacing(TIGHT)
        column.addWidget(self._text)
        column.addWidget(self._bar)
        self.show_status(RunStatus())

    def show_status(self, status: RunStatus) -> None:
        self._text.setText(status.summary)
        is_known = status.state not in (RunState.LOADING, RunState.PREPARING, RunState.WAITING)
        self._bar.setRange(0, _STEPS if is_known else 0)
        if is_known:
            progress = status.progress
            done = progress.done / progress.total if progress and progress.total else 0
            self._bar.setValue(round(_STEPS * done))
        self.setVisible(status.is_active)
