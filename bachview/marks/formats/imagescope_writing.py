"""Writes Aperio XML, as ImageScope reads it: layers of regions, negative regions as holes."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bachview.marks.annotation import Annotation, Frame, Kind
from bachview.marks.formats.found import UNWATCHED, Note, Remarks, Watch
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
    note_reduced,
    own_texts,
)
from bachview.marks.formats.shapes import (
    Points,
    by_size,
    outlines_of,
)
from bachview.marks.formats.xml_writing import XmlWriter, xml_file
from bachview.marks.measures import measures_of

if TYPE_CHECKING:
    pass

#: Columns of ImageScope's list of regions that every file has.
_HEADERS = (("9999", "Region"), ("9997", "Length"), ("9996", "Area"), ("9998", "Text"))
#: How far from a point the tail of the arrow lies that shows it, level-0 px.
_ARROW_PX = 100.0


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
                    file.element("Attribute", {"Name": DESCRIPTION, "Id": "0", "Value": ""})
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
    color = (own.color if own is not None else first.color) or USUAL_COLOR
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
    own = own_texts(annotation, is_color_kept=usual not in (None, USUAL_COLOR))
    return {DESCRIPTION: annotation.note, **others, **own}


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
