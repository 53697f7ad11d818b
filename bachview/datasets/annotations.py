"""Outlines of an annotated slide: Aperio XML as written by ImageScope and used by BACH."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError

from bachview.core.classes import ClassSet
from bachview.core.pixel_size import Origin, PixelSize
from bachview.errors import DatasetError
from bachview.text_files import decoded

if TYPE_CHECKING:
    import shapely

#: BACH's largest file has some 2 MB; nobody draws outlines that need more than this.
_LARGEST_BYTES = 128_000_000
_MOST_VERTICES = 5_000_000
#: Level-0 px; the largest scans have some 300,000 on a side.
_FARTHEST_PX = 1e7
#: Repairing an outline leaves tiny pieces where it crossed itself, level-0 px².
_LEAST_AREA_PX = 1.0

#: ImageScope's types of region with an area, and without.
_ELLIPSE, _ARROW, _RULER = "2", "3", "4"

_DECLARATION = re.compile(r"<\?xml\b[^>]*\?>")

#: Words that turn "invasive" into its opposite.
_NEGATIONS = (" non ", " not ", " no ", " nao ")


@dataclass(frozen=True, slots=True)
class AnnotatedRegion:
    """An outlined part of a slide.

    Attributes
    ----------
    label : index into the class set.
    polygon : in level-0 px, valid, not empty; may have holes.
    """

    label: int
    polygon: "shapely.Polygon"


@dataclass(frozen=True, slots=True)
class SlideAnnotations:
    """What was outlined on one slide. Tissue outside of all outlines is negative.

    Attributes
    ----------
    mpp : um per level-0 px as the file states it; None if it does not, or not plausibly.
    regions : if two overlap, the later one counts. They are sorted by area, largest first, so a
        region drawn inside another one keeps its class, whichever was drawn first.
    """

    mpp: float | None
    regions: tuple[AnnotatedRegion, ...]


def read_annotations(path: Path, classes: ClassSet) -> SlideAnnotations:
    """Read an Aperio XML file. Any thread.

    A region's class is given by its first attribute with a known class, else by its text, else by
    the name or description of its layer: "benign", "Carcinoma in situ", "Invasive carcinoma",
    "carcinoma invasive", in any case. Negative regions are cut out of the others of their layer.
    Outlines that cross themselves are repaired and may become several regions; rulers, arrows and
    outlines without an area are left out.

    Raises
    ------
    DatasetError
        The file cannot be read, is not such a file, is too large, or a region has no class.
    """
    root = _root(path)
    regions: list[AnnotatedRegion] = []
    vertices = 0
    for layer in root.iter("Annotation"):
        drawn: list[tuple[int, shapely.Polygon]] = []
        holes: list[shapely.Polygon] = []
        for element in layer.iter("Region"):
            points = _points(path, element)
            vertices += len(points)
            if vertices > _MOST_VERTICES:
                raise DatasetError(f"{path.name} has more outlines than can be read; split it.")
            polygons = list(_polygons(element.get("Type", "0"), points))
            if not polygons:
                continue
            if element.get("NegativeROA") == "1":
                holes += polygons
                continue
            label = _label(path, layer, element, classes)
            drawn += [(label, polygon) for polygon in polygons]
        regions += _cut(drawn, holes)
    regions.sort(key=lambda region: -region.polygon.area)
    return SlideAnnotations(_mpp(root), tuple(regions))


def class_of_text(text: str, classes: ClassSet) -> int | None:
    """Index of the one class that `text` names in whole words; None for none or several.

    "Invasive carcinoma" and "carcinoma invasive" are the same; "non-invasive" and "abnormal"
    do not name a class.
    """
    words = " " + " ".join(re.findall(r"[^\W_]+", text.casefold())) + " "
    if any(negation in words for negation in _NEGATIONS):
        return None
    found = {
        index
        for index, one in enumerate(classes)
        for name in (one.key, one.name)
        if f" {name.casefold()} " in words
    }
    return found.pop() if len(found) == 1 else None


def _root(path: Path) -> Element:
    """The root element, checked to be Aperio's."""
    import defusedxml
    import defusedxml.ElementTree

    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise DatasetError(
                f"{path.name} is larger than {_LARGEST_BYTES // 1_000_000} MB and is not read; "
                "divide it."
            )
        root = _parsed(path.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"{path.name} cannot be read ({error.strerror}); check its path."
        ) from error
    except (ParseError, defusedxml.DefusedXmlException, ValueError, LookupError) as error:
        raise DatasetError(
            f"{path.name} is not an XML file that can be read; export the annotations again."
        ) from error
    if root.tag != "Annotations":
        raise DatasetError(
            f"{path.name} contains no Aperio annotations; export them again with ImageScope."
        )
    return root


