"""Writes predictions of a DICOM slide as DICOM Segmentations: a pixel is a cell.

The pixels are as large as the cells, and lie where the cells lie on the glass, so that nothing is
drawn finer than it was judged. Either each class is a binary segment of the cells that are
certainly of it, beside segments of what has no class; or each is a fractional segment of its
probability, which is 0 in all segments where nothing was judged. What a reader has corrected is an
object of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.cells import tissue_in
from bachview.core.geometry import Point
from bachview.core.uncertainty import uncertain
from bachview.errors import ExportError
from bachview.files import FileGroup, atomic_path
from bachview.marks.formats import dicom_codes as codes
from bachview.slide.formats.dicom_source import DicomSource, import_highdicom, long_string

if TYPE_CHECKING:
    from bachview.export.content import Content
    from bachview.store.provenance import Provenance

_TILE: Final = 256
#: Of a fractional segment, which has 8 bits.
MOST_VALUE: Final = 255
#: Of a text of the VR ST.
_MOST_TEXT: Final = 1024
_WITHOUT_CLASS: Final = (
    CellState.UNCERTAIN,
    CellState.OUTSIDE,
    CellState.PENDING,
    CellState.FAILED,
)


class Of(Enum):
    """What a segmentation is of.

    Attributes
    ----------
    label : names the object, in capitals as the standard asks.
    series : number of its series.
    description : of the object.
    """

    CLASSES = "CLASSES", 9000, "Classes by a model"
    PROBABILITIES = "PROBABILITIES", 9001, "Probabilities by a model"
    CORRECTIONS = "CORRECTIONS", 9004, "A reader's corrections"

    label: str
    series: int
    description: str

    def __new__(cls, label: str, series: int, what: str) -> "Of":
        """Make a member."""
        made = object.__new__(cls)
        made._value_ = label
        made.label, made.series = label, series
        made.description = f"{what}. Research use only, not for diagnosis."
        return made


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment.

    Attributes
    ----------
    label : as displayed.
    code, category : what it is of.
    color : (red, green, blue).
    values : (rows, columns) bool, or float32 from 0 to 1.
    """

    label: str
    code: codes.Code
    category: codes.Code
    color: tuple[int, int, int]
    values: npt.NDArray[Any]


def segmented_source(path: Path, *, names: bool) -> DicomSource:
    """The slide that a segmentation is to be of.

    Parameters
    ----------
    path : of the slide's file.
    names : whether names are written.

    Raises
    ------
    ExportError
        It can have none: it is none of DICOM, lacks what the object needs, or names are not to be
        written.
    """
    if not names:
        raise ExportError(
            "A DICOM object carries the patient's name and number as its slide does; allow names "
            "inside the files, or choose other kinds of files."
        )
    source = DicomSource.of(path)
    source.check_placed()
    return source


def write_segmentation(
    path: Path, content: "Content", of: Of, group: FileGroup | None = None
) -> None:
    """Write the cells of the slide, or those that touch the region that is spoken of.

    Parameters
    ----------
    group : the file appears with the others of this group.

    Raises
    ------
    ExportError
        It cannot be written: the slide is none of DICOM, lacks what the object needs, names are not
        to be written, or there are no corrections.
    """
    source = segmented_source(content.reader.metadata.path, names=content.slide_name is not None)
    source.check_target(path)
    rows, columns = slice(None), slice(None)
    if content.region is not None:
        rows, columns = content.prediction.grid.cells_in(content.region)
    found = {Of.CLASSES: _classes, Of.PROBABILITIES: _probabilities, Of.CORRECTIONS: _corrections}
    segments = [replace(one, values=one.values[rows, columns]) for one in found[of](content)]
    if not segments[0].values.size:
        raise ExportError("The region has no cells; choose another.")
    made = _made(source, content, of, segments, (rows.start or 0, columns.start or 0))
    with atomic_path(path, group=group, ending=".dcm") as part:
        made.save_as(part, enforce_file_format=True)


def _classes(content: "Content") -> Iterator[Segment]:
    """Of cells by what is shown of them; states without a class where they occur."""
    prediction = content.prediction
    is_uncertain = uncertain(prediction, content.thresholds)
    is_inside = tissue_in(prediction, content.region)
    shown = np.where(is_uncertain, CellState.UNCERTAIN, prediction.states)
    is_certain = is_inside & (shown == CellState.CLASSIFIED)
    for index, one in enumerate(prediction.classes):
        values = is_certain & (prediction.top_class == index)
        yield Segment(one.name, *codes.class_codes(one.name), one.color, values)
    for state in _WITHOUT_CLASS:
        values = is_inside & (shown == state)
        if values.any():
            yield Segment(state.shown, *codes.class_codes(state.shown), state.color, values)


