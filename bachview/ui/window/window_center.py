"""What lies between the bars of the window: the start page or the slides, and messages on them."""

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QStackedWidget, QWidget

from bachview.ui.look.theme import Theme
from bachview.ui.window.message_list import MessageList, MessagesButton
from bachview.ui.window.messages import Messages
from bachview.ui.window.start_page import StartPage
from bachview.ui.window.status_line import StatusLine
from bachview.ui.window.tabs import SlideTabs
from bachview.ui.window.toasts import Toasts


class WindowCenter(QWidget):
    """The central widget. GUI thread only.

    Attributes
    ----------
    toasts, message_list : they lie on the slide, or on the start page.
    """

    def __init__(
        self,
        start_page: StartPage,
        tabs: SlideTabs,
        status: StatusLine,
        messages: Messages,
        theme: Theme,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._start_page, self._tabs = start_page, tabs
        self._stack = QStackedWidget(self)
        start = QScrollArea(self._stack)  # a window can be lower than the list of recent slides
        start.setObjectName("panel")
        start.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        start.setWidgetResizable(True)
        start.setWidget(start_page)
        self._stack.addWidget(start)
        self._stack.addWidget(tabs)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._row.addWidget(self._stack, 1)
        self.toasts = Toasts(messages, theme, self, self._free_area)
        self.message_list = MessageList(messages, theme, self, self._slide_area)
        button = MessagesButton(messages, theme, self)
        button.clicked.connect(lambda: self.message_list.toggle())
        status.addPermanentWidget(button)
        self.toasts.moreRequested.connect(self.message_list.toggle)
        self.message_list.shownChanged.connect(self.toasts.step_aside)
        for floating in (self.toasts, self.message_list):
            floating.left.connect(self.take_keyboard)

    def put_at_left(self, strip: QWidget) -> None:
        """Show a strip beside the slides."""
        self._row.insertWidget(0, strip)

    def show_slides(self) -> None:
        """Show the tabs."""
        self._stack.setCurrentWidget(self._tabs)

    def show_start(self) -> None:
        """Show the start page."""
        self._stack.setCurrentIndex(0)

    def reach_messages(self) -> None:
        """Give the keyboard to the messages on the slide, or else open or close their list."""
        if not self.message_list.isHidden() or not self.toasts.take_keyboard():
            self.message_list.toggle()

    def take_keyboard(self) -> None:
        """Give the keyboard to the slide, or else to the start page."""
        (self._tabs.page or self._start_page).setFocus()

    def _slide_area(self) -> QRect:
        """What messages lie on, in this widget."""
        page = self._tabs.page
        if page is None or not page.isVisibleTo(self):
            return self.rect()
        return QRect(page.mapTo(self, QPoint()), page.size())

    def _free_area(self) -> QRect:
        """The part of it below what lies at its top."""
        area, page = self._slide_area(), self._tabs.page
        return area if page is None else area.adjusted(0, page.cards.bottom, 0, 0)
