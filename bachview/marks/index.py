"""Which annotations are at a place or in a region of the slide."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bachview.core.geometry import Point
from bachview.marks.annotation import AREAS, Annotation

if TYPE_CHECKING:
    import shapely
    from shapely.geometry.base import BaseGeometry

#: After so many changes the tree is built again with the next question; it takes some ms for
#: 10,000 shapes, while each change outside of the tree costs some us with every question.
_MOST_OUTSIDE = 100


class AnnotationIndex:
    """Finds annotations by place; hidden ones are not found. One thread.

    Most are in a tree (shapely's STRtree), which cannot be changed; those that have changed since
    it was built are asked one by one.

    Attributes
    ----------
    version : another number after each change.
    """

    def __init__(self, annotations: Iterable[Annotation] = ()) -> None:
        self.version = 0
        self._all: dict[str, Annotation] = {}
        self._outside: dict[str, Annotation] = {}
        self._in_tree: list[Annotation] = []
        self._tree: shapely.STRtree | None = None
        for annotation in annotations:
            self.put(annotation)

    def put(self, annotation: Annotation) -> None:
        """Add an annotation, or replace the one with its id."""
        if annotation.is_hidden:
            self.remove(annotation.id)
            return
        self.version += 1
        self._all[annotation.id] = annotation
        self._outside[annotation.id] = annotation

    def remove(self, annotation_id: str) -> None:
        """Forget an annotation, if it is known."""
        self.version += 1
        self._all.pop(annotation_id, None)
        self._outside.pop(annotation_id, None)

    def at(self, point: Point, reach: float) -> list[Annotation]:
        """Annotations under a point, the one that a click means first.

        That is a point or a line before an area, and the smallest area before those around it.

        Parameters
        ----------
        reach : how far beside an outline, a line or a point still counts, level-0 px.
        """
        import shapely

        if not self._all:
            return []
        place = shapely.Point(point.x, point.y)
        found = self._found(place, reach)

        def order(annotation: Annotation) -> tuple[float, float]:
            geometry = annotation.geometry
            area = geometry.area if annotation.kind in AREAS else 0.0
            return area, geometry.distance(place)

        return sorted(found, key=order)

    def within(self, corners: Sequence[Point], *, whole: bool) -> list[Annotation]:
        """Annotations that touch a convex polygon; with `whole`, those that lie inside it."""
        import shapely

        if not self._all:
            return []
        polygon = shapely.Polygon([(corner.x, corner.y) for corner in corners])
        touched = self._found(polygon, 0.0)
        if not whole:
            return touched
        shapely.prepare(polygon)
        return [each for each in touched if polygon.covers(each.geometry)]

    def _found(self, place: "BaseGeometry", reach: float) -> list[Annotation]:
        import shapely

        if len(self._outside) > _MOST_OUTSIDE or self._tree is None:
            self._in_tree = list(self._all.values())
            self._tree = shapely.STRtree([each.geometry for each in self._in_tree])
            self._outside.clear()
        rows = self._tree.query(place, predicate="dwithin", distance=reach)
        found = [self._in_tree[row] for row in rows]
        # What has been changed, hidden or deleted since is another object now, or none.
        found = [each for each in found if self._all.get(each.id) is each]
        if self._outside:
            left, top, right, bottom = place.bounds
            found += [
                each
                for each in self._outside.values()
                if each.bounds[0] <= right + reach
                and each.bounds[1] <= bottom + reach
                and each.bounds[2] >= left - reach
                and each.bounds[3] >= top - reach
                and shapely.dwithin(each.geometry, place, reach)
            ]
        return found
