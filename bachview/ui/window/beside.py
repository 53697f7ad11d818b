"""A second view of a slide at the right of the first, for what another model says of it."""

from PySide6.QtCore import QObject
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame

from bachview.core.predictions import Prediction
from bachview.core.uncertainty import Thresholds
from bachview.ui.session.document import Document
from bachview.ui.session.services import Services
from bachview.ui.view.scope_chip import ChipText, ScopeChip
from bachview.ui.view.slide_view import SlideView
from bachview.viewing.viewport import Viewport

_EDGE_PX = 2


class Beside(QObject):
    """Shows the same place as the first view; each follows the other. GUI thread only.

    Only what moves the slide can be done in it: marks are made in the first view.

    Attributes
    ----------
    view, chip : the second view, and what its colours are of.
    edge : what separates both views.
    """

    def __init__(
        self, first: SlideView, document: Document, services: Services, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._first, self._document, self._services = first, document, services
        self._is_following = False
        self.view = SlideView(first.parentWidget())
        self.edge = QFrame(first.parentWidget())  # both may show glass there
        self.edge.setFixedWidth(_EDGE_PX)
        self.edge.setAutoFillBackground(True)
        self.edge.setBackgroundRole(QPalette.ColorRole.Mid)
        self.view.setAccessibleName(f"Slide {document.title}, the new model")
        self.view.input.kinetic_pan = first.input.kinetic_pan
        self.view.minimap.set_wanted(on=False)
        self.chip = ScopeChip(self.view, self.view.minimap)
        first.viewportChanged.connect(self._follow)
        self.view.viewportChanged.connect(self._lead)
        document.marks.changed.connect(self.view.annotations.change)

    def show_slide(self, *, managed: bool) -> None:
        """Show the slide where the first view is; `managed` : with its colour profile."""
        document, view = self._document, self.view
        view.set_slide(
            document.reader,
            self._services.cache,
            document.pixel_size,
            transform=document.transform(managed=managed),
            viewport=self._first.viewport,
        )
        view.set_overlay_style(self._first.overlay_style)
        view.annotations.set_annotations(document.marks.working_set.annotations)

    def show_prediction(
        self, prediction: Prediction, thresholds: Thresholds | None, text: ChipText
    ) -> None:
        """Colour the cells of a prediction, of which `text` is true."""
        self.chip.show_text(text)
        if self.view.prediction is prediction:
            self.view.refresh_overlay()
        else:
            self.view.set_prediction(prediction, thresholds)

    def close(self, timeout_s: float) -> bool:
        """End the view's threads and take it away; False if one did not end in time."""
        self._first.viewportChanged.disconnect(self._follow)
        self._document.marks.changed.disconnect(self.view.annotations.change)
        ended = self.view.close_slide(timeout_s)
        for widget in (self.view, self.edge):
            widget.hide()
            widget.deleteLater()
        self.deleteLater()
        return ended

    def _follow(self, viewport: Viewport) -> None:
        self._move(self.view, viewport)

    def _lead(self, viewport: Viewport) -> None:
        self._move(self._first, viewport)

    def _move(self, view: SlideView, viewport: Viewport) -> None:
        if not self._is_following:
            self._is_following = True
            view.set_viewport(viewport)
            self._is_following = False
