"""Pictures are as large as asked for, show what the screen shows, and keep the tissue bare."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from PIL import Image

import bachview
from bachview.core.cell_state import CellState
from bachview.core.geometry import Point, Region, Size
from bachview.core.pixel_size import PixelSize
from bachview.core.uncertainty import uncertain
from bachview.errors import Cancelled, ExportError, UsageError
from bachview.export import ome_tiff, page
from bachview.export.content import Content
from bachview.export.formats import FORMATS
from bachview.export.legend import MARGIN, Ramp, entries_of
from bachview.export.ome_tiff import write_ome_tiff
from bachview.export.options import Compression, ExportOptions, PictureSize
from bachview.export.page import PICTURE_BOX, write_page
from bachview.export.slide_picture import SlidePicture, upright
from bachview.jobs.tokens import CancelToken
from bachview.viewing.style import Drawing, Marks, OverlayMode, OverlayStyle, color_bar
from bachview.viewing.viewport import Viewport
from tests.export.test_statements import HEIGHT, THRESHOLDS, WIDTH, content
from tests.support.slides import ArraySlide, gradient

TINT = OverlayStyle(drawing=Drawing.TINT, show_uncertain=False, opacity=1.0)
LOSSLESS = ExportOptions(compression=Compression.DEFLATE, style=TINT)


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tiles and levels of a small slide."""
    monkeypatch.setattr(ome_tiff, "_TILE", 128)
    monkeypatch.setattr(ome_tiff, "_SMALLEST", 300)


def coloured(**changes: object) -> Content:
    """Every px of the slide tells its place."""
    return content(reader=ArraySlide(gradient(WIDTH, HEIGHT), mpp=0.5), **changes)


def box(path: Path) -> tuple[int, int, int, int]:
    with Image.open(path) as picture:
        left, top, width, height = map(int, picture.info[PICTURE_BOX].split(", "))
    return left, top, width, height


@pytest.mark.parametrize(
    ("size", "width"),
    [
        (PictureSize(450), 450),
        (PictureSize(5000), WIDTH),  # never larger than level 0
        (PictureSize(magnification=5), round(WIDTH * 0.5 * 0.5**0.5 / 2)),
    ],
)
def test_the_picture_is_as_large_as_asked_for(
    tmp_path: Path, size: PictureSize, width: int
) -> None:
    told = content(options=ExportOptions(size=size))
    write_page(tmp_path / "a.png", told, ".png")
    assert box(tmp_path / "a.png")[2] == pytest.approx(width, abs=1)


def test_sizes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot have 0 px"):
        PictureSize(0)
    with pytest.raises(UsageError, match="-1 is no magnification"):
        PictureSize(magnification=-1)
    size = PictureSize(magnification=10)
    with pytest.raises(UsageError, match="Without a pixel size"):
        size.downsample(Region(0, 0, 9, 9), PixelSize.unknown())


