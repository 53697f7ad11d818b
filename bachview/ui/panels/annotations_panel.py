"""The annotations of the slide: the list, and what is known of those that are selected."""

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from bachview.core.pixel_size import PixelSize
from bachview.core.units import count_text
from bachview.marks.working_set import Change
from bachview.ui.bridge import UNDISTURBED
from bachview.ui.look.icons import icon
from bachview.ui.look.spacing import APART, NEAR, TIGHT
from bachview.ui.look.theme import Theme
from bachview.ui.look.widgets import line, muted, scrolled
from bachview.ui.panels.annotation_list import AnnotationList
from bachview.ui.panels.properties_panel import PropertiesPanel
from bachview.ui.session.annotation_classes import AnnotationClasses
from bachview.ui.session.annotation_edits import AnnotationEdits
from bachview.ui.session.document import Document
from bachview.ui.session.marks_session import MANY, MarksSession

#: Of the height; the list has the rest.
_MOST_FOR_PROPERTIES, _MOST_IF_LOW = 0.6, 0.45
#: Of which the list has so much, for field, title and some rows, where they would have more.
_LIST_PX = 260
_EMPTY = "There are no annotations on this slide. Draw some with the tools, or import a file."


class AnnotationsPanel(QWidget):
    """Follows the marks of one slide at a time. GUI thread only.

    Attributes
    ----------
    list, properties : its two parts.
    """

    def __init__(
        self,
        theme: Theme,
        edits: AnnotationEdits,
        classes: AnnotationClasses,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._classes, self._edits = theme, classes, edits
        self._marks: MarksSession | None = None
        self._is_behind = False
        self._list_later = QTimer(self, singleShot=True)
        self._list_later.timeout.connect(self._take_many)
        self._properties_later = QTimer(self, singleShot=True)
        self._properties_later.timeout.connect(self._show_properties)
        self._pixel_size = PixelSize.unknown()
        self.wanted = QLineEdit(self)
        self.wanted.setPlaceholderText("Find by name, class, kind or note")
        self.wanted.setAccessibleName("Words of annotations to find")
        self.wanted.setClearButtonEnabled(True)
        self.grouped = QToolButton(self)
        self.grouped.setCheckable(True)
        self.grouped.setIconSize(QSize(20, 20))
        self.grouped.setToolTip("Group by class")
        self.grouped.setAccessibleName("Group by class")
        self.grouped.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.list = AnnotationList(theme, self)
        self._empty = muted(_EMPTY, self)
        self._count = QLabel(self)
        self._count.setObjectName("muted")
        self._count.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.properties = PropertiesPanel(edits, classes, self)
        self._lay_out()
        self._connect()
        self._tint()
        self._show_count()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(TIGHT)
        head.addWidget(self.wanted, 1)
        head.addWidget(self.grouped)
        upper = QWidget(self)
        column = QVBoxLayout(upper)
        column.setContentsMargins(APART, NEAR, APART, TIGHT)
        column.setSpacing(NEAR)
        column.addLayout(head)
        column.addWidget(self._empty)
        column.addWidget(self.list, 1)
        column.addWidget(self._count)
        self._lower: QScrollArea = scrolled(self.properties)
        self._lower.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(upper, 1)
        whole.addWidget(line(self))
        whole.addWidget(self._lower)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a low window the list keeps some rows, and the properties scroll."""
        super().resizeEvent(event)
        height = event.size().height()
        most = max(_MOST_IF_LOW * height, height - _LIST_PX)
        self._lower.setMaximumHeight(round(min(_MOST_FOR_PROPERTIES * height, most)))

    def _connect(self) -> None:
        edits, rows = self._edits, self.list.rows
        self.wanted.textChanged.connect(self.list.find_text)
        self.grouped.toggled.connect(lambda on: self.list.group(on=on))
        self.list.selected.connect(self._select)
        self.list.hideRequested.connect(lambda those, on: edits.hide(those, on=on))
        self.list.lockRequested.connect(lambda those, on: edits.lock(those, on=on))
        rows.renamed.connect(lambda one, text: edits.set_values("rename", (one,), name=text))
        for signal in (rows.modelReset, rows.rowsInserted, rows.rowsRemoved):
            signal.connect(self._show_count)
        self._classes.changed.connect(self._order_groups)
        self._theme.changed.connect(self._tint)
        self._order_groups()

    def _tint(self) -> None:
        self.grouped.setIcon(icon("group", self._theme.colors))

    def _order_groups(self) -> None:
        self.list.order_groups(each.name for each in self._classes.all)

    # -- the slide -----------------------------------------------------------------------

    def follow(self, document: Document | None) -> None:
        """Show the annotations of another slide, or none; or the same with another pixel size."""
        marks = None if document is None else document.marks
        before, self._marks = self._marks, marks
        self._pixel_size = PixelSize.unknown() if document is None else document.pixel_size
        if before is not None:
            before.changed.disconnect(self._on_changed)
            before.selection.changed.disconnect(self._show_selected)
        if marks is not None:
            marks.changed.connect(self._on_changed)
            marks.selection.changed.connect(self._show_selected)
        self._renew()

    def keep_typed(self) -> None:
        """Keep what is being typed for the annotations of the slide that is shown."""
        self.list.keep_typed()
        self.properties.keep_typed()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up on what has changed meanwhile."""
        super().showEvent(event)
        if self._is_behind:
            self._renew()

    def _renew(self) -> None:
        self._is_behind = False
        self._list_later.stop()
        marks = self._marks
        annotations = {} if marks is None else marks.working_set.annotations
        self.list.rows.show_annotations(annotations, self._pixel_size)
        self._tell_selected()

    def _on_changed(self, changes: tuple[Change, ...]) -> None:
        if not self.isVisible():  # each step would cost the time to find the order of all
            self._is_behind = True
            return
        # Of many, each part is shown with a turn of the event loop of its own: the window answers
        # in between.
        if len(changes) > MANY or self._list_later.isActive():
            self._list_later.start()
            return
        self.list.take(changes)
        self._tell_properties()
        self._show_count()

    def _take_many(self) -> None:
        with UNDISTURBED:
            self.list.take_anew()
        self._tell_properties()
        self._show_count()

    def _select(self, ids: frozenset[str]) -> None:
        if self._marks is not None:
            self._marks.selection.set(ids)

    def _show_selected(self) -> None:
        if self.isVisible():
            self._tell_selected()
        else:
            self._is_behind = True

    def _tell_selected(self) -> None:
        ids = frozenset() if self._marks is None else self._marks.selection.ids
        self.list.show_selected(ids)
        self._tell_properties()
        self._show_count()

    def _tell_properties(self) -> None:
        if self._marks is not None and len(self._marks.selection.ids) > MANY:
            self._properties_later.start()
        else:
            self._show_properties()

    def _show_properties(self) -> None:
        self._properties_later.stop()
        selected = () if self._marks is None else self._marks.selected
        with UNDISTURBED:
            self.properties.show_selected(selected, self._pixel_size)

    def _show_count(self) -> None:
        rows = self.list.rows
        is_empty = not rows.total
        self._empty.setVisible(is_empty)
        for widget in (self.list, self._count, self.wanted, self.grouped):
            widget.setVisible(not is_empty)
        text = f"{count_text(rows.total)} annotation{'' if rows.total == 1 else 's'}"
        if rows.listed != rows.total:
            text = f"{count_text(rows.listed)} of {text}"
        selected = 0 if self._marks is None else len(self._marks.selection.ids)
        if selected:
            text += f", {count_text(selected)} selected"
        self._count.setText(text)
