"""Aperio XML, as ImageScope reads and writes it: layers of regions, negative regions as holes."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from bachview.core.pixel_size import Origin, PixelSize, contradiction
from bachview.errors import AnnotationError, BachviewError
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.formats.found import UNWATCHED, Found, Note, Remarks, Watch
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.parts import (
    ID,
    KIND,
    OWN,
    Part,
    add_parts,
    class_in_words,
    note_reduced,
    own_texts,
)
from bachview.marks.formats.shapes import (
    Builder,
    Places,
    Points,
    are_near,
    by_size,
    class_of,
    first_different,
    frame_of_box,
    outlines_of,
    polygons_of_any,
    rectangle_of,
)
from bachview.marks.formats.xml_reading import (
    MOST_XML_BYTES,
    PointForm,
    XmlFile,
    number,
    read_xml,
)
from bachview.marks.formats.xml_writing import XmlWriter, xml_file
from bachview.marks.measures import measures_of

if TYPE_CHECKING:
    import shapely

AREA, RECTANGLE, ELLIPSE, ARROW, RULER = "0", "1", "2", "3", "4"

_VERTICES = PointForm("Vertex", ("X", "Y"))
_DESCRIPTION = "Description"
#: Columns of ImageScope's list of regions that every file has.
_HEADERS = (("9999", "Region"), ("9997", "Length"), ("9996", "Area"), ("9998", "Text"))
#: What ImageScope calls a layer that nobody has named.
_UNNAMED = re.compile(r"Layer \d+")
#: Of layers without a class, as of ImageScope's first one.
_USUAL_COLOR = (0, 255, 0)
#: How far from a point the tail of the arrow lies that shows it, level-0 px.
_ARROW_PX = 100.0


def aperio_file(
    path: Path, *, error: type[BachviewError] = AnnotationError, most: int = MOST_XML_BYTES
) -> XmlFile:
    """An Aperio XML file of at most so many bytes.

    Raises
    ------
    BachviewError
        An `error`: it cannot be read, is too large, or is none.
    """
    file = read_xml(path, _VERTICES, error=error, most=most)
    if file.root.tag != "Annotations":
        raise error(
            f"{path.name} contains no Aperio annotations; export them again with ImageScope."
        )
    return file


def stated_mpp(root: Element) -> float | None:
    """µm per level-0 px as the file states it; None if it does not, or not plausibly."""
    try:
        value = number(root.get("MicronsPerPixel", ""))
    except ValueError:
        return None
    return PixelSize(value, value, Origin.FILE).mpp


def vertices_of(file: XmlFile, region: Element) -> Places | None:
    """Vertices of a region, (N, 2) level-0 px; None if one has no place, or one far away."""
    points = file.points_of(region)
    return points if points is not None and are_near(points) else None


def read_imagescope(path: Path, slide: SlideFrame, watch: Watch = UNWATCHED) -> Found:
    """The regions of an Aperio XML file. Any thread.

    The class of a region is one of the model's, if its attributes, its text or its layer name one;
    else its layer's name with the layer's colour.

    Raises
    ------
    AnnotationError
        It cannot be read, or is no Aperio XML.
    Cancelled
        The watch's token was cancelled.
    """
    file = aperio_file(path)
    builder = Builder(path, slide)
    _compare(file.root, slide, builder.remarks)
    parts: list[Part] = []
    for layer in file.root.iter("Annotation"):
        parts += _layer(file, layer, builder.remarks)
    add_parts(builder, parts, watch)
    return builder.found()


def _compare(root: Element, slide: SlideFrame, remarks: Remarks) -> None:
    """Say it if the file and the slide state other pixel sizes."""
    mpp = stated_mpp(root)
    if mpp is None or not slide.pixel_size.is_plausible:
        return
    known, stated = slide.pixel_size, PixelSize.typed(mpp)
    # The file has one number, also for pixels that are not square.
    sides = filter(None, (known.mpp, known.mpp_x, known.mpp_y))
    if all(contradiction(PixelSize.typed(side), stated) is not None for side in sides):
        remarks.say(
            f"The file states {mpp:.4g} µm per pixel, but the slide has {slide.pixel_size.text}: "
            "it may have been made for another slide."
        )


def _layer(file: XmlFile, layer: Element, remarks: Remarks) -> list[Part]:
    import shapely

    columns = {
        header.get("Id", ""): header.get("Name", "") for header in layer.iter("AttributeHeader")
    }
    # By the annotation of ours that they are of; "" for those of others.
    drawn: dict[str, list[Part]] = {}
    holes: dict[str, list[shapely.Geometry]] = {}
    for region in layer.iter("Region"):
        points = vertices_of(file, region)
        if points is None:
            remarks.note(Note.BAD_POINT)
            continue
        texts = _texts(region, columns)
        own = texts if _is_ours(texts) else {}
        own_id = own.get(ID, "")
        if region.get("NegativeROA") == "1":
            if len(first_different(points)) == 3:
                inside = shapely.make_valid(shapely.Polygon(points))
                holes.setdefault(own_id, []).append(inside)
            else:
                remarks.note(Note.TOO_SMALL)
            continue
        found = _shape(region.get("Type", AREA), points)
        if found is None:
            remarks.note(Note.TOO_SMALL if len(points) else Note.NO_SHAPE)
            continue
        members = drawn.setdefault(own_id, [])
        if own_id and own_id in holes:  # which stand after the outline that they are in
            members[:] = _cut(members, holes.pop(own_id), remarks)
        members.append(Part(*found, own, _values(layer, region, texts)))
    others = holes.pop("", [])
    for own_id, inside_of in holes.items():
        drawn[own_id] = _cut(drawn.get(own_id, []), inside_of, remarks)
    return _cut([part for members in drawn.values() for part in members], others, remarks)


def _cut(drawn: list[Part], holes: "Sequence[shapely.Geometry]", remarks: Remarks) -> list[Part]:
    """Regions without those that are negative, which cut all that they touch."""
    import shapely

    if not holes:
        return drawn
    tree, cutting, result = shapely.STRtree(holes), set(), []
    for part in drawn:
        shape: Any = part.shape
        if isinstance(shape, Frame):
            shape = Annotation("", part.kind, shape).geometry
        if shape.geom_type not in ("Polygon", "MultiPolygon"):
            result.append(part)
            continue
        valid = shapely.make_valid(shape)
        touched = tree.query(valid, predicate="intersects").tolist()
        if not touched:
            result.append(part)
            continue
        cutting.update(touched)
        if not shape.is_valid:
            remarks.note(Note.MENDED)
        rest = shapely.difference(valid, shapely.union_all([holes[at] for at in touched]))
        left = [one for one in polygons_of_any(rest) if one.area > 0]
        if left:
            area = left[0] if len(left) == 1 else shapely.MultiPolygon(left)
            result.append(Part(Kind.AREA, area, part.own, part.values))
        else:
            remarks.note(Note.CUT_AWAY)
    if len(cutting) < len(holes):
        remarks.note(Note.CUTS_NOTHING, len(holes) - len(cutting))
    return result


def _shape(kind: str, points: Places) -> "tuple[Kind, Any] | None":
    """What a region is; None if it has too few points."""
    import shapely

    different = first_different(points)
    if not different:
        return None
    if len(different) == 1:
        return Kind.POINTS, shapely.Point(different[0])
    if len(different) == 2:
        (x0, y0), (x1, y1) = different
        if kind in (RECTANGLE, ELLIPSE) and x0 != x1 and y0 != y1:
            box = frame_of_box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
            return (Kind.RECTANGLE if kind == RECTANGLE else Kind.ELLIPSE), box
        return Kind.LINE, shapely.LineString(different)
    if kind in (ARROW, RULER):
        return Kind.LINE, shapely.LineString(points)
    polygon = shapely.Polygon(points)
    if kind in (RECTANGLE, ELLIPSE):
        frame = rectangle_of(polygon)
        if frame is not None:
            return (Kind.RECTANGLE if kind == RECTANGLE else Kind.ELLIPSE), frame
    return Kind.AREA, polygon


def _is_ours(texts: Mapping[str, str]) -> bool:
    """Whether the columns are those that we write: others may have an *Id*, too."""
    return bool(texts.get(ID)) and texts.get(KIND) in set(Kind)


def _texts(region: Element, columns: Mapping[str, str]) -> dict[str, str]:
    """Name of the column to text of a region's attributes."""
    found = {}
    for attribute in region.iter("Attribute"):
        name = attribute.get("Name", "")
        found[columns.get(name, name) or _DESCRIPTION] = attribute.get("Value", "")
    return found


