"""What tools that make new annotations have in common."""

from typing import TYPE_CHECKING

from bachview.core.geometry import Point
from bachview.marks.annotation import Annotation, Frame, Kind
from bachview.marks.measures import measures_of, measures_text
from bachview.marks.working_set import added
from bachview.ui.view.tools.base import Pointer, Tool

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


class DrawingTool(Tool):
    """Makes annotations of the present class. GUI thread."""

    def on_slide(self, at: Pointer) -> Point:
        """The place pointed at, or the nearest one on the slide; level-0 px."""
        x, y, width, height = self.context.extent
        return Point(
            min(max(at.point.x, x), x + width),
            min(max(at.point.y, y), y + height),
        )

    def drawn(self, kind: Kind, shape: "BaseGeometry | Frame", *, note: str = "") -> Annotation:
        """A new annotation, on the plane that is shown."""
        context = self.context
        return Annotation.drawn(
            kind, shape, context.annotation_class, note=note, plane=context.plane
        )

    def keep(self, text: str, annotation: Annotation) -> None:
        """Add a new annotation to the slide and select it."""
        if self.context.apply(added(text, [annotation])):
            self.context.select([annotation.id])

    def measured(self, kind: Kind, shape: "BaseGeometry | Frame") -> str:
        """The value that is shown at a shape while it is drawn, and whose word it rests on."""
        pixel_size = self.context.pixel_size
        text = measures_text(measures_of(Annotation.drawn(kind, shape), pixel_size))
        rests_on_pixel_size = text and kind is not Kind.POINTS and pixel_size.mpp is not None
        return text + pixel_size.remark if rests_on_pixel_size else text

    @property
    def color(self) -> tuple[int, int, int] | None:
        """Colour of the class that a new annotation gets; None for none."""
        present = self.context.annotation_class
        return None if present is None else present.color
