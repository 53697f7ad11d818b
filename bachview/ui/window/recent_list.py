"""The recent slides as cards: picture, name, folder, date, state of the results."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    QUrl,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QDesktopServices,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QPainter,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from bachview.file_names import printable
from bachview.ui.look.icons import icon
from bachview.ui.look.spacing import APART, RADIUS
from bachview.ui.look.theme import Theme
from bachview.ui.session.recent import RecentSlide
from bachview.ui.session.recent_facts import Presence, RecentFacts

_SLIDE = Qt.ItemDataRole.UserRole
_FACTS = Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex

#: Widest column of cards, and the narrowest that several stand side by side in, px at 10 pt.
_LEAST_WIDTH = 330
_GAP = APART
_ABSENCES = {Presence.MISSING: "File not found", Presence.UNREACHABLE: "Drive does not answer"}


class RecentList(QListWidget):
    """Cards in as many columns as there is room for. GUI thread.

    Signals
    -------
    openRequested(Path), removeRequested(Path) : by mouse, keyboard or menu.
    """

    openRequested = Signal(object)
    removeRequested = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("recent")
        self.setAccessibleName("Recent slides")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._delegate = _CardDelegate(theme, self)
        self.setItemDelegate(self._delegate)
        self.itemClicked.connect(lambda item: self.openRequested.emit(_path(item)))
        self.customContextMenuRequested.connect(self._show_menu)
        theme.changed.connect(self.viewport().update)

    @property
    def paths(self) -> tuple[Path, ...]:
        """What is listed, in its order."""
        return tuple(_path(self.item(row)) for row in range(self.count()))

    def texts(self, path: Path) -> tuple[str, ...]:
        """What the card of a slide says, from top to bottom."""
        return next(
            _texts(item.data(_SLIDE), item.data(_FACTS))
            for item in map(self.item, range(self.count()))
            if _path(item) == path
        )

    def show_slides(self, slides: Sequence[tuple[RecentSlide, RecentFacts]]) -> None:
        """List these; the current one stays current."""
        row = self.currentRow()
        self.clear()
        for slide, facts in slides:
            item = QListWidgetItem(self)
            item.setData(_SLIDE, slide)
            self._fill(item, facts)
        if self.count():
            self.setCurrentRow(min(max(row, 0), self.count() - 1))
        self._fit()

    def show_facts(self, path: Path, facts: RecentFacts) -> None:
        """Say what has been found out about one of them."""
        for row in range(self.count()):
            if _path(self.item(row)) == path:
                self._fill(self.item(row), facts)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row, key = self.currentRow(), event.key()
        if row >= 0 and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.openRequested.emit(_path(self.item(row)))
        elif row >= 0 and key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removeRequested.emit(_path(self.item(row)))
        elif row >= 0 and key == Qt.Key.Key_Menu:
            self._show_menu(self.visualItemRect(self.item(row)).center())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def menu_for(self, path: Path) -> QMenu:
        """What can be done with a slide of the list; the caller deletes it."""
        menu = QMenu(self)
        menu.addAction("&Open").triggered.connect(lambda: self.openRequested.emit(path))
        folder = QUrl.fromLocalFile(str(path.parent))
        menu.addAction("Open &folder").triggered.connect(lambda: QDesktopServices.openUrl(folder))
        menu.addAction("&Copy path").triggered.connect(
            lambda: QGuiApplication.clipboard().setText(str(path))
        )
        menu.addSeparator()
        remove = menu.addAction("&Remove from list")
        remove.triggered.connect(lambda: self.removeRequested.emit(path))
        return menu

    def _show_menu(self, place: QPoint) -> None:
        row = self.indexAt(place).row()
        if row >= 0:
            self.setCurrentRow(row)
            menu = self.menu_for(_path(self.item(row)))
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.viewport().mapToGlobal(place))

    def _fill(self, item: QListWidgetItem, facts: RecentFacts) -> None:
        slide: RecentSlide = item.data(_SLIDE)
        item.setData(_FACTS, facts)
        # As a whole, so that the model tells the view of a change: it cannot compare the facts.
        texts = _texts(slide, facts)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(texts))
        item.setToolTip(printable(str(slide.path)))
        self.viewport().update()

    def _fit(self) -> None:
        """Divide the width among as many cards as fit, with room for the scroll bar."""
        scale = self.fontMetrics().height() / 16
        room = max(1, self.width() - self.verticalScrollBar().sizeHint().width() - 2)
        columns = max(1, int(room / (_LEAST_WIDTH * max(1.0, scale))))
        size = QSize(room // columns, self._delegate.height(self.font()) + _GAP)
        if size != self._delegate.size:
            self._delegate.size = size
            self.setGridSize(size)


class _CardDelegate(QStyledItemDelegate):
    """Paints one card."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.size = QSize()

    def height(self, font: QFont) -> int:
        """Of a card: four lines."""
        return max(72, 4 * _line(font)) + 2 * APART

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return self.size

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        slide: RecentSlide = index.data(_SLIDE)
        facts: RecentFacts = index.data(_FACTS)
        colors = self._theme.colors
        rect: QRect = option.rect.adjusted(0, 0, -_GAP, -_GAP)
        state: QStyle.StateFlag = option.state
        has_focus = bool(state & QStyle.StateFlag.State_HasFocus)
        is_hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(colors.accent if has_focus else colors.border), 2 if has_focus else 1)
        half = pen.widthF() / 2
        painter.setPen(pen)
        painter.setBrush(QColor(colors.hover if is_hovered else colors.raised))
        painter.drawRoundedRect(QRectF(rect).adjusted(half, half, -half, -half), RADIUS, RADIUS)
        inner = rect.adjusted(APART, APART, -APART, -APART)
        picture = QRect(inner.left(), inner.top(), inner.height() * 4 // 3, inner.height())
        is_absent = facts.presence in _ABSENCES
        self._paint_picture(painter, picture, facts.picture, faded=is_absent)
        words = inner.adjusted(picture.width() + APART, 0, 0, 0)
        font: QFont = option.font
        bold = QFont(font)
        bold.setWeight(QFont.Weight.DemiBold)
        line = _line(font)
        top = words.top() + (words.height() - 4 * line) // 2
        muted = QColor(colors.muted)
        name_ink = muted if is_absent else QColor(colors.text)
        for number, text in enumerate(_texts(slide, facts)):
            painter.setFont(bold if number == 0 else font)
            painter.setPen(name_ink if number == 0 else muted)
            # Of a name the end tells more than the middle, of a folder the end more than the start.
            mode = (
                Qt.TextElideMode.ElideLeft
                if number == 1
                else Qt.TextElideMode.ElideMiddle
                if number == 0
                else Qt.TextElideMode.ElideRight
            )
            shown = QFontMetrics(painter.font()).elidedText(text, mode, words.width())
            place = QRect(words.left(), top + number * line, words.width(), line)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()

    def _paint_picture(
        self, painter: QPainter, room: QRect, picture: QImage | None, *, faded: bool
    ) -> None:
        colors = self._theme.colors
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.window))
        painter.drawRoundedRect(room, RADIUS, RADIUS)
        if picture is None:
            side = min(room.height(), 32)
            place = QRect(0, 0, side, side)
            place.moveCenter(room.center())
            icon("slide", colors, ink=colors.muted).paint(painter, place)
            return
        size = QSize(picture.width(), picture.height()).scaled(
            room.size(), Qt.AspectRatioMode.KeepAspectRatio
        )
        place = QRect(QPoint(0, 0), size)
        place.moveCenter(room.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(0.35 if faded else 1.0)
        painter.drawImage(place, picture)
        painter.setOpacity(1.0)


def _line(font: QFont) -> int:
    return QFontMetrics(font).height() + 2


def _path(item: QListWidgetItem) -> Path:
    slide: RecentSlide = item.data(_SLIDE)
    return slide.path


def _texts(slide: RecentSlide, facts: RecentFacts) -> tuple[str, ...]:
    """Name, folder, date and state of a card."""
    date = "" if slide.opened is None else f"Opened {_day_text(slide.opened.at)}"
    state = _ABSENCES.get(facts.presence, facts.state)
    return printable(slide.path.name), printable(str(slide.path.parent)), date, state


def _day_text(utc: str) -> str:
    """A time as it is told: ``today 10:42``, ``yesterday 10:42``, ``2026-11-20``."""
    moment, now = datetime.fromisoformat(utc).astimezone(), datetime.now().astimezone()
    days = (now.date() - moment.date()).days
    if days in (0, 1):
        return f"{('today', 'yesterday')[days]} {moment:%H:%M}"
    return f"{moment:%Y-%m-%d}"
