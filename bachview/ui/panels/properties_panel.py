"""What the selected annotations have in common, to read and to change."""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QIcon, QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from bachview.core.pixel_size import PixelSize
from bachview.core.units import angle_text, area_text, count_text, length_text
from bachview.marks.annotation import Annotation, AnnotationClass
from bachview.marks.measures import Measures, measures_of
from bachview.ui.look.spacing import NEAR, TIGHT
from bachview.ui.look.swatches import color_swatch
from bachview.ui.look.widgets import WrappedLabel, panel_column, plain, tabular
from bachview.ui.panels.annotation_rows import UNCLASSIFIED, counts_of_kinds, kind_of
from bachview.ui.panels.inside_annotation import InsidePanel
from bachview.ui.session.annotation_classes import AnnotationClasses
from bachview.ui.session.annotation_edits import AnnotationEdits

_NONE = "Nothing is selected"
_OFF = "Off, because nothing is selected"
_LOCKED = "Off, because it is locked: unlock it first"
_MIXED = "Several"
_NOTE_LINES = 3
_NAME, _NOTE = attrgetter("name"), attrgetter("note")
#: More are not measured one by one while the selection changes.
_MOST_MEASURED = 2000


class PropertiesPanel(QWidget):
    """Class, name, note, colour, lock, visibility and measured values. GUI thread only.

    Attributes
    ----------
    more : a column below the values, for what others say about the selection.
    inside : there, what the model says inside the selected one.

    Signals
    -------
    classesRequested : the reader wants to edit the list of classes.
    colorRequested((red, green, blue) or None) : the reader wants another than this colour.
    """

    classesRequested = Signal()
    colorRequested = Signal(object)

    def __init__(
        self, edits: AnnotationEdits, classes: AnnotationClasses, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._edits, self._classes = edits, classes
        self._selected: tuple[Annotation, ...] = ()
        self._pixel_size = PixelSize.unknown()
        #: What was typed, and for which annotations, until it is kept.
        self._typed: list[tuple[str, tuple[Annotation, ...], dict[str, str]]] = []
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self.keep_typed)
        self._what: QLabel = plain(WrappedLabel("", self))
        self._form = QWidget(self)
        self.class_choice = QComboBox(self._form)
        self.class_choice.setAccessibleName("Class of the selected annotations")
        self.class_choice.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.class_choice.setMinimumContentsLength(8)
        self._edit_classes = QToolButton(self._form)
        self._edit_classes.setText("…")
        self._edit_classes.setToolTip("Edit classes")
        self._edit_classes.setAccessibleName("Edit classes")
        self._edit_classes.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._edit_classes.clicked.connect(self.classesRequested)
        self.name = QLineEdit(self._form)
        self.name.setAccessibleName("Name of the selected annotations")
        self.note = _NoteEdit(self.keep_typed, self._form)
        self.note.setAccessibleName("Note on the selected annotations")
        self._color = QPushButton(self._form)
        self._color.setIconSize(QSize(16, 16))
        self._color.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._no_color = QPushButton("Of the class", self._form)
        self._no_color.setToolTip("Use the colour of the class again")
        self.locked = QCheckBox("Locked", self._form)
        self.locked.setToolTip("Locked annotations cannot be moved, changed or deleted")
        self.hidden = QCheckBox("Hidden", self._form)
        self.hidden.setToolTip("Hidden annotations are not drawn")
        self._shown_values: list[tuple[str, str]] = []
        # Room for two, so that what is below stays where it is.
        self._figures = figures = QWidget(self._form)
        figures.setMinimumHeight(2 * self.fontMetrics().height() + TIGHT)
        self._values = QFormLayout(figures)
        self._values.setContentsMargins(0, 0, 0, 0)
        self._values.setHorizontalSpacing(NEAR)
        self._values.setVerticalSpacing(TIGHT)
        self.more = QVBoxLayout()
        self.more.setSpacing(NEAR)
        self.inside = InsidePanel(self._form)
        self.more.addWidget(self.inside)
        self._lay_out()
        self._connect()
        self.show_selected((), self._pixel_size)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(NEAR)
        form.setVerticalSpacing(TIGHT)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        classes = QHBoxLayout()
        classes.setSpacing(TIGHT)
        classes.addWidget(self.class_choice, 1)
        classes.addWidget(self._edit_classes)
        form.addRow("Class", classes)
        form.addRow("Name", self.name)
        form.addRow("Note", self.note)
        colors = QHBoxLayout()
        colors.setSpacing(TIGHT)
        colors.addWidget(self._color, 1)
        colors.addWidget(self._no_color)
        form.addRow("Colour", colors)
        boxes = QHBoxLayout()
        boxes.setSpacing(2 * NEAR)
        boxes.addWidget(self.locked)
        boxes.addWidget(self.hidden)
        boxes.addStretch(1)
        form.addRow("", boxes)
        whole = QVBoxLayout(self._form)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(NEAR)
        whole.addWidget(self._what)
        whole.addWidget(self._figures)
        whole.addLayout(self.more)
        whole.addLayout(form)
        column = panel_column(self)
        column.addWidget(self._form)

    def _connect(self) -> None:
        self.class_choice.activated.connect(self._save_class)
        self.name.editingFinished.connect(self.keep_typed)
        self._color.clicked.connect(self._ask_color)
        self._no_color.clicked.connect(lambda: self.set_color(None))
        self.locked.clicked.connect(self._save_locked)
        self.hidden.clicked.connect(self._save_hidden)
        self._classes.changed.connect(self._show)

    @property
    def what(self) -> str:
        """What is selected, in a few words."""
        return self._what.text()

    @property
    def values(self) -> dict[str, str]:
        """The measured values that are shown, by their names."""
        return dict(self._shown_values)

    def show_selected(self, annotations: Sequence[Annotation], pixel_size: PixelSize) -> None:
        """These are selected; what is being typed is kept for those before."""
        before, now = self._selected, tuple(annotations)
        if [each.id for each in before] != [each.id for each in now]:
            self._take_typed()
            if self._typed:
                self._later.start()  # not in the middle of another change
        self._selected, self._pixel_size = now, pixel_size
        self._show()

    # -- what is shown -------------------------------------------------------------------

    def _show(self) -> None:
        selected = self._selected
        # Of thousands that look the same one is asked: to hash each one's class would take long.
        found = {
            (id(each.annotation_class), each.color, each.is_locked, each.is_hidden): each
            for each in selected
        }
        different = tuple(found.values())
        self._what.setText(_what(selected))
        is_free = not all(each.is_locked for each in different)  # nothing is not free either
        why_not = ""
        if not is_free:
            why_not = _LOCKED if selected else _OFF
        for field in (self.class_choice, self.name, self.note, self._color, self._no_color):
            field.setEnabled(is_free)
            if field is not self._no_color:
                field.setToolTip(why_not)
        for box in (self.locked, self.hidden):
            box.setEnabled(bool(selected))
        self._show_class(different)
        _show_text(self.name, map(_NAME, selected))
        if not self.note.document().isModified():
            self.note.show_texts(map(_NOTE, selected))
        self._show_color(different)
        _show_box(self.locked, [each.is_locked for each in different])
        _show_box(self.hidden, [each.is_hidden for each in different])
        self._show_values()

    def _show_class(self, selected: Sequence[Annotation]) -> None:
        combo, ratio = self.class_choice, self.devicePixelRatioF()
        present = {each.annotation_class for each in selected}
        known = list(self._classes.all)
        names = {each.name for each in known}
        known += sorted(
            (each for each in present if each is not None and each.name not in names),
            key=lambda each: each.name,
        )
        combo.clear()
        for each in (None, *known):
            text = UNCLASSIFIED if each is None else each.name
            color = None if each is None else each.color
            combo.addItem(QIcon(color_swatch(color, ratio)), text, each)
        if len({None if each is None else each.name for each in present}) > 1:
            combo.setPlaceholderText(_MIXED)
            combo.setCurrentIndex(-1)
        else:
            one = next(iter(present), None)
            combo.setCurrentText(UNCLASSIFIED if one is None else one.name)

    def _show_color(self, selected: Sequence[Annotation]) -> None:
        own = {each.color for each in selected}
        shown = {each.shown_color for each in selected}
        one = next(iter(shown)) if len(shown) == 1 else None
        self._color.setIcon(QIcon(color_swatch(one, self.devicePixelRatioF())))
        text = "Own" if own - {None} else "Of the class"
        self._color.setText(_MIXED if len(shown) > 1 else text)
        self._color.setAccessibleName(f"Colour: {self._color.text()}")
        self._no_color.setVisible(bool(own - {None}))

    def _show_values(self) -> None:
        while self._values.rowCount():
            self._values.removeRow(0)
        few = self._selected if len(self._selected) <= _MOST_MEASURED else ()
        measured = [measures_of(each, self._pixel_size) for each in few]
        self._shown_values = value_rows(measured) if measured else []
        for name, text in self._shown_values:
            label, value = QLabel(name, self._form), plain(QLabel(text, self._form))
            label.setObjectName("muted")
            value.setFont(tabular(value.font()))
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._values.addRow(label, value)

    # -- what is changed -----------------------------------------------------------------

    def _save_class(self, index: int) -> None:
        chosen: AnnotationClass | None = self.class_choice.itemData(index)
        self._edits.set_values("classify", self._selected, annotation_class=chosen)

    def keep_typed(self) -> None:
        """Keep the name and the note that are being typed, or were."""
        self._take_typed()
        typed, self._typed = self._typed, []
        for text, annotations, values in typed:
            self._edits.set_values(text, annotations, **values)

    def _take_typed(self) -> None:
        document, selected = self.note.document(), self._selected
        if self.name.isModified():
            self.name.setModified(False)
            self._typed.append(("rename", selected, {"name": self.name.text().strip()}))
        if document.isModified():
            document.setModified(False)
            note = self.note.toPlainText().strip()
            self._typed.append(("change the note of", selected, {"note": note}))

    def _save_locked(self) -> None:
        self._edits.lock(self._selected, on=self.locked.checkState() is Qt.CheckState.Checked)

    def _save_hidden(self) -> None:
        self._edits.hide(self._selected, on=self.hidden.checkState() is Qt.CheckState.Checked)

    def _ask_color(self) -> None:
        shown = (each.shown_color for each in self._selected)
        self.colorRequested.emit(next(filter(None, shown), None))

    def set_color(self, color: tuple[int, int, int] | None) -> None:
        """Give what is selected a colour of its own, or that of its class."""
        self._edits.set_values("colour", self._selected, color=color)


