"""Reads Aperio XML, as ImageScope writes it: layers of regions, negative regions as holes."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from bachview.core.pixel_size import Origin, PixelSize, contradiction
from bachview.errors import AnnotationError, BachviewError
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.formats.found import UNWATCHED, Found, Note, Remarks, Watch
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.imagescope_words import (
    AREA,
    ARROW,
    DESCRIPTION,
    ELLIPSE,
    RECTANGLE,
    RULER,
    USUAL_COLOR,
)
from bachview.marks.formats.parts import (
    ID,
    KIND,
    OWN,
    Part,
    add_parts,
    class_in_words,
)
from bachview.marks.formats.shapes import (
    Builder,
    Places,
    are_near,
    class_of,
    first_different,
    frame_of_box,
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

if TYPE_CHECKING:
    import shapely

_VERTICES = PointForm("Vertex", ("X", "Y"))
#: What ImageScope calls a layer that nobody has named.
_UNNAMED = re.compile(r"Layer \d+")


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
        found[columns.get(name, name) or DESCRIPTION] = attribute.get("Value", "")
    return found


def _values(layer: Element, region: Element, texts: Mapping[str, str]) -> dict[str, Any]:
    color, is_ours = _color(layer.get("LineColor")), _is_ours(texts)
    known = (DESCRIPTION, *(OWN if is_ours else ()))
    others = {name: text for name, text in texts.items() if text.strip() and name not in known}
    name, note = region.get("Text", ""), texts.get(DESCRIPTION, "")
    own_class = _class(layer, region, texts, color)
    return {
        "annotation_class": own_class,
        "color": color if own_class is None and color != USUAL_COLOR else None,
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
