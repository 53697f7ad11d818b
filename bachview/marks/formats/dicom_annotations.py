"""Writes annotations as DICOM Microscopy Bulk Simple Annotations.

A group for each class and kind of graphic, in px of the slide's level 0: the standard's origin is
the corner of its first pixel, as ours is. A counter is a group of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from bachview.core.pixel_size import PixelSize
from bachview.errors import ExportError
from bachview.files import atomic_path
from bachview.marks.annotation import Annotation, Kind
from bachview.marks.formats import dicom_codes as codes
from bachview.marks.formats.dicom_shapes import Graphic, cut_to, graphics_of
from bachview.marks.formats.found import UNWATCHED, Watch
from bachview.marks.measures import measures_of
from bachview.policy.in_force import in_force
from bachview.slide.formats.dicom_source import (
    DicomSource,
    import_highdicom,
    long_string,
    new_uid,
)

#: Of groups of annotations without a class.
NO_CLASS_LABEL: Final = "No class"
SERIES_NUMBER: Final = 9002
_DESCRIPTION: Final = "Annotations. Research use only, not for diagnosis."
_Measured = tuple[codes.Code, codes.Code]


@dataclass(slots=True)
class _Group:
    """Annotations that are alike.

    Attributes
    ----------
    graphics : points as one each.
    values : code and unit of a measurement to the values, by number of the graphic.
    """

    first: Annotation
    kind: str
    graphics: list[np.ndarray[Any, np.dtype[np.float64]]] = field(default_factory=list)
    values: dict[_Measured, dict[int, float]] = field(default_factory=dict)


def write_dicom_annotations(
    path: Path,
    annotations: Sequence[Annotation],
    source: DicomSource,
    pixel_size: PixelSize,
    watch: Watch = UNWATCHED,
) -> tuple[str, ...]:
    """Write the object. Any thread.

    Returns
    -------
    Sentences on what it has no place for.

    Raises
    ------
    ExportError
        The file cannot be written, or there is nothing to write.
    LockedError
        The administrator allows no names in exported files.
    Cancelled
        The watch's token was cancelled; an existing file is untouched.
    """
    in_force().check_names("A DICOM object, which carries the patient's name")
    source.check_target(path)
    groups, sentences = _grouped(annotations, source, pixel_size, watch)
    if not groups:
        raise ExportError(
            " ".join(("There is no annotation that the DICOM object could hold.", *sentences))
        )
    highdicom = import_highdicom()
    made = highdicom.ann.MicroscopyBulkSimpleAnnotations(
        [source.header],
        "2D",
        [_made(group, number) for number, group in enumerate(groups, 1)],
        series_number=SERIES_NUMBER,
        content_label="ANNOTATIONS",
        content_description=_DESCRIPTION,
        content_qualification="RESEARCH",
        series_description=_DESCRIPTION,
        **source.equipment(),
    )
    with atomic_path(path, ending=".dcm") as part:
        made.save_as(part, enforce_file_format=True)
    return sentences


def _grouped(
    annotations: Sequence[Annotation], source: DicomSource, pixel_size: PixelSize, watch: Watch
) -> tuple[list[_Group], tuple[str, ...]]:
    """The groups, and what is lost."""
    groups: dict[object, _Group] = {}
    texts = named = renamed = flagged = cut = outside = bridges = divided = 0
    for done, annotation in enumerate(annotations):
        watch.step(done, len(annotations))
        if annotation.kind is Kind.TEXT:
            texts += 1
            continue
        inside = cut_to(annotation, *source.size)
        if inside is None:
            outside += 1
            continue
        cut += inside is not annotation
        own = annotation.annotation_class
        named += bool(annotation.name or annotation.note)
        renamed += own is not None and long_string(own.name) != own.name
        flagged += annotation.is_locked or annotation.is_hidden
        graphics = graphics_of(inside)
        divided += len(graphics) > 1
        for graphic in graphics:
            bridges += graphic.kind == "POLYGON" and _has_holes(graphic.part)
            is_counter = graphic.kind == "POINT" and len(graphic.points) > 1
            key = (
                annotation.annotation_class,
                annotation.color,
                annotation.object_type == "annotation",
                graphic.kind,
                annotation.id if is_counter else "",
            )
            group = groups.setdefault(key, _Group(annotation, graphic.kind))
            _add(group, graphic, pixel_size, is_counter=is_counter)
    # The colour of a class, before that of single annotations of it.
    ordered = sorted(groups.values(), key=lambda group: group.first.color is not None)
    return ordered, _sentences(
        (texts, "text note", "left out, as the format has no texts"),
        (outside, "annotation", "left out, as it lies outside of the slide"),
        (cut, "annotation", "cut at the edge of the slide, as the format ends there"),
        (divided, "annotation", "divided into its parts, as the format has none"),
        (bridges, "outline", "joined to its holes by cuts of no width, as the format has no holes"),
        (named, "annotation", "written without its name and note, for which there is no place"),
        (renamed, "annotation", "written with the name of its class as one line of 64 characters"),
        (flagged, "annotation", "written as neither locked nor hidden, as the format has neither"),
    )


def _add(group: _Group, graphic: Graphic, pixel_size: PixelSize, *, is_counter: bool) -> None:
    number = len(group.graphics)
    if graphic.kind == "POINT":
        group.graphics += list(graphic.points[:, None])
    else:
        group.graphics.append(graphic.points)
    if is_counter:
        return
    measures = measures_of(graphic.part, pixel_size)
    own = (
        (codes.AREA, codes.MM2, measures.area_mm2),
        (codes.PERIMETER, codes.UM, measures.perimeter_um),
        (codes.LENGTH, codes.UM, measures.length_um),
        (codes.ANGLE, codes.DEG, measures.angle_deg),
    )
    found: dict[_Measured, float] = {
        (code, unit): value for code, unit, value in own if value is not None
    }
    for name, value in graphic.part.measurements.items():
        found[codes.own_code(name), codes.NO_UNITS] = float(value)
    for measured, value in found.items():
        group.values.setdefault(measured, {})[number] = value


def _made(group: _Group, number: int) -> Any:
    """As highdicom takes it."""
    highdicom = import_highdicom()
    first = group.first
    name = None if first.annotation_class is None else first.annotation_class.name
    kind, category = codes.class_codes(name)
    values = np.concatenate(group.graphics)
    # Single precision only where nothing is lost: that of a px on a large slide is 1/128 px.
    is_exact = bool((values == values.astype(np.float32)).all())
    count = len(group.graphics)
    measurements = []
    for (code, unit), found in group.values.items():
        filled = np.full(count, np.nan)
        filled[list(found)] = list(found.values())
        measurements.append(
            highdicom.ann.Measurements(codes.concept(code), filled, codes.concept(unit))
        )
    is_drawn = first.object_type == "annotation"
    color = first.shown_color
    return highdicom.ann.AnnotationGroup(
        number,
        new_uid(),
        NO_CLASS_LABEL if name is None else long_string(name) or "-",
        codes.concept(category),
        codes.concept(kind),
        group.kind,
        [points.astype(np.float32) for points in group.graphics] if is_exact else group.graphics,
        "MANUAL" if is_drawn else "AUTOMATIC",
        algorithm_identification=None if is_drawn else _unknown_algorithm(),
        measurements=measurements or None,
        description=None if is_drawn else f"Of another program: {first.object_type}",
        display_color=None if color is None else codes.lab_color(color),
    )


def _unknown_algorithm() -> Any:
    """Of detections that another program has made, which says not how."""
    unknown = codes.concept(("261665006", "SCT", "Unknown"))
    return import_highdicom().AlgorithmIdentificationSequence("Unknown", unknown, "Unknown")


def _has_holes(part: Annotation) -> bool:
    return bool(getattr(part.geometry, "interiors", ()))


#: What is said of one, and of several.
_PLURALS: Final = (
    ("it lies", "they lie"),
    ("its name and note", "their names and notes"),
    ("the name of its class as one line", "the names of their classes as lines"),
    ("its parts", "their parts"),
    ("its holes", "their holes"),
)


def _sentences(*rows: tuple[int, str, str]) -> tuple[str, ...]:
    """For each (count, what, what happened) that did, e.g. ``2 outlines were cut.``."""
    found = []
    for count, what, happened in rows:
        if count == 1:
            found.append(f"1 {what} was {happened}.")
        elif count:
            for one, several in _PLURALS:
                happened = happened.replace(one, several)
            found.append(f"{count:,} {what}s were {happened}.")
    return tuple(found)