class _NoteEdit(QPlainTextEdit):
    """A few lines, saved when the keyboard leaves them, or by Ctrl+Enter."""

    def __init__(self, save: Callable[[], object], parent: QWidget) -> None:
        super().__init__(parent)
        self._save = save
        self.setTabChangesFocus(True)
        line = self.fontMetrics().lineSpacing()
        self.setFixedHeight(_NOTE_LINES * line + 2 * NEAR + 2)
        self.installEventFilter(self)

    def show_texts(self, texts: Iterable[str]) -> None:
        found = set(texts)
        one = next(iter(found)) if len(found) == 1 else ""
        self.setPlaceholderText(_MIXED if len(found) > 1 else "")
        if self.toPlainText() != one:
            self.setPlainText(one)
        self.document().setModified(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut:
            self._save()
        elif (
            event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            and event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            self._save()
            return True
        return super().eventFilter(watched, event)


def _what(annotations: Sequence[Annotation]) -> str:
    """E.g. ``Rectangle``, or ``3 annotations: 2 rectangles, 1 line``."""
    if not annotations:
        return _NONE
    if len(annotations) == 1:
        return kind_of(annotations[0])
    kinds = counts_of_kinds(annotations)
    parts = ", ".join(_counted(kind.lower(), count) for kind, count in kinds.most_common())
    return f"{count_text(len(annotations))} annotations: {parts}"


def _counted(kind: str, count: int) -> str:
    return f"{count_text(count)} {kind}{'s' if count > 1 and not kind.endswith('s') else ''}"


def _show_text(field: QLineEdit, texts: Iterable[str]) -> None:
    if field.isModified():
        return
    found = set(texts)
    field.setPlaceholderText(_MIXED if len(found) > 1 else "")
    field.setText(next(iter(found)) if len(found) == 1 else "")


def _show_box(box: QCheckBox, states: Iterable[bool]) -> None:
    found = set(states)
    is_mixed = len(found) > 1
    box.setTristate(is_mixed)
    # Not setChecked, for which a mixed box is checked already.
    one = Qt.CheckState.Checked if True in found else Qt.CheckState.Unchecked
    box.setCheckState(Qt.CheckState.PartiallyChecked if is_mixed else one)


def value_rows(measured: Sequence[Measures]) -> list[tuple[str, str]]:
    """(name, text) of what is measured of annotations; of several, sums of areas and lengths.

    Sums count what lies in two annotations twice.
    """
    is_one = len(measured) == 1
    rows = []
    areas = [each for each in measured if each.area_px2 is not None]
    lines = [each for each in measured if each.length_px is not None]
    if areas:
        text = _sum_text([each.area_mm2 for each in areas], area_text)
        text = text or f"{count_text(sum(each.area_px2 or 0 for each in areas))} px²"
        rows.append(("Area" if len(areas) == 1 else f"Sum of {count_text(len(areas))} areas", text))
        if is_one:
            text = _sum_text([each.perimeter_um for each in areas], length_text)
            rows.append(("Perimeter", text or f"{count_text(areas[0].perimeter_px or 0)} px"))
    if lines:
        text = _sum_text([each.length_um for each in lines], length_text)
        text = text or f"{count_text(sum(each.length_px or 0 for each in lines))} px"
        rows.append(
            ("Length" if len(lines) == 1 else f"Sum of {count_text(len(lines))} lengths", text)
        )
    counts = [each.count for each in measured if each.count is not None]
    if counts:
        rows.append(("Points", count_text(sum(counts))))
    if is_one and measured[0].angle_deg is not None:
        rows.append(("Angle", angle_text(measured[0].angle_deg)))
    return rows


def _sum_text(values: Sequence[float | None], text: Callable[[float], str]) -> str:
    """The sum as text; empty if one is unknown."""
    known = [value for value in values if value is not None]
    return text(sum(known)) if len(known) == len(values) else ""