def _values(layer: Element, region: Element, texts: Mapping[str, str]) -> dict[str, Any]:
    color, is_ours = _color(layer.get("LineColor")), _is_ours(texts)
    known = (_DESCRIPTION, *(OWN if is_ours else ()))
    others = {name: text for name, text in texts.items() if text.strip() and name not in known}
    name, note = region.get("Text", ""), texts.get(_DESCRIPTION, "")
    own_class = _class(layer, region, texts, color)
    return {
        "annotation_class": own_class,
        "color": color if own_class is None and color != _USUAL_COLOR else None,
        "name": name if is_ours else name.strip(),
        "note": note if is_ours else note.strip(),
        "is_locked": layer.get("ReadOnly") == "1",
        "is_hidden": layer.get("Visible") == "0",
        "extra": json.dumps({"imagescope": others}) if others else "",
    }


def _class(
    layer: Element,
    region: Element,
    texts: Mapping[str, str],
    color: tuple[int, int, int] | None,
) -> AnnotationClass | None:
    name = layer.get("Name", "").strip()
    if _is_ours(texts):
        return class_of(name, color)
    described = [
        attribute.get("Value", "").strip() for attribute in layer.iterfind("Attributes/Attribute")
    ]
    if not name or _UNNAMED.fullmatch(name):
        name = next(filter(None, described), "")
    words = (*texts.values(), region.get("Text", ""), name, *described)
    return class_in_words(words) or class_of(name, color)


