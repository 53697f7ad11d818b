"""Teaching the model: what it learns from, how far it is, what changes; keep or discard."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QProgressBar,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from bachview.core.units import count_text, whole_percent_text
from bachview.ui.dialogs.layout import LaidOutDialog, plain_table
from bachview.ui.look.on_screen import fit_dialog
from bachview.ui.look.spacing import EDGE
from bachview.ui.look.widgets import WrappedLabel, allow, muted, plain
from bachview.ui.session.teaching import MarkedSlide, Teaching

if TYPE_CHECKING:
    from bachview.training.lesson import Taught

_LONGEST_NAME: Final = 80
#: The table of what changes is renewed at most so often.
_RENEW_MS: Final = 400
_NOTHING: Final = (
    "Nothing is marked with a class of the model: correct cells, or give areas a class."
)
_LOOKING: Final = "Other slides are being looked through…"


class TeachDialog(LaidOutDialog):
    """Non-modal, so that the slide can be looked at. GUI thread only.

    Signals
    -------
    compareToggled(bool) : show what the new model says on the slide, or what the present one does.
    """

    compareToggled = Signal(bool)

    def __init__(
        self,
        teaching: Teaching,
        folder: Callable[[], Sequence[Path]],
        opened: Callable[[], Sequence[Path]],
        parent: QWidget | None = None,
    ) -> None:
        """`folder`, `opened` : slides in the folder of this one, and those opened before."""
        super().__init__(
            "Teach the model", parent, title=f"Teach {teaching.bundle.name}", size=(760, 560)
        )
        self._teaching = teaching
        teaching.setParent(self)
        self._folder, self._opened = folder, opened
        self._others: tuple[Path, ...] = ()
        self._is_running = self._is_looking = self._is_keeping = False
        self._problem = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_RENEW_MS)
        self._timer.timeout.connect(self._show_moved)
        self._make_content()
        self._close = self.add_close()
        self.teach_button = self.add_action("&Teach")
        self.cancel_button = self.add_action("&Cancel", "Stop; nothing is kept")
        self.keep_button = self.add_action("&Keep")
        for button, slot in (
            (self.teach_button, self._start),
            (self.cancel_button, self._cancel),
            (self.keep_button, self._keep),
        ):
            button.clicked.connect(slot)
        teaching.listed.connect(self._on_listed)
        teaching.progressed.connect(self._on_progress)
        teaching.fitted.connect(self._on_fitted)
        teaching.grew.connect(self._on_grew)
        teaching.compared_all.connect(self._on_compared)
        teaching.failed.connect(self._on_failed)
        teaching.kept.connect(lambda _: self.accept())
        self._show_marked(())
        self._renew()

    def _make_content(self) -> None:
        names = tuple(entry.name for entry in self._teaching.bundle.classes)
        self.scope = QComboBox(self)
        self.scope.setAccessibleName("What it learns from")
        self.scope.addItems(
            (
                "This slide",
                "This slide and those in its folder",
                "This slide and all that were opened before",
                "This slide and others that you choose…",
            )
        )
        self.scope.activated.connect(self._choose_scope)
        self.marked = plain_table(("Slide", *names), self, stretched=0)
        self.marked.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.marked.setAccessibleName("What there is to learn from")
        self.step = plain(WrappedLabel("", self))
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.findings = plain(WrappedLabel("", self))
        self.moved = plain_table(
            ("Cells that were …", *(f"now {n}" for n in names)), self, stretched=0
        )
        self.moved.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.moved.setAccessibleName("Cells by present and new class")
        self.show_new = QCheckBox(
            "&Show the new model on the slide; figures beside it stay those of the present one",
            self,
        )
        self.show_new.toggled.connect(self.compareToggled)
        self.name = QLineEdit(self)
        self.name.setMaxLength(_LONGEST_NAME)
        self.name.setText(f"{self._teaching.bundle.name}, taught"[:_LONGEST_NAME])
        self.name.textChanged.connect(self._renew)
        self._named = QWidget(self)
        form = QFormLayout(self._named)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(EDGE)
        form.addRow("Keep it as &model", self.name)
        self._intro = muted(
            "The classifiers and the networks' heads are fitted again on the cells that you have "
            "corrected, and on those in areas to which you have given a class of the model. The "
            "present model stays as it is; nothing changes unless you keep the new one.",
            self,
        )
        self.content.addWidget(self._intro)
        self.content.addWidget(self.scope)
        self.content.addWidget(self.marked, 1)
        self.content.addWidget(self.step)
        self.content.addWidget(self.bar)
        self.content.addWidget(self.findings)
        self.content.addWidget(self.moved, 2)
        self.content.addWidget(self.show_new)
        self.content.addWidget(self._named)
        self.content.addStretch()

    # -- what it learns from -------------------------------------------------------------

    def _choose_scope(self, place: int) -> None:
        paths: Sequence[Path] = ()
        if place == 1:
            paths = self._folder()
        elif place == 2:
            paths = self._opened()
        elif place == 3:
            chosen, _ = QFileDialog.getOpenFileNames(self, "Slides to learn from")
            paths = [Path(each) for each in chosen]
            if not paths:
                self.scope.setCurrentIndex(0)
        self._others = ()
        self._show_marked(())
        self._is_looking = bool(paths)
        if paths:
            self._teaching.look(tuple(paths))
        self._renew()

    def _on_listed(self, found: tuple[tuple[Path, MarkedSlide], ...]) -> None:
        self._is_looking = False
        self._others = tuple(path for path, marked in found if not marked.problem)
        self._show_marked(tuple(marked for _, marked in found))
        self._renew()

    def _show_marked(self, others: Sequence[MarkedSlide]) -> None:
        keys = self._teaching.bundle.classes.keys
        rows = (self._teaching.marked, *others)
        self._count = sum(each.count for each in rows)
        self.marked.setRowCount(len(rows))
        for row, slide in enumerate(rows):
            texts = [slide.name]
            for key in keys:
                cells, areas = slide.corrections.get(key, 0), slide.annotations.get(key, 0)
                parts = []
                if cells:
                    parts.append(f"{count_text(cells)} {'cell' if cells == 1 else 'cells'}")
                if areas:
                    parts.append(f"{count_text(areas)} {'area' if areas == 1 else 'areas'}")
                texts.append(", ".join(parts) or "–")
            if slide.problem:
                texts[1] = slide.problem
            _fill(self.marked, row, texts)

    # -- the lesson ----------------------------------------------------------------------

    def _start(self) -> None:
        self._is_running, self._problem = True, ""
        self.step.setText("Getting the model ready…")
        self.bar.setRange(0, 0)
        self._renew()
        self._teaching.start(self._others)

    def _cancel(self) -> None:
        self._teaching.cancel()
        self._is_running = False
        self._problem = "Stopped; nothing was kept."
        self._renew()

    def _on_progress(self, what: str, done: int, total: int) -> None:
        self.bar.setRange(0, max(1, total))
        self.bar.setValue(done)
        self.step.setText(f"{what}: {count_text(done)} of {count_text(total)}")

    def _on_failed(self, text: str) -> None:
        self._is_running = self._is_looking = self._is_keeping = False
        self._problem = text
        self._renew()

    def _on_fitted(self) -> None:
        taught = self._teaching.taught
        assert taught is not None  # noqa: S101  # the signal says so
        self.set_title(f"{self._teaching.bundle.name} was taught: keep it?")
        self.findings.setText(result_text(taught))
        self._show_moved()
        self._renew()
        # The sentences are higher than what they take the place of.
        self.content.activate()
        fit_dialog(self)

    def _on_grew(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _on_compared(self) -> None:
        self._is_running = False
        self._show_moved()
        self._renew()

    def _show_moved(self) -> None:
        teaching, moved = self._teaching, self._teaching.moved
        if moved is None:
            self.step.setText(
                "The slide has no results of this model to compare with: classify it with both."
            )
            return
        whole = teaching.to_compare
        far = "" if moved.compared >= whole else f" compared so far of {count_text(whole)}"
        share = moved.changed / moved.compared if moved.compared else 0.0
        self.step.setText(
            f"{count_text(moved.changed)} of {count_text(moved.compared)} cells of this slide"
            f"{far} change class ({whole_percent_text(share)})."
        )
        self.bar.setRange(0, max(1, whole))
        self.bar.setValue(moved.compared)
        names = [entry.name for entry in moved.classes]
        self.moved.setRowCount(len(names))
        for row, name in enumerate(names):
            texts = [name, *(count_text(int(n)) if n else "–" for n in moved.table[row])]
            _fill(self.moved, row, texts, bold=row + 1)
        rows = self.moved.verticalHeader().length() + self.moved.horizontalHeader().height()
        self.moved.setMaximumHeight(rows + 2 * self.moved.frameWidth() + 2)
        if self.show_new.isChecked():
            self.compareToggled.emit(True)

    # -- keep or discard -----------------------------------------------------------------

    def _keep(self) -> None:
        self._is_keeping, self._problem = True, ""
        self._renew()
        self._teaching.keep(self.name.text().strip())

    @property
    def _no_keep(self) -> str:
        name = self.name.text().strip()
        if self._is_keeping:
            return "It is being written."
        if not name:
            return "Give the model a name."
        if self._teaching.is_taken(name):
            return "There is a model of this name: give it another one."
        return ""

    def _renew(self) -> None:
        """Show what belongs to the present step, and switch the buttons."""
        is_taught = self._teaching.taught is not None
        for widget in (self._intro, self.scope, self.marked):
            widget.setVisible(not is_taught)
        self.scope.setEnabled(not self._is_running)
        self.step.setVisible(self._is_running or is_taught or bool(self._problem))
        if self._problem:
            self.step.setText(self._problem)
        elif not self._is_running and not is_taught:
            self.step.setText(_LOOKING if self._is_looking else "")
            self.step.setVisible(self._is_looking)
        self.bar.setVisible(self._is_running or self._is_keeping)
        if self._is_keeping:
            self.step.setText("Writing the new model and trying it…")
            self.bar.setRange(0, 0)  # busy, as how far it is is not known
        has_table = is_taught and self._teaching.after is not None
        for part in (self.findings, self._named):
            part.setVisible(is_taught)
        self.moved.setVisible(has_table)
        self.show_new.setVisible(has_table)
        why_not = _LOOKING if self._is_looking else "" if self._count else _NOTHING
        allow(self.teach_button, why_not, "Fit the members again, in the background")
        self.teach_button.setVisible(not is_taught and not self._is_running)
        self.cancel_button.setVisible(self._is_running and not is_taught)
        self.keep_button.setVisible(is_taught)
        allow(self.keep_button, self._no_keep, "Write it as a model of its own")
        self._close.setText("&Discard" if is_taught else "Close")
        self._close.setEnabled(not self._is_keeping)
        if not is_taught and not self._is_running and not self._problem and why_not == _NOTHING:
            self.step.setText(_NOTHING)
            self.step.setVisible(True)

    def reject(self) -> None:
        """Discard; not while the model is being written, which would appear all the same."""
        if not self._is_keeping:
            super().reject()

    def done(self, result: int) -> None:
        """Whatever is not kept is dropped; the slide shows the present model again."""
        self.compareToggled.emit(False)
        if result == 0:
            self._teaching.cancel()
        super().done(result)


def result_text(taught: "Taught") -> str:
    """What is known of the new model, a few sentences."""
    from bachview.training.taught_bundle import agreement_text, calibration_text

    kept = f" Not fitted again: {', '.join(taught.kept)}." if taught.kept else ""
    return (
        f"{agreement_text(taught)} {calibration_text(taught)}{kept} How often it is right on other "
        "patients is not measured."
    )


def _fill(table: QTableWidget, row: int, texts: Sequence[str], bold: int | None = None) -> None:
    for column, text in enumerate(texts):
        item = QTableWidgetItem(text)
        item.setToolTip(text)
        if column:
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if column == bold:
            font = item.font()
            font.setBold(True)
            item.setFont(font)
        table.setItem(row, column, item)
