"""The legend: every class and every other state of a cell, with its area and a check box."""

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from bachview.core.cell_state import CellState
from bachview.core.classes import ClassSet, TissueClass
from bachview.core.units import area_column, percent_text
from bachview.ui.look.spacing import NEAR, TIGHT
from bachview.ui.look.swatches import SIDE_PX, state_texture, swatch_of
from bachview.ui.look.widgets import WrappedLabel, muted, plain, tabular
from bachview.ui.panels.share_bar import Share, ShareBar

#: The rows below the classes, with their explanations.
STATES = {
    CellState.UNCERTAIN: "No class is shown: none is likely enough, or the members disagree.",
    CellState.OUTSIDE: (
        "Tissue, but unlike everything that the model was trained on: it counts for no class."
    ),
    CellState.PENDING: "Tissue that no run has reached yet: it may be anything.",
    CellState.FAILED: "The file is damaged here; there is no result.",
    CellState.NO_TISSUE: (
        "Not recognised as tissue stained with H&E: glass, pen, dust, other stains, "
        "\nand cells of which less than a quarter is tissue. Not classified."
    ),
}
#: What no cell is, of the tissue.
_NONE = {
    CellState.UNCERTAIN: "uncertain",
    CellState.OUTSIDE: "outside the training material",
    CellState.PENDING: "left to classify",
    CellState.FAILED: "failed to read",
}
_ROW_PX = 22
_UNKNOWN = "not known"

# Not the index of a class: a state is a number as well.
LegendKey = TissueClass | CellState


@dataclass(frozen=True, slots=True)
class Amount:
    """What a row of the legend stands for.

    Attributes
    ----------
    area_mm2 : physical area.
    share : of the tissue there, 0..1; None where a share is meaningless.
    """

    area_mm2: float
    share: float | None


