"""Hamamatsu's NDPA, beside an NDPI slide: views with one annotation each, in nm of the glass."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

import numpy as np

from bachview.errors import AnnotationError, BachviewError, ExportError
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.formats.found import UNWATCHED, Found, Note, Remarks, Watch
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.parts import Part, add_parts, class_in_words, note_reduced, own_texts
from bachview.marks.formats.shapes import (
    FARTHEST_PX,
    Builder,
    are_near,
    class_of,
    color_of_hex,
    corners_of,
    first_different,
    hex_of,
    rectangle_of,
    without_holes,
)
from bachview.marks.formats.xml_reading import (
    PointForm,
    XmlFile,
    number,
    read_xml,
)
from bachview.marks.formats.xml_writing import XmlWriter, xml_file

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_POINTS = PointForm("point", ("x", "y"), are_elements=True)
_OWN = "bachview"
#: nm in a unit that ``coordformat`` may name.
_UNITS = {"nanometers": 1.0, "micrometers": 1e3, "millimeters": 1e6}
#: Pins have a colour; theirs is used where an annotation has none.
_USUAL_COLOR = "#000000"


@dataclass(frozen=True, slots=True)
class _Glass:
    """From level-0 px to nm from the centre of the glass, and back."""

    width: int
    height: int
    nm_x: float
    nm_y: float
    center_x: float
    center_y: float

    @classmethod
    def of(cls, path: Path, slide: SlideFrame, error: type[BachviewError]) -> "_Glass":
        if slide.center_nm is None or slide.mpp is None:
            lacking = "its pixel size" if slide.mpp is None else "where on the glass it lies"
            raise error(
                f"{path.name} has its places in nm of the glass, but {slide.name} does not state "
                f"{lacking}; use GeoJSON for this slide."
            )
        (mpp_x, mpp_y), (x, y) = slide.mpp, slide.center_nm
        return cls(slide.width, slide.height, mpp_x * 1000, mpp_y * 1000, x, y)

    def to_px(self, x: float, y: float) -> tuple[float, float]:
        return (
            (x - self.center_x) / self.nm_x + self.width / 2,
            (y - self.center_y) / self.nm_y + self.height / 2,
        )

    def to_nm(self, x: float, y: float) -> tuple[int, int]:
        return (
            round((x - self.width / 2) * self.nm_x + self.center_x),
            round((y - self.height / 2) * self.nm_y + self.center_y),
        )


def read_ndpa(path: Path, slide: SlideFrame, watch: Watch = UNWATCHED) -> Found:
    """The annotations of an NDPA file. Any thread.

    A title that names one of the model's classes is the class; any other is the name.

    Raises
    ------
    AnnotationError
        It cannot be read, is none, or the slide does not state where on the glass it lies.
    Cancelled
        The watch's token was cancelled.
    """
    file = read_xml(path, _POINTS)
    root = file.root
    if root.tag != "annotations":
        raise AnnotationError(
            f"{path.name} contains no annotations of NDP.view; save them again there."
        )
    glass = _Glass.of(path, slide, AnnotationError)
    builder = Builder(path, slide)
    parts = []
    for view in root.iter("ndpviewstate"):
        unit = _UNITS.get(_text(view, "coordformat").lower() or "nanometers")
        for element in view.iterfind("annotation"):
            try:
                shaped: tuple[Kind, Any] | Note = (
                    Note.NOT_KNOWN if unit is None else _shape(file, element, unit, glass)
                )
            except ValueError:
                shaped = Note.BAD_POINT
            if isinstance(shaped, Note):
                builder.remarks.note(shaped)
                continue
            parts.append(Part(*shaped, *_own(view, element)))
    add_parts(builder, parts, watch)
    return builder.found()


def _own(view: Element, element: Element) -> tuple[dict[str, str], dict[str, Any]]:
    """What we have written beside a shape, and its values."""
    own = {
        name.removeprefix(f"{_OWN}-"): text
        for name, text in view.attrib.items()
        if name.startswith(f"{_OWN}-")
    }
    title, color = _text(view, "title"), color_of_hex(element.get("color", ""))
    own_class: AnnotationClass | None
    if own:
        own_class = class_of(own.pop("class", ""), color_of_hex(own.pop("class-color", "")))
        name, note = own.pop("name", ""), view.findtext("details") or ""
        color = color_of_hex(own.pop("color", ""))
    else:
        own_class, note = class_in_words([title]), _text(view, "details")
        name = "" if own_class is not None else title
        color = None if own_class is not None else color
    values = {
        "annotation_class": own_class,
        "name": name,
        "note": note,
        "color": color,
        "is_locked": own.pop("locked", "") == "1",
        "is_hidden": own.pop("hidden", "") == "1",
    }
    return own, values


def _shape(
    file: XmlFile, element: Element, unit: float, glass: _Glass
) -> "tuple[Kind, Any] | Note":
    """What an annotation is; ValueError if a place of it is no number."""
    import shapely

    def place(of: Element, x: str = "x", y: str = "y") -> tuple[float, float]:
        at = glass.to_px(unit * number(_text(of, x)), unit * number(_text(of, y)))
        if not all(abs(side) <= FARTHEST_PX for side in at):
            raise ValueError(f"{at} is on no slide")
        return at

    kind = element.get("type", "").lower()
    if kind == "freehand":
        given = file.points_of(element)
        if given is None:
            return Note.BAD_POINT
        with np.errstate(over="ignore"):  # of numbers that are on no slide
            points = np.column_stack(glass.to_px(*(unit * given.T)))
        if not are_near(points):
            return Note.BAD_POINT
        is_closed = _text(element, "closed") != "0"
        is_rectangle = _text(element, "specialtype") == "rectangle"
        if not len(points):
            return Note.NO_SHAPE
        if len(first_different(points)) < (3 if is_closed else 2):
            return Note.TOO_SMALL
        if not is_closed:
            return Kind.LINE, shapely.LineString(points)
        polygon = shapely.Polygon(points)
        frame = rectangle_of(polygon) if is_rectangle else None
        return (Kind.AREA, polygon) if frame is None else (Kind.RECTANGLE, frame)
    if kind == "circle":
        radius = unit * number(_text(element, "radius"))
        if not 0 < radius < FARTHEST_PX * glass.nm_x:
            return Note.TOO_SMALL
        return Kind.ELLIPSE, Frame(
            *place(element), 2 * radius / glass.nm_x, 2 * radius / glass.nm_y
        )
    if kind in ("linearmeasure", "pointer"):
        ends = [place(element, "x1", "y1"), place(element, "x2", "y2")]
        return Note.TOO_SMALL if ends[0] == ends[1] else (Kind.LINE, shapely.LineString(ends))
    if kind == "pin":
        return Kind.POINTS, shapely.Point(place(element))
    return Note.NOT_KNOWN


def _text(of: Element, name: str) -> str:
    return (of.findtext(name) or "").strip()


def write_ndpa(
    path: Path, annotations: Sequence[Annotation], slide: SlideFrame, watch: Watch = UNWATCHED
) -> tuple[str, ...]:
    """Write NDPA, for NDP.view. Any thread.

    Raises
    ------
    ExportError
        The file cannot be written, or the slide does not state where on the glass it lies.
    Cancelled
        The watch's token was cancelled; an existing file is untouched.
    """
    glass = _Glass.of(path, slide, ExportError)
    remarks = Remarks()
    view_number = 0
    with xml_file(path) as file, file.inside("annotations"):
        for done, annotation in enumerate(annotations, 1):
            told = {f"{_OWN}-{name}": text for name, text in _told(annotation).items()}
            color = annotation.shown_color
            shown = {"color": hex_of(color) if color else _USUAL_COLOR}
            for attributes, fill in _shapes(annotation, glass, remarks):
                view_number += 1
                with file.inside("ndpviewstate", {"id": str(view_number), **told}):
                    _add(file, **_view(annotation, glass))
                    with file.inside("annotation", {**attributes, **shown}):
                        fill(file)
            watch.step(done, len(annotations))
    note_reduced(annotations, remarks)
    return remarks.sentences


def _told(annotation: Annotation) -> dict[str, str]:
    own, color = annotation.annotation_class, annotation.color
    told = {
        "class": "" if own is None else own.name,
        "class-color": "" if own is None else hex_of(own.color),
        "color": "" if color is None else hex_of(color),
        "name": annotation.name,
        "locked": "1" if annotation.is_locked else "",
        "hidden": "1" if annotation.is_hidden else "",
    }
    return own_texts(annotation) | {name: text for name, text in told.items() if text}


def _view(annotation: Annotation, glass: _Glass) -> dict[str, str]:
    own = annotation.annotation_class
    left, top, right, bottom = annotation.bounds
    x, y = glass.to_nm((left + right) / 2, (top + bottom) / 2)
    return {
        "title": annotation.name or ("" if own is None else own.name),
        "details": annotation.note,
        "coordformat": "nanometers",
        "lens": "10",
        "x": str(x),
        "y": str(y),
        "z": "0",
        "showtitle": "0",
        "showhistogram": "0",
        "showlineprofile": "0",
    }


def _shapes(
    annotation: Annotation, glass: _Glass, remarks: Remarks
) -> Iterator[tuple[dict[str, str], Callable[[XmlWriter], None]]]:
    """Attributes of each element that an annotation becomes, and what fills it."""
    import shapely

    shape: BaseGeometry = annotation.geometry
    frame = annotation.shape
    if annotation.kind in (Kind.POINTS, Kind.TEXT):
        for point in shapely.get_parts(shape):
            yield (
                _named("pin", "AnnotatePin"),
                _filled(
                    zip("xy", glass.to_nm(point.x, point.y), strict=True),
                    icon="pinred",
                    stricon="iconpinred",
                ),
            )
    elif annotation.kind in (Kind.LINE, Kind.ANGLE):
        for line in shapely.get_parts(shape):
            ends = [glass.to_nm(*at) for at in line.coords]
            if len(ends) == 2:
                values = zip(("x1", "y1", "x2", "y2"), (*ends[0], *ends[1]), strict=True)
                yield _named("linearmeasure", "AnnotateRuler"), _filled(values)
            else:
                yield _named("freehand", "AnnotateFreehandLine"), _outlined(ends, is_closed=False)
    elif isinstance(frame, Frame) and _is_circle(annotation, frame, glass):
        x, y = glass.to_nm(frame.x, frame.y)
        radius = round(frame.width * glass.nm_x / 2)
        yield (
            _named("circle", "AnnotateCircle"),
            _filled((("x", x), ("y", y), ("radius", radius)), measuretype="0"),
        )
    else:
        if annotation.kind is Kind.ELLIPSE:
            remarks.note(Note.AS_OUTLINE)
        name = "AnnotateRectangle" if annotation.kind is Kind.RECTANGLE else "AnnotateFreehand"
        special = "rectangle" if annotation.kind is Kind.RECTANGLE else ""
        for polygon in without_holes(shape):
            points = [glass.to_nm(x, y) for x, y in corners_of(polygon.exterior)]
            yield _named("freehand", name), _outlined(points, is_closed=True, special=special)


def _is_circle(annotation: Annotation, frame: Frame, glass: _Glass) -> bool:
    width, height = frame.width * glass.nm_x, frame.height * glass.nm_y
    return annotation.kind is Kind.ELLIPSE and abs(width - height) <= 2 and not frame.angle_deg


def _named(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "displayname": name}


def _filled(values: Any, **texts: str) -> Callable[[XmlWriter], None]:
    numbers = {name: str(value) for name, value in values}

    def fill(file: XmlWriter) -> None:
        _add(file, **numbers, **texts)

    return fill


def _outlined(
    points: list[tuple[int, int]], *, is_closed: bool, special: str = ""
) -> Callable[[XmlWriter], None]:
    def fill(file: XmlWriter) -> None:
        _add(file, measuretype="0", closed=str(int(is_closed)))
        with file.inside("pointlist"):
            file.lines(f"<point><x>{x}</x><y>{y}</y></point>" for x, y in points)
        if special:
            _add(file, specialtype=special)

    return fill


def _add(file: XmlWriter, **texts: str) -> None:
    for name, text in texts.items():
        file.element(name, text=text)
