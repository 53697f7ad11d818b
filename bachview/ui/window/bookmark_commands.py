"""Bookmarks of the current slide: made, gone to, renamed, deleted."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, QPoint, QSize, Qt
from PySide6.QtGui import QImage, QRegion
from PySide6.QtWidgets import QMainWindow, QWidget

from bachview.core.stack import Choice
from bachview.marks.bookmark import Bookmark
from bachview.marks.working_set import Edit, added, changed, deleted
from bachview.ui.panels.bookmarks_panel import BookmarksPanel
from bachview.ui.view.slide_view import SlideView
from bachview.ui.window.commands import Commands
from bachview.ui.window.messages import Messages, Offer
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.view_picture import png

#: Of the thumbnail that is kept, px: sharp on a screen of twice the density.
_THUMBNAIL = QSize(144, 108)


class BookmarkCommands(QObject):
    """Follows one page at a time. GUI thread only."""

    def __init__(
        self,
        window: QMainWindow,
        commands: Commands,
        panel: BookmarksPanel,
        messages: Messages,
        show_list: Callable[[], object],
        show_picture: Callable[[Choice], object],
    ) -> None:
        """`show_list` : brings the section of `panel` into sight.

        `show_picture` : shows another picture of the current file.
        """
        super().__init__(window)
        self._panel, self._messages = panel, messages
        self._show_list, self._show_picture = show_list, show_picture
        self._page: SlidePage | None = None
        self.add = commands.make(
            "Add &bookmark",
            "Keep this view of the slide, with a name, in the panel",
            self._add,
            "Ctrl+B",
        )
        panel.chosen.connect(self._go_to)
        panel.renamed.connect(self._rename)
        panel.deleteRequested.connect(self._delete)
        panel.left.connect(self._leave)

    def show_page(self, page: SlidePage | None) -> None:
        """Follow another page, or none."""
        before, self._page = self._page, page
        if before is not None:
            before.document.marks.changed.disconnect(self._on_changed)
        if page is not None:
            page.document.marks.changed.connect(self._on_changed)
        self._show()

    def _on_changed(self, changes: object) -> None:
        if any(isinstance(each.mark, Bookmark) for each in changes):  # type: ignore[attr-defined]  # a signal of any object
            self._show()

    def _show(self) -> None:
        page = self._page
        marks = {} if page is None else page.document.marks.working_set.bookmarks
        self._panel.show_bookmarks(marks.values())

    def _apply(self, edit: Edit) -> None:
        if self._page is not None:
            self._page.document.marks.apply(edit)

    def _bookmark(self, bookmark_id: str) -> Bookmark | None:
        page = self._page
        return None if page is None else page.document.marks.working_set.bookmarks.get(bookmark_id)

    def _add(self) -> None:
        page = self._page
        viewport = None if page is None else page.view.viewport
        if page is None or viewport is None:
            return
        names = {each.name for each in page.document.marks.working_set.bookmarks.values()}
        name = next(
            name for n in range(1, len(names) + 2) if (name := f"Bookmark {n}") not in names
        )
        stack = page.document.metadata.stack
        bookmark = Bookmark.made(
            name,
            viewport.center,
            viewport.downsample,
            viewport.rotation_deg,
            plane=(stack.plane - 1, stack.time_point - 1),
            thumbnail=_thumbnail(page.view),
        )
        # The section may be folded, scrolled away, or of the other tab.
        was_seen = not self._panel.visibleRegion().isEmpty()
        self._apply(added("add a bookmark", (bookmark,)))
        if not was_seen:
            show = Offer("Show", self._show_list, is_question=False)
            self._messages.notice(f"{name} was added under Bookmarks, in the panel.", show)

    def _go_to(self, bookmark_id: str) -> None:
        page, bookmark = self._page, self._bookmark(bookmark_id)
        viewport = None if page is None else page.view.viewport
        if page is None or bookmark is None or viewport is None:
            return
        page.view.motion.stop()
        there = viewport.centered(bookmark.center).with_downsample(bookmark.downsample)
        page.view.set_viewport(there.with_rotation(bookmark.rotation_deg))
        stack = page.document.metadata.stack
        plane, time_point = (number + 1 for number in bookmark.plane)
        if (plane, time_point) != (stack.plane, stack.time_point):
            # It takes the place of this one, and shows the same part.
            self._show_picture(replace(stack.choice, plane=plane, time_point=time_point))

    def _rename(self, bookmark_id: str, name: str) -> None:
        bookmark = self._bookmark(bookmark_id)
        if bookmark is not None:
            self._apply(changed("rename a bookmark", ((bookmark, replace(bookmark, name=name)),)))

    def _leave(self) -> None:
        if self._page is not None:
            self._page.view.setFocus()

    def _delete(self, bookmark_id: str) -> None:
        bookmark = self._bookmark(bookmark_id)
        if bookmark is not None:
            self._apply(deleted("delete a bookmark", (bookmark,)))


def _thumbnail(view: SlideView) -> bytes:
    """The view as a small PNG, without what lies on it."""
    image = QImage(view.size(), QImage.Format.Format_RGB32)
    view.render(image, QPoint(), QRegion(), QWidget.RenderFlag.DrawWindowBackground)
    small = image.scaled(
        _THUMBNAIL,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    return png(small)
