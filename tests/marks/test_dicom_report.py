"""Measured annotations as a DICOM Structured Report, as highdicom reads it."""

from pathlib import Path
from typing import Any

import highdicom
import pytest
import shapely
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from bachview.core.pixel_size import PixelSize
from bachview.errors import ExportError
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.formats.dicom_report import write_dicom_report
from bachview.marks.measures import measures_of
from bachview.slide.formats.dicom_source import DicomSource
from tests.support.dicom import write_placed_slide

INVASIVE = AnnotationClass("Invasive", (214, 39, 10))
SIZE = PixelSize.of_file(0.5, 0.6)
MIRRORED = (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def test_a_report_has_each_annotation_with_region_and_values(tmp_path: Path) -> None:
    specimen = Dataset()
    specimen.SpecimenIdentifier, specimen.SpecimenUID = "S1-A-1", generate_uid()
    slide = write_placed_slide(
        tmp_path / "slide",
        spacing=(0.0005, 0.0006),
        orientation=MIRRORED,
        SpecimenDescriptionSequence=[specimen],
    )
    source = DicomSource.of(slide)
    ring = shapely.Polygon(
        shapely.box(100, 100, 300, 200).exterior, [shapely.box(150, 120, 170, 140).exterior]
    )
    marks = [
        Annotation.drawn(Kind.AREA, ring, INVASIVE, note="Größe?"),
        Annotation.drawn(Kind.LINE, shapely.LineString([(0, 0), (300, 400)])),
        Annotation.drawn(Kind.ANGLE, shapely.LineString([(0, 9), (0, 0), (9, 0)])),
        Annotation.drawn(Kind.ELLIPSE, Frame(300, 300, 60, 20, 30)),
        Annotation.drawn(Kind.ELLIPSE, Frame(300, 300, 24, 22, 90)),
        Annotation.drawn(Kind.RECTANGLE, Frame(300, 300, 60, 20, 30)),
        Annotation.drawn(Kind.POINTS, shapely.MultiPoint([(5, 6), (7, 8), (9, 1)]), INVASIVE),
        Annotation.drawn(Kind.TEXT, shapely.Point(40, 50), note="see here"),
    ]
    path = tmp_path / "a.sr.dcm"
    assert write_dicom_report(path, marks, source, SIZE) == ()

    data = highdicom.sr.srread(path)
    assert data.StudyInstanceUID == source.header.StudyInstanceUID
    assert "Research use only" in data.SeriesDescription
    (series,) = data.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert series.SeriesInstanceUID == source.header.SeriesInstanceUID
    report: Any = data.content
    regions = report.get_planar_roi_measurement_groups()
    counted = report.get_image_measurement_groups()
    assert (len(regions), len(counted)) == (7, 1)
    for group, mark in zip(regions, [*marks[:6], marks[7]], strict=True):
        values = {
            item.name.meaning: (item.value, item.unit.value) for item in group.get_measurements()
        }
        found = measures_of(mark, SIZE)
        expected = {
            "Area": (found.area_mm2, "mm2"),
            "Perimeter": (found.perimeter_um, "um"),
            "Length": (found.length_um, "um"),
            "Angle": (found.angle_deg, "deg"),
        }
        assert {key for key in expected if expected[key][0] is not None} == set(values)
        for key, (value, unit) in values.items():
            assert (value, unit) == (pytest.approx(expected[key][0]), expected[key][1])
        places = source.px_of(group.roi.value)
        if mark.kind in (Kind.AREA, Kind.RECTANGLE):
            assert shapely.Polygon(places).area == pytest.approx(mark.geometry.area, rel=1e-4)
        # Half a pixel is not lost: single precision of mm on the glass.
        assert places[:, 0].min() == pytest.approx(mark.bounds[0], abs=0.02)
    first = regions[0]
    assert first.finding_type.meaning == "Invasive breast carcinoma"
    assert first.tracking_identifier == "Größe?"
    assert regions[6].tracking_identifier == "see here"
    assert len({group.tracking_uid for group in regions}) == 7
    (count,) = counted[0].get_measurements()
    assert (count.value, count.unit.value) == (3, "{counts}")

    axes = regions[4].roi
    assert axes.graphic_type.value == "ELLIPSE"
    assert abs(axes.value[0] - axes.value[1]).max() > abs(axes.value[2] - axes.value[3]).max()

    with pytest.raises(ExportError, match="how large"):
        write_dicom_report(tmp_path / "b.dcm", marks, source, PixelSize.unknown())
    with pytest.raises(ExportError, match="no annotation"):
        write_dicom_report(tmp_path / "b.dcm", [], source, SIZE)
