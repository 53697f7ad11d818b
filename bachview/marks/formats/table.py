"""The files that annotations are read from and written to: one row of `FORMATS` each.

The command line, the window and the Python interface offer what stands in the table. Nothing that
reads or writes is imported before it does.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bachview.errors import AnnotationError, UsageError

if TYPE_CHECKING:
    from bachview.marks.annotation import Annotation
    from bachview.marks.formats.found import Found, Watch
    from bachview.marks.formats.frame_of_slide import SlideFrame

    Read = Callable[[Path, SlideFrame, Watch], Found]
    Write = Callable[[Path, Sequence[Annotation], SlideFrame, Watch], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class AnnotationFormat:
    """One kind of file.

    Attributes
    ----------
    key : names it on the command line and in Python.
    suffixes : of its files, the usual one first.
    title : what the window offers.
    read : the annotations of a file; None if it is only written.
    write : writes annotations; returns sentences on what the format has no place for. None if it is
        only read.
    is_dicom : whether only a DICOM slide can have such a file.
    """

    key: str
    suffixes: tuple[str, ...]
    title: str
    read: "Read | None"
    write: "Write | None"
    is_dicom: bool = False


def _read_geojson(path: Path, slide: "SlideFrame", watch: "Watch") -> "Found":
    from bachview.marks.formats.geojson_reading import read_geojson

    return read_geojson(path, slide, watch)


def _write_geojson(
    path: Path, annotations: "Sequence[Annotation]", slide: "SlideFrame", watch: "Watch"
) -> tuple[str, ...]:
    from bachview.marks.formats.geojson_writing import write_geojson

    return write_geojson(path, annotations, slide, watch)


def _read_imagescope(path: Path, slide: "SlideFrame", watch: "Watch") -> "Found":
    from bachview.marks.formats.imagescope import read_imagescope

    return read_imagescope(path, slide, watch)


def _write_imagescope(
    path: Path, annotations: "Sequence[Annotation]", slide: "SlideFrame", watch: "Watch"
) -> tuple[str, ...]:
    from bachview.marks.formats.imagescope import write_imagescope

    return write_imagescope(path, annotations, slide, watch)


def _read_asap(path: Path, slide: "SlideFrame", watch: "Watch") -> "Found":
    from bachview.marks.formats.asap import read_asap

    return read_asap(path, slide, watch)


def _write_asap(
    path: Path, annotations: "Sequence[Annotation]", slide: "SlideFrame", watch: "Watch"
) -> tuple[str, ...]:
    from bachview.marks.formats.asap import write_asap

    return write_asap(path, annotations, slide, watch)


def _read_ndpa(path: Path, slide: "SlideFrame", watch: "Watch") -> "Found":
    from bachview.marks.formats.ndpa import read_ndpa

    return read_ndpa(path, slide, watch)


def _write_ndpa(
    path: Path, annotations: "Sequence[Annotation]", slide: "SlideFrame", watch: "Watch"
) -> tuple[str, ...]:
    from bachview.marks.formats.ndpa import write_ndpa

    return write_ndpa(path, annotations, slide, watch)


def _read_dicom(path: Path, slide: "SlideFrame", watch: "Watch") -> "Found":
    from bachview.marks.formats.dicom_annotations_reading import read_dicom_annotations

    return read_dicom_annotations(path, slide, watch)


def _write_dicom(
    path: Path, annotations: "Sequence[Annotation]", slide: "SlideFrame", watch: "Watch"
) -> tuple[str, ...]:
    from bachview.marks.formats.dicom_annotations import write_dicom_annotations
    from bachview.slide.formats.dicom_source import DicomSource

    source = DicomSource.of(slide.path)
    return write_dicom_annotations(path, annotations, source, slide.pixel_size, watch)


def _write_dicom_report(
    path: Path, annotations: "Sequence[Annotation]", slide: "SlideFrame", watch: "Watch"
) -> tuple[str, ...]:
    from bachview.marks.formats.dicom_report import write_dicom_report
    from bachview.slide.formats.dicom_source import DicomSource

    source = DicomSource.of(slide.path)
    return write_dicom_report(path, annotations, source, slide.pixel_size, watch)


def _write_csv(
    path: Path, annotations: "Sequence[Annotation]", slide: "SlideFrame", watch: "Watch"
) -> tuple[str, ...]:
    from bachview.marks.formats.measures_csv import write_csv

    return write_csv(path, annotations, slide, watch)


def _write_csv_for_excel(
    path: Path, annotations: "Sequence[Annotation]", slide: "SlideFrame", watch: "Watch"
) -> tuple[str, ...]:
    from bachview.marks.formats.measures_csv import write_csv

    return write_csv(path, annotations, slide, watch, has_mark=True)


def _write_coco(
    path: Path, annotations: "Sequence[Annotation]", slide: "SlideFrame", watch: "Watch"
) -> tuple[str, ...]:
    from bachview.marks.formats.coco import write_coco

    return write_coco(path, annotations, slide, watch)


def _write_mask(
    path: Path, annotations: "Sequence[Annotation]", slide: "SlideFrame", watch: "Watch"
) -> tuple[str, ...]:
    from bachview.marks.formats.label_mask import write_mask

    return write_mask(path, annotations, slide, watch)


#: Of two formats with one suffix, a file is of that whose first words it has; the first is written.
FORMATS: tuple[AnnotationFormat, ...] = (
    AnnotationFormat(
        "geojson",
        (".geojson", ".json", ".geojson.gz", ".json.gz", ".zip"),
        "GeoJSON, as QuPath has it",
        _read_geojson,
        _write_geojson,
    ),
    AnnotationFormat(
        "imagescope",
        (".xml",),
        "Aperio XML, as ImageScope has it",
        _read_imagescope,
        _write_imagescope,
    ),
    AnnotationFormat("asap", (".asap.xml", ".xml"), "XML of ASAP", _read_asap, _write_asap),
    AnnotationFormat("ndpa", (".ndpa",), "NDPA of Hamamatsu's NDP.view", _read_ndpa, _write_ndpa),
    AnnotationFormat(
        "dicom-ann",
        (".ann.dcm", ".dcm"),
        "DICOM Microscopy Bulk Simple Annotations",
        _read_dicom,
        _write_dicom,
        is_dicom=True,
    ),
    AnnotationFormat(
        "dicom-sr",
        (".sr.dcm",),
        "DICOM Structured Report of the measured values",
        None,
        _write_dicom_report,
        is_dicom=True,
    ),
    AnnotationFormat("csv", (".csv",), "Table of measured values (CSV)", None, _write_csv),
    AnnotationFormat(
        "csv-excel",
        (".csv",),
        "The same with a mark of UTF-8, for Excel",
        None,
        _write_csv_for_excel,
    ),
    AnnotationFormat("coco", (".coco.json",), "COCO, areas only", None, _write_coco),
    AnnotationFormat("mask", (".png",), "Mask of the classes (PNG), areas only", None, _write_mask),
    AnnotationFormat("mask-tiff", (".tif", ".tiff"), "The same as TIFF", None, _write_mask),
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
        dict.fromkeys(suffix for one in FORMATS if one.read is not None for suffix in one.suffixes)
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
    fitting = _fitting(path, [one for one in FORMATS if one.write is not None])
    if fitting:
        return fitting[0]
    suffixes = dict.fromkeys(one.suffixes[0] for one in FORMATS if one.write is not None)
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
    assert kind.write is not None  # noqa: S101  # checked above
    return kind.write(path, annotations, slide, watch)


def check_written(kind: AnnotationFormat) -> None:
    """Refuse a format that is only read.

    Raises
    ------
    UsageError
        It is.
    """
    if kind.write is None:
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
    fitting = _fitting(path, [one for one in FORMATS if one.read is not None])
    if not fitting:
        raise AnnotationError(
            f"{path.name} is of no format that annotations are read from; it must end in "
            f"{', '.join(readable_suffixes())}."
        )
    if len(fitting) > 1:
        start = _start(path)
        signed = [one for one in fitting if one.key in _SIGNS and _SIGNS[one.key] in start]
        fitting = [*signed, *(one for one in fitting if one.key not in _SIGNS), *fitting]
    read = fitting[0].read
    assert read is not None  # noqa: S101  # only such were asked for
    return read(path, slide, watch)


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
