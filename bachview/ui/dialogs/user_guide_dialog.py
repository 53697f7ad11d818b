"""Help → User guide: the documents that come with the program, read offline."""

import re
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QImage, QResizeEvent, QTextBlock, QTextCursor, QTextDocument
from PySide6.QtWidgets import QTextBrowser, QWidget

from bachview.config import documents_folder
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.widgets import allow

GUIDE = "user-guide.md"
#: Between the text and the frame, device-independent px.
_MARGIN = 16
_FIRST_PAGE = "There is no page before this one"


class DocumentBrowser(QTextBrowser):
    """Shows the Markdown files of one folder and follows links between them only."""

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder.resolve()
        self._shown_width = 0
        self.document().setDocumentMargin(_MARGIN)
        # Pictures are sized before it is known whether the scroll bar is needed, and fill the
        # width.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        # Qt would open any address; ours are opened by `follow` only.
        self.setOpenLinks(False)
        self.anchorClicked.connect(self.follow)

    def follow(self, url: QUrl) -> None:
        """Go to a file of the folder or a heading in it; other links are ignored."""
        if not self._is_ours(url):
            return
        page = QUrl.fromLocalFile(url.toLocalFile())
        if page != self.source():
            self.setSource(page, QTextDocument.ResourceType.MarkdownResource)
        block = self._heading(url.fragment()) if url.hasFragment() else None
        if block is not None:
            # Scroll up from the end, so that the heading is the first line on the screen.
            self.moveCursor(QTextCursor.MoveOperation.End)
            self.setTextCursor(QTextCursor(block))

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Load a file of the folder; None for anything else. Pictures fit the view's width."""
        url = self.source().resolved(QUrl(name))
        if not self._is_ours(url):
            return None
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return super().loadResource(kind, url)
        picture = QImage(url.toLocalFile())
        room = self._room()
        if picture.width() <= room:
            return picture
        return picture.scaledToWidth(room, Qt.TransformationMode.SmoothTransformation)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._shown_width != self._room() and not self.source().isEmpty():
            place = self.verticalScrollBar().value()
            self.reload()
            self.verticalScrollBar().setValue(place)
        self._shown_width = self._room()

    def _room(self) -> int:
        return max(1, self.viewport().width() - 2 * _MARGIN)

    def _is_ours(self, url: QUrl) -> bool:
        if not url.isLocalFile():
            return False
        path = Path(url.toLocalFile()).resolve()
        return path.is_relative_to(self._folder) and path.is_file()

    def _heading(self, anchor: str) -> QTextBlock | None:
        """The heading of an anchor, with anchors made as by GitHub and mkdocs."""
        block = self.document().begin()
        while block.isValid():
            slug = re.sub(r"[^\w -]", "", block.text()).strip().lower().replace(" ", "-")
            if block.blockFormat().headingLevel() and slug == anchor:
                return block
            block = block.next()
        return None


class UserGuideDialog(LaidOutDialog):
    """The user guide and what it links to, with a way back."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("User guide", parent, size=(860, None))
        folder = documents_folder()
        self.browser = DocumentBrowser(folder, self)
        self.content.addWidget(self.browser, 1)
        self.add_close()
        back = self.add_action("&Back")
        allow(back, _FIRST_PAGE)
        back.clicked.connect(self.browser.backward)
        self.browser.backwardAvailable.connect(lambda on: allow(back, "" if on else _FIRST_PAGE))
        self.browser.follow(QUrl.fromLocalFile(str(folder / GUIDE)))
