"""Keeps what is said of the inside of the selected annotation up to date."""

from PySide6.QtCore import QObject, QTimer

from bachview.jobs.tokens import CancelToken
from bachview.marks.annotation import AREAS, Annotation
from bachview.marks.inside import CutCells, InsideAnnotation, cut_cells, inside
from bachview.ui.panels.inside_annotation import InsidePanel
from bachview.ui.session.document import Document
from bachview.ui.session.services import Services
from bachview.ui.window.slide_page import SlidePage

#: After a change: an annotation that is being moved is measured when it rests.
_REST_MS = 200
#: While a slide is classified.
_GROWING_MS = 700


class InsideFollower(QObject):
    """Follows one page at a time. GUI thread only; cells are cut in the io lane.

    A large outline over a million cells takes most of a second.
    """

    def __init__(
        self, panel: InsidePanel, services: Services, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._panel, self._services = panel, services
        self._document: Document | None = None
        #: What the panel shows figures of: id of the annotation, and hash of the model.
        self._shown: tuple[str, str] | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._measure)

    def show_page(self, page: SlidePage | None) -> None:
        """Follow another page, or none."""
        before, self._document = self._document, None if page is None else page.document
        if before is not None:
            before.marks.changed.disconnect(self._on_change)
            before.marks.selection.changed.disconnect(self._measure)
            before.predictionChanged.disconnect(self._measure)
            before.predictionGrew.disconnect(self._on_grew)
            before.pixelSizeChanged.disconnect(self._measure)
        document = self._document
        if document is not None:
            document.marks.changed.connect(self._on_change)
            document.marks.selection.changed.connect(self._measure)
            document.predictionChanged.connect(self._measure)
            document.predictionGrew.connect(self._on_grew)
            document.pixelSizeChanged.connect(self._measure)
        self._measure()

    def _on_change(self, _: object) -> None:
        self._timer.start(_REST_MS)

    def _on_grew(self) -> None:
        if not self._timer.isActive():
            self._timer.start(_GROWING_MS)

    def _measure(self) -> None:
        """Measure the only selected annotation, if it has an area and the slide is classified."""
        self._timer.stop()
        bridge, document = self._services.bridge, self._document
        bridge.next_generation(self)  # what is being measured is of before
        annotation = None if document is None else _only_area(document)
        if document is None or annotation is None or document.bundle is None:
            self._show(None, "", None)
            return
        prediction, thresholds = document.prediction, document.thresholds
        if prediction is None or thresholds is None:
            self._show(None, "", None)
            return
        model, pixel_size = document.bundle.name, document.pixel_size
        of = annotation.id, document.bundle.sha256
        if of != self._shown:
            self._show(None, "", None)

        grid = prediction.grid

        def cut(token: CancelToken) -> CutCells:
            token.check()
            return cut_cells(grid, annotation)

        def on_cut(found: CutCells) -> None:
            # Here, as the prediction may grow.
            self._show(inside(prediction, thresholds, annotation, pixel_size, found), model, of)

        bridge.watch(self._services.io.submit(cut), on_cut, topic=self)

    def _show(self, found: InsideAnnotation | None, model: str, of: tuple[str, str] | None) -> None:
        self._shown = of
        self._panel.show_inside(found, model)


def _only_area(document: Document) -> Annotation | None:
    marks = document.marks
    selected = marks.selected if len(marks.selection.ids) == 1 else ()
    return selected[0] if selected and selected[0].kind in AREAS else None
