"""The saved results of a slide and their log, and what can be done with them."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import (
    QAbstractItemView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from bachview.marks.records import TYPE_NAMES
from bachview.store.listing import RUN_COLUMNS, device_text
from bachview.store.marks import marks_text
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.tables import plain_table
from bachview.ui.look.widgets import allow, heading, muted
from bachview.ui.session.marks_session import MarksSession
from bachview.ui.session.results_listing import ListedResults, local_time
from bachview.ui.session.run_status import RunStatus

_RESULTS = ("Model", "Classified", "Last change", "Device", "Pixel size", "")
_RUNS = ("Started", *RUN_COLUMNS)
_IN_RUN = "Not while the slide is being classified."


class ResultsDialog(LaidOutDialog):
    """Lists what it is given, and asks for what the buttons say. GUI thread only.

    Signals
    -------
    outdated : the slide's results have changed; list them again.
    showRequested, exportRequested, clearRequested, againRequested (ListedResults) : a button.
    """

    outdated = Signal()
    showRequested = Signal(object)
    exportRequested = Signal(object)
    clearRequested = Signal(object)
    againRequested = Signal(object)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__("Results", parent, title=f"Results of {title}", size=(900, 520))
        self._listed: tuple[ListedResults, ...] = ()
        self._unread = "The saved results are being read…"
        self._shown: int | None = None
        self._is_active = False
        self._show_marks: Callable[[], object] = lambda: None
        self.table = plain_table(_RESULTS, self, stretched=1)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setAccessibleName("Results of the slide")
        self.log = plain_table(_RUNS, self, stretched=1)
        self.log.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.log.setAccessibleName("Log of runs")
        self.remark = muted("", self)
        self.remark.setTextFormat(Qt.TextFormat.PlainText)
        self.marks = muted("", self)
        self.marks.setVisible(False)
        self.add_close()
        self.show_button = self._button("Show", self.showRequested)
        self.export_button = self._button("Export…", self.exportRequested)
        self.clear_button = self._button("Clear…", self.clearRequested)
        self.again_button = self._button("Classify again…", self.againRequested)
        self._runs = heading("Runs", self)
        self.content.addWidget(self.table, 2)
        self.content.addWidget(self.remark)
        self.content.addWidget(self._runs)
        self.content.addWidget(self.log, 3)
        # Takes the place of the empty tables.
        self._space = QWidget(self)
        self.content.addWidget(self._space, 1)
        self.content.addWidget(self.marks)
        self.table.itemSelectionChanged.connect(self._on_selected)
        self._on_selected()

    @property
    def selected(self) -> ListedResults | None:
        """What the buttons act on."""
        row = self.table.currentRow()
        return self._listed[row] if 0 <= row < len(self._listed) else None

    def show_results(self, listed: Sequence[ListedResults], shown: int | None) -> None:
        """List them; `shown` is the number of the grid on the screen."""
        before = self.selected
        self._listed, self._shown, self._unread = tuple(listed), shown, ""
        self.table.blockSignals(True)
        self.table.setRowCount(len(listed))
        for number, results in enumerate(listed):
            grid, record = results.grid, results.grid.record
            state = "shown" if record.grid_id == shown else ""
            if grid.is_running:
                state = "being classified"
            texts = (
                record.key.bundle_name,
                grid.coverage,
                local_time(record.updated),
                device_text(record.provenance),
                f"{grid.pixel_size.text}{grid.pixel_size.remark}",
                state,
            )
            _fill(self.table, number, texts)
        self.table.blockSignals(False)
        numbers = [results.grid.record.grid_id for results in listed]
        wanted = before.grid.record.grid_id if before else shown
        if numbers:
            self.table.selectRow(numbers.index(wanted) if wanted in numbers else 0)
        self._on_selected()

    def follow_marks(self, marks: MarksSession) -> None:
        """Say what the reader has marked on the slide, now and when that changes."""

        def show() -> None:
            by_type = marks.working_set.by_type
            text = marks_text({TYPE_NAMES[kind]: len(made) for kind, made in by_type.items()})
            self.marks.setVisible(bool(text))
            self.marks.setText(
                f"Also kept with the slide: {text}. Clearing results does not delete it."
            )

        self._show_marks = show
        marks.changed.connect(self._on_marks)
        show()

    def _on_marks(self, _: object) -> None:
        self._show_marks()

    def show_unreadable(self) -> None:
        """Say that it is not known what is saved; a list that was read before stays."""
        if not self._listed:
            self._unread = "The saved results could not be read: it is not known what there is."
            self._on_selected()

    def follow_run(self, status: RunStatus) -> None:
        """The run of the slide: in one nothing can be cleared, after one the list is outdated."""
        if status.is_active == self._is_active:
            return
        self._is_active = status.is_active
        self._on_selected()
        self.outdated.emit()

    def _on_selected(self) -> None:
        chosen = self.selected
        is_shown = chosen is not None and chosen.grid.record.grid_id == self._shown
        remarks: list[str] = []
        if chosen is not None:
            remarks += chosen.remarks
            if chosen.obstacle:
                remarks.append(f"It cannot be shown: {chosen.obstacle}")
            if chosen.grid.is_running and not self._is_active:
                remarks.append("Another window or program is classifying the slide now.")
        elif self._unread:
            remarks.append(self._unread)
        elif not self._listed:
            remarks.append(
                "No results are saved of this slide. Classify it, and its results are listed here."
            )
        self.remark.setText(" ".join(remarks))
        for widget in (self.table, self._runs, self.log):
            widget.setVisible(bool(self._listed))
        self._space.setVisible(not self._listed)
        self.log.setRowCount(0)
        if chosen is not None:
            self.log.setRowCount(len(chosen.grid.runs))
            for number, run in enumerate(chosen.grid.runs):
                texts = (local_time(run.started), *chosen.grid.run_texts(run))
                _fill(self.log, number, texts)
        can_show = chosen is not None and bool(chosen.choice) and not is_shown
        why_not = (chosen.obstacle or "They are shown.") if chosen else "Nothing is chosen."
        allow(self.show_button, "" if can_show else why_not, "Show them on the slide")
        can_write = chosen is not None and chosen.export_source is not None
        allow(self.export_button, "" if can_write else why_not, "Write them to files")
        why_not = _IN_RUN if self._is_active else "Nothing is chosen."
        is_free = chosen is not None and not self._is_active
        allow(self.clear_button, "" if is_free else why_not, "Delete them for good; asks first")
        why_not = _IN_RUN if self._is_active else "Show them first."
        tip = "Delete them and classify the whole slide anew; asks first"
        can_redo = is_shown and not self._is_active
        allow(self.again_button, "" if can_redo else why_not, tip)

    def _button(self, text: str, signal: SignalInstance) -> QPushButton:
        button = self.add_action(text)
        button.clicked.connect(lambda: self._ask(signal))
        return button

    def _ask(self, signal: SignalInstance) -> None:
        if self.selected is not None:
            signal.emit(self.selected)


def _fill(table: QTableWidget, row: int, texts: tuple[str, ...]) -> None:
    for column, text in enumerate(texts):
        item = QTableWidgetItem(text)
        item.setToolTip(text)
        table.setItem(row, column, item)