def _probabilities(content: "Content") -> Iterator[Segment]:
    """Of each class; also where the cell is uncertain."""
    prediction = content.prediction
    is_inside = tissue_in(prediction, content.region)
    for index, one in enumerate(prediction.classes):
        # Rows of float32 can add up to a little more than 1.
        values = np.minimum(prediction.class_probability(index), np.float32(1)) * is_inside
        yield Segment(one.name, *codes.class_codes(one.name), one.color, values)


def _corrections(content: "Content") -> Iterator[Segment]:
    """Of the cells that a reader has said something of, by the reader's class."""
    corrected = content.corrected
    if not len(corrected):
        raise ExportError("No cell has been corrected, so there are no corrections to write.")
    labels = corrected.on_grid()
    for index, one in enumerate(content.prediction.classes):
        yield Segment(one.name, *codes.class_codes(one.name), one.color, labels == index)


def _made(
    source: DicomSource,
    content: "Content",
    of: Of,
    segments: list[Segment],
    first: tuple[int, int],
) -> Any:
    """The object, in highdicom's class."""
    highdicom = import_highdicom()
    from pydicom.uid import ExplicitVRLittleEndian

    grid = content.prediction.grid
    cell = grid.cell(*first)
    spacing = grid.stride_y * source.spacing[1], grid.stride_x * source.spacing[0]
    slide = highdicom.CoordinateSystemNames.SLIDE
    values = np.stack([one.values for one in segments], axis=-1)[None]
    text = _corrections_text(content) if of is Of.CORRECTIONS else _statement(content)
    is_fractional, is_readers = of is Of.PROBABILITIES, of is Of.CORRECTIONS
    algorithm = None if is_readers else _algorithm(content.provenance)
    described = []
    for number, one in enumerate(segments, 1):
        row = highdicom.seg.SegmentDescription(
            number,
            long_string(one.label),
            codes.concept(one.category),
            codes.concept(one.code),
            "MANUAL" if is_readers else "AUTOMATIC",
            algorithm_identification=algorithm,
            display_color=codes.lab_color(one.color),
        )
        row.SegmentDescription = text
        described.append(row)
    rows, columns = values.shape[1:3]
    made = highdicom.seg.Segmentation(
        [source.header],
        values if is_fractional else values.astype(np.uint8),
        "FRACTIONAL" if is_fractional else "BINARY",
        described,
        max_fractional_value=MOST_VALUE,
        series_number=of.series,
        content_label=of.label,
        content_description=of.description,
        content_qualification="RESEARCH",
        series_description=of.description,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        pixel_measures=highdicom.PixelMeasuresSequence(spacing, _thickness(source)),
        plane_orientation=highdicom.PlaneOrientationSequence(slide, source.orientation),
        plane_positions=[
            highdicom.PlanePositionSequence(
                slide, source.mm_of([_center(cell.center)])[0].tolist(), (1, 1)
            )
        ],
        # Every frame says where it lies and of which segment it is: not all readers work that out.
        omit_empty_frames=False,
        dimension_organization_type="TILED_SPARSE",
        tile_pixel_array=True,
        tile_size=(min(_TILE, rows), min(_TILE, columns)),
        **source.equipment(),
    )
    # Asked for of images without a place in the patient, and not known of a section.
    made.PatientOrientation = ""
    return made


def _center(point: Point) -> tuple[float, float]:
    return point.x, point.y


def _thickness(source: DicomSource) -> float | None:
    """Of the section, mm; None if the slide does not state it."""
    shared = source.header.SharedFunctionalGroupsSequence[0]
    value = shared.PixelMeasuresSequence[0].get("SliceThickness")
    return None if value is None else float(value)


def _statement(content: "Content") -> str:
    """What it is of and how far it may be trusted, without the file's name."""
    unnamed = replace(content, slide_name=None)
    return f"{unnamed.statement.line} {content.provenance.research_use}"[:_MOST_TEXT]


def _corrections_text(content: "Content") -> str:
    """How many cells, and of which model they were corrections."""
    count = len(content.corrected)
    cells = "1 cell" if count == 1 else f"{count:,} cells"
    return (
        f"{cells} that a reader has corrected, beside what {content.provenance.bundle_name} says. "
        f"{content.provenance.research_use}"
    )[:_MOST_TEXT]


def _algorithm(provenance: "Provenance") -> Any:
    """The bundle, by its name and hash, and what computed."""
    highdicom = import_highdicom()
    return highdicom.AlgorithmIdentificationSequence(
        long_string(provenance.bundle_name) or "Bundle",
        codes.concept(("123110", "DCM", "Artificial Intelligence")),
        provenance.bundle_sha256[:64] or "Unknown",
        source="bachview",
        parameters={
            "versions": " ".join(f"{name}-{version}" for name, version in provenance.versions),
            "engine": provenance.engine,
            "device": provenance.device,
            "precision": provenance.precision,
            "time": provenance.time,
            "slide": provenance.slide_fingerprint,
            "mpp_x": str(provenance.mpp_x),
            "mpp_y": str(provenance.mpp_y),
            "mpp_origin": provenance.mpp_origin,
        },
    )
