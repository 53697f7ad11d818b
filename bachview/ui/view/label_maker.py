"""Makes the texts of annotations: measured values, names, and notes, as far as there is room."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.marks.annotation import AREAS, Annotation, Kind
from bachview.marks.measures import measures_of, measures_text
from bachview.ui.view.annotation_labels import Label, plate_of
from bachview.ui.view.label_places import (
    SCALES,
    WAYS,
    Floats,
    Ints,
    Outlines,
    Places,
    Taken,
    around,
    best_of,
    ends_of,
    inside,
    joined,
)
from bachview.ui.view.painting import ViewPlane
from bachview.viewing.viewport import Viewport

#: Smaller shapes have no text, and smaller areas only where it lies on no outline,
#: device-independent px.
_LEAST_VP, _LEAST_AREA_VP = 48.0, 80.0
#: As many are placed at most, the largest shapes first, clear of as many outlines. Where there are
#: more of these, small areas have no text.
_MOST, _MOST_SMALL, _MOST_OUTLINES = 300, 100, 1000
#: No text reaches farther from its shape, device-independent px.
_REACH_VP = 500.0
#: Shapes that are worked on at once; then the worker gives way to the GUI thread.
_AT_ONCE = 20
#: Texts and plates that are kept.
_MOST_KEPT = 2000


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """A text that has its place, and how much of outlines was below it when it was put there."""

    annotation: Annotation
    label: Label
    places: Places
    hits: int


class LabelMaker:
    """Makes the texts of annotations, and finds places for them.

    They never lie on each other, and on outlines and marks of points only where there is no other
    place. The text of an area is never inside another one that it could be taken for. What has its
    place stays there until the annotation or the zoom is another one, or an outline gets in the
    way. One thread, and not the GUI's: shapely and numpy would hold up frames.
    """

    def __init__(self) -> None:
        self._texts: dict[str, tuple[Annotation, PixelSize, str]] = {}
        self._plates: dict[tuple[str, bool, float], QImage] = {}
        self._placed: dict[str, _Placed] = {}
        self._placed_for: tuple[object, ...] = ()

    def labels(
        self,
        annotations: Iterable[Annotation],
        viewport: Viewport,
        level: int,
        pixel_size: PixelSize,
        *,
        region: Region,
        valued: frozenset[str] | None = None,
        give_way: Callable[[], object] = lambda: None,
    ) -> tuple[Label, ...]:
        """Texts of annotations at a zoom; those of notes first, then of larger shapes.

        Parameters
        ----------
        viewport : its rotation and pixel ratio count.
        level : 2**level level-0 px are about a device px.
        region : where texts are wanted, level-0 px.
        valued : ids of those with their measured values; None for all. Notes are always there.
        give_way : called now and then.
        """
        ratio = viewport.pixel_ratio
        frame = _LevelFrame(ViewPlane.of(viewport), level)
        by_size = sorted((-_side(each), each.id, each) for each in annotations)
        give_way()
        near = [each for _, _, each in by_size]
        px_l0 = ratio * 2.0**level
        within = region.expanded(_REACH_VP * px_l0)
        chosen, small = _chosen(near, px_l0, within, valued, give_way)
        if len(self._texts) + len(self._plates) > _MOST_KEPT:
            self._texts.clear()
            self._plates.clear()
        plates = []
        with_text = []
        for annotation in chosen:
            give_way()
            text = self._text(annotation, pixel_size)
            if text:
                is_note = annotation.kind is Kind.TEXT
                with_text.append(annotation)
                plates.append(self._plate(text, is_note=is_note, ratio=ratio))
        chosen = with_text
        placed_for = viewport.rotation_deg, ratio, level, pixel_size
        if placed_for != self._placed_for:
            self._placed_for = placed_for
            self._placed.clear()
        if not chosen:
            return ()
        corners = frame.from_l0(np.array([(each.x, each.y) for each in within.corners]))
        box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
        outlines = Outlines(_outlines(near[:_MOST_OUTLINES], frame, give_way), box, ratio)
        self._place(chosen, small, plates, frame, outlines, ratio, give_way)
        return tuple(self._placed[each.id].label for each in chosen if each.id in self._placed)

    def _place(
        self,
        chosen: Sequence[Annotation],
        small: frozenset[str],
        plates: Sequence[QImage],
        frame: "_LevelFrame",
        outlines: Outlines,
        ratio: float,
        give_way: Callable[[], object],
    ) -> None:
        """Find a place for each plate that has none, as far as there are places.

        Those of `small` ones are on no outline.
        """
        before, taken = self._placed, Taken(len(chosen))
        pairs = ((each, before.get(each.id)) for each in chosen)
        there = [known for each, known in pairs if known and known.annotation is each]
        under = outlines.under(_boxes([each.places for each in there]))
        self._placed = {
            each.annotation.id: each
            for each, hits in zip(there, under.tolist(), strict=True)
            if hits <= each.hits
        }
        for each in self._placed.values():
            taken.put(each.places.boxes[0])
        new = [
            (annotation, image)
            for annotation, image in zip(chosen, plates, strict=True)
            if annotation.id not in self._placed
        ]
        if not new:
            return
        misread = _Misread(chosen)
        for start in range(0, len(new), _AT_ONCE):
            give_way()
            some = new[start : start + _AT_ONCE]
            annotations, images = [each for each, _ in some], [image for _, image in some]
            every = _places(annotations, images, frame, ratio)
            owners = np.repeat(np.arange(len(some)), [len(each.at) for each in every])
            boxes = _boxes(every)
            give_way()
            hits = outlines.under(boxes)
            middles = np.concatenate([each.middles for each in every])
            is_clear = ~misread.are(annotations, frame.to_l0(middles), owners)
            first = 0
            for (annotation, image), places in zip(some, every, strict=True):
                give_way()
                rows = slice(first, first + len(places.at))
                first = rows.stop
                is_free = taken.leaves_free(boxes[rows]) & is_clear[rows]
                if annotation.id in small:
                    is_free &= hits[rows] == 0
                best = best_of(hits[rows], is_free)
                if best is not None:
                    taken.put(boxes[rows][best])
                    self._placed[annotation.id] = _placed(
                        annotation, image, places, best, int(hits[rows][best]), frame
                    )

    def _text(self, annotation: Annotation, pixel_size: PixelSize) -> str:
        if annotation.kind is Kind.TEXT:
            return annotation.note
        known = self._texts.get(annotation.id)
        if known is not None and known[0] is annotation and known[1] == pixel_size:
            return known[2]
        value = measures_text(measures_of(annotation, pixel_size))
        if value and annotation.kind is not Kind.POINTS and pixel_size.mpp is not None:
            value += pixel_size.remark
        text = " · ".join(part for part in (annotation.name, value) if part)
        self._texts[annotation.id] = annotation, pixel_size, text
        return text

    def _plate(self, text: str, *, is_note: bool, ratio: float) -> QImage:
        key = text, is_note, ratio
        if key not in self._plates:
            self._plates[key] = plate_of(text, is_note=is_note, ratio=ratio)
        return self._plates[key]


@dataclass(frozen=True, slots=True)
class _LevelFrame:
    """Level-0 px as px of a level, turned as the view is."""

    plane: ViewPlane
    level: int

    def from_l0(self, places: Floats) -> Floats:
        """(N, 2) to (N, 2)."""
        return np.asarray(places @ self._turn.T / 2.0**self.level)

    def to_l0(self, places: Floats) -> Floats:
        """(N, 2) to (N, 2)."""
        return np.asarray(places @ self._turn * 2.0**self.level)

    @property
    def _turn(self) -> Floats:
        scale = self.plane.downsample
        along, across = self.plane.along * scale, self.plane.across * scale
        return np.array([(along, -across), (across, along)])


def _boxes(places: Sequence[Places]) -> Floats:
    """Of all of them, as `Places.boxes`."""
    return np.concatenate([each.boxes for each in places] or [np.empty((0, len(SCALES), 4))])


def _side(annotation: Annotation) -> float:
    left, top, right, bottom = annotation.bounds
    return max(right - left, bottom - top)


def _chosen(
    by_size: Sequence[Annotation],
    px_l0: float,
    within: Region,
    valued: frozenset[str] | None,
    give_way: Callable[[], object],
) -> tuple[list[Annotation], frozenset[str]]:
    """Those that are to have a text: notes, then shapes that are large enough; and the small."""
    notes, shapes, small = [], [], []
    for number, annotation in enumerate(by_size):
        if number % _AT_ONCE == 0:
            give_way()
        left, top, right, bottom = annotation.bounds
        is_off = left > within.right or right < within.x
        if is_off or top > within.bottom or bottom < within.y:
            continue
        side = max(right - left, bottom - top)
        if annotation.kind is Kind.TEXT:
            notes.append(annotation)
        elif valued is None or annotation.id in valued:
            least = _LEAST_AREA_VP if annotation.kind in AREAS else _LEAST_VP
            if side >= least * px_l0 or (annotation.kind is Kind.POINTS and side):
                shapes.append(annotation)
            elif side >= _LEAST_VP * px_l0 and len(by_size) <= _MOST_OUTLINES:
                small.append(annotation)
    small = small[:_MOST_SMALL]
    return notes[:_MOST] + shapes[:_MOST] + small, frozenset(each.id for each in small)


def _outlines(
    annotations: Sequence[Annotation], frame: _LevelFrame, give_way: Callable[[], object]
) -> Iterator[tuple[Floats, Ints]]:
    """The outlines and marks of annotations, that are not to be written on; some at a time."""
    import shapely

    for first in range(0, len(annotations), _AT_ONCE):
        give_way()
        some = annotations[first : first + _AT_ONCE]
        geometries = np.array([each.geometry for each in some], dtype=object)
        is_area = shapely.get_dimensions(geometries) == 2
        parts = shapely.get_rings(geometries[is_area]), shapely.get_parts(geometries[~is_area])
        places, owners = shapely.get_coordinates(np.concatenate(parts), return_index=True)
        yield frame.from_l0(places), owners


def _places(
    annotations: Sequence[Annotation],
    plates: Sequence[QImage],
    frame: _LevelFrame,
    ratio: float,
) -> list[Places]:
    """Where the text of each annotation may be."""
    import shapely

    geometries = np.array([each.geometry for each in annotations], dtype=object)
    is_area = np.array([each.kind in AREAS for each in annotations])
    cores = _cores(geometries)
    geometries[is_area] = shapely.convex_hull(geometries[is_area])
    corners, owners = shapely.get_coordinates(geometries, return_index=True)
    split = np.searchsorted(owners, np.arange(1, len(annotations)))
    found = []
    for annotation, image, of_it, core in zip(
        annotations,
        plates,
        np.split(frame.from_l0(corners), split),
        frame.from_l0(cores),
        strict=True,
    ):
        size = float(image.width()), float(image.height())
        found.append(_places_of(annotation.kind, of_it, core, size, ratio))
    return found


def _places_of(
    kind: Kind, corners: Floats, core: Floats, size: tuple[float, float], ratio: float
) -> Places:
    """The best first; of an area `corners` are those of its hull."""
    if kind in AREAS:
        beside = around(ends_of(corners), WAYS, size, ratio)
        return joined(beside, inside(core, size))
    if kind is Kind.LINE:
        # At an end, on the side that the line does not come from; or beside its middle.
        ends, before = corners[[-1, 0]], corners[[-2, 1]]
        away = np.where(ends[:, 0] >= before[:, 0], 1.0, -1.0)[[0, 0, 1, 1]]
        middle = np.repeat(corners[[len(corners) // 2 - 1, len(corners) // 2]].mean(0)[None], 4, 0)
        return joined(
            around(ends[[0, 0, 1, 1]], np.stack([away, [1.0, -1.0] * 2], axis=1), size, ratio),
            around(middle, WAYS[:4], size, ratio),
        )
    at = corners[1] if kind is Kind.ANGLE else corners[-1]
    order = [0, 1, 2, 3] if kind is Kind.ANGLE else [2, 3, 0, 1]  # of marks, to the right
    return around(np.repeat(at[None], 4, 0), WAYS[order], size, ratio)


def _cores(geometries: npt.NDArray[np.object_]) -> Floats:
    """(N, 2) a place inside each, in the middle if that is inside; level-0 px."""
    import shapely

    middles = shapely.centroid(geometries)
    is_out = ~shapely.intersects(geometries, middles)
    middles[is_out] = shapely.point_on_surface(geometries[is_out])
    return np.asarray(shapely.get_coordinates(middles))


class _Misread:
    """Finds texts of areas that would seem to be of other areas.

    They would inside a smaller one, and inside one that the middle of their own is not in.
    """

    def __init__(self, shown: Sequence[Annotation]) -> None:
        """`shown` : the areas of these are those that texts could be taken for."""
        import shapely

        areas = [each for each in shown if each.kind in AREAS]
        geometries = np.array([each.geometry for each in areas], dtype=object)
        self._rows = {each.id: row for row, each in enumerate(areas)}
        self._sizes = shapely.area(geometries)
        self._tree = shapely.STRtree(geometries)

    def are(
        self, annotations: Sequence[Annotation], places: Floats, owners: Ints
    ) -> npt.NDArray[np.bool_]:
        """Whether texts at places, level-0 px, would be misread.

        Parameters
        ----------
        places, owners : (N, 2), and (N,) the annotation of each.
        """
        import shapely

        found = np.zeros(len(places), np.bool_)
        own_rows = [self._rows.get(each.id, -1) for each in annotations]
        if not self._rows or max(own_rows) < 0:
            return found
        own = np.array([each.geometry for each in annotations], dtype=object)
        pairs = self._tree.query(shapely.points(_cores(own)), predicate="intersects")
        has_inside = set(zip(*pairs.tolist(), strict=True))
        rows, others = self._tree.query(shapely.points(places), predicate="intersects")
        for row, other in zip(rows.tolist(), others.tolist(), strict=True):
            owner = int(owners[row])
            own_row = own_rows[owner]
            if own_row not in (-1, other):
                is_smaller = self._sizes[other] < self._sizes[own_row]
                found[row] |= is_smaller or (owner, other) not in has_inside
        return found


def _placed(
    annotation: Annotation,
    image: QImage,
    places: Places,
    best: int,
    hits: int,
    frame: _LevelFrame,
) -> _Placed:
    place = Places(places.at[[best]], places.offset[[best]], places.size)
    x, y = frame.to_l0(place.at)[0].tolist()
    right, down = place.offset[0].tolist()
    return _Placed(annotation, Label(x, y, right, down, image), place, hits)
