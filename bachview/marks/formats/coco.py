"""COCO's JSON of object detection: areas as polygons, a category for each class."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bachview.file_names import json_text
from bachview.files import atomic_file
from bachview.marks.annotation import AREAS, Annotation
from bachview.marks.formats.found import UNWATCHED, Note, Remarks, Watch
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.shapes import corners_of, without_holes

#: Name of the category of annotations without a class.
NO_CLASS = "no class"


def write_coco(
    path: Path, annotations: Sequence[Annotation], slide: SlideFrame, watch: Watch = UNWATCHED
) -> tuple[str, ...]:
    """Write all areas in level-0 px; an outline with holes becomes polygons without.

    Raises
    ------
    ExportError
        The file cannot be written.
    Cancelled
        The watch's token was cancelled; an existing file is untouched.
    """
    remarks = Remarks()
    areas = [one for one in annotations if one.kind in AREAS]
    if len(areas) < len(annotations):
        remarks.note(Note.NOT_WRITTEN, len(annotations) - len(areas))
    names = list(dict.fromkeys(_class_name(one) for one in areas))
    shown = [name if name is not None else _unused(NO_CLASS, names) for name in names]
    mpp = slide.mpp
    head: dict[str, Any] = {
        "info": {"description": "Annotations, level-0 px of the slide"},
        "licenses": [],
        "images": [
            {
                "id": 1,
                "file_name": slide.name,
                "width": slide.width,
                "height": slide.height,
                **({} if mpp is None else {"mpp_x": mpp[0], "mpp_y": mpp[1]}),
            }
        ],
        "categories": [
            {"id": number, "name": name, "supercategory": ""}
            for number, name in enumerate(shown, 1)
        ],
    }
    with atomic_file(path) as file:
        start = json_text(head, indent=None).removesuffix("}")
        file.write(f'{start}, "annotations": ['.encode())
        comma = "\n"
        for done, annotation in enumerate(areas, 1):
            category = names.index(_class_name(annotation)) + 1
            document = _document(done, annotation, category)
            file.write((comma + json.dumps(document, allow_nan=False)).encode("ascii"))
            comma = ",\n"
            watch.step(done, len(areas))
        file.write(b"\n]}\n")
    return remarks.sentences


def _class_name(annotation: Annotation) -> str | None:
    own = annotation.annotation_class
    return None if own is None else own.name


def _unused(name: str, taken: Sequence[str | None]) -> str:
    """The name, with a mark where a class has it."""
    while name in taken:
        name += "_"
    return name


def _document(number: int, annotation: Annotation, category: int) -> dict[str, Any]:
    shape = annotation.geometry
    left, top, right, bottom = annotation.bounds
    return {
        "id": number,
        "image_id": 1,
        "category_id": category,
        "iscrowd": 0,
        "area": round(shape.area, 2),
        "bbox": [round(side, 2) for side in (left, top, right - left, bottom - top)],
        "segmentation": [
            [round(side, 2) for at in corners_of(polygon.exterior) for side in at]
            for polygon in without_holes(shape)
        ],
        "attributes": {"id": annotation.id, "name": annotation.name, "note": annotation.note},
    }
