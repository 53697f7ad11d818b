"""The overlay's colours and cells, as arrays."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Point, Region, Size
from bachview.core.patches import PatchGrid
from bachview.core.predictions import PatchResults, Prediction
from bachview.core.tissue_cells import TissueCells
from bachview.core.uncertainty import Thresholds, uncertain
from bachview.viewing.color_maps import value_colors
from bachview.viewing.overlay import OverlayRenderer, OverlayStyle, display_codes, overlay_pixels
from bachview.viewing.style import (
    FAILED,
    FIRST,
    OUTSIDE,
    UNCERTAIN,
    Kind,
    OverlayMode,
    color_bar,
)

ALWAYS_SURE = Thresholds(0.0, 1.0)
OPAQUE = OverlayStyle(opacity=1.0)
MEMBERS = tuple("abcdef")


def prediction_of(rows: int, columns: int, stride: float = 100.0) -> Prediction:
    region = Region(30, 20, (columns - 0.5) * stride, (rows - 0.5) * stride)
    grid = PatchGrid(region, stride, stride, stride, stride)
    return Prediction(
        grid, BACH_CLASSES, MEMBERS, TissueCells.centred(np.ones((rows, columns), bool))
    )


def add(prediction: Prediction, row: int, column: int, probabilities: list[float]) -> None:
    p = np.array([probabilities], np.float32)
    members = np.repeat(p[:, None], len(MEMBERS), axis=1)
    cells = np.array([[row, column]], np.int32)
    prediction.add(PatchResults(cells, np.array([CellState.CLASSIFIED], np.uint8), members, p))


def fail(
    prediction: Prediction, row: int, column: int, state: CellState = CellState.FAILED
) -> None:
    zeros = PatchResults(
        np.array([[row, column]], np.int32),
        np.array([state], np.uint8),
        np.zeros((1, len(MEMBERS), 4), np.float32),
        np.zeros((1, 4), np.float32),
    )
    prediction.add(zeros)


def texels(
    prediction: Prediction,
    style: OverlayStyle = OPAQUE,
    thresholds: Thresholds = ALWAYS_SURE,
    region: Region | None = None,
) -> npt.NDArray[np.uint8]:
    picture = OverlayRenderer(prediction).picture(
        style, thresholds, region or prediction.grid.region
    )
    assert picture is not None
    return picture.image


def bgra(color: tuple[int, int, int], opacity: float = 1.0) -> list[int]:
    return [*(round(c * opacity) for c in color[::-1]), round(255 * opacity)]


def premultiplied(levels: npt.NDArray[np.int_]) -> npt.NDArray[np.float64]:
    return value_colors()[levels][:, ::-1] * levels[:, None] / 255


def random_prediction(rows: int, columns: int, seed: int = 0) -> Prediction:
    rng = np.random.default_rng(seed)
    prediction = prediction_of(rows, columns)
    prediction.states[rng.random((rows, columns)) < 0.2] = CellState.NO_TISSUE
    cells = np.argwhere(rng.random((rows, columns)) < 0.6).astype(np.int32)
    members = rng.dirichlet(np.full(4, 0.4), (len(cells), len(MEMBERS))).astype(np.float32)
    states = np.where(rng.random(len(cells)) < 0.9, CellState.CLASSIFIED, CellState.FAILED)
    prediction.add(PatchResults(cells, states.astype(np.uint8), members, members.mean(1)))
    return prediction


@pytest.mark.parametrize("opacity", [1.0, 0.5, 0.25])
def test_every_class_has_its_colour_premultiplied(opacity: float) -> None:
    prediction = prediction_of(1, 4)
    for index in range(4):
        add(prediction, 0, index, [0.9 if c == index else 0.1 / 3 for c in range(4)])
    image = texels(prediction, OverlayStyle(opacity=opacity))
    for index, tissue_class in enumerate(BACH_CLASSES):
        expected = np.array(bgra(tissue_class.color, opacity))
        assert np.abs(image[0, index].astype(int) - expected).max() <= 1


def test_what_is_no_class_has_no_colour() -> None:
    prediction = prediction_of(1, 6)
    prediction.states[0, 0] = CellState.NO_TISSUE
    fail(prediction, 0, 2, CellState.OUTSIDE)
    fail(prediction, 0, 3)
    add(prediction, 0, 4, [0.3, 0.3, 0.2, 0.2])
    add(prediction, 0, 5, [0.9, 0.1, 0, 0])
    image = texels(prediction, thresholds=Thresholds(0.5, 1.0))[0]
    assert not image[[0, 1, 2, 4]].any()  # what has a texture has no colour
    assert list(image[3]) == bgra(CellState.FAILED.color)
    assert list(image[5]) == bgra(BACH_CLASSES[0].color)
    assert max(CellState.FAILED.color) == min(CellState.FAILED.color)
    for tissue_class in BACH_CLASSES:
        assert max(tissue_class.color) - min(tissue_class.color) > 80


def test_every_state_keeps_its_code_in_every_mode() -> None:
    """What is outside the training material and what failed is hidden by no choice of the user."""
    prediction = prediction_of(1, 4)
    add(prediction, 0, 0, [0.9, 0.1, 0, 0])
    fail(prediction, 0, 1, CellState.OUTSIDE)
    fail(prediction, 0, 2)
    for mode in OverlayMode:
        style = OverlayStyle(
            mode=mode,
            opacity=0.6,
            threshold=0.95,
            hidden_classes=frozenset(range(4)),
            show_uncertain=False,
            show_pending=False,
        )
        picture = OverlayRenderer(prediction).picture(style, ALWAYS_SURE, prediction.grid.region)
        assert picture is not None
        assert picture.codes.tolist() == [[0, OUTSIDE, FAILED, 0]]
        codes = display_codes(prediction, style, ALWAYS_SURE, (slice(0, 1), slice(0, 4)))
        assert codes.tolist() == [[0, OUTSIDE, FAILED, 0]]
        shown = replace(style, show_pending=True)
        picture = OverlayRenderer(prediction).picture(shown, ALWAYS_SURE, prediction.grid.region)
        assert picture is not None
        assert picture.codes[0, 3] == Kind.PENDING


def test_failed_is_never_faint() -> None:
    prediction = prediction_of(1, 1)
    fail(prediction, 0, 0)
    assert texels(prediction, OverlayStyle(opacity=0.1))[0, 0, 3] >= 0.7 * 254


def test_threshold_and_hidden_classes_clear_cells() -> None:
    prediction = prediction_of(1, 3)
    add(prediction, 0, 0, [0.9, 0.1, 0, 0])
    add(prediction, 0, 1, [0.4, 0.6, 0, 0])
    add(prediction, 0, 2, [0, 0.1, 0.9, 0])
    style = OverlayStyle(opacity=1, threshold=0.7, hidden_classes=frozenset({2}))
    assert list(texels(prediction, style)[0, :, 3]) == [255, 0, 0]


def test_an_uncertain_cell_is_never_shown_as_a_class() -> None:
    prediction = random_prediction(40, 50)
    thresholds = Thresholds(0.5, 0.4)
    codes = display_codes(prediction, OPAQUE, thresholds, (slice(0, 40), slice(0, 50)))
    doubtful = uncertain(prediction, thresholds)
    assert np.array_equal(codes == UNCERTAIN, doubtful)
    sure = (prediction.states == CellState.CLASSIFIED) & ~doubtful
    assert np.array_equal(codes >= FIRST, sure)
    assert np.array_equal(codes[sure] - FIRST, prediction.top_class[sure])
    assert np.array_equal(codes == FAILED, prediction.states == CellState.FAILED)


@pytest.mark.parametrize("index", range(4))
def test_probability_mode_shows_that_class_alone(index: int) -> None:
    prediction = random_prediction(20, 30)
    style = OverlayStyle(OverlayMode.PROBABILITY, index, opacity=1)
    image = texels(prediction, style, Thresholds(1.0, 0.0))
    done = prediction.states == CellState.CLASSIFIED
    levels = (prediction.class_probability(index)[done] * 255 + 0.5).astype(int)
    assert np.array_equal(image[done][:, 3], levels)  # a zero is transparent
    assert np.abs(image[done][:, :3] - premultiplied(levels)).max() <= 1


@pytest.mark.parametrize("mode", [OverlayMode.DISAGREEMENT, OverlayMode.ENTROPY])
def test_uncertainty_modes_show_their_measure(mode: OverlayMode) -> None:
    prediction = random_prediction(20, 30)
    image = texels(prediction, OverlayStyle(mode, opacity=1, threshold=0.3))
    measure = (
        prediction.entropy if mode is OverlayMode.ENTROPY else prediction.disagreement
    ).astype(np.float32)
    done = prediction.states == CellState.CLASSIFIED
    shown, clear = done & (measure >= np.float32(0.3)), done & (measure < np.float32(0.3))
    levels = (measure[shown] * np.float32(255) + np.float32(0.5)).astype(int)
    assert np.array_equal(image[shown][:, 3], levels)
    assert np.abs(image[shown][:, :3] - premultiplied(levels)).max() <= 1
    assert not image[clear].any()


def test_hidden_classes_are_hidden_in_every_mode() -> None:
    prediction = random_prediction(20, 30)
    hidden = (prediction.states == CellState.CLASSIFIED) & (prediction.top_class == 1)
    for mode in OverlayMode:
        style = OverlayStyle(mode, opacity=1, hidden_classes=frozenset({1}))
        assert not texels(prediction, style)[hidden].any()


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.floats(-500, 30_000),
    st.floats(-500, 30_000),
    st.floats(1, 20_000),
)
def test_a_picture_covers_what_was_asked_at_exactly_its_cells(
    rows: int, columns: int, x: float, y: float, side: float
) -> None:
    prediction = prediction_of(rows, columns)
    prediction.states[:] = CellState.FAILED
    prediction.states[rows // 2, columns // 2] = CellState.NO_TISSUE
    asked = Region(x, y, side, side)
    picture = OverlayRenderer(prediction).picture(OPAQUE, ALWAYS_SURE, asked)
    grid = prediction.grid
    if picture is None:
        assert not asked.intersects(grid.region)
        return
    seen = asked.intersection(grid.region)
    assert picture.region.expanded(1e-6).intersection(seen) == seen
    first = grid.cell(picture.cells[0].start, picture.cells[1].start)
    last = grid.cell(picture.cells[0].stop - 1, picture.cells[1].stop - 1)
    assert (picture.region.x, picture.region.y) == (first.x, first.y)
    assert (picture.region.right, picture.region.bottom) == pytest.approx((last.right, last.bottom))
    clear = np.argwhere(picture.image[..., 3] == 0)
    found = [(r + picture.cells[0].start, c + picture.cells[1].start) for r, c in clear]
    assert set(found) <= {(rows // 2, columns // 2)}


def test_an_unchanged_picture_is_the_same_object_and_a_change_makes_a_new_one() -> None:
    prediction = random_prediction(300, 400)
    renderer = OverlayRenderer(prediction)
    seen = Region(12_000, 12_000, 3_000, 2_000)
    first = renderer.picture(OPAQUE, ALWAYS_SURE, seen)
    assert first is not None
    assert renderer.picture(OPAQUE, ALWAYS_SURE, Region(12_500, 12_100, 2_000, 1_000)) is first
    assert renderer.picture(OverlayStyle(opacity=0.4), ALWAYS_SURE, seen) is not first
    before = renderer.picture(OPAQUE, ALWAYS_SURE, seen)
    assert before is not None
    kept = before.image.copy()
    add(prediction, 125, 135, [0, 0, 0, 1.0])
    after = renderer.picture(OPAQUE, ALWAYS_SURE, seen)
    assert after is not None
    assert after is not before
    assert np.array_equal(before.image, kept)
    row, column = 125 - after.cells[0].start, 135 - after.cells[1].start
    assert list(after.image[row, column]) == bgra(BACH_CLASSES[3].color)


@settings(max_examples=40)
@given(st.data(), st.sampled_from(list(OverlayMode)), st.floats(0, 0.6))
def test_a_picture_brought_up_to_date_equals_one_made_from_scratch(
    data: st.DataObject, mode: OverlayMode, threshold: float
) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    prediction = random_prediction(150, 170)
    style = OverlayStyle(mode, 2, 0.8, threshold, frozenset({1}))
    thresholds = Thresholds(0.45, 0.5)
    renderer = OverlayRenderer(prediction)
    seen = Region(2_000, 1_000, data.draw(st.sampled_from([2_000, 20_000])), 9_000)
    for _ in range(3):
        renderer.picture(style, thresholds, seen)
        for _ in range(data.draw(st.integers(1, 3))):
            count = data.draw(st.sampled_from([1, 30, 4000]))
            cells = np.stack([rng.integers(0, 150, count), rng.integers(0, 170, count)], axis=1)
            cells = np.unique(cells, axis=0)
            members = rng.dirichlet(np.full(4, 0.4), (len(cells), 6)).astype(np.float32)
            states = np.where(rng.random(len(cells)) < 0.8, CellState.CLASSIFIED, CellState.FAILED)
            prediction.add(
                PatchResults(
                    cells.astype(np.int32), states.astype(np.uint8), members, members.mean(1)
                )
            )
    kept = renderer.picture(style, thresholds, seen)
    anew = OverlayRenderer(prediction).picture(style, thresholds, seen)
    assert kept is not None
    assert anew is not None
    assert np.array_equal(kept.image, anew.image)
    assert (kept.region, kept.cells) == (anew.region, anew.cells)
    assert not kept.image.flags.writeable


def test_far_away_or_clear_there_is_no_picture() -> None:
    renderer = OverlayRenderer(random_prediction(3, 3))
    assert renderer.picture(OPAQUE, ALWAYS_SURE, Region(10_000, 0, 10, 10)) is None
    clear = OverlayStyle(opacity=0)
    assert renderer.picture(clear, ALWAYS_SURE, Region(0, 0, 300, 300)) is None


def test_the_picture_is_laid_out_for_a_painter() -> None:
    image = texels(random_prediction(7, 9))
    assert image.flags.c_contiguous
    assert not image.flags.writeable
    assert image.dtype == np.uint8
    assert (image[..., :3] <= image[..., 3:]).all()  # premultiplied


def lightness(colors: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """L* of CIELAB, 0..100."""
    part = colors / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.asarray(np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y))


def test_values_run_in_even_steps_of_lightness_and_have_the_colour_of_no_class() -> None:
    colors = value_colors()
    steps = -np.diff(lightness(colors))
    assert steps.min() >= 0
    assert steps.sum() > 70
    assert np.abs(lightness(colors)[::51] - np.linspace(90, 16, 6)).max() < 1
    assert (colors.max(1).astype(int) - colors.min(1)).max() < 60


@pytest.mark.parametrize("mode", [m for m in OverlayMode if m is not OverlayMode.CLASS])
def test_the_bar_of_the_legend_shows_values_as_the_overlay_does_on_white(mode: OverlayMode) -> None:
    bar = color_bar(mode, opacity=0.5)
    assert bar is not None
    assert bar[0].tolist() == [255, 255, 255]
    assert bar[-1].tolist() == pytest.approx((255 + value_colors()[-1].astype(int)) / 2, abs=1)
    assert (np.diff(lightness(bar)) < 0.3).all()


@pytest.mark.parametrize("values", [{"opacity": 1.1}, {"threshold": -0.1}, {"class_index": -1}])
def test_impossible_styles_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        OverlayStyle(**values)  # type: ignore[arg-type]


def test_laid_over_a_picture_each_pixel_has_the_colour_of_its_cell() -> None:
    prediction = prediction_of(3, 4)
    for row, column in np.ndindex(3, 4):
        index = (row + column) % 4
        add(prediction, row, column, [0.9 if c == index else 0.1 / 3 for c in range(4)])
    grid = prediction.grid
    picture = OverlayRenderer(prediction).picture(
        OverlayStyle(opacity=0.5), ALWAYS_SURE, grid.region
    )
    assert picture is not None
    shown = Region(-45, -55, 500, 400)  # wider than the grid on every side
    laid = overlay_pixels(picture, shown, Size(100, 80)).astype(int)
    for y, x in np.ndindex(80, 100):
        place = Point(shown.x + (x + 0.5) * 5, shown.y + (y + 0.5) * 5)
        cell = grid.at(place)
        if cell is None or not grid.region.contains(place):
            assert laid[y, x].tolist() == [0, 0, 0, 0]
        else:
            color = BACH_CLASSES[sum(cell) % 4].color
            assert laid[y, x, 3] == pytest.approx(128, abs=1)
            assert laid[y, x, :3].tolist() == pytest.approx(color, abs=2)


def test_a_region_that_the_kept_picture_only_meets_gets_a_picture_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bachview.viewing.overlay._WHOLE_CELLS", 1)
    prediction = random_prediction(200, 200)
    renderer = OverlayRenderer(prediction)
    for start in (5_000, 9_000, 1_000):
        region = Region(start, start, 1500, 1500)
        picture = renderer.picture(OPAQUE, ALWAYS_SURE, region)
        assert picture is not None
        assert picture.region.x <= region.x
        assert picture.region.right >= region.right
