"""The view as a picture: copied, or saved."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMainWindow

from bachview import audit
from bachview.core.units import pixels_text
from bachview.file_names import printable
from bachview.files import atomic_file
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideMetadata
from bachview.ui.session.services import Services
from bachview.ui.window.commands import Commands
from bachview.ui.window.file_jobs import ask_to_replace
from bachview.ui.window.messages import Messages
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tabs import SlideTabs
from bachview.ui.window.view_picture import ViewPicture, png

#: A view that is not sharp yet is waited for, in steps, as long as this, ms.
_STEP_MS, _LONGEST_MS = 50, 3000
_PNG = ".png"
_FILTERS = {
    "Picture (*.png)": _PNG,
    "Picture, annotations as lines (*.svg)": ".svg",
    "Page, annotations as lines (*.pdf)": ".pdf",
}


class PictureCommands(QObject):
    """Commands that pass on what the view shows. GUI thread only."""

    def __init__(
        self,
        window: QMainWindow,
        commands: Commands,
        tabs: SlideTabs,
        messages: Messages,
        services: Services,
    ) -> None:
        super().__init__(window)
        self._window, self._tabs = window, tabs
        self._messages, self._services = messages, services
        self._folder: Path | None = None
        self.copy = commands.make(
            "Copy &view",
            "Copy what the view shows as a picture, with scale bar and legend",
            lambda: self._when_sharp(self._tabs.page, _LONGEST_MS, self._copy),
            "Ctrl+C",
        )
        self.save = commands.make(
            "Save view as &picture…",
            "Save what the view shows as PNG, SVG or PDF, with scale bar and legend",
            self._ask_file,
            "Ctrl+Shift+S",
        )

    def _when_sharp(
        self, page: SlidePage | None, left_ms: int, use: Callable[[ViewPicture], object]
    ) -> None:
        """Take the picture when all of the view is there, or as it is when it goes to the back."""
        if page is None or page not in self._tabs.pages or page.view.viewport is None:
            return
        if left_ms > 0 and page is self._tabs.page and not page.view.is_settled:
            left_ms -= _STEP_MS
            QTimer.singleShot(_STEP_MS, self, lambda: self._when_sharp(page, left_ms, use))
            return
        use(ViewPicture(page))

    def _copy(self, picture: ViewPicture) -> None:
        image = picture.image()
        QGuiApplication.clipboard().setImage(image)
        size = pixels_text(image.width(), image.height())
        self._messages.notice(f"The view was copied as a picture of {size}.")

    def _ask_file(self) -> None:
        page = self._tabs.page
        if page is None:
            return
        folder = self._folder or page.document.path.parent
        # Not named after the slide, whose name may be a patient's.
        name, chosen = QFileDialog.getSaveFileName(
            self._window, "Save view as picture", str(folder / "view.png"), ";;".join(_FILTERS)
        )
        if not name:
            return
        path = Path(name)
        if path.suffix.lower() in _FILTERS.values():
            self.write(path)
            return
        path = path.with_name(path.name + _FILTERS.get(chosen, _PNG))
        # The dialog has asked only about the name as it was typed.
        ask_to_replace("Save view as picture", path, self._window, lambda: self.write(path))

    def write(self, path: Path) -> None:
        """Write the current view to a file, of the kind that its suffix names."""
        self._folder = path.parent
        page = self._tabs.page
        if page is not None:
            metadata = page.document.metadata
            self._when_sharp(
                page, _LONGEST_MS, lambda picture: self._write(path, picture, metadata)
            )

    def _write(self, path: Path, picture: ViewPicture, metadata: SlideMetadata) -> None:
        suffix = path.suffix.lower()
        image = picture.image() if suffix == _PNG else None
        made = picture.svg() if suffix == ".svg" else picture.pdf() if suffix == ".pdf" else b""

        def job(token: CancelToken) -> None:
            token.check()
            audit.record(
                "export",
                file=str(metadata.path),
                fingerprint=metadata.fingerprint,
                view=True,
                names=False,
                output=[str(path.absolute())],
            )
            content = made if image is None else png(image)
            with atomic_file(path) as file:
                file.write(content)

        self._services.bridge.watch(
            self._services.exports.submit(job),
            lambda _: self._messages.notice(f"The view was saved as {printable(str(path))}."),
            lambda error: self._messages.problem(str(error)),
        )
