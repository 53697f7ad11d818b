"""Keeps what is said of the inside of the selected annotation up to date."""

from PySide6.QtCore import QObject, QTimer

from bachview.marks.inside import InsideAnnotation, inside
from bachview.ui.panels.inside_annotation import InsidePanel
from bachview.ui.session.document import Document
from bachview.ui.window.slide_page import SlidePage

#: After a change: an annotation that is being moved is measured when it rests.
_REST_MS = 200
#: While a slide is classified.
_GROWING_MS = 700


class InsideFollower(QObject):
    """Follows one page at a time. GUI thread only."""

    def __init__(self, panel: InsidePanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._document: Document | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._show)

    def show_page(self, page: SlidePage | None) -> None:
        """Follow another page, or none."""
        before, self._document = self._document, None if page is None else page.document
        if before is not None:
            before.marks.changed.disconnect(self._on_change)
            before.marks.selection.changed.disconnect(self._show)
            before.predictionChanged.disconnect(self._show)
            before.predictionGrew.disconnect(self._on_grew)
            before.pixelSizeChanged.disconnect(self._show)
        document = self._document
        if document is not None:
            document.marks.changed.connect(self._on_change)
            document.marks.selection.changed.connect(self._show)
            document.predictionChanged.connect(self._show)
            document.predictionGrew.connect(self._on_grew)
            document.pixelSizeChanged.connect(self._show)
        self._show()

    def _on_change(self, _: object) -> None:
        self._timer.start(_REST_MS)

    def _on_grew(self) -> None:
        if not self._timer.isActive():
            self._timer.start(_GROWING_MS)

    def _show(self) -> None:
        self._timer.stop()
        document = self._document
        model = "" if document is None or document.bundle is None else document.bundle.name
        self._panel.show_inside(None if document is None else _inside(document), model)


def _inside(document: Document) -> InsideAnnotation | None:
    """Of the only selected annotation, if it has an area and the slide is classified."""
    prediction, thresholds = document.prediction, document.thresholds
    selected = document.marks.selected
    if prediction is None or thresholds is None or len(selected) != 1:
        return None
    return inside(prediction, thresholds, selected[0], document.pixel_size)
