"""Scores of annotated slides: the formula of Part B, outlines, cells, and a whole slide."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import shapely

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.datasets.annotations import AnnotatedRegion
from bachview.datasets.samples import AnnotatedSlide
from bachview.errors import DatasetError
from bachview.evaluation.slide_scores import (
    Raster,
    compare,
    part_b_score,
    pooled,
    score_slide,
    slides_document,
)
from bachview.jobs.tokens import CancelToken
from tests.support.fake_ensemble import FakeEnsemble
from tests.support.slides import write_pyramid


def box(label: int, left: float, top: float, right: float, bottom: float) -> AnnotatedRegion:
    return AnnotatedRegion(label, shapely.box(left, top, right, bottom))


def prediction(
    classes: list[list[int]], *, no_tissue: tuple[tuple[int, int], ...] = ()
) -> Prediction:
    """Cells of 100 px at 1 um/px; -1 is a cell that could not be read."""
    wanted = np.array(classes)
    rows, columns = wanted.shape
    grid = PatchGrid(Region(0, 0, columns * 100, rows * 100), 100, 100, 100, 100)
    tissue = np.ones(wanted.shape, np.bool_)
    for cell in no_tissue:
        tissue[cell] = False
    found = Prediction(grid, BACH_CLASSES, ("one",), TissueCells.centred(tissue))
    cells = np.argwhere(tissue).astype(np.int32)
    is_read = wanted[tissue] >= 0
    probabilities = np.eye(4, dtype=np.float32)[np.maximum(wanted[tissue], 0)]
    probabilities[~is_read] = 0
    states = np.where(is_read, CellState.CLASSIFIED, CellState.FAILED).astype(np.uint8)
    found.add(PatchResults(cells, states, probabilities[:, None], probabilities))
    return found


def raster(found: Prediction) -> Raster:
    return Raster.over(found.grid.region, PixelSize.typed(1.0))


@pytest.mark.parametrize(
    ("truth", "answer", "score"),
    [
        ([1, 2, 3], [1, 2, 3], 1.0),
        ([3, 3], [0, 0], 0.0),
        ([0, 0], [3, 3], 0.0),
        ([1], [2], 0.5),  # 1 of max(1, 2)
        ([2], [1], 0.5),
        ([2], [0], 0.0),
        ([0], [1], 1 - 1 / 3),
        # 1 + 0 + 2 off; 2 + 3 + 3 at worst; Normal in both does not count.
        ([1, 3, 3, 0, 0], [2, 3, 1, 0, 0], 1 - 3 / 8),
    ],
)
def test_the_score_of_part_b_by_hand(truth: list[int], answer: list[int], score: float) -> None:
    table = np.zeros((4, 4), np.int64)
    np.add.at(table, (truth, answer), 1)
    assert part_b_score(table) == pytest.approx(score)


def test_the_score_of_part_b_pixel_by_pixel() -> None:
    """The published formula written out, over every pixel, against the table's sums."""
    rng = np.random.default_rng(3)
    gt, pred = rng.integers(0, 4, (2, 500))
    table = np.zeros((4, 4), np.int64)
    np.add.at(table, (gt, pred), 1)
    above = below = 0.0
    for g, p in zip(gt.tolist(), pred.tolist(), strict=True):
        above += abs(p - g)
        below += max(abs(g - 0), abs(g - 3)) * (1 - (1 - min(p, 1)) * (1 - min(g, 1)))
    assert part_b_score(table) == pytest.approx(1 - above / below)


def test_nothing_but_normal_has_no_score() -> None:
    table = np.zeros((4, 4), np.int64)
    table[0, 0] = 9
    assert part_b_score(table) is None


def test_pixels_have_the_class_of_their_cell_and_of_their_outline() -> None:
    # Two cells: Invasive and Benign; the outline takes the left cell and half of the right.
    found = prediction([[3, 1]])
    score = compare("a", found, [box(3, 0, 0, 150, 100)], raster(found), classes=BACH_CLASSES)
    table = np.zeros((4, 4), np.int64)
    table[3, 3], table[3, 1], table[0, 1] = 100, 50, 50
    assert (score.table == table).all()
    assert score.accuracy == 0.5
    document = score.to_document()
    invasive = document["per_class"]["Invasive"]
    assert invasive == {
        "pixels": 150,
        "accuracy": pytest.approx(2 / 3),
        "iou": pytest.approx(2 / 3),
    }
    assert document["per_class"]["Benign"] == {"pixels": 0, "accuracy": None, "iou": 0.0}
    assert document["per_class"]["InSitu"]["iou"] is None


def test_outside_of_all_outlines_is_the_negative_class() -> None:
    found = prediction([[3, 1]])
    outlines = [box(3, 0, 0, 150, 100)]
    classes = ClassSet(BACH_CLASSES.classes, negative="Benign")
    table = compare("a", found, outlines, raster(found), classes=classes).table
    assert table[1, 1] == 50
    renamed = tuple(replace(one, key=f"Own{one.key}") for one in BACH_CLASSES)
    with pytest.raises(DatasetError, match=r"negative in classes\.toml"):
        compare("a", found, outlines, raster(found), classes=ClassSet(renamed))
    own = compare("a", found, outlines, raster(found), classes=ClassSet(renamed, "OwnNormal"))
    assert own.score is None, "the score of Part B is for BACH's classes"
    assert own.accuracy == 0.5