def _color(text: str | None) -> tuple[int, int, int] | None:
    """(red, green, blue) of an integer in which red comes last."""
    try:
        value = int(text or "")
    except ValueError:
        return None
    return value & 255, (value >> 8) & 255, (value >> 16) & 255


def write_imagescope(
    path: Path, annotations: Sequence[Annotation], slide: SlideFrame, watch: Watch = UNWATCHED
) -> tuple[str, ...]:
    """Write Aperio XML: a layer for each class, locked and hidden ones apart. Any thread.

    Raises
    ------
    ExportError
        The file cannot be written.
    Cancelled
        The watch's token was cancelled; an existing file is untouched.
    """
    remarks = Remarks()
    mpp = slide.pixel_size.mpp
    layers: dict[tuple[object, ...], list[Annotation]] = {}
    for annotation in annotations:
        own = annotation.annotation_class
        color = annotation.color if own is None else own.color
        key = (own, color, annotation.is_locked, annotation.is_hidden)
        layers.setdefault(key, []).append(annotation)
    done = 0
    stated = {} if mpp is None else {"MicronsPerPixel": f"{mpp:.6g}"}
    with xml_file(path) as file, file.inside("Annotations", stated):
        for layer_number, members in enumerate(layers.values(), 1):
            with file.inside("Annotation", _layer_attributes(layer_number, members[0])):
                with file.inside("Attributes"):
                    file.element("Attribute", {"Name": _DESCRIPTION, "Id": "0", "Value": ""})
                with file.inside("Regions"):
                    regions = _Regions(file, members, slide, remarks)
                    for annotation in members:
                        regions.write(annotation)
                        done += 1
                        watch.step(done, len(annotations))
    note_reduced(annotations, remarks, "imagescope")
    return remarks.sentences


def _layer_attributes(layer_number: int, first: Annotation) -> dict[str, str]:
    own = first.annotation_class
    color = (own.color if own is not None else first.color) or _USUAL_COLOR
    return {
        "Id": str(layer_number),
        "Name": "" if own is None else own.name,
        "ReadOnly": str(int(first.is_locked)),
        "NameReadOnly": "0",
        "LineColorReadOnly": "0",
        "Incremental": "0",
        "Type": "4",
        "LineColor": str(color[0] | color[1] << 8 | color[2] << 16),
        "Visible": str(int(not first.is_hidden)),
        "Selected": "0",
        "MarkupImagePath": "",
        "MacroName": "",
    }