class Legend(QWidget):
    """The shares as a bar, and rows: check box, swatch, name, area, share of the tissue.

    A state that no cell has gives way to a line that says so.

    Signals
    -------
    changed : a box was checked or unchecked.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes: ClassSet | None = None
        self._bar = ShareBar(self)
        self._rows: dict[LegendKey, _Row] = {}
        self._total = _Figures(self, "All tissue there, judged or not.")
        self._none = muted("", self)
        self._unknown: frozenset[CellState] = frozenset()
        self._amounts: Mapping[LegendKey, Amount] = {}
        #: While no amounts are known, rows neither come nor go.
        self._absent: tuple[CellState, ...] = ()
        self._shows_classes = True
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(TIGHT)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(2, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(NEAR)
        column.addWidget(self._bar)
        column.addLayout(self._grid)
        column.addWidget(self._none)
        self._none.hide()

    def show_classes(self, classes: ClassSet) -> None:
        if classes == self._classes:
            return
        self._classes = classes
        for row in self._rows.values():
            row.remove()
        self._rows.clear()
        ratio = self.devicePixelRatioF()
        for tissue_class in classes:
            row = self._add_row(tissue_class, tissue_class.name)
            row.explain(f"Show cells of {tissue_class.name}.")
            row.swatch.setPixmap(swatch_of(tissue_class, ratio))
        for state, tip in STATES.items():
            if state is CellState.NO_TISSUE:
                self._total.put(self._grid, self._grid.rowCount())
            row = self._add_row(state, state.shown)
            row.explain(tip)
            row.swatch.setPixmap(swatch_of(state, ratio))
        self._amounts, self._absent = {}, ()
        self._show()

    def _add_row(self, key: LegendKey, name: str) -> "_Row":
        # Explained only: failed cells are never hidden, and "no tissue" is never drawn.
        is_fixed = key in (CellState.OUTSIDE, CellState.FAILED, CellState.NO_TISSUE)
        row = _Row(self, name, is_fixed=is_fixed, is_quiet=isinstance(key, CellState))
        row.box.toggled.connect(self.changed)
        row.put(self._grid, self._grid.rowCount())
        self._rows[key] = row
        return row

    @property
    def bar(self) -> ShareBar:
        return self._bar

    @property
    def hidden_classes(self) -> frozenset[int]:
        """Indices of the classes that are unchecked."""
        return frozenset(
            index
            for index, tissue_class in enumerate(self._classes or ())
            if not self._rows[tissue_class].box.isChecked()
        )

    def show_all_classes(self) -> None:
        """Check the boxes of all classes."""
        for tissue_class in self._classes or ():
            self._rows[tissue_class].box.setChecked(True)

    def is_shown(self, state: CellState) -> bool:
        """Whether cells in this state are drawn."""
        row = self._rows.get(state)
        return row is None or row.box.isChecked()

    def explain(self, state: CellState, text: str) -> None:
        """Set the tool tip of a row."""
        if state in self._rows:
            self._rows[state].explain(text)

    def set_checked(self, key: LegendKey, checked: bool) -> None:
        """Check a box or not, as the user does; some cannot be."""
        if key in self._rows and self._rows[key].box.isEnabled():
            self._rows[key].box.setChecked(checked)

    def set_unknown(self, states: frozenset[CellState]) -> None:
        """Set the states that the model cannot tell: that no cell has them is not known."""
        self._unknown = states
        self._show()

    def show_bar_and_classes(self, *, on: bool) -> None:
        """Whether the colours of the overlay are those of the classes."""
        self._shows_classes = on
        self._show()

    def show_amounts(self, amounts: Mapping[LegendKey, Amount]) -> None:
        """Fill in areas and shares; without amounts, rows show a dash."""
        self._amounts = amounts
        if amounts:
            self._absent = tuple(
                state
                for state in STATES
                if (amount := amounts.get(state)) is not None
                and not amount.area_mm2
                and state not in self._unknown
            )
        self._show()

    def _show(self) -> None:
        parts = {key: self._amounts.get(key) for key in self._rows}
        tissue = sum(a.area_mm2 for a in parts.values() if a is not None and a.share is not None)
        areas = area_column([a.area_mm2 if a else 0.0 for a in parts.values()], tissue)
        for (key, amount), area in zip(parts.items(), areas, strict=True):
            share = percent_text(amount.share) if amount and amount.share is not None else ""
            if amount is None:
                area = "–"
            elif key in self._unknown and not amount.area_mm2:
                area, share = _UNKNOWN, ""
            row = self._rows[key]
            row.show_texts(area, share)
            of_classes = isinstance(key, TissueClass) or key is CellState.UNCERTAIN
            row.set_shown((self._shows_classes or not of_classes) and key not in self._absent)
        total = area_column([tissue], tissue)[0] if self._amounts else "–"
        self._total.show_texts(total, percent_text(1) if tissue else "")
        self._none.setText(_none_of(self._absent))
        self._none.setVisible(bool(self._absent))
        self._bar.setVisible(self._shows_classes)
        self._bar.show_shares([s for key in self._rows if (s := self._share(key)) is not None])

    def _share(self, key: LegendKey) -> Share | None:
        amount = self._amounts.get(key)
        if amount is None or not amount.share:
            return None
        if isinstance(key, TissueClass):
            return Share(key.name, amount.share, key.color, key.letter)
        texture = state_texture(key, self.devicePixelRatioF())
        return Share(key.shown, amount.share, texture=texture)

    def texts(self, key: LegendKey) -> tuple[str, str]:
        """(area, share) as shown."""
        return self._rows[key].texts

    def is_listed(self, key: LegendKey) -> bool:
        """Whether the row is there; otherwise no cell has this state."""
        return not self._rows[key].name.isHidden()

    @property
    def none_text(self) -> str:
        """The line about states that no cell has; empty if there is none."""
        return self._none.text() if not self._none.isHidden() else ""


def _none_of(states: tuple[CellState, ...]) -> str:
    """E.g. ``None uncertain, none failed to read.``."""
    text = ", ".join(f"none {_NONE[state]}" for state in states if state in _NONE)
    sentences = [f"{text[0].upper()}{text[1:]}."] if text else []
    if CellState.NO_TISSUE in states:
        sentences.append("All of it is H&E tissue.")
    return " ".join(sentences)


class _Figures:
    """The name of a row, its area and its share."""

    def __init__(self, parent: QWidget, tip: str = "", *, is_quiet: bool = True) -> None:
        self.name = _Name("All tissue", parent)
        self._area, self._share = QLabel("–", parent), QLabel("", parent)
        for label in (self._area, self._share):
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            label.setFont(tabular(label.font()))
        for label in (self.name, self._area, self._share):
            label.setToolTip(tip)
            if is_quiet:
                label.setObjectName("muted")

    def put(self, grid: QGridLayout, row: int) -> None:
        """Add the widgets to a row of the grid."""
        self._grid, self._place = grid, row
        grid.setRowMinimumHeight(row, _ROW_PX)
        for column, widget in enumerate(self._widgets, 5 - len(self._widgets)):
            grid.addWidget(widget, row, column)

    @property
    def _widgets(self) -> tuple[QWidget, ...]:
        return self.name, self._area, self._share

    def explain(self, text: str) -> None:
        """Set the tool tip of all parts."""
        for widget in self._widgets:
            widget.setToolTip(text)

    def show_texts(self, area: str, share: str) -> None:
        self._area.setText(area)
        self._share.setText(share)

    @property
    def texts(self) -> tuple[str, str]:
        """(area, share) as shown."""
        return self._area.text(), self._share.text()

    def set_shown(self, shown: bool) -> None:
        self._grid.setRowMinimumHeight(self._place, _ROW_PX if shown else 0)
        for widget in self._widgets:
            widget.setVisible(shown)

    def remove(self) -> None:
        self.set_shown(False)
        for widget in self._widgets:
            widget.deleteLater()


class _Row(_Figures):
    """A row with a check box, which its name and its swatch toggle as well."""

    def __init__(self, parent: QWidget, name: str, *, is_fixed: bool, is_quiet: bool) -> None:
        super().__init__(parent, is_quiet=is_quiet)
        self.box = QCheckBox(parent)
        self.box.setChecked(True)
        self.box.setAccessibleName(name)
        self.swatch = _Name("", parent)
        self.swatch.setFixedSize(SIDE_PX, SIDE_PX)
        self.name.setText(name)
        if is_fixed:
            self.box.setObjectName("explained")
            self.box.setEnabled(False)
        else:
            self.swatch.pressed.connect(self.box.toggle)
            self.name.pressed.connect(self.box.toggle)

    @property
    def _widgets(self) -> tuple[QWidget, ...]:
        return self.box, self.swatch, self.name, self._area, self._share


class _Name(WrappedLabel):
    """A name as long as it is, which can be pressed like the text of a check box."""

    pressed = Signal()

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        plain(self)

    def minimumSizeHint(self) -> QSize:
        """As wide as its longest word: it is never cut off."""
        metrics = self.fontMetrics()
        width = max((metrics.horizontalAdvance(word) for word in self.text().split()), default=0)
        return QSize(width, super().minimumSizeHint().height())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell that it was pressed."""
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self.pressed.emit()