def test_later_outlines_lie_above_earlier_ones() -> None:
    found = prediction([[1, 1]])
    outlines = [box(3, 0, 0, 200, 100), box(1, 0, 0, 50, 100)]
    score = compare("a", found, outlines, raster(found), classes=BACH_CLASSES)
    assert score.table[1, 1] == 50
    assert score.table[3, 1] == 150


def test_holes_of_an_outline_are_outside() -> None:
    found = prediction([[2]])
    ring = shapely.Polygon(
        shapely.box(0, 0, 100, 100).exterior, [shapely.box(20, 20, 80, 80).exterior]
    )
    score = compare("a", found, [AnnotatedRegion(2, ring)], raster(found), classes=BACH_CLASSES)
    assert score.table[2, 2] == 64
    assert score.table[0, 2] == 36


def test_glass_is_normal_and_counts_only_inside_an_outline() -> None:
    found = prediction([[0, 0]], no_tissue=((0, 0), (0, 1)))
    score = compare("a", found, [box(3, 0, 0, 100, 100)], raster(found), classes=BACH_CLASSES)
    assert score.table.sum() == score.table[3, 0] == 100
    assert score.score == 0


def test_cells_that_could_not_be_read_are_left_out_and_counted() -> None:
    found = prediction([[3, -1]])
    score = compare("a", found, [box(3, 0, 0, 200, 100)], raster(found), classes=BACH_CLASSES)
    assert score.table.sum() == 100
    assert score.unread == 100
    assert score.score == 1


def test_strips_add_up_to_the_whole() -> None:
    # 600 raster rows, in three strips; the outline crosses them, its edges between centres.
    found = prediction([[c] for c in [0, 3, 2] * 20])
    score = compare("a", found, [box(2, 0, 1234, 100, 4321)], raster(found), classes=BACH_CLASSES)
    assert score.table.sum() == 6000
    inside = [row for row in range(600) if 1234 <= row * 10 + 5 <= 4321]
    assert score.table[2].sum() == 10 * len(inside)


def test_outlines_beyond_the_slide_are_cut() -> None:
    found = prediction([[1]])
    outlines = [box(1, -500, -500, 50, 50), box(3, 900, 900, 990, 990)]
    score = compare("a", found, outlines, raster(found), classes=BACH_CLASSES)
    assert score.table[1, 1] == 25
    assert score.table[3].sum() == 0


def test_slides_together_are_all_their_pixels() -> None:
    found = prediction([[3]])
    first = compare("a", found, [box(3, 0, 0, 100, 100)], raster(found), classes=BACH_CLASSES)
    second = compare("b", found, [box(2, 0, 0, 50, 100)], raster(found), classes=BACH_CLASSES)
    together = pooled([first, second])
    assert (together.table == first.table + second.table).all()
    document = slides_document([first, second])
    assert document is not None
    assert [slide["name"] for slide in document["slides"]] == ["a", "b"]
    assert document["score"] == together.score
    assert slides_document([]) is None


XML = """<Annotations{mpp}><Annotation><Regions>
<Region Text="{name}"><Vertices>{vertices}</Vertices></Region>
</Regions></Annotation></Annotations>"""


def slide_and_outline(folder: Path, *, mpp: float | None, stated: str = "") -> AnnotatedSlide:
    """Left half red (Invasive to the fake), right half pale tissue of another class."""
    picture = np.full((512, 768, 3), 255, np.uint8)
    picture[:, :384] = (220, 60, 140)
    picture[:, 384:] = (96, 60, 140)
    # Of one even colour it would be taken for ink.
    grain = np.random.default_rng(0).integers(-40, 41, (64, 96, 1)).repeat(8, 0).repeat(8, 1)
    picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    slide = write_pyramid(folder / "A01.tiff", picture, mpp=mpp)
    corners = [(0, 0), (384, 0), (384, 512), (0, 512)]
    vertices = "".join(f'<Vertex X="{x}" Y="{y}"/>' for x, y in corners)
    outline = folder / "A01.xml"
    outline.write_text(XML.format(name="invasive carcinoma", vertices=vertices, mpp=stated))
    return AnnotatedSlide(slide, outline)


@pytest.mark.parametrize(("mpp", "stated"), [(1.0, ""), (None, ' MicronsPerPixel="1.0"')])
def test_a_slide_is_classified_and_compared(tmp_path: Path, mpp: float | None, stated: str) -> None:
    slide = slide_and_outline(tmp_path, mpp=mpp, stated=stated)
    told: list[int] = []
    score = score_slide(
        FakeEnsemble(),
        slide,
        BACH_CLASSES,
        CancelToken(),
        on_progress=lambda p: told.append(p.done),
    )
    assert score.name == "A01.tiff"
    assert told
    truths: npt.NDArray[np.int64] = score.table.sum(axis=1)
    assert score.table[3, 3] / truths[3] > 0.95
    assert score.table[0, 1] / truths[0] > 0.95
    assert score.unread == 0


def test_a_slide_of_unknown_pixel_size_is_refused_by_name(tmp_path: Path) -> None:
    slide = slide_and_outline(tmp_path, mpp=None)
    with pytest.raises(DatasetError, match=r"A01\.tiff nor A01\.xml states a plausible pixel"):
        score_slide(FakeEnsemble(), slide, BACH_CLASSES, CancelToken())
