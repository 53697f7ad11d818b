"""Predictions as DICOM Segmentations, as other readers see them."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import numpy.typing as npt
import pytest
from highdicom.spatial import PixelToReferenceTransformer
from pydicom import dcmread

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.core.uncertainty import Thresholds
from bachview.errors import ExportError
from bachview.export.content import Content
from bachview.export.dicom_segmentation import Of, write_segmentation
from bachview.export.formats import FORMATS, check_kinds, write_files
from bachview.marks.correction import Correction
from bachview.slide.opening import open_slide
from tests.support.dicom import UPRIGHT, write_placed_slide
from tests.support.runs import provenance

ROWS, COLUMNS = 12, 17
STRIDE = 36.5, 35.0
THRESHOLDS = Thresholds(0.6, 0.5)
TURNED = (0.0, -1.0, 0.0, -1.0, 0.0, 0.0)
ASKEW = (0.6, 0.8, 0.0, -0.8, 0.6, 0.0)
MIRRORED = (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def judged() -> Prediction:
    """Cells of all states, classes and probabilities."""
    random = np.random.default_rng(3)
    states = random.choice(
        [CellState.NO_TISSUE, CellState.PENDING, CellState.CLASSIFIED, CellState.OUTSIDE],
        (ROWS, COLUMNS),
        p=[0.2, 0.1, 0.6, 0.1],
    ).astype(np.uint8)
    grid = PatchGrid(Region(3, 5, 620.5, 420), *STRIDE, *STRIDE)
    assert (grid.rows, grid.columns) == (ROWS, COLUMNS)
    answer = Prediction(
        grid, BACH_CLASSES, ("a",), TissueCells.centred(states != CellState.NO_TISSUE)
    )
    cells = np.argwhere(states >= CellState.CLASSIFIED).astype(np.int32)
    probabilities = random.dirichlet([0.4] * 4, len(cells)).astype(np.float32)
    found = states[cells[:, 0], cells[:, 1]]
    probabilities[found != CellState.CLASSIFIED] = 0
    answer.add(PatchResults(cells, found, probabilities[:, None], probabilities))
    return answer


def told(path: Path, region: Region | None = None) -> Content:
    with closing(open_slide(path)) as slide:
        size = PixelSize.typed(0.5)
        return Content(judged(), size, THRESHOLDS, provenance(), slide, None, region, path.name)


@pytest.mark.parametrize("orientation", [UPRIGHT, TURNED, MIRRORED, ASKEW])
def test_a_pixel_is_a_cell_and_lies_where_the_cell_lies(
    tmp_path: Path, orientation: tuple[float, ...]
) -> None:
    slide = write_placed_slide(
        tmp_path / "slide",
        orientation=orientation,
        spacing=(0.0005, 0.0006),
        PatientName="Müller^Zoë",
        SpecificCharacterSet="ISO_IR 100",
    )
    content = told(slide)
    prediction = content.prediction
    write_segmentation(tmp_path / "classes.dcm", content, Of.CLASSES)
    write_segmentation(tmp_path / "probabilities.dcm", content, Of.PROBABILITIES)
    binary = highdicom.seg.segread(tmp_path / "classes.dcm")
    fractional = highdicom.seg.segread(tmp_path / "probabilities.dcm")

    names = [row.SegmentLabel for row in binary.SegmentSequence]
    assert names == ["Normal", "Benign", "In situ", "Invasive", "Uncertain"] + [
        state.shown for state in (CellState.OUTSIDE, CellState.PENDING)
    ]
    classes = binary.get_total_pixel_matrix()
    is_weak = prediction.confidence < THRESHOLDS.confidence
    for index in range(4):
        is_of = (prediction.states == CellState.CLASSIFIED) & (prediction.top_class == index)
        assert np.array_equal(classes[..., index] == 1, is_of & ~is_weak)
        found = fractional.get_total_pixel_matrix()[..., index]
        assert np.abs(found - prediction.class_probability(index)).max() <= 0.5 / 255 + 1e-6
    for index, state in ((5, CellState.OUTSIDE), (6, CellState.PENDING)):
        assert np.array_equal(classes[..., index] == 1, prediction.states == state)

    source = dcmread(slide, stop_before_pixels=True)
    for data in (binary, fractional):
        made = _to_mm(data)([[0, 0], [COLUMNS - 1, ROWS - 1]])
        cells = [prediction.grid.cell(*cell).center for cell in ((0, 0), (ROWS - 1, COLUMNS - 1))]
        # Pixel 0, 0 of a matrix is the middle of its first pixel.
        expected = _to_mm(source)([[center.x - 0.5, center.y - 0.5] for center in cells])
        assert np.allclose(made, expected, rtol=0, atol=1e-6)
        assert data.StudyInstanceUID == source.StudyInstanceUID
        assert data.FrameOfReferenceUID == source.FrameOfReferenceUID
        assert str(data.PatientName) == str(source.PatientName) == "Müller^Zoë"
        assert data.SeriesInstanceUID != source.SeriesInstanceUID
        (series,) = data.ReferencedSeriesSequence
        assert series.SeriesInstanceUID == source.SeriesInstanceUID
        (image,) = series.ReferencedInstanceSequence
        assert image.ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert "Research use only" in data.ContentDescription
        row = data.SegmentSequence[0]
        algorithm = row.SegmentationAlgorithmIdentificationSequence[0]
        assert algorithm.AlgorithmName == content.provenance.bundle_name
        assert algorithm.AlgorithmVersion == content.provenance.bundle_sha256
        assert "of its tissue judged" in row.SegmentDescription
        assert slide.name not in str(data)
    assert binary.SOPInstanceUID != fractional.SOPInstanceUID
    color = highdicom.color.CIELabColor.from_dicom_value(
        binary.SegmentSequence[3].RecommendedDisplayCIELabValue
    )
    assert color.to_rgb() == BACH_CLASSES[3].color


def test_a_region_has_the_cells_that_touch_it(tmp_path: Path) -> None:
    slide = write_placed_slide(tmp_path / "slide")
    content = told(slide, Region(150, 100, 90, 60))
    path = tmp_path / "classes.dcm"
    write_segmentation(path, content, Of.PROBABILITIES)
    data = highdicom.seg.segread(path)
    rows, columns = content.prediction.grid.cells_in(Region(150, 100, 90, 60))
    found = data.get_total_pixel_matrix()
    whole = content.prediction.class_probability(2)
    assert np.allclose(found[..., 2], whole[rows, columns], atol=0.5 / 255 + 1e-6)
    center = content.prediction.grid.cell(rows.start, columns.start).center
    expected = _to_mm(dcmread(slide))([[center.x - 0.5, center.y - 0.5]])
    assert np.allclose(_to_mm(data)([[0, 0]]), expected, rtol=0, atol=1e-6)
    assert "Region 90 × 60 px" in data.SegmentSequence[0].SegmentDescription


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"FrameOfReferenceUID": None}, "FrameOfReferenceUID"),
        ({"TotalPixelMatrixOriginSequence": None}, "where on the glass"),
        ({"ImageOrientationSlide": [1, 0, 0, 1, 0, 0]}, "where on the glass"),
    ],
)
def test_what_a_slide_lacks_is_said_in_a_sentence(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    content = told(write_placed_slide(tmp_path / "slide", **changes))  # type: ignore[arg-type]
    with pytest.raises(ExportError, match=said):
        write_segmentation(tmp_path / "a.dcm", content, Of.CLASSES)
    assert not (tmp_path / "a.dcm").exists()


def test_only_dicom_slides_have_one_and_only_with_names(tmp_path: Path) -> None:
    content = told(write_placed_slide(tmp_path / "slide"))
    with pytest.raises(ExportError, match="patient's name"):
        write_segmentation(tmp_path / "a.dcm", replace(content, slide_name=None), Of.CLASSES)
    with pytest.raises(ExportError, match="No cell has been corrected"):
        write_segmentation(tmp_path / "a.dcm", content, Of.CORRECTIONS)
    kinds = [kind for kind in FORMATS if kind.is_dicom]
    other = tmp_path / "slide.tiff"
    other.touch()
    with pytest.raises(ExportError, match="not a DICOM slide"):
        check_kinds(kinds, other, names=True)
    check_kinds(kinds, content.reader.metadata.path, names=True)
    cell = content.prediction.grid.cell(2, 3)
    content = replace(content, corrections=(Correction.made(cell, "InSitu", None, ""),))
    # Into the folder of the slide, which it does not change.
    out = content.reader.metadata.path.parent
    written, _ = write_files(out, kinds, content)
    with closing(open_slide(content.reader.metadata.path)) as again:
        assert again.metadata.fingerprint == content.reader.metadata.fingerprint
    assert content.reader.metadata.files is not None
    content.reader.metadata.files.check()
    assert {path.name for path in written} == {
        "classes.dcm",
        "probabilities.dcm",
        "corrections.dcm",
    }
    corrected = highdicom.seg.segread(out / "corrections.dcm")
    assert np.argwhere(corrected.get_total_pixel_matrix()).tolist() == [[2, 3, 2]]
    assert corrected.SegmentSequence[2].SegmentAlgorithmType == "MANUAL"
    assert "1 cell that a reader" in corrected.SegmentSequence[2].SegmentDescription


def _to_mm(data: Any) -> Callable[[npt.ArrayLike], npt.NDArray[np.float64]]:
    """Places in the matrix of pixels to mm, as highdicom has it; its own call takes whole px."""
    place = data.TotalPixelMatrixOriginSequence[0]
    measures = data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    at = [getattr(place, f"{axis}OffsetInSlideCoordinateSystem") for axis in "XYZ"]
    transform = PixelToReferenceTransformer(at, data.ImageOrientationSlide, measures.PixelSpacing)
    matrix = transform.affine
    return lambda places: np.asarray(np.asarray(places) @ matrix[:3, :2].T + matrix[:3, 3])
