"""The list of annotations as a table to select, sort, rename and jump in."""

from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontInfo,
    QFontMetrics,
    QIcon,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from bachview.marks.annotation import Annotation
from bachview.marks.working_set import Change
from bachview.ui.look.icons import icon
from bachview.ui.look.spacing import NEAR, TIGHT
from bachview.ui.look.theme import Theme
from bachview.ui.look.widgets import tabular
from bachview.ui.panels.annotation_model import ROW, AnnotationModel
from bachview.ui.panels.annotation_rows import Column, Group, Row, detail_of

_Index = QModelIndex | QPersistentModelIndex
_SWATCH_PX = 12
_ICON_PX = 16
_WIDTHS = {
    Column.SHOWN: 24,
    Column.LOCKED: 24,
    Column.NAME: 96,
    Column.VALUE: 90,
    Column.CLASS: 84,
    Column.KIND: 84,
    Column.NOTE: 160,
}
#: Size of the second line of a row.
_DETAIL = 0.88
_SELECT_ALL = QKeySequence.StandardKey.SelectAll
_SWITCHES = (Column.SHOWN, Column.LOCKED)


class AnnotationList(QTableView):
    """Follows a selection and changes it. GUI thread only.

    Signals
    -------
    selected(frozenset of str) : the reader has selected these ids.
    jumpRequested(Annotation) : the slide is to show it.
    hideRequested(tuple of Annotation, bool), lockRequested(tuple of Annotation, bool) : whether
        they are to be hidden, or locked.
    left : the keyboard goes back to the slide.
    """

    selected = Signal(object)
    jumpRequested = Signal(object)
    hideRequested = Signal(object, bool)
    lockRequested = Signal(object, bool)
    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows = AnnotationModel(self)
        self._shown_ids: frozenset[str] = frozenset()
        self._follows = False
        self._is_fitted = True
        self._is_wide = False
        self._detail_font = QFont()
        self.setModel(self.rows)
        self.setItemDelegate(_Delegate(theme, self))
        self.setAccessibleName("Annotations")
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMinimumHeight(96)
        side = self.verticalHeader()
        side.hide()
        side.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        side.setMinimumSectionSize(1)
        head = self.horizontalHeader()
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.setHighlightSections(False)
        # One in which nothing is selected: at each paint it asks every row whether it is.
        head.setSelectionModel(QItemSelectionModel(self.rows, head))
        head.setMinimumSectionSize(20)
        head.setSortIndicatorClearable(True)
        head.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        scale = max(1.0, self.fontMetrics().height() / 16)
        for column, width in _WIDTHS.items():
            head.resizeSection(column, width if column in _SWITCHES else round(width * scale))
        for column in _SWITCHES:
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
        self.setSortingEnabled(True)
        head.sortIndicatorChanged.connect(self._sort)
        head.sectionResized.connect(self._on_resized)
        self.rows.modelReset.connect(self._show_selection)
        self.clicked.connect(self._on_clicked)
        self.doubleClicked.connect(self._on_double_clicked)
        theme.changed.connect(self.viewport().update)

    # -- how it is listed ----------------------------------------------------------------

    def find_text(self, text: str) -> None:
        """List those that have these words."""
        how = self.rows.arrangement
        self.rows.arrange(replace(how, words=tuple(text.casefold().split())))

    def group(self, *, on: bool) -> None:
        """List them by class."""
        self.setColumnHidden(Column.CLASS, on)
        self.rows.arrange(replace(self.rows.arrangement, is_grouped=on))
        self._fit()

    def order_groups(self, names: Iterable[str]) -> None:
        """The order of the groups."""
        self.rows.arrange(replace(self.rows.arrangement, order=tuple(names)))

    def _sort(self, section: int, order: Qt.SortOrder) -> None:
        column = Column(section) if section >= 0 else None
        descending = order == Qt.SortOrder.DescendingOrder
        how = self.rows.arrangement
        self.rows.arrange(replace(how, column=column, is_descending=descending))

    def take(self, changes: Iterable[Change]) -> None:
        """Show what has changed; what is selected stays so, though its row is another one."""
        self._follows = True
        if self.rows.take(changes):  # if not, they have been listed anew, with the selection
            self._show_selection()
        self._follows = False

    def take_anew(self) -> None:
        """Show whatever has changed; as `take`, for many changes."""
        self._follows = True
        self.rows.list_anew()
        self._follows = False

    # -- selection -----------------------------------------------------------------------

    def show_selected(self, ids: frozenset[str]) -> None:
        """Select what is selected on the slide."""
        if ids != self._shown_ids:
            self._shown_ids = ids
            self._show_selection()
            places = self.rows.places_of(ids)
            if places:
                self.scrollTo(self.rows.index(places[0], Column.NAME))

    def _show_selection(self) -> None:
        places, last = self.rows.places_of(self._shown_ids), len(Column) - 1
        wanted, start = QItemSelection(), 0
        for n, place in enumerate(places):
            if n + 1 == len(places) or places[n + 1] != place + 1:
                first = self.rows.index(places[start], 0)
                wanted.select(first, self.rows.index(place, last))
                start = n + 1
        self._follows = True
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().select(wanted, flags.ClearAndSelect)
        if places and self.currentIndex().row() not in set(places):
            where = self.rows.index(places[0], Column.NAME)
            self.selectionModel().setCurrentIndex(where, flags.NoUpdate)
        self._follows = False

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        if self._follows:
            return
        rows = self.rows.rows
        chosen = (
            rows[n]
            for part in list(self.selectionModel().selection())  # type: ignore[call-overload]
            for n in range(part.top(), part.bottom() + 1)
        )
        ids = frozenset(row.id for row in chosen if isinstance(row, Annotation))
        if ids != self._shown_ids:
            self._shown_ids = ids
            self.selected.emit(ids)

    def selectionCommand(
        self, index: _Index, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlag:
        """Switches, and rows of groups, are pressed without selecting anything."""
        is_mouse = isinstance(event, QMouseEvent)
        if is_mouse and index.isValid():
            is_group = isinstance(self.rows.rows[index.row()], Group)
            if is_group or index.column() in _SWITCHES:
                return QItemSelectionModel.SelectionFlag.NoUpdate
        return super().selectionCommand(index, event)

    def _select_group(self, group: Group) -> None:
        self.selected.emit(frozenset(group.members))

    def scrollTo(
        self,
        index: _Index,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        """Up and down only: the switches at the left stay in view."""
        before = self.horizontalScrollBar().value()
        super().scrollTo(index, hint)
        self.horizontalScrollBar().setValue(before)

    def currentChanged(self, current: _Index, previous: _Index) -> None:
        """The current row has a frame as a whole."""
        super().currentChanged(current, previous)
        self.viewport().update()

    # -- mouse and keyboard --------------------------------------------------------------

    def _row(self, index: _Index) -> Row | None:
        return self.rows.rows[index.row()] if index.isValid() else None

    def _of(self, row: Row) -> tuple[Annotation, ...]:
        """What a switch of this row is for: all of a group, or all that are selected with it."""
        if isinstance(row, Group):
            return self.rows.annotations_of(row.members)
        return self.rows.annotations_of(self._shown_ids) if row.id in self._shown_ids else (row,)

    def _on_clicked(self, index: _Index) -> None:
        row, column = self._row(index), index.column()
        if row is None:
            return
        if column in _SWITCHES:
            self._switch(row, Column(column))
        elif isinstance(row, Group):
            x = self.viewport().mapFromGlobal(self.cursor().pos()).x()
            is_arrow = column == Column.NAME and x < self.visualRect(index).left() + 2 * NEAR + 8
            if is_arrow:
                self.rows.fold(row.name, on=not row.is_folded)
            else:
                self._select_group(row)

    def _switch(self, row: Row, column: Column) -> None:
        annotations = self._of(row)
        if column is Column.SHOWN:
            self.hideRequested.emit(annotations, not row.is_hidden)
        else:
            self.lockRequested.emit(annotations, not row.is_locked)

    def _on_double_clicked(self, index: _Index) -> None:
        row = self._row(index)
        if row is None or index.column() in _SWITCHES:
            return
        if isinstance(row, Group):
            self.rows.fold(row.name, on=not row.is_folded)
        else:
            self.jumpRequested.emit(row)

    def event(self, event: QEvent) -> bool:
        """Ctrl+A selects what is listed, not all of the slide, while the list has the keyboard."""
        is_key = event.type() == QEvent.Type.ShortcutOverride
        if isinstance(event, QKeyEvent) and is_key and event.matches(_SELECT_ALL):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row, key = self._row(self.currentIndex()), event.key()
        if self.state() == QAbstractItemView.State.EditingState:
            return  # the field has had it
        if key == Qt.Key.Key_Escape:
            self.left.emit()
        elif isinstance(row, Group) and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.rows.fold(row.name, on=key == Qt.Key.Key_Left)
        elif isinstance(row, Group) and key in (Qt.Key.Key_Space, Qt.Key.Key_Return):
            self._select_group(row)
        elif isinstance(row, Annotation) and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.jumpRequested.emit(row)
        else:
            super().keyPressEvent(event)

    def rename(self) -> bool:
        """Let the reader type another name for the current annotation; False if there is none."""
        row = self._row(self.currentIndex())
        if not isinstance(row, Annotation) or row.is_locked:
            return False
        self.edit(self.rows.index(self.currentIndex().row(), Column.NAME))
        return True

    def keep_typed(self) -> None:
        """End the typing of a name, and keep it."""
        field: QWidget | None = self.indexWidget(self.currentIndex())
        if field is not None and self.state() == QAbstractItemView.State.EditingState:
            self.commitData(field)
            self.closeEditor(field, QAbstractItemDelegate.EndEditHint.NoHint)

    # -- width ---------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _on_resized(self, section: int, before: int, after: int) -> None:
        if section == Column.NAME and self.horizontalHeader().underMouse():
            self._is_fitted = False  # the reader has set its width
            self._fit()

    @property
    def has_details(self) -> bool:
        """Whether a row has a second line for its class, as no column in view has it."""
        return not (self._is_wide or self.rows.arrangement.is_grouped)

    @property
    def detail_font(self) -> QFont:
        """Of the second line."""
        return self._detail_font

    def _fit(self) -> None:
        """Let the name have what the others leave, with as many of these as there is room for."""
        if self._is_fitted:
            self._fit_name()
        end = self.columnViewportPosition(Column.CLASS) + self.columnWidth(Column.CLASS)
        self._is_wide = end + self.horizontalScrollBar().value() <= self.viewport().width()
        self._detail_font = QFont(self.font())
        self._detail_font.setPixelSize(round(QFontInfo(self.font()).pixelSize() * _DETAIL))
        height = self.fontMetrics().height()
        if self.has_details:
            height += QFontMetrics(self._detail_font).height() - TIGHT // 2
        self.verticalHeader().setDefaultSectionSize(max(_ICON_PX, height) + 2 * TIGHT)

    def _fit_name(self) -> None:
        room = self.viewport().width()
        widths = [
            0 if self.isColumnHidden(column) else self.columnWidth(column)
            for column in Column
            if column is not Column.NAME
        ]
        least = round(_WIDTHS[Column.NAME] * max(1.0, self.fontMetrics().height() / 16))
        while len(widths) > Column.VALUE and room - sum(widths) < least:
            widths.pop()  # the last ones are scrolled to
        self.setColumnWidth(Column.NAME, max(least, room - sum(widths)))


class _Delegate(QStyledItemDelegate):
    """Paints one cell."""

    def __init__(self, theme: Theme, parent: AnnotationList) -> None:
        super().__init__(parent)
        self._theme, self._list = theme, parent
        #: By name and ink: to put an icon together takes longer than to paint it.
        self._icons: dict[tuple[str, str], QIcon] = {}
        theme.changed.connect(self._icons.clear)

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(40, self._list.verticalHeader().defaultSectionSize())

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: _Index
    ) -> None:
        """The field is a little higher than the row."""
        rect = QRect(option.rect)
        rect.setHeight(max(rect.height(), editor.sizeHint().height()))
        rect.moveCenter(QPoint(rect.center().x(), QRect(option.rect).center().y()))
        room = self._list.viewport().rect()
        rect.moveTop(min(max(rect.top(), 0), max(0, room.bottom() - rect.height())))
        editor.setGeometry(rect)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        row: Row = index.data(ROW)
        column, colors = Column(index.column()), self._theme.colors
        rect, state = QRect(option.rect), option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(colors.selected))
        elif isinstance(row, Group):
            painter.fillRect(rect, QColor(colors.window))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(colors.hover))
        if column in _SWITCHES:
            self._paint_switch(painter, rect, row, column)
        else:
            self._paint_text(painter, rect, row, column, str(index.data() or ""), option.font)
        if self._list.hasFocus() and index.row() == self._list.currentIndex().row():
            painter.setPen(QColor(colors.accent))
            painter.drawLine(rect.topLeft(), rect.topRight())
            painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        painter.restore()

    def _paint_switch(self, painter: QPainter, rect: QRect, row: Row, column: Column) -> None:
        colors = self._theme.colors
        if column is Column.SHOWN:
            name, ink = ("eye-off", colors.disabled) if row.is_hidden else ("eye", colors.muted)
        else:
            name, ink = ("lock", colors.text) if row.is_locked else ("unlock", colors.border)
        place = QRect(0, 0, _ICON_PX, _ICON_PX)
        place.moveCenter(rect.center())
        if (name, ink) not in self._icons:
            self._icons[name, ink] = icon(name, colors, ink=ink)
        self._icons[name, ink].paint(painter, place)

    def _paint_text(
        self, painter: QPainter, rect: QRect, row: Row, column: Column, text: str, font: QFont
    ) -> None:
        colors = self._theme.colors
        inner = rect.adjusted(TIGHT, 0, -TIGHT, 0)
        ink = colors.text
        if isinstance(row, Group):
            font = QFont(font)
            font.setWeight(QFont.Weight.DemiBold)
            if column is Column.NAME:
                self._paint_arrow(painter, inner, is_folded=row.is_folded)
                inner.setLeft(inner.left() + 2 * NEAR)
        elif row.is_hidden:
            ink = colors.disabled
        elif column is Column.NAME and not (row.name or self._list.has_details):
            ink = colors.muted
        if column is Column.NAME:
            color = row.color if isinstance(row, Group) else row.shown_color
            self._paint_swatch(painter, inner, color)
            inner.setLeft(inner.left() + _SWATCH_PX + TIGHT + 2)
        align = Qt.AlignmentFlag.AlignVCenter
        if column is Column.VALUE:
            align |= Qt.AlignmentFlag.AlignRight
            font = tabular(font)
        painter.setPen(QColor(ink))
        if column is Column.NAME and isinstance(row, Annotation) and self._list.has_details:
            lower = QRect(inner)
            inner.setBottom(inner.top() + TIGHT + QFontMetrics(font).height() - 1)
            lower.setTop(inner.bottom() + 1)
            inner.setTop(inner.top() + TIGHT)
            lower.setBottom(lower.bottom() - TIGHT)
            _write(painter, inner, align, text, font)
            painter.setPen(QColor(colors.disabled if row.is_hidden else colors.muted))
            _write(painter, lower, align, detail_of(row), self._list.detail_font)
        else:
            _write(painter, inner, align, text, font)

    def _paint_swatch(
        self, painter: QPainter, rect: QRect, color: tuple[int, int, int] | None
    ) -> None:
        place = QRect(rect.left(), 0, _SWATCH_PX, _SWATCH_PX)
        place.moveTop(rect.center().y() - _SWATCH_PX // 2 + 1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if color is None:
            painter.setPen(QPen(QColor(self._theme.colors.outline), 1, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        else:
            painter.setPen(QPen(QColor(0, 0, 0, 70), 1))
            painter.setBrush(QColor(*color))
        painter.drawRoundedRect(place, 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_arrow(self, painter: QPainter, rect: QRect, *, is_folded: bool) -> None:
        middle = QPointF(rect.left() + 4, rect.center().y() + 0.5)
        points = [QPointF(-4, -2), QPointF(0, 2), QPointF(4, -2)]
        if is_folded:
            points = [QPointF(p.y(), p.x()) for p in points]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.colors.muted), 1.6))
        painter.drawPolyline(QPolygonF([middle + point for point in points]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _write(painter: QPainter, rect: QRect, align: Qt.AlignmentFlag, text: str, font: QFont) -> None:
    """Write as much of a text as there is room for."""
    painter.setFont(font)
    shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
    painter.drawText(rect, align, shown)
