"""Teaching the model: what it learns from, and how far it is."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QComboBox, QFileDialog, QProgressBar, QTableWidget, QWidget

from bachview.core.units import count_text
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.tables import fill_row, plain_table
from bachview.ui.look.widgets import WrappedLabel, allow, muted, plain
from bachview.ui.session.teaching import MarkedSlide, Teaching

_NOTHING: Final = (
    "Nothing is marked with a class of the model: correct cells, or give areas a class."
)
_LOOKING: Final = "Other slides are being looked through…"


class TeachDialog(LaidOutDialog):
    """Non-modal, so that the slide can be looked at. GUI thread only.

    It is accepted when the new model is fitted, which is shown elsewhere then.
    """

    def __init__(
        self,
        teaching: Teaching,
        folder: Callable[[], Sequence[Path]],
        opened: Callable[[], Sequence[Path]],
        parent: QWidget | None = None,
    ) -> None:
        """`folder`, `opened` : slides in the folder of this one, and those opened before."""
        super().__init__(
            "Teach the model", parent, title=f"Teach {teaching.bundle.name}", size=(760, 340)
        )
        self._teaching = teaching
        self._folder, self._opened = folder, opened
        self._others: tuple[Path, ...] = ()
        self._is_running = self._is_looking = False
        self._problem = ""
        self._make_content()
        self._close = self.add_close()
        self.teach_button = self.add_action("&Teach")
        self.cancel_button = self.add_action("&Cancel", "Stop; nothing is kept")
        for button, slot in (
            (self.teach_button, self._start),
            (self.cancel_button, self._cancel),
        ):
            button.clicked.connect(slot)
        teaching.listed.connect(self._on_listed)
        teaching.progressed.connect(self._on_progress)
        teaching.fitted.connect(self.accept)
        teaching.failed.connect(self._on_failed)
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
        self.marked.clearSpans()
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
            if slide.damaged:
                marks = "1 mark" if slide.damaged == 1 else f"{count_text(slide.damaged)} marks"
                texts[0] += f" ({marks} unreadable)"
            fill_row(self.marked, row, texts)
            if slide.problem:
                self.marked.setSpan(row, 1, 1, len(keys))
                fill_row(self.marked, row, (texts[0], slide.problem))

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
        self._is_running = self._is_looking = False
        self._problem = text
        self._renew()

    def _renew(self) -> None:
        """Show what belongs to the present step, and switch the buttons."""
        why_not = _LOOKING if self._is_looking else "" if self._count else _NOTHING
        self.scope.setEnabled(not self._is_running)
        if self._problem:
            self.step.setText(self._problem)
        elif not self._is_running:
            self.step.setText(why_not)
        self.step.setVisible(bool(self._is_running or self._problem or why_not))
        self.bar.setVisible(self._is_running)
        allow(self.teach_button, why_not, "Fit the members again, in the background")
        self.teach_button.setVisible(not self._is_running)
        self.cancel_button.setVisible(self._is_running)

    def done(self, result: int) -> None:
        """Closing it stops what is being fitted."""
        if result == 0:
            self._teaching.cancel()
        super().done(result)
