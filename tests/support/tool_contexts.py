"""What tools need of the outside, without a window."""

from collections.abc import Iterable, Mapping

from bachview.core.pixel_size import PixelSize
from bachview.marks.annotation import Annotation, AnnotationClass
from bachview.marks.working_set import Edit, WorkingSet
from bachview.ui.view.annotation_drawing import AnnotationDrawing
from bachview.ui.view.painting import Pixels
from bachview.ui.view.slide_view import SlideView
from bachview.ui.view.tools.base import ToolSizes
from bachview.viewing.viewport import Viewport


class Context:
    """A view with a set of marks that is kept nowhere."""

    def __init__(self, view: SlideView) -> None:
        self.view = view
        self.working_set = WorkingSet()
        self.selected: frozenset[str] = frozenset()
        self.annotation_class: AnnotationClass | None = None
        self.pixel_size = PixelSize.typed(0.5)
        self.plane = (0, 0)
        self.sizes = ToolSizes()
        self.notices: list[str] = []
        assert view.pyramid is not None
        self.extent = view.pyramid.extent
        view.annotations.set_annotations(self.working_set.annotations)
        self.working_set.listen(view.annotations.change)

    @property
    def drawing(self) -> AnnotationDrawing:
        return self.view.annotations

    def picture_of(self, viewport: Viewport) -> Pixels | None:
        return self.view.picture_of(viewport)

    def notice(self, text: str) -> None:
        self.notices.append(text)

    @property
    def annotations(self) -> Mapping[str, Annotation]:
        return self.working_set.annotations

    def select(self, ids: Iterable[str]) -> None:
        self.selected = frozenset(ids)
        self.view.annotations.set_selected(self.selected)

    def apply(self, edit: Edit) -> bool:
        self.working_set.apply(edit)
        return True
