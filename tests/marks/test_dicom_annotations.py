"""Annotations as DICOM objects: written, read by others, and read back."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import generate_uid

from bachview.core.pixel_size import PixelSize
from bachview.errors import AnnotationError, ExportError, LockedError, SlideOpenError
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.formats.dicom_annotations import write_dicom_annotations
from bachview.marks.formats.dicom_annotations_reading import read_dicom_annotations
from bachview.marks.formats.found import UNWATCHED
from bachview.marks.formats.frame_of_slide import SlideFrame
from bachview.marks.formats.table import (
    format_named,
    format_to_write,
    is_annotation_file,
    read_annotations,
    write_annotations,
)
from bachview.slide.formats.dicom_source import DicomSource
from bachview.slide.opening import open_slide
from tests.support.annotations import annotations
from tests.support.dicom import write_placed_slide
from tests.support.policies import set_policy

WIDTH, HEIGHT = 40_000, 30_000
SIZE = PixelSize.typed(0.5)
TURNED = (0.0, -1.0, 0.0, -1.0, 0.0, 0.0)
INVASIVE = AnnotationClass("Invasive", (214, 39, 10))
OWN = AnnotationClass("Necrosis", (1, 2, 3))
LONG = AnnotationClass("a long name " * 9, (7, 80, 90))


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> SlideFrame:
    """A large slide, of which only the header is read."""
    path = write_placed_slide(
        tmp_path_factory.mktemp("slide"),
        orientation=TURNED,
        TotalPixelMatrixColumns=WIDTH,
        TotalPixelMatrixRows=HEIGHT,
    )
    return SlideFrame("a.dcm", WIDTH, HEIGHT, SIZE, path=path)


def written(path: Path, marks: list[Annotation], slide: SlideFrame) -> tuple[str, ...]:
    return write_dicom_annotations(path, marks, DicomSource.of(slide.path), SIZE)


def facts(marks: Sequence[Annotation]) -> list[tuple[Any, ...]]:
    """What a reader sees, part by part and point by point, in an order of its own."""
    found = []
    for mark in marks:
        name = "" if mark.annotation_class is None else " ".join(mark.annotation_class.name.split())
        kind = {Kind.ANGLE: Kind.LINE, Kind.RECTANGLE: Kind.AREA, Kind.ELLIPSE: Kind.AREA}
        for part in shapely.get_parts(mark.geometry):
            color = mark.shown_color or (-1, -1, -1)
            numbers = (*part.bounds, part.area, part.length, *part.centroid.coords[0])
            found.append((name, kind.get(mark.kind, mark.kind), *color, *numbers))
    return sorted(found, key=lambda row: (*row[:5], *(round(number, 3) for number in row[5:])))


def assert_same(found: Sequence[Annotation], expected: Sequence[Annotation]) -> None:
    got, wanted = facts(found), facts(expected)
    assert [row[:5] for row in got] == [row[:5] for row in wanted]
    assert np.allclose([r[5:] for r in got], [r[5:] for r in wanted], rtol=1e-9, atol=1e-3)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(annotations(), min_size=1, max_size=5, unique_by=lambda mark: mark.id))
def test_shapes_classes_and_colours_come_back(
    tmp_path: Path, slide: SlideFrame, marks: list[Annotation]
) -> None:
    box = shapely.box(0, 0, WIDTH, HEIGHT)
    marks = [m for m in marks if m.kind is not Kind.TEXT and box.contains(m.geometry)]
    path = tmp_path / "a.dcm"
    if not marks:
        with pytest.raises(ExportError, match="no annotation"):
            written(path, marks, slide)
        return
    written(path, marks, slide)
    found = read_dicom_annotations(path, slide)
    assert_same(found.annotations, marks)
    # What is written again is the same.
    again = tmp_path / "again.dcm"
    written(again, list(found.annotations), slide)
    assert_same(read_dicom_annotations(again, slide).annotations, marks)


def test_other_readers_see_groups_with_codes_colours_and_measures(
    tmp_path: Path, slide: SlideFrame
) -> None:
    ring = shapely.Polygon(
        shapely.box(100, 100, 300, 200).exterior, [shapely.box(150, 120, 170, 140).exterior]
    )
    marks = [
        Annotation("1", Kind.AREA, ring, INVASIVE, name="edge"),
        Annotation("2", Kind.AREA, shapely.box(-50, 0, 50, 100), INVASIVE),
        Annotation("3", Kind.LINE, shapely.LineString([(0, 0), (300, 400)]), OWN),
        Annotation("4", Kind.POINTS, shapely.MultiPoint([(5, 6), (7, 8)]), OWN),
        Annotation("5", Kind.ELLIPSE, Frame(500, 500, 20, 80, 10), color=(9, 8, 7)),
        Annotation("6", Kind.TEXT, shapely.Point(1, 1), note="see here"),
        Annotation("7", Kind.RECTANGLE, Frame(700, 700, 30, 20), object_type="detection"),
        Annotation("8", Kind.POINTS, shapely.Point(9, 9), LONG, is_locked=True),
    ]
    path = tmp_path / "a.dcm"
    sentences = written(path, marks, slide)
    assert [text.split(",")[0] for text in sentences] == [
        "1 text note was left out",
        "1 annotation was cut at the edge of the slide",
        "1 outline was joined to its holes by cuts of no width",
        "1 annotation was written without its name and note",
        "1 annotation was written with the name of its class as one line of 64 characters.",
        "1 annotation was written as neither locked nor hidden",
    ]
    data = highdicom.ann.annread(path)
    source = DicomSource.of(slide.path).header
    assert data.StudyInstanceUID == source.StudyInstanceUID
    assert data.ReferencedImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert data.PixelOriginInterpretation == "VOLUME"
    assert "Research use only" in data.ContentDescription

    (areas,) = data.get_annotation_groups(label="Invasive")
    assert areas.annotated_property_type.meaning == "Invasive breast carcinoma"
    assert areas.algorithm_type.value == "MANUAL"
    rgb = highdicom.color.CIELabColor.from_dicom_value(areas.RecommendedDisplayCIELabValue).to_rgb()
    assert rgb == INVASIVE.color
    first, second = areas.get_graphic_data("2D")
    assert shapely.Polygon(first).area == ring.area
    assert shapely.Polygon(second).equals(shapely.box(0, 0, 50, 100))
    names, values, units = areas.get_measurements()
    measured = {
        (name.meaning, unit.value): column
        for name, unit, column in zip(names, units, values.T, strict=True)
    }
    assert measured["Area", "mm2"] == pytest.approx([ring.area * 0.25e-6, 5000 * 0.25e-6])
    (line,) = data.get_annotation_groups(graphic_type="POLYLINE")
    assert line.annotated_property_type.scheme_designator == "99BACHVIEW"
    assert line.get_measurements()[1].ravel() == pytest.approx([250.0])
    (ellipse,) = data.get_annotation_groups(graphic_type="ELLIPSE")
    axes = ellipse.get_graphic_data("2D")[0]
    assert np.hypot(*(axes[1] - axes[0])) == pytest.approx(80), "the long axis comes first"
    (box,) = data.get_annotation_groups(algorithm_type="AUTOMATIC")
    assert box.graphic_type.value == "RECTANGLE"


def test_objects_of_other_programs_are_read_in_px_of_level_0(tmp_path: Path) -> None:
    file = write_placed_slide(tmp_path / "slide", orientation=TURNED)
    slide = SlideFrame("0.dcm", 640, 448, SIZE, path=file)
    source = DicomSource.of(file)
    header = copy.copy(source.header)
    header.SOPInstanceUID = dcmread(file.with_name("1.dcm")).SOPInstanceUID
    level = replace(source, header=header)
    places = [np.array([[10.0, 20.0], [110.0, 20.0], [110.0, 90.0]]), np.array([[0.0, 0.0]] * 3)]
    places[1][:, 0] = [5, 6, 7]
    places[1][1, 1] = 3
    path = tmp_path / "a.dcm"

    def write(of: DicomSource, kind: str, graphics: list[Any], **changes: Any) -> None:
        group = highdicom.ann.AnnotationGroup(
            1,
            generate_uid(),
            "Nuclei",
            highdicom.sr.CodedConcept("4421005", "SCT", "Cell"),
            highdicom.sr.CodedConcept("84640000", "SCT", "Nucleus"),
            "POLYGON",
            graphics,
            "MANUAL",
            measurements=[
                highdicom.ann.Measurements(
                    highdicom.sr.CodedConcept("410668003", "SCT", "Length"),
                    np.array([2.5, np.nan]),
                    highdicom.sr.CodedConcept("um", "UCUM", "micrometer"),
                )
            ],
        )
        data = highdicom.ann.MicroscopyBulkSimpleAnnotations(
            [of.header], kind, [group], series_number=1, **of.equipment()
        )
        data.ManufacturerModelName = "other"
        for name, value in changes.items():
            setattr(data, name, value)
        data.save_as(path, enforce_file_format=True)

    in_mm = [source.mm_of(points) for points in places]
    write(source, "3D", [points.astype(np.float32) for points in in_mm])
    for _ in range(2):
        found = read_dicom_annotations(path, slide).annotations
        assert len(found) == 2
        for mark, points in zip(found, places, strict=True):
            corners = shapely.get_coordinates(mark.geometry)[:-1]
            # Single precision of mm on the glass.
            assert np.allclose(corners, points, rtol=0, atol=0.01)
            assert mark.annotation_class is not None
            assert mark.annotation_class.name == "Nuclei"
        assert found[0].measurements == {"Length um": 2.5}
        assert not found[1].measurements
        # The second level has half as many px.
        write(level, "2D", [points / 2 for points in places])

    for changes, said in (
        ({"PixelOriginInterpretation": "FRAME"}, "not supported"),
        ({"ReferencedImageSequence": []}, "another slide"),
    ):
        write(source, "2D", places, **changes)
        with pytest.raises(AnnotationError, match=said):
            read_dicom_annotations(path, slide)
    write(source, "2D", places)
    data = dcmread(path)
    data.AnnotationGroupSequence[0].NumberOfAnnotations = 4_000_000_000
    data.save_as(path)
    nothing = read_dicom_annotations(path, slide)
    assert nothing.annotations == ()
    assert "damaged" in nothing.sentences[0]
    with pytest.raises(AnnotationError, match="VL Whole Slide"):
        read_dicom_annotations(file, slide)
    broken = path.read_bytes()
    path.write_bytes(broken[: len(broken) // 2])
    with pytest.raises(AnnotationError, match=r"a\.dcm"):
        read_dicom_annotations(path, slide)
    packed = broken.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99", 1)
    path.write_bytes(packed)
    with pytest.raises(AnnotationError, match="deflated"):
        read_dicom_annotations(path, slide)
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_dicom_annotations(tmp_path / "missing.dcm", slide)
    path.write_bytes(broken)
    with pytest.raises(AnnotationError, match="DICOM slide"):
        read_dicom_annotations(path, replace(slide, path=path))


def test_annotations_are_told_from_slides_by_name_and_by_what_is_in_them(
    tmp_path: Path, slide: SlideFrame
) -> None:
    path = tmp_path / "a.ann.dcm"
    mark = Annotation("1", Kind.POINTS, shapely.Point(4, 5), INVASIVE)
    assert write_annotations(format_to_write(path), path, [mark], slide, UNWATCHED) == ()
    assert is_annotation_file(path)
    assert slide.path is not None
    assert not is_annotation_file(slide.path)
    before = slide.path.read_bytes()
    with pytest.raises(ExportError, match="file of the slide"):
        written(slide.path, [mark], slide)
    assert slide.path.read_bytes() == before
    with pytest.raises(SlideOpenError, match="open that slide, then import them"):
        open_slide(path)
    assert_same(read_annotations(path, slide, UNWATCHED).annotations, [mark])


def test_where_names_are_forbidden_none_is_written(
    tmp_path: Path, slide: SlideFrame, own_policy: Path
) -> None:
    set_policy(own_policy, 'names_in_exports = false\nlocked = ["names_in_exports"]')
    mark = Annotation("1", Kind.POINTS, shapely.Point(4, 5))
    for key in ("dicom-ann", "dicom-sr"):
        with pytest.raises(LockedError, match="patient's name"):
            write_annotations(format_named(key), tmp_path / "a.dcm", [mark], slide, UNWATCHED)
    assert not (tmp_path / "a.dcm").exists()


def test_what_lies_beside_the_slide_is_left_out_and_said(tmp_path: Path, slide: SlideFrame) -> None:
    path = tmp_path / "a.dcm"
    inside = Annotation("1", Kind.RECTANGLE, Frame(500, 500, 100, 100), INVASIVE)
    beside = [
        Annotation("2", Kind.AREA, shapely.box(WIDTH + 10, 0, WIDTH + 90, 90), INVASIVE),
        Annotation("3", Kind.LINE, shapely.LineString([(-9, -9), (-5, 0)])),
        Annotation("4", Kind.POINTS, shapely.MultiPoint([(-9, -9), (-5, 0)])),
    ]
    (sentence,) = written(path, [inside, *beside], slide)
    assert sentence.startswith("3 annotations were left out, as they lie outside")
    assert_same(read_dicom_annotations(path, slide).annotations, [inside])
    with pytest.raises(ExportError, match="no annotation that the DICOM object could hold"):
        written(tmp_path / "b.dcm", beside, slide)
