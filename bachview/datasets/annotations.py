"""Outlines of an annotated slide: Aperio XML as written by ImageScope and used by BACH."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from bachview.core.classes import ClassSet
from bachview.errors import DatasetError
from bachview.marks.formats.class_words import class_of_text as class_of_text
from bachview.marks.formats.imagescope_reading import aperio_file, stated_mpp, vertices_of
from bachview.marks.formats.imagescope_words import ARROW, ELLIPSE, RULER
from bachview.marks.formats.shapes import Places, first_different, polygons_of
from bachview.marks.formats.xml_reading import XmlFile

if TYPE_CHECKING:
    import shapely

#: BACH's largest file has some 2 MB; nobody draws outlines that need more than this.
_LARGEST_BYTES = 128_000_000
_MOST_VERTICES = 5_000_000


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
    file = aperio_file(path, error=DatasetError, most=_LARGEST_BYTES)
    regions: list[AnnotatedRegion] = []
    vertices = 0
    for layer in file.root.iter("Annotation"):
        drawn: list[tuple[int, shapely.Polygon]] = []
        holes: list[shapely.Polygon] = []
        for element in layer.iter("Region"):
            points = _points(path, file, element)
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
    return SlideAnnotations(stated_mpp(file.root), tuple(regions))


def _points(path: Path, file: XmlFile, region: Element) -> Places:
    """Vertices of a region, (N, 2) level-0 px."""
    points = vertices_of(file, region)
    if points is None:
        raise DatasetError(
            f"{_called(region)} in {path.name} has a point without coordinates; draw it again."
        )
    return points


def _polygons(kind: str, points: Places) -> "Iterator[shapely.Polygon]":
    """The valid polygons that an outline encloses; none if it has no area."""
    import shapely.affinity

    if kind in (ARROW, RULER):
        return
    if kind == ELLIPSE and len(points) == 2:
        # Two opposite corners of its bounding rectangle.
        (x0, y0), (x1, y1) = points
        circle = shapely.Point(0, 0).buffer(0.5, quad_segs=32)
        shape = shapely.affinity.affine_transform(
            circle, [x1 - x0, 0, 0, y1 - y0, (x0 + x1) / 2, (y0 + y1) / 2]
        )
    elif len(first_different(points)) < 3:
        return
    else:
        shape = shapely.Polygon(points)
    yield from polygons_of(shapely.make_valid(shape))


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
        for part in polygons_of(shapely.difference(polygon, removed)):
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