def test_nothing_is_drawn_over_the_tissue(tmp_path: Path) -> None:
    told = coloured(options=ExportOptions(style=TINT))
    write_page(tmp_path / "a.png", told, ".png")
    left, top, width, height = box(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        shown = np.asarray(picture)[top : top + height, left : left + width]
    view = upright(Region(0, 0, WIDTH, HEIGHT), told.options.size, told)
    np.testing.assert_array_equal(shown, SlidePicture(told, view).pixels())


@pytest.mark.parametrize("shape", [(1200, 250), (250, 1200), (260, 200), (1500, 1100)])
def test_no_half_of_the_page_is_empty(tmp_path: Path, shape: tuple[int, int]) -> None:
    width, height = shape
    white = np.full((height, width, 3), 0, np.uint8)
    told = content(reader=ArraySlide(white, mpp=0.5))
    write_page(tmp_path / "a.png", told, ".png")
    with Image.open(tmp_path / "a.png") as picture:
        grey = np.asarray(picture.convert("L"))
    drawn = grey < 200
    for axis in (0, 1):
        lines = drawn.any(axis=axis)
        gaps = np.diff(np.flatnonzero(np.concatenate([[True], lines, [True]])))
        assert gaps.max() < 0.25 * drawn.shape[1 - axis], "a wide empty band"
    assert (grey[:, -MARGIN + 6 :] == 255).all()
    assert (grey[-MARGIN // 2 :] == 255).all()


@pytest.mark.parametrize(("suffix", "kind"), [(".jpg", "JPEG"), (".tif", "TIFF")])
def test_the_picture_has_other_formats(tmp_path: Path, suffix: str, kind: str) -> None:
    told = content()
    (row,) = (row for row in FORMATS if row.suffix == suffix)
    path = tmp_path / f"a{suffix}"
    row.write(path, told, None)
    with Image.open(path) as picture:
        assert picture.format == kind
        assert picture.mode == "RGB"
    assert told.statement.line.encode() in path.read_bytes()
    if suffix == ".tif":
        with bachview.open_slide(path) as slide:
            assert slide.mpp == pytest.approx((0.5, 0.5))


def test_the_legend_has_the_colours_of_the_overlay(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    told = coloured(options=ExportOptions(style=OverlayStyle(opacity=1.0)))
    write_page(path, told, ".png")
    with Image.open(path) as picture:
        shown = np.array(picture.convert("RGB"))
    left, top, width, height = box(path)
    shown[top : top + height, left : left + width] = 255
    found = set(map(tuple, shown.reshape(-1, 3).tolist()))
    assert {one.color for one in told.prediction.classes} <= found


def test_a_picture_that_fits_into_no_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_PAGE_PX", 1000)
    with pytest.raises(ExportError, match=r"too large for a\.png: choose a smaller size"):
        write_page(tmp_path / "a.png", content(), ".png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rotation", [0.0, 90.0, 33.0])
def test_a_view_is_drawn_as_it_is_turned_and_without_seams(rotation: float) -> None:
    told = content(options=ExportOptions(style=TINT))
    view = Viewport(Point(450, 350), 1.5, Size(400, 300), 1.25, rotation)
    drawn = SlidePicture(told, view)
    assert drawn.size == view.device_size == Size(500, 375)
    whole = drawn.block(0, 0, 500, 375)
    pieces = np.vstack([drawn.block(0, y, 500, 75) for y in range(0, 375, 75)])
    # An edge of cells that lies on the middle of px may go either way.
    assert (np.abs(whole.astype(int) - pieces) > 2).mean() < 0.005
    prediction = told.prediction
    certain = (prediction.states == CellState.CLASSIFIED) & ~uncertain(prediction, THRESHOLDS)
    seen = 0
    for row, column in np.argwhere(certain):
        x, y = view.vp_from_l0(prediction.grid.cell(row, column).center)
        if 5 < x < 395 and 5 < y < 295:
            color = prediction.classes[int(prediction.top_class[row, column])].color
            assert whole[int(y * 1.25), int(x * 1.25)] == pytest.approx(color, abs=2)
            seen += 1
    assert seen > 10


def test_a_zoomed_view_shows_the_same_part_with_more_px(tmp_path: Path) -> None:
    view = Viewport(Point(450, 350), 2.0, Size(200, 150), 1.0, 15.0)
    for zoom in (1, 2):
        options = ExportOptions(view=view, zoom=zoom, style=TINT)
        write_page(tmp_path / f"{zoom}.png", coloured(options=options), ".png")
        assert box(tmp_path / f"{zoom}.png")[2:] == (200 * zoom, 150 * zoom)


VIEW = Viewport(Point(450, 350), 2.0, Size(400, 300), 1.0, 0.0)


@pytest.mark.parametrize(
    ("style", "said"),
    [
        (OverlayStyle(), "Colours show classes."),
        (
            OverlayStyle(OverlayMode.PROBABILITY, class_index=1, hidden_classes=frozenset({0})),
            (
                "Colours show: Probability of {1}. How likely {1} is: the weighted mean of the "
                "members' votes. 0 is transparent. Not drawn: cells of {0}."
            ),
        ),
        (OverlayStyle(OverlayMode.ENTROPY, threshold=0.25), "Below 0.25 nothing is drawn."),
        (OverlayStyle(OverlayMode.DISAGREEMENT), "Colours show: Disagreement of the members."),
        (OverlayStyle(threshold=0.6), "Cells whose class is less likely than 60% are not drawn."),
        (OverlayStyle(show_uncertain=False), "Uncertain cells are not drawn."),
        (OverlayStyle(show_pending=False), "Cells that are not yet classified are not drawn."),
        (OverlayStyle(marks=Marks.HATCHING), "Hatching of classes is left out of this picture."),
        (OverlayStyle(is_shown=False), "The overlay is switched off"),
    ],
)
def test_a_picture_as_on_the_screen_says_what_it_shows(
    tmp_path: Path, style: OverlayStyle, said: str
) -> None:
    told = content(options=ExportOptions(view=VIEW, style=style))
    write_page(tmp_path / "a.png", told, ".png")
    with Image.open(tmp_path / "a.png") as picture:
        description = picture.info["Description"]
    assert said.format(*(c.name for c in told.prediction.classes)) in description.replace(
        "\N{NO-BREAK SPACE}", ""
    ).replace(" %", "%")


def test_a_value_has_its_ramp_in_place_of_the_classes(tmp_path: Path) -> None:
    style = OverlayStyle(OverlayMode.ENTROPY, threshold=0.5, opacity=1.0)
    told = content(options=ExportOptions(view=VIEW, style=style))
    names = {entry.name for entry in entries_of(told.statement.summary, style)}
    assert not names & {c.name for c in told.prediction.classes}
    assert CellState.UNCERTAIN.shown not in names, "it has a value like any other"
    ramp = Ramp.of(style, told.prediction.classes)
    colors = color_bar(style.mode, style.opacity)
    assert ramp is not None
    assert colors is not None
    assert (ramp.title, ramp.numbers) == ("Entropy", ("0", "0.5", "1"))
    assert (ramp.colors[0, :127] == 255).all()
    np.testing.assert_array_equal(ramp.colors[0, 128:], colors[128:])
    # On the page, in a colour that the picture of classes does not have.
    write_page(tmp_path / "a.png", told, ".png")
    left, top, width, height = box(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        shown = np.asarray(picture).copy()
    shown[top : top + height, left : left + width] = 255
    assert (shown == colors[220]).all(-1).any()


def test_a_hidden_class_is_counted_beside_a_white_swatch() -> None:
    style = OverlayStyle(hidden_classes=frozenset({1}))
    first, hidden, *_ = entries_of(content().statement.summary, style)
    assert hidden.part is not None
    assert (hidden.swatch == 255).all()
    assert not (first.swatch == 255).all()


@pytest.mark.usefixtures("small_tiles")
def test_the_pyramid_does_not_take_over_the_style_of_the_screen(tmp_path: Path) -> None:
    usual = ExportOptions(compression=Compression.DEFLATE)
    off = replace(usual, view=VIEW, style=OverlayStyle(is_shown=False))
    drawn = []
    for number, options in enumerate((usual, off)):
        write_ome_tiff(tmp_path / f"{number}.ome.tiff", content(options=options))
        drawn.append(tifffile.imread(tmp_path / f"{number}.ome.tiff"))
    np.testing.assert_array_equal(*drawn)


@pytest.mark.usefixtures("small_tiles")
def test_the_pyramid_opens_at_the_right_place(tmp_path: Path) -> None:
    told = coloured(options=LOSSLESS)
    path = tmp_path / "a.ome.tiff"
    counted: list[tuple[int, int]] = []
    write_ome_tiff(path, replace(told, progress=lambda *done: counted.append(done)))
    assert counted[-1][0] == counted[-1][1] > 40
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        (series,) = file.series
        assert [level.shape for level in series.levels] == [(700, 900, 3), (175, 225, 3)]
        assert file.pages.first.is_tiled
        whole = series.asarray()
        text = file.ome_metadata or ""
    assert 'PhysicalSizeX="0.5" PhysicalSizeXUnit="µm" PhysicalSizeY="0.25"' in text
    assert told.statement.line.split(" · ")[1] in text
    assert "For research use only" in text
    view = upright(Region(0, 0, WIDTH, HEIGHT), PictureSize(), told)
    np.testing.assert_array_equal(whole, SlidePicture(told, view).pixels())
    with bachview.open_slide(path) as slide:
        assert slide.properties["bachview.format"] == "ome-tiff"
        assert slide.mpp == (0.5, 0.25)
        assert [level.downsample for level in slide.levels] == [1, 4]


@pytest.mark.usefixtures("small_tiles")
def test_the_pyramid_of_a_region_says_where_it_lies(tmp_path: Path) -> None:
    region = Region(200, 100, 400, 300)
    options = replace(LOSSLESS, full=PictureSize(200))
    told = coloured(region=region, options=options)
    write_ome_tiff(tmp_path / "a.ome.tiff", told)
    with tifffile.TiffFile(tmp_path / "a.ome.tiff") as file:
        text = file.ome_metadata or ""
        assert file.series[0].shape == (150, 200, 3)
    for said in ('PhysicalSizeX="1.0"', 'PositionX="100.0"', 'PositionY="25.0"'):
        assert said in text


def test_names_stay_out_of_the_pyramid_too(tmp_path: Path) -> None:
    told = content(slide_name=None, region=Region(0, 0, 200, 200))
    write_ome_tiff(tmp_path / "a.ome.tiff", told)
    assert b"Doe" not in (tmp_path / "a.ome.tiff").read_bytes()


@pytest.mark.usefixtures("small_tiles")
def test_a_pyramid_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    token = CancelToken()

    def cancel_soon(done: int, _: int) -> None:
        if done == 9:
            token.cancel()

    told = content(token=token, progress=cancel_soon)
    with pytest.raises(Cancelled):
        write_ome_tiff(tmp_path / "a.ome.tiff", told)
    assert not list(tmp_path.iterdir())


def test_a_pyramid_that_does_not_fit_is_refused_before_it_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ExportError, match=r"needs about [0-9]+ kB, and 1 kB are free there"):
        write_ome_tiff(tmp_path / "a.ome.tiff", content())
    monkeypatch.setattr(ome_tiff, "_MOST_PX", 10)
    with pytest.raises(ExportError, match="larger than any slide"):
        write_ome_tiff(tmp_path / "a.ome.tiff", content())
    assert not list(tmp_path.iterdir())


def test_a_picture_for_reading_has_contours_and_bare_tissue(tmp_path: Path) -> None:
    """As on the screen: the tint has gone, lines in the colours of the classes are left."""
    told = content(options=ExportOptions(style=OverlayStyle(show_uncertain=False)))
    grid, prediction = told.prediction.grid, told.prediction
    inside = grid.cell(6, 6)
    view = Viewport(inside.center, 0.5, Size(900, 700), 1.0, 20)
    drawn = SlidePicture(told, view)
    shown = drawn.block(0, 0, 900, 700)
    colors = {c.color for c in prediction.classes}
    found = {color for color in colors if (np.abs(shown - np.array(color)).max(-1) < 8).any()}
    assert len(found) > 1
    assert (shown == 235).all(axis=2).mean() > 0.6, "most of the tissue is bare"
    pieces = np.hstack([drawn.block(x, 0, 300, 700) for x in range(0, 900, 300)])
    assert (np.abs(shown.astype(int) - pieces) > 40).mean() < 0.005
    hidden = replace(told, options=ExportOptions(style=OverlayStyle(is_shown=False)))
    assert (SlidePicture(hidden, view).block(0, 0, 900, 700) == 235).all()