def _parsed(content: bytes) -> Element:
    """The root element, whatever encoding the file is in: its own declaration may be wrong."""
    import defusedxml.ElementTree

    try:
        return defusedxml.ElementTree.fromstring(content, forbid_dtd=True)
    except (ParseError, ValueError, LookupError):
        text = _DECLARATION.sub("", decoded(content).lstrip())
        return defusedxml.ElementTree.fromstring(text, forbid_dtd=True)


def _mpp(root: Element) -> float | None:
    try:
        value = _number(root.get("MicronsPerPixel", ""))
    except ValueError:
        return None
    return PixelSize(value, value, Origin.FILE).mpp


def _number(text: str) -> float:
    """As written in any country; no program groups the digits of these files."""
    return float(text.replace(",", "."))


def _points(path: Path, region: Element) -> list[tuple[float, float]]:
    """Vertices of a region, level-0 px."""
    points = []
    for vertex in region.iter("Vertex"):
        try:
            x, y = _number(vertex.get("X", "")), _number(vertex.get("Y", ""))
        except ValueError:
            x = y = math.nan
        if not (abs(x) <= _FARTHEST_PX and abs(y) <= _FARTHEST_PX):
            raise DatasetError(
                f"{_called(region)} in {path.name} has a point without coordinates; draw it again."
            )
        points.append((x, y))
    return points


def _polygons(kind: str, points: list[tuple[float, float]]) -> "Iterator[shapely.Polygon]":
    """The valid polygons that an outline encloses; none if it has no area."""
    import shapely.affinity

    if kind in (_ARROW, _RULER):
        return
    if kind == _ELLIPSE and len(points) == 2:
        # Two opposite corners of its bounding rectangle.
        (x0, y0), (x1, y1) = points
        circle = shapely.Point(0, 0).buffer(0.5, quad_segs=32)
        shape = shapely.affinity.affine_transform(
            circle, [x1 - x0, 0, 0, y1 - y0, (x0 + x1) / 2, (y0 + y1) / 2]
        )
    elif len(set(points)) < 3:
        return
    else:
        shape = shapely.Polygon(points)
    yield from _parts(shapely.make_valid(shape))


def _parts(shape: "shapely.Geometry") -> "Iterator[shapely.Polygon]":
    """The polygons of a valid shape, without tiny pieces, lines and points."""
    import shapely

    for part in shapely.get_parts(shape):
        if isinstance(part, shapely.Polygon):
            if part.area >= _LEAST_AREA_PX:
                yield part
        elif isinstance(part, shapely.MultiPolygon | shapely.GeometryCollection):
            yield from _parts(part)


def _cut(
    drawn: "list[tuple[int, shapely.Polygon]]", holes: "list[shapely.Polygon]"
) -> Iterator[AnnotatedRegion]:
    """The drawn regions minus the negative ones."""
    import shapely

    if not holes:
        yield from (AnnotatedRegion(label, polygon) for label, polygon in drawn)
        return
    removed = shapely.union_all(holes)
    for label, polygon in drawn:
        for part in _parts(shapely.difference(polygon, removed)):
            yield AnnotatedRegion(label, part)


def _label(path: Path, layer: Element, region: Element, classes: ClassSet) -> int:
    texts = [
        *(attribute.get("Value", "") for attribute in region.iter("Attribute")),
        region.get("Text", ""),
        layer.get("Name", ""),
        *(attribute.get("Value", "") for attribute in layer.iterfind("Attributes/Attribute")),
    ]
    texts = [text.strip() for text in texts if text.strip()]
    for text in texts:
        label = class_of_text(text, classes)
        if label is not None:
            return label
    wanted = ", ".join(one.name for one in classes)
    if texts:
        raise DatasetError(
            f"{_called(region)} in {path.name} is named {texts[0][:60]!r}, which is not one of the "
            f"classes; name it one of {wanted}."
        )
    raise DatasetError(
        f"{_called(region)} in {path.name} has no class; name it one of {wanted} in its text."
    )


def _called(region: Element) -> str:
    number = region.get("Id") or region.get("DisplayId") or ""
    return f"Region {number[:20]}" if number else "A region"
