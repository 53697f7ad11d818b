"""Makes the thumbnails of slides that are opened, from what is decoded for the screen anyway."""

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer

from bachview.config import user_folders
from bachview.core.geometry import Size
from bachview.jobs.tokens import CancelToken
from bachview.policy.in_force import in_force
from bachview.ui.session.recent import RecentFiles
from bachview.ui.session.recent_facts import RecentLook
from bachview.ui.session.services import Services
from bachview.ui.session.thumbnails import Thumbnails, bounded_size, thumbnail_name
from bachview.ui.view.painting import image_of
from bachview.ui.window.slide_page import SlidePage
from bachview.viewing.frames import compose_frame
from bachview.viewing.viewport import Viewport

#: The coarsest tiles of a slide arrive together; the picture is made when they are all there.
_ARRIVED_MS = 400


class ThumbnailMaker(QObject):
    """Keeps a thumbnail of each slide of the recent list, and none of others. GUI thread only.

    There are none where the policy forbids that exports name slides, or the user wants none.
    """

    def __init__(
        self, recent: RecentFiles, look: RecentLook, services: Services, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._recent, self._look, self._services = recent, look, services
        self._files = Thumbnails(user_folders().thumbnails)
        recent.changed.connect(self._tidy)
        look.show_pictures(on=self.are_wanted)
        if not self.are_wanted:  # the policy may be newer than the pictures
            self._tidy()

    @property
    def are_allowed(self) -> bool:
        """Whether the administrator lets pictures of slides be kept."""
        return not in_force().forbids_names

    @property
    def are_wanted(self) -> bool:
        """Whether pictures are made."""
        return self.are_allowed and self._services.settings.now.thumbnails

    def set_wanted(self, on: bool) -> None:
        """Make them from now on, or delete those there are and make no more."""
        settings = self._services.settings
        settings.now = replace(settings.now, thumbnails=on)
        self._look.show_pictures(on=self.are_wanted)
        self._tidy()

    def follow(self, page: SlidePage) -> None:
        """Make the thumbnail of a page's slide as soon as its overview is there."""
        timer = QTimer(page, singleShot=True, interval=_ARRIVED_MS)
        timer.timeout.connect(lambda: self._make(page))
        page.view.overviewChanged.connect(timer.start)

    def _make(self, page: SlidePage) -> None:
        view, pyramid = page.view, page.view.pyramid
        if pyramid is None or not self.are_wanted:
            return
        bounds = pyramid.bounds
        size = bounded_size(round(bounds.width), round(bounds.height))
        whole = Viewport(
            bounds.center, bounds.width / size.width(), Size(size.width(), size.height()), 1.0
        )
        frame = compose_frame(whole, pyramid, view.cached_tile)
        if frame is None or frame.is_blank:
            return  # another tile will come
        picture = image_of(frame.image).copy()
        path, files = page.document.path, self._files
        name = thumbnail_name(path, page.document.metadata.fingerprint)

        def save(token: CancelToken) -> None:
            files.save(name, picture)

        def on_saved(_: None) -> None:
            self._look.set_picture(path, picture)
            if name not in self._names:  # removed from the list, or switched off, meanwhile
                self._tidy()

        self._services.bridge.watch(self._services.io.submit(save), on_saved)

    @property
    def _names(self) -> frozenset[str]:
        """The files that may be there."""
        if not self.are_wanted:
            return frozenset()
        return frozenset(
            thumbnail_name(slide.path, slide.opened.fingerprint)
            for slide in self._recent.slides
            if slide.opened is not None
        )

    def _tidy(self) -> None:
        names, files = self._names, self._files
        self._services.bridge.watch(
            self._services.io.submit(lambda _: files.keep_only(names)), lambda _: None
        )
