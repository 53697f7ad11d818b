"""What tools need of an open slide."""

from collections.abc import Iterable, Mapping

from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.marks.annotation import Annotation, AnnotationClass
from bachview.marks.working_set import Edit
from bachview.ui.session.document import Document
from bachview.ui.session.services import Services
from bachview.ui.view.annotation_drawing import AnnotationDrawing
from bachview.ui.view.painting import Pixels
from bachview.ui.view.slide_view import SlideView
from bachview.ui.view.tools.base import ToolSizes
from bachview.viewing.viewport import Viewport


class SlideToolContext:
    """A `ToolContext` of a document and the view that shows it. GUI thread only."""

    def __init__(self, view: SlideView, document: Document, services: Services) -> None:
        self._view, self._document, self._services = view, document, services

    @property
    def view(self) -> SlideView:
        return self._view

    @property
    def drawing(self) -> AnnotationDrawing:
        return self._view.annotations

    @property
    def annotations(self) -> Mapping[str, Annotation]:
        return self._document.marks.working_set.annotations

    @property
    def selected(self) -> frozenset[str]:
        return self._document.marks.selection.ids

    def select(self, ids: Iterable[str]) -> None:
        self._document.marks.selection.set(ids)

    def apply(self, edit: Edit) -> bool:
        """Carry out an edit, unless the mark was changed while it was drawn, maybe elsewhere."""
        try:
            self._document.marks.apply(edit)
        except ValueError:
            self.notice("The annotation was changed or deleted meanwhile: try again.")
            return False
        return True

    def notice(self, text: str) -> None:
        self._document.noticed.emit(text)

    @property
    def annotation_class(self) -> AnnotationClass | None:
        return self._services.annotation_classes.present

    @property
    def sizes(self) -> ToolSizes:
        return self._services.tool_sizes

    @property
    def pixel_size(self) -> PixelSize:
        return self._document.pixel_size

    @property
    def extent(self) -> Region:
        return self._document.metadata.pyramid.extent

    def picture_of(self, viewport: Viewport) -> Pixels | None:
        return self._view.picture_of(viewport)

    @property
    def plane(self) -> tuple[int, int]:
        stack = self._document.metadata.stack
        return stack.plane - 1, stack.time_point - 1
