"""Texts at annotations: measured values, names, and notes, as far as there is room."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter

from bachview.core.pixel_size import PixelSize
from bachview.marks.annotation import AREAS, Annotation, Kind
from bachview.marks.measures import measures_of, measures_text
from bachview.ui.look.plates import plate, writing_on
from bachview.ui.look.spacing import NEAR, SMALL_PLATE_PX, TIGHT
from bachview.ui.view.painting import ViewPlane, Window
from bachview.viewing.viewport import Viewport

#: Smaller lines, and smaller areas, have no text, device-independent px.
_LEAST_VP, _LEAST_AREA_VP = 48.0, 80.0
#: As many are placed at most, the largest shapes first.
_MOST = 300
#: From a shape to its text.
_BESIDE_VP = 7.0
#: Notes are broken at this width, and cut after so many lines.
_NOTE_WIDTH_VP, _NOTE_LINES = 240.0, 6
#: Corners of an area whose heights differ by less are an edge, of its height.
_LEVEL = 0.02
#: Within a level, shapes come closer to each other or part by this factor.
_CLOSER = 2**0.5
#: Texts and plates that are kept.
_MOST_KEPT = 2000

_WRAPPED = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap)


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """A text at a place of the slide.

    Attributes
    ----------
    x, y : the place, level-0 px.
    right, down : from there to the plate's top left, device px.
    """

    x: float
    y: float
    right: float
    down: float
    plate: QImage


@dataclass(frozen=True, slots=True, eq=False)
class LabelLayer:
    """Texts over a slide. Any thread; frozen.

    Attributes
    ----------
    px_l0 : level-0 px for a device px of the view.
    reach : no text reaches farther from its place, device px.
    """

    labels: tuple[Label, ...]
    px_l0: float
    reach: float = 0.0

    @classmethod
    def of(cls, labels: tuple[Label, ...], px_l0: float) -> "LabelLayer":
        """The layer of labels."""
        sizes = [
            max(abs(each.right), abs(each.down)) + max(each.plate.width(), each.plate.height())
            for each in labels
        ]
        return cls(labels, px_l0, max(sizes, default=0.0))

    def __call__(self, painter: QPainter, plane: ViewPlane, window: Window) -> None:
        """Draw the texts over a window of the plane."""
        px = self.px_l0 / plane.downsample
        left, top, right, bottom = window
        # A frame is painted in several strips, each of which few texts touch.
        near = plane.region_of(window).expanded(self.reach * self.px_l0)
        x_min, y_min, x_max, y_max = near.x, near.y, near.right, near.bottom
        for label in self.labels:
            if not (x_min < label.x < x_max and y_min < label.y < y_max):
                continue
            at = plane.from_l0(label.x, label.y)
            # On whole px, so that the text stays crisp.
            x, y = round(at.x() + label.right * px), round(at.y() + label.down * px)
            width, height = label.plate.width() * px, label.plate.height() * px
            if left - width < x < right and top - height < y < bottom:
                if px == 1:
                    painter.drawImage(QPointF(x, y), label.plate)
                else:
                    painter.drawImage(QRectF(x, y, width, height), label.plate)


class LabelMaker:
    """Makes the texts of annotations, and finds places where they do not lie on each other.

    One thread.
    """

    def __init__(self) -> None:
        self._texts: dict[str, tuple[Annotation, PixelSize, str]] = {}
        self._plates: dict[tuple[str, bool, float], QImage] = {}

    def labels(
        self,
        annotations: Iterable[Annotation],
        viewport: Viewport,
        level: int,
        pixel_size: PixelSize,
        *,
        has_values: bool,
        give_way: Callable[[], object] = lambda: None,
    ) -> tuple[Label, ...]:
        """Texts of annotations at a zoom; those of notes first, then of larger shapes.

        Parameters
        ----------
        viewport : its rotation and pixel ratio count.
        level : 2**level level-0 px are about a device px.
        has_values : whether others than notes have one.
        give_way : called now and then.
        """
        ratio = viewport.pixel_ratio
        px_l0 = ratio * 2.0**level
        notes: list[Annotation] = []
        shapes: list[tuple[float, Annotation]] = []
        for annotation in annotations:
            if annotation.kind is Kind.TEXT:
                notes.append(annotation)
            elif has_values:
                left, top, right, bottom = annotation.bounds
                size = max(right - left, bottom - top)
                least = _LEAST_AREA_VP if annotation.kind in AREAS else _LEAST_VP
                if size >= least * px_l0 or (annotation.kind is Kind.POINTS and size):
                    shapes.append((size, annotation))
        shapes.sort(key=lambda each: (-each[0], each[1].id))
        chosen = [*notes[:_MOST], *(annotation for _, annotation in shapes[:_MOST])]
        if len(self._texts) + len(self._plates) > _MOST_KEPT:
            self._texts.clear()
            self._plates.clear()
        plane = ViewPlane.of(viewport)
        # Texts keep their size while shapes come closer or part within the level: one below a shape
        # and one above the end of a line may meet at some zooms only.
        within = plane.downsample / 2.0**level
        scales = within / _CLOSER, within, within * _CLOSER
        taken: list[tuple[QRectF, ...]] = []
        labels = []
        for annotation in chosen:
            give_way()
            for label in self._choices(annotation, plane, ratio, pixel_size):
                at = plane.from_l0(label.x, label.y)
                width, height = label.plate.width(), label.plate.height()
                places = tuple(
                    QRectF(at.x() * scale + label.right, at.y() * scale + label.down, width, height)
                    for scale in scales
                )
                if not any(
                    place.intersects(other)
                    for others in taken
                    for place, other in zip(places, others, strict=True)
                ):
                    taken.append(places)
                    labels.append(label)
                    break
        return tuple(labels)

    def _choices(
        self, annotation: Annotation, plane: ViewPlane, ratio: float, pixel_size: PixelSize
    ) -> tuple[Label, ...]:
        """Where its text may be, the best place first; nothing without a text."""
        text = self._text(annotation, pixel_size)
        if not text:
            return ()
        image = self._plate(text, is_note=annotation.kind is Kind.TEXT, ratio=ratio)
        beside = _BESIDE_VP * ratio
        width, height = image.width(), image.height()
        places = _places(annotation)
        match annotation.kind:
            case Kind.TEXT | Kind.POINTS:
                return (Label(*places[-1], beside, -height / 2, image),)
            case Kind.LINE:
                # At an end, on the side that the line does not come from.
                return tuple(
                    Label(*end, beside if is_right else -beside - width, down, image)
                    for end, before in ((places[-1], places[-2]), (places[0], places[1]))
                    for is_right in (plane.from_l0(*end).x() >= plane.from_l0(*before).x(),)
                    for down in (beside, -beside - height)
                )
            case Kind.ANGLE:
                return (Label(*places[1], -width / 2, beside, image),)
            case _:
                return (Label(*_lowest(places, plane), -width / 2, beside, image),)

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
            self._plates[key] = _plate_of(text, is_note=is_note, ratio=ratio)
        return self._plates[key]


def _places(annotation: Annotation) -> Sequence[tuple[float, float]]:
    import shapely

    geometry = annotation.geometry
    if annotation.kind in AREAS:
        geometry = geometry.convex_hull
    return [(float(x), float(y)) for x, y in shapely.get_coordinates(geometry)]


def _lowest(places: Sequence[tuple[float, float]], plane: ViewPlane) -> tuple[float, float]:
    """The middle of the edge at the bottom of the view, or the corner there."""
    downs = [plane.from_l0(*place).y() for place in places]
    least = max(downs) - _LEVEL * (max(downs) - min(downs))
    lowest = [place for place, down in zip(places, downs, strict=True) if down >= least]
    xs, ys = zip(*lowest, strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def _plate_of(text: str, *, is_note: bool, ratio: float) -> QImage:
    font = QFont()
    font.setPixelSize(SMALL_PLATE_PX + is_note)
    metrics = QFontMetricsF(font)
    box = QRectF(0, 0, _NOTE_WIDTH_VP if is_note else 4000, 4000)
    if not is_note:
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, 1.5 * _NOTE_WIDTH_VP)
    needed = metrics.boundingRect(box, _WRAPPED, text)
    height = min(needed.height(), _NOTE_LINES * metrics.lineSpacing())
    width = needed.width() + 2 * NEAR
    image = plate(width, height + TIGHT, ratio)
    with writing_on(image, width, height + TIGHT, font) as painter:
        inner = QRectF(NEAR, TIGHT / 2, needed.width() + 1, height)
        painter.setClipRect(inner)
        painter.drawText(inner, _WRAPPED, text)
    image.setDevicePixelRatio(1.0)
    return image
