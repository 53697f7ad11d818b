"""Label, macro and barcode images: shown only after a warning, never exported."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from bachview.errors import BachviewError
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import RGB, SlideReader
from bachview.ui.bridge import Bridge
from bachview.ui.dialogs.layout import LaidOutDialog, scaled
from bachview.ui.look.spacing import APART
from bachview.ui.look.widgets import heading, muted, plain


class AssociatedImagesDialog(LaidOutDialog):
    """The warning first, then a list of names; an image is read when its name is selected."""

    def __init__(
        self, reader: SlideReader, bridge: Bridge, lane: Lane, parent: QWidget | None = None
    ) -> None:
        super().__init__("Label and overview images", parent, size=(680, 440))
        self._reader = reader
        self._bridge = bridge
        self._lane = lane
        self._image: QImage | None = None
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self._make_warning())
        self._pages.addWidget(self._make_images())
        self.content.addWidget(self._pages, 1)
        self.add_close()

    def _make_warning(self) -> QWidget:
        page = QWidget(self)
        column = QVBoxLayout(page)
        column.setSpacing(APART)
        column.addStretch(1)
        column.addWidget(heading("These images may show a patient's name", page))
        count = len(self._reader.metadata.associated_images)
        column.addWidget(
            muted(
                f"The file contains {count} further image{'s' if count != 1 else ''}, such as a "
                "photograph of the slide's label. Make sure that nobody else can see your screen "
                "before you show them. bachview never exports them.",
                page,
            )
        )
        self._show = QPushButton("Show the images", page)
        self._show.setAutoDefault(False)  # Enter shows nothing
        self._show.clicked.connect(self.show_images)
        row = QHBoxLayout()
        row.addWidget(self._show)
        row.addStretch(1)
        column.addLayout(row)
        column.addStretch(2)
        return page

    def _make_images(self) -> QWidget:
        page = QWidget(self)
        self._names = QListWidget(page)
        self._names.addItems(list(self._reader.metadata.associated_images))
        self._names.setFixedWidth(scaled(self, 170, 0).width())
        self._names.currentTextChanged.connect(self._read)
        self._picture = plain(QLabel(page))
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._picture.setMinimumSize(QSize(320, 240))
        self._picture.setWordWrap(True)
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(APART)
        row.addWidget(self._names)
        row.addWidget(self._picture, 1)
        return page

    @property
    def are_shown(self) -> bool:
        """Whether the warning was accepted."""
        return self._pages.currentIndex() == 1

    @property
    def image(self) -> QImage | None:
        return self._image

    def show_images(self) -> None:
        """Show the list after the warning."""
        self._pages.setCurrentIndex(1)
        self._names.setCurrentRow(0)

    def _read(self, name: str) -> None:
        self._image = None
        self._picture.setPixmap(QPixmap())
        self._picture.setText("Reading…")

        def read(token: CancelToken) -> RGB:
            token.check()
            return self._reader.read_associated(name)

        self._bridge.watch(self._lane.submit(read), self._on_read, self._on_error, topic=self)

    def _on_read(self, pixels: RGB) -> None:
        height, width = pixels.shape[:2]
        image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        self._image = image.copy()  # a copy, as the bytes above are freed
        self._fit()

    def _on_error(self, error: BachviewError) -> None:
        self._picture.setText(str(error))

    def done(self, result: int) -> None:
        """An image still being read is not shown any more."""
        self._bridge.forget(self)
        super().done(result)

    def _fit(self) -> None:
        if self._image is None:
            return
        ratio = self.devicePixelRatioF()
        room = self._picture.size() * ratio
        picture = QPixmap.fromImage(self._image).scaled(
            room, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        picture.setDevicePixelRatio(ratio)
        self._picture.setPixmap(picture)