def _columns(annotation: Annotation) -> dict[str, str]:
    """Texts of the columns beside a region."""
    kept = json.loads(annotation.extra).get("imagescope", {}) if annotation.extra else {}
    others = kept if isinstance(kept, dict) else {}
    usual = None if annotation.annotation_class is not None else annotation.color
    own = own_texts(annotation, is_color_kept=usual not in (None, _USUAL_COLOR))
    return {_DESCRIPTION: annotation.note, **others, **own}


class _Regions:
    """Writes the regions of a layer, after the headers of their columns."""

    def __init__(
        self, file: XmlWriter, members: Sequence[Annotation], slide: SlideFrame, remarks: Remarks
    ) -> None:
        self._file, self._slide, self._remarks = file, slide, remarks
        self._count = 0
        names = dict.fromkeys(name for one in members for name in _columns(one))
        numbered = [(str(number), name) for number, name in enumerate(names, 1)]
        self._column_ids = {name: column_id for column_id, name in (*_HEADERS, *numbered)}
        with file.inside("RegionAttributeHeaders"):
            for header_id, name in (*_HEADERS, *numbered):
                header = {"Id": header_id, "Name": name, "ColumnWidth": "-1"}
                file.element("AttributeHeader", header)

    def write(self, annotation: Annotation) -> None:
        """Write what an annotation becomes."""
        file = self._file
        measured = _measured(annotation, self._slide)
        for kind, points, is_hole in _regions(annotation, self._remarks):
            self._count += 1
            attributes = {
                "Id": str(self._count),
                "Type": kind,
                "Zoom": "1",
                "Selected": "0",
                "ImageLocation": "",
                "ImageFocus": "-1",
                **measured,
                "Text": annotation.name,
                "NegativeROA": str(int(is_hole)),
                "InputRegionId": "0",
                "Analyze": "1",
                "DisplayId": str(self._count),
            }
            with file.inside("Region", attributes):
                with file.inside("Attributes"):
                    for name, text in _columns(annotation).items():
                        attribute = {"Name": self._column_ids[name], "Id": "0", "Value": text}
                        file.element("Attribute", attribute)
                with file.inside("Vertices"):
                    file.lines(f'<Vertex X="{x!r}" Y="{y!r}" Z="0" />' for x, y in points)
            # Measured values are those of the whole annotation, and stand at its first region.
            measured = dict.fromkeys(measured, "0")


def _measured(annotation: Annotation, slide: SlideFrame) -> dict[str, str]:
    measures = measures_of(annotation, slide.pixel_size)
    length_um = measures.perimeter_um if measures.length_um is None else measures.length_um
    length_px = measures.perimeter_px if measures.length_px is None else measures.length_px
    area_mm2 = measures.area_mm2
    return {
        "Length": _rounded(length_px),
        "Area": _rounded(measures.area_px2),
        "LengthMicrons": _rounded(length_um),
        "AreaMicrons": _rounded(None if area_mm2 is None else area_mm2 * 1e6),
    }


def _regions(annotation: Annotation, remarks: Remarks) -> Iterator[tuple[str, Points, bool]]:
    """(type, vertices, whether it is a hole) of the regions of an annotation."""
    import shapely

    shape = annotation.geometry
    frame = annotation.shape
    if isinstance(frame, Frame):
        if frame.angle_deg:
            remarks.note(Note.AS_OUTLINE)
            yield AREA, next(outlines_of(shape))[0], False
        elif annotation.kind is Kind.RECTANGLE:
            yield RECTANGLE, frame.corners, False
        else:
            yield ELLIPSE, (frame.corners[0], frame.corners[2]), False
    elif annotation.kind is Kind.AREA:
        # What lies in the hole of another part stands after it.
        for outline, holes in outlines_of(by_size(shape)):
            yield AREA, outline, False
            for hole in holes:
                yield AREA, hole, True
    elif annotation.kind in (Kind.LINE, Kind.ANGLE):
        for line in shapely.get_parts(shape):
            yield RULER, line.coords[:], False
    else:
        for point in shapely.get_parts(shape):
            tail = (point.x + _ARROW_PX, point.y + _ARROW_PX)
            yield ARROW, ((point.x, point.y), tail), False


def _rounded(value: float | None) -> str:
    return "0" if value is None else f"{value:.1f}"
