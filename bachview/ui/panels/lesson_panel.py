"""A model that was taught: what changes on the slide, what is known of it; keep or discard."""

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from bachview.core.units import count_text, whole_percent_text
from bachview.ui.look.spacing import NEAR
from bachview.ui.look.tables import fill_row, plain_table
from bachview.ui.look.widgets import (
    WrappedLabel,
    allow,
    heading,
    line,
    muted,
    panel_column,
    plain,
    scrolled,
)
from bachview.ui.session.teaching import Teaching

if TYPE_CHECKING:
    from bachview.training.lesson import Taught

_LONGEST_NAME: Final = 80
#: What changes is counted again at most so often.
_RENEW_MS: Final = 400
_NOTHING_TO_COMPARE: Final = (
    "The slide has no results of the present model to compare with: classify it with both."
)
_OTHERS_SHOWN: Final = (
    "The slide shows other results than those that the new model was compared with."
)


class Shown(Enum):
    """What the colours on the slide are of."""

    PRESENT = "&Present model"
    NEW = "&New model"
    BOTH = "&Side by side"


class LessonPanel(QWidget):
    """Beside the slide, so that it can be looked at meanwhile. GUI thread only.

    Signals
    -------
    shownChanged : `shown`, `has_outlines`, or the cells that change, are others.
    discarded : the new model is not wanted.
    """

    shownChanged = Signal()
    discarded = Signal()

    def __init__(self, teaching: Teaching, parent: QWidget | None = None) -> None:
        """`teaching` : has taught."""
        super().__init__(parent)
        self._teaching = teaching
        self._is_keeping, self._problem = False, ""
        self._timer = QTimer(self, singleShot=True, interval=_RENEW_MS)
        self._timer.timeout.connect(self._show_moved)
        self._make_content()
        teaching.grew.connect(self._on_grew)
        teaching.compared_all.connect(self._show_moved)
        teaching.failed.connect(self._on_failed)
        self._show_moved()
        self._renew()

    def _make_content(self) -> None:
        teaching = self._teaching
        taught = teaching.taught
        assert taught is not None  # noqa: S101  # the caller's promise
        content = QWidget(self)
        classes = teaching.bundle.classes
        self.step = plain(WrappedLabel("", content))
        self.bar = QProgressBar(content)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Cells judged by the new model")
        self.choices = {each: QRadioButton(each.value, content) for each in Shown}
        group = QButtonGroup(self)
        for each, button in self.choices.items():
            group.addButton(button)
            button.setChecked(each is Shown.BOTH)
            button.toggled.connect(self._on_chosen)
        self.outlines = QCheckBox("&Outline the cells that change class", content)
        self.outlines.setChecked(True)
        self.outlines.toggled.connect(lambda _: self.shownChanged.emit())
        self._caption = muted("Cells by present class (row) and new class (column)", content)
        self.moved = plain_table(("", *(entry.letter for entry in classes)), content, stretched=0)
        self.moved.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.moved.setAccessibleName("Cells by present and new class")
        self.moved.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.moved.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        figures = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for place, entry in enumerate(classes, 1):
            for role, value in (
                (Qt.ItemDataRole.ToolTipRole, f"Now {entry.name}"),
                (Qt.ItemDataRole.TextAlignmentRole, figures),
            ):
                self.moved.model().setHeaderData(place, Qt.Orientation.Horizontal, value, role)
        end = QWidget(self)  # below what scrolls, as it is what is decided here
        self.name = QLineEdit(end)
        self.name.setMaxLength(_LONGEST_NAME)
        self.name.setText(f"{teaching.bundle.name}, taught"[:_LONGEST_NAME])
        self.name.textChanged.connect(self._renew)
        named = QLabel("Keep it as &model", end)
        named.setBuddy(self.name)
        self._state = plain(WrappedLabel("", end))
        self.keep_button = QPushButton("&Keep", end)
        self.keep_button.setObjectName("primary")
        self.keep_button.clicked.connect(self._keep)
        self.discard_button = QPushButton("&Discard", end)
        self.discard_button.clicked.connect(self.discarded)
        column = panel_column(content)
        column.addWidget(heading("New model, not kept", content))
        about = (
            f"Taught on {teaching.bundle.name}, the present model, which stays as it is. What "
            "stands here is of the new one; Result and At the cursor stay those of the present one."
        )
        column.addWidget(plain(muted(about, content)))
        column.addWidget(self.step)
        column.addWidget(self.bar)
        for button in self.choices.values():
            column.addWidget(button)
        column.addWidget(self.outlines)
        column.addWidget(self._caption)
        column.addWidget(self.moved)
        self.findings = [plain(WrappedLabel(text, content)) for text in findings(taught)]
        for label in self.findings:
            column.addWidget(label)
        column.addStretch()
        lower = panel_column(end)
        for widget in (named, self.name, self._state):
            lower.addWidget(widget)
        row = QHBoxLayout()
        row.setSpacing(NEAR)
        row.addWidget(self.keep_button)
        row.addWidget(self.discard_button)
        row.addStretch()
        lower.addLayout(row)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(scrolled(content), 1)
        whole.addWidget(line(self))
        whole.addWidget(end)

    # -- what is shown on the slide ------------------------------------------------------

    @property
    def shown(self) -> Shown:
        """What the colours on the slide are to be of."""
        if not self._teaching.is_of_shown:
            return Shown.PRESENT
        return next(each for each, button in self.choices.items() if button.isChecked())

    @property
    def has_outlines(self) -> bool:
        """Whether the cells that change class are to be outlined."""
        return self._teaching.is_of_shown and self.outlines.isChecked()

    @property
    def is_comparing(self) -> bool:
        """Whether cells are still being judged by the new model."""
        return self._teaching.compared < self._teaching.to_compare

    def renew(self) -> None:
        """The slide may show other results."""
        self._show_moved()

    def _on_chosen(self, on: bool) -> None:  # a slot
        if on:
            self.shownChanged.emit()

    def _on_grew(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _show_moved(self) -> None:
        teaching, moved = self._teaching, self._teaching.moved
        has_table = moved is not None
        for widget in (self.moved, self._caption):
            widget.setVisible(has_table)
        for control in (*self.choices.values(), self.outlines):
            control.setVisible(has_table)
            allow(control, "" if teaching.is_of_shown else _OTHERS_SHOWN)
        self.bar.setVisible(has_table and self.is_comparing)
        if moved is None:
            self.step.setText(_NOTHING_TO_COMPARE)
            return
        whole = teaching.to_compare
        far = "" if moved.compared >= whole else f" compared so far of {count_text(whole)}"
        share = moved.changed / moved.compared if moved.compared else 0.0
        percent = whole_percent_text(share).replace(" ", "\N{NO-BREAK SPACE}")
        others = "" if teaching.is_of_shown else f" {_OTHERS_SHOWN}"
        self.step.setText(
            f"{count_text(moved.changed)} of {count_text(moved.compared)} cells of this slide"
            f"{far} change class ({percent}).{others}"
        )
        self.outlines.setText(f"&Outline the {count_text(moved.changed)} that change class")
        self.bar.setRange(0, max(1, whole))
        self.bar.setValue(teaching.compared)
        self.moved.setRowCount(len(moved.classes))
        for row, entry in enumerate(moved.classes):
            name = f"{entry.letter}  {entry.name}"
            texts = [name, *(count_text(int(n)) if n else "–" for n in moved.table[row])]
            fill_row(self.moved, row, texts, bold=row + 1)
        rows = self.moved.verticalHeader().length() + self.moved.horizontalHeader().height()
        self.moved.setFixedHeight(rows + 2 * self.moved.frameWidth() + 2)
        self.shownChanged.emit()

    # -- keep or discard -----------------------------------------------------------------

    def _keep(self) -> None:
        self._is_keeping, self._problem = True, ""
        self._renew()
        self._teaching.keep(self.name.text().strip())

    def _on_failed(self, text: str) -> None:
        self._is_keeping, self._problem = False, text
        self._renew()

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
        why_not = self._no_keep
        allow(self.keep_button, why_not, "Write it as a model of its own")
        self.name.setEnabled(not self._is_keeping)
        self.discard_button.setEnabled(not self._is_keeping)
        self.discard_button.setToolTip("Drop the new model; nothing of it is kept")
        writing = "Writing the new model and trying it…"
        text = self._problem or (writing if self._is_keeping else why_not)
        self._state.setText(text)
        self._state.setVisible(bool(text))


def findings(taught: "Taught") -> Sequence[str]:
    """What is known of the new model, a paragraph each."""
    from bachview.training import taught_bundle as texts

    kept = f"Not fitted again: {', '.join(taught.kept)}." if taught.kept else ""
    parent = taught.manifest.name
    told = (
        texts.agreement_text(taught),
        f"{texts.calibration_text(taught)} {texts.thresholds_text(parent)}",
        texts.left_out_text(taught),
        f"{kept} How often it is right on other patients is not measured.".strip(),
    )
    return [each for each in told if each]
