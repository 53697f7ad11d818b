"""The files that annotations are read from and written to: one row of `FORMATS` each.

The command line, the window and the Python interface offer what stands in the table. Nothing that
reads or writes is imported before it does.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bachview.errors import AnnotationError, UsageError

if TYPE_CHECKING:
    from bachview.core.pixel_size import PixelSize
    from bachview.marks.annotation import Annotation
    from bachview.marks.formats.found import Found, Watch
    from bachview.marks.formats.frame_of_slide import SlideFrame
    from bachview.slide.formats.dicom_source import DicomSource

    Read = Callable[[Path, SlideFrame, Watch], Found]
    #: Returns sentences on what the format has no place for.
    Write = Callable[[Path, Sequence[Annotation], SlideFrame, Watch], tuple[str, ...]]
    WriteOfSource = Callable[
        [Path, Sequence[Annotation], DicomSource, PixelSize, Watch], tuple[str, ...]
    ]


@dataclass(frozen=True, slots=True)
class AnnotationFormat:
    """One kind of file.

    Attributes
    ----------
    key : names it on the command line and in Python.
    suffixes : of its files, the usual one first.
    title : what the window offers.
    reader : imports what reads the annotations of a file; None if it is only written.
    writer : imports what writes annotations; None if it is only read.
    is_dicom : whether only a DICOM slide can have such a file.
    """

    key: str
    suffixes: tuple[str, ...]
    title: str
    reader: "Callable[[], Read] | None"
    writer: "Callable[[], Write] | None"
    is_dicom: bool = False


def _geojson_reader() -> "Read":
    from bachview.marks.formats.geojson_reading import read_geojson

    return read_geojson


def _geojson_writer() -> "Write":
    from bachview.marks.formats.geojson_writing import write_geojson

    return write_geojson


def _imagescope_reader() -> "Read":
    from bachview.marks.formats.imagescope_reading import read_imagescope

    return read_imagescope


def _imagescope_writer() -> "Write":
    from bachview.marks.formats.imagescope_writing import write_imagescope

    return write_imagescope


def _asap_reader() -> "Read":
    from bachview.marks.formats.asap import read_asap

    return read_asap


def _asap_writer() -> "Write":
    from bachview.marks.formats.asap import write_asap

    return write_asap


def _ndpa_reader() -> "Read":
    from bachview.marks.formats.ndpa import read_ndpa

    return read_ndpa


def _ndpa_writer() -> "Write":
    from bachview.marks.formats.ndpa import write_ndpa

    return write_ndpa


def _dicom_reader() -> "Read":
    from bachview.marks.formats.dicom_annotations_reading import read_dicom_annotations

    return read_dicom_annotations


def _dicom_writer() -> "Write":
    from bachview.marks.formats.dicom_annotations import write_dicom_annotations

    return _of_source(write_dicom_annotations)


def _dicom_report_writer() -> "Write":
    from bachview.marks.formats.dicom_report import write_dicom_report

    return _of_source(write_dicom_report)


def _of_source(write: "WriteOfSource") -> "Write":
    """Write from the DICOM files of the slide."""
    from bachview.slide.formats.dicom_source import DicomSource

    return lambda path, annotations, slide, watch: write(
        path, annotations, DicomSource.of(slide.path), slide.pixel_size, watch
    )


def _csv_writer() -> "Write":
    from bachview.marks.formats.measures_csv import write_csv

    return write_csv


def _csv_writer_for_excel() -> "Write":
    from bachview.marks.formats.measures_csv import write_csv

    return partial(write_csv, has_mark=True)


def _coco_writer() -> "Write":
    from bachview.marks.formats.coco import write_coco

    return write_coco


def _mask_writer() -> "Write":
    from bachview.marks.formats.label_mask import write_mask

    return write_mask


#: Of two formats with one suffix, a file is of that whose first words it has; the first is written.
FORMATS: tuple[AnnotationFormat, ...] = (
    AnnotationFormat(
        "geojson",
        (".geojson", ".json", ".geojson.gz", ".json.gz", ".zip"),
        "GeoJSON, as QuPath has it",
        _geojson_reader,
        _geojson_writer,
    ),
    AnnotationFormat(
        "imagescope",
        (".xml",),
        "Aperio XML, as ImageScope has it",
        _imagescope_reader,
        _imagescope_writer,
    ),
    AnnotationFormat("asap", (".asap.xml", ".xml"), "XML of ASAP", _asap_reader, _asap_writer),
    AnnotationFormat(
        "ndpa", (".ndpa",), "NDPA of Hamamatsu's NDP.view", _ndpa_reader, _ndpa_writer
    ),
    AnnotationFormat(
        "dicom-ann",
        (".ann.dcm", ".dcm"),
        "DICOM Microscopy Bulk Simple Annotations",
        _dicom_reader,
        _dicom_writer,
        is_dicom=True,
    ),
    AnnotationFormat(
        "dicom-sr",
        (".sr.dcm",),
        "DICOM Structured Report of the measured values",
        None,
        _dicom_report_writer,
        is_dicom=True,
    ),
    AnnotationFormat("csv", (".csv",), "Table of measured values (CSV)", None, _csv_writer),
    AnnotationFormat(
        "csv-excel",
        (".csv",),
        "The same with a mark of UTF-8, for Excel",
        None,
        _csv_writer_for_excel,
    ),
    AnnotationFormat("coco", (".coco.json",), "COCO, areas only", None, _coco_writer),
    AnnotationFormat(
        "mask", (".png",), "Mask of the classes (PNG), areas only", None, _mask_writer
    ),
    AnnotationFormat("mask-tiff", (".tif", ".tiff"), "The same as TIFF", None, _mask_writer),
)

#: Those whose resolution can be chosen.
MASKS = frozenset({"mask", "mask-tiff"})

#: What stands in the first part of a file that is not of the first format with its suffix.
_SIGNS = {"asap": b"ASAP_Annotations"}
_FIRST_BYTES = 4096
#: Suffixes that say nothing of what a file beside a slide is.
_OF_ANYTHING = (".json", ".json.gz", ".zip", ".dcm")


def readable_suffixes() -> tuple[str, ...]:
    """Suffixes of all files that can be read."""
    return tuple(
        dict.fromkeys(
            suffix for one in FORMATS if one.reader is not None for suffix in one.suffixes
        )
    )


def is_annotation_file(path: Path) -> bool:
    """Whether a file has the name of one that annotations are read from, and that no slide has."""
    suffixes = tuple(suffix for suffix in readable_suffixes() if suffix != ".dcm")
    return path.name.lower().endswith(suffixes)


def sidecars(slide: Path) -> tuple[Path, ...]:
    """The files of annotations that lie beside a slide and are called like it.

    Of names that other files have too, the content decides. Any thread but the GUI thread.
    """
    names = {slide.stem, slide.name}
    endings = [suffix for suffix in readable_suffixes() if suffix not in _OF_ANYTHING]
    found = dict.fromkeys(
        slide.with_name(name + suffix) for suffix in endings for name in sorted(names)
    )
    return tuple(path for path in found if _is_sidecar(path))


def _is_sidecar(path: Path) -> bool:
    if not os.path.isfile(path):  # noqa: PTH113  # no error if a share does not answer
        return False
    return path.suffix.lower() != ".xml" or b"Annotations" in _start(path)


def format_named(key: str) -> AnnotationFormat:
    """The format with this key.

    Raises
    ------
    UsageError
        There is none.
    """
    for one in FORMATS:
        if one.key == key:
            return one
    raise UsageError(
        f"There is no format {key!r}; there are {', '.join(one.key for one in FORMATS)}."
    )


def format_to_write(path: Path) -> AnnotationFormat:
    """The format that a file to be written has by its name: that of the longest suffix.

    Raises
    ------
    UsageError
        None has its suffix.
    """
    fitting = _fitting(path, [one for one in FORMATS if one.writer is not None])
    if fitting:
        return fitting[0]
    suffixes = dict.fromkeys(one.suffixes[0] for one in FORMATS if one.writer is not None)
    offered = ", ".join(suffixes)
    raise UsageError(f"{path.name} does not say which format it is to have; end it in {offered}.")


def write_annotations(
    kind: AnnotationFormat,
    path: Path,
    annotations: "Sequence[Annotation]",
    slide: "SlideFrame",
    watch: "Watch",
    *,
    mask_mpp: float | None = None,
) -> tuple[str, ...]:
    """Write annotations; returns sentences on what the format has no place for. Any thread.

    Parameters
    ----------
    mask_mpp : um per px of a mask; None: as fine as 4096 px for its longer side allow.

    Raises
    ------
    UsageError
        The format is only read, or is no mask and `mask_mpp` is given.
    ExportError
        The file cannot be written, or needs what the slide does not state.
    Cancelled
        The watch's token was cancelled; an existing file is untouched.
    """
    check_written(kind)
    if mask_mpp is not None:
        from bachview.marks.formats.label_mask import write_mask

        if kind.key not in MASKS:
            raise UsageError(f"Only a mask has a resolution of its own, and {kind.key} is none.")
        return write_mask(path, annotations, slide, watch, mpp=mask_mpp)
    assert kind.writer is not None  # noqa: S101  # checked above
    return kind.writer()(path, annotations, slide, watch)


def check_written(kind: AnnotationFormat) -> None:
    """Refuse a format that is only read.

    Raises
    ------
    UsageError
        It is.
    """
    if kind.writer is None:
        raise UsageError(f"Annotations are not written as {kind.key}; they are only read.")


def read_annotations(path: Path, slide: "SlideFrame", watch: "Watch") -> "Found":
    """The annotations of a file, in the format that its name and content say. Any thread.

    Raises
    ------
    AnnotationError
        It cannot be read, or is of no format that is known.
    Cancelled
        The watch's token was cancelled.
    """
    fitting = _fitting(path, [one for one in FORMATS if one.reader is not None])
    if not fitting:
        raise AnnotationError(
            f"{path.name} is of no format that annotations are read from; it must end in "
            f"{', '.join(readable_suffixes())}."
        )
    if len(fitting) > 1:
        start = _start(path)
        signed = [one for one in fitting if one.key in _SIGNS and _SIGNS[one.key] in start]
        fitting = [*signed, *(one for one in fitting if one.key not in _SIGNS), *fitting]
    reader = fitting[0].reader
    assert reader is not None  # noqa: S101  # only such were asked for
    return reader()(path, slide, watch)


def _fitting(path: Path, formats: "Sequence[AnnotationFormat]") -> list[AnnotationFormat]:
    """Those with the longest suffix of a file's name that any has, in their order."""
    name = path.name.lower()
    lengths = {
        one.key: max((len(end) for end in one.suffixes if name.endswith(end)), default=0)
        for one in formats
    }
    longest = max(lengths.values(), default=0)
    return [one for one in formats if longest and lengths[one.key] == longest]


def _start(path: Path) -> bytes:
    """The first bytes of a file, without the zeros of UTF-16; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_FIRST_BYTES).replace(b"\0", b"")
    except OSError:
        return b""
