"""Annotate → Edit classes: the model's, and the reader's own."""

from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QWidget,
)

from bachview.errors import UsageError
from bachview.marks.annotation import AnnotationClass
from bachview.ui.dialogs.color_dialog import ColorDialog
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.dialogs.modal import ask
from bachview.ui.look.spacing import NEAR
from bachview.ui.look.swatches import SIDE_PX, color_swatch
from bachview.ui.look.widgets import allow, muted, plain
from bachview.ui.session.annotation_classes import AnnotationClasses

#: Colours of new classes, one after the other: the qualitative scheme of Paul Tol (2021), "bright",
#: which readers with colour blindness can tell apart.
_COLORS = (
    (170, 51, 119),
    (102, 204, 238),
    (204, 187, 68),
    (238, 102, 119),
    (34, 136, 51),
    (68, 119, 170),
)
_OF_MODEL = "Off, because it is a class of the model"
_NONE = "Off, because no class is chosen"
_ALL_THERE = "Off, because the list has all classes of this slide"
_CLASS = Qt.ItemDataRole.UserRole


class ClassesDialog(LaidOutDialog):
    """Changes the list at once.

    Signals
    -------
    edited(AnnotationClass, AnnotationClass or None) : the first has become the second, or is gone.
    """

    edited = Signal(object, object)

    def __init__(
        self,
        classes: AnnotationClasses,
        of_slide: Callable[[], Iterable[AnnotationClass]],
        parent: QWidget | None = None,
    ) -> None:
        """`of_slide` : classes that annotations of the slide in front have."""
        super().__init__("Classes of annotations", parent, size=(460, 460))
        self._classes, self._of_slide = classes, of_slide
        self._tips: dict[QPushButton, str] = {}
        self.list = _ClassList(self)
        self.list.setAccessibleName("Classes")
        self.list.setIconSize(QSize(SIDE_PX, SIDE_PX))
        self.list.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.add = self._button("&Add", "Make another class")
        self.rename = self._button("&Rename", "Type another name (F2)")
        self.color = self._button("&Colour…", "Choose another colour")
        self.remove = self._button("&Delete", "Take the class from the list; annotations keep it")
        self.take = self._button("Add those of this &slide", "Add the classes of its annotations")
        self.told = plain(muted("", self))
        self.told.hide()
        row = QHBoxLayout()
        row.setSpacing(NEAR)
        for button in (self.add, self.rename, self.color, self.remove):
            row.addWidget(button)
        row.addStretch(1)
        self.content.addWidget(
            muted(
                "The classes of the model in use are always there. Your own are kept on this "
                "computer.",
                self,
            )
        )
        self.content.addWidget(self.list, 1)
        self.content.addWidget(self.told)
        self.content.addLayout(row)
        self.content.addWidget(self.take, 0, Qt.AlignmentFlag.AlignLeft)
        self.add_close()
        self.add.clicked.connect(self._add)
        self.rename.clicked.connect(lambda: self.list.edit(self.list.currentIndex()))
        self.color.clicked.connect(self._ask_color)
        self.remove.clicked.connect(self._remove)
        self.list.removeRequested.connect(self.remove.click)
        self.take.clicked.connect(self._take)
        self.list.itemChanged.connect(self._on_renamed)
        self.list.currentItemChanged.connect(lambda *_: self._allow())
        classes.changed.connect(self._show)
        self._show()
        self.list.setFocus()

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        self._tips[button] = tip
        return button

    # -- what is listed ------------------------------------------------------------------

    def _show(self) -> None:
        """Change the rows in place, as one of them may be being edited."""
        listed, own = self._classes.all, set(self._classes.own)
        ratio = self.devicePixelRatioF()
        self.list.blockSignals(True)
        while self.list.count() > len(listed):
            self.list.takeItem(self.list.count() - 1)
        while self.list.count() < len(listed):
            self.list.addItem(QListWidgetItem())
        for row, each in enumerate(listed):
            item = self.list.item(row)
            item.setText(each.name)
            item.setIcon(QIcon(color_swatch(each.color, ratio)))
            item.setData(_CLASS, each)
            flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
            is_own = each in own
            item.setFlags(flags | Qt.ItemFlag.ItemIsEditable if is_own else flags)
            item.setToolTip("" if is_own else "A class of the model")
        if self.list.currentRow() < 0:
            self.list.setCurrentRow(0)
        self.list.blockSignals(False)
        self._allow()

    @property
    def _chosen(self) -> AnnotationClass | None:
        row = self.list.currentRow()
        chosen: AnnotationClass | None = self.list.item(row).data(_CLASS) if row >= 0 else None
        return chosen

    @property
    def _missing(self) -> list[AnnotationClass]:
        """Classes of the slide that the list has not."""
        there = {each.name.casefold() for each in self._classes.all}
        found = {each.name.casefold(): each for each in self._of_slide()}
        return [each for name, each in found.items() if name not in there]

    def _allow(self) -> None:
        chosen = self._chosen
        why_not = _NONE if chosen is None else _OF_MODEL
        why_not = "" if chosen in self._classes.own else why_not
        for button in (self.rename, self.color, self.remove):
            allow(button, why_not, self._tips[button])
        allow(self.take, "" if self._missing else _ALL_THERE, self._tips[self.take])

    # -- changes -------------------------------------------------------------------------

    def _try(self, change: Callable[[], object]) -> bool:
        try:
            change()
        except UsageError as error:
            self._tell(str(error))
            return False
        self._tell("")
        return True

    def _tell(self, text: str) -> None:
        self.told.setText(text)
        self.told.setVisible(bool(text))

    def _add(self) -> None:
        names = {each.name.casefold() for each in self._classes.all}
        number = 1
        while f"class {number}" in names:
            number += 1
        color = _COLORS[len(self._classes.own) % len(_COLORS)]
        made = AnnotationClass(f"Class {number}", color)
        if self._try(lambda: self._classes.add(made)):
            item = self.list.item(self.list.count() - 1)
            self.list.setCurrentItem(item)
            self.list.editItem(item)

    def _on_renamed(self, item: QListWidgetItem) -> None:
        before: AnnotationClass = item.data(_CLASS)
        name = item.text().strip()
        if name == before.name:
            return
        after = AnnotationClass(name, before.color)
        if self._try(lambda: self._classes.change(before, after)):
            self.edited.emit(before, after)
        else:
            self._show()

    def _ask_color(self) -> None:
        before = self._chosen
        if before is None:
            return
        dialog = ColorDialog(f"Colour of {before.name}", before.color, self)

        def change(color: tuple[int, int, int]) -> None:
            after = AnnotationClass(before.name, color)
            if after != before and self._try(lambda: self._classes.change(before, after)):
                self.edited.emit(before, after)

        dialog.chosen.connect(change)
        ask(dialog)

    def _remove(self) -> None:
        gone = self._chosen
        if gone is not None and self.remove.isEnabled():
            self._classes.remove(gone)
            self._tell("")
            self.edited.emit(gone, None)

    def _take(self) -> None:
        for each in self._missing:
            if not self._try(partial(self._classes.add, each)):
                return


class _ClassList(QListWidget):
    """Delete takes a class from it."""

    removeRequested = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_editing = self.state() == QAbstractItemView.State.EditingState
        if event.key() == Qt.Key.Key_Delete and not is_editing:
            self.removeRequested.emit()
        else:
            super().keyPressEvent(event)
