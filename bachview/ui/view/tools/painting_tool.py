"""What brush and wand have in common: a stroke that adds to an area, or takes away from it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath

from bachview.marks.annotation import AREAS, Annotation, Kind
from bachview.marks.brush import Stroke, erased, painted
from bachview.marks.operations import unlocked
from bachview.marks.shapes import as_area, mended_area
from bachview.marks.working_set import Change, Edit, changed
from bachview.ui.view.tools.base import Pointer, ToolContext
from bachview.ui.view.tools.drawing import DrawingTool
from bachview.ui.view.tools.preview import paint_area, paint_erased, path_of, to_screen
from bachview.viewing.viewport import Viewport

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: Rests beside a stroke that erases are specks below this, px² of the screen.
_SPECK_VP2 = 16.0
_STEPS = {Qt.Key.Key_BracketLeft: -2.0, Qt.Key.Key_BracketRight: 2.0}


class PaintingTool(DrawingTool, ABC):
    """Paints areas, and erases with Alt or the right button. GUI thread.

    A stroke that touches the selected area is added to it, as is any with Shift; one that starts in
    an area of the present class to that; another makes a new area. Erasing takes from the selected
    areas that the stroke touches, or else from the one in which it starts.
    """

    takes_right_button: ClassVar[bool] = True
    #: Detail of a stroke, px of the screen.
    tolerance_vp: ClassVar[float] = 0.25

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._stroke: Stroke | None = None
        self._pressed: Pointer | None = None
        self._path = QPainterPath()
        #: Where the mouse is; None while it is elsewhere.
        self.at: QPointF | None = None
        self._erases_next = False

    @abstractmethod
    def pass_over(self, stroke: Stroke, at: Pointer, viewport: Viewport) -> None:
        """Add to the stroke what the tool takes at this place."""

    @abstractmethod
    def resize(self, steps: float) -> None:
        """Make the brush larger, or smaller."""

    @property
    def is_busy(self) -> bool:
        return self._stroke is not None

    @property
    def erases(self) -> bool:
        """Whether the stroke erases, or the next one would."""
        return self._erases_next if self._pressed is None else _erases(self._pressed)

    # -- mouse and keys ------------------------------------------------------------------

    def press(self, at: Pointer) -> None:
        viewport = self.context.view.viewport
        if viewport is None:
            return
        self._stroke, self._pressed = Stroke(self.tolerance_vp * viewport.downsample), at
        self._path = QPainterPath()
        self.drag(at)

    def drag(self, at: Pointer) -> None:
        self.at = at.vp
        viewport = self.context.view.viewport
        if self._stroke is not None and viewport is not None:
            before = self._stroke.shape
            self.pass_over(self._stroke, at, viewport)
            shape = self._stroke.shape
            if shape is not None and shape is not before:
                self._path = path_of(shape)
        self.update()

    def release(self, at: Pointer) -> None:
        if self._stroke is not None:
            self.drag(at)
            self.end()

    def hover(self, at: Pointer) -> None:
        self.at, self._erases_next = at.vp, at.has_alt
        self.update()

    def leave(self) -> None:
        self.at = None
        self.update()

    def wheel(self, steps: float, modifiers: Qt.KeyboardModifier) -> bool:
        if not modifiers & Qt.KeyboardModifier.ControlModifier:
            return False
        self.resize(steps)
        self.update()
        return True

    def takes_key(self, event: QKeyEvent) -> bool:
        return event.key() in _STEPS and not event.modifiers()

    def key_press(self, event: QKeyEvent) -> bool:
        if not self.takes_key(event):
            return False
        self.resize(_STEPS[Qt.Key(event.key())])
        self.update()
        return True

    def end(self) -> bool:
        """Keep the stroke."""
        stroke, pressed = self._stroke, self._pressed
        self._stroke = self._pressed = None
        self._path = QPainterPath()
        if stroke is None or pressed is None:
            return False
        self.update()
        shape = None if stroke.shape is None else self._clipped(stroke.shape)
        if shape is None:
            return True
        if _erases(pressed):
            self._erase(shape, pressed)
        else:
            self._add(shape, pressed)
        return True

    def escape(self) -> bool:
        """Keep the stroke; without one, let go of the selected area, so that a new one begins."""
        if self.end():
            return True
        has_area = any(each.kind in AREAS for each in self._selected())
        if has_area:
            self.context.select(())
        return has_area

    def _clipped(self, shape: "BaseGeometry") -> "BaseGeometry | None":
        import shapely

        x, y, width, height = self.context.extent
        whole = shapely.box(x, y, x + width, y + height)
        return shape if whole.covers(shape) else mended_area([shape.intersection(whole)])

    # -- what is changed -----------------------------------------------------------------

    def _add(self, stroke: "BaseGeometry", pressed: Pointer) -> None:
        area = self._area_for(stroke, pressed)
        if area is None:
            self.keep(self.key, self.drawn(Kind.AREA, stroke))
            return
        after = as_area(area).with_changes(shape=painted(area.geometry, stroke))
        if self.context.apply(changed("paint", [(area, after)])):
            self.context.select([area.id])

    def _area_for(self, stroke: "BaseGeometry", pressed: Pointer) -> Annotation | None:
        selected = [each for each in self._selected() if _can_change(each)]
        touched = [each for each in selected if each.geometry.intersects(stroke)]
        if touched or (selected and pressed.has_shift):
            return (touched or selected)[0]
        present = self.context.annotation_class
        here = self._areas_at(pressed)
        same = (each for each in here if each.annotation_class == present)
        return next((each for each in same if _can_change(each)), None)

    def _erase(self, stroke: "BaseGeometry", pressed: Pointer) -> None:
        selected = [each for each in self._selected() if each.geometry.intersects(stroke)]
        areas, sentence = unlocked(selected or list(self._areas_at(pressed))[:1])
        if sentence:
            self.context.notice(sentence)
        viewport = self.context.view.viewport
        if viewport is None:
            return
        changes = []
        for area in areas:
            left = erased(area.geometry, stroke, _SPECK_VP2 * viewport.downsample**2)
            after = None if left is None else as_area(area).with_changes(shape=left)
            changes.append(Change(area, after))
        if changes:
            self.context.apply(Edit("erase", tuple(changes)))

    def _selected(self) -> list[Annotation]:
        annotations = self.context.annotations
        found = [annotations[id_] for id_ in self.context.selected if id_ in annotations]
        return [each for each in found if each.kind in AREAS and self._is_shown(each)]

    def _areas_at(self, at: Pointer) -> Iterator[Annotation]:
        """Areas that are shown at a place, the smallest first, as for a click."""
        for each in self.context.drawing.index.at(at.point, 0.0):
            if each.kind in AREAS and self._is_shown(each):
                yield each

    def _is_shown(self, annotation: Annotation) -> bool:
        return not annotation.is_hidden and annotation.plane == self.context.plane

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        if not self._path.isEmpty():
            outline = to_screen(viewport).map(self._path)
            if self.erases:
                paint_erased(painter, outline)
            else:
                paint_area(painter, outline, self.color)


def _erases(pressed: Pointer) -> bool:
    return pressed.has_alt or pressed.button == Qt.MouseButton.RightButton


def _can_change(annotation: Annotation) -> bool:
    return not annotation.is_locked
