"""The self-test fails where something is drawn or read from another place or level."""

from dataclasses import replace
from pathlib import Path

import pytest

from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Pyramid
from bachview.models.ensemble import Ensemble
from bachview.selftest.alignment_checks import GetTile, check_overlay, check_slide
from bachview.selftest.level_checks import check_display_level, check_patch_level
from bachview.ui.view.selftest_rendering import render_pixels
from bachview.viewing.overlay import OverlayPicture
from bachview.viewing.viewport import Viewport
from tests.support.selftest_subjects import Drawn, Pixels, classified

# -- place -------------------------------------------------------------------------------


def moved(picture: OverlayPicture, dx: float, dy: float) -> OverlayPicture:
    x, y, width, height = picture.region
    return replace(picture, region=Region(x + dx, y + dy, width, height))


@pytest.mark.parametrize(("dx", "dy"), [(128, 0), (0, -128), (2, 0), (0, 2), (-1, 0), (0.5, 0.0)])
def test_a_shifted_overlay_fails(
    drawn: Drawn, ensemble: Ensemble, tmp_path: Path, dx: float, dy: float
) -> None:
    prediction = classified(drawn.chart.path, ensemble, tmp_path).prediction
    check = check_overlay(
        drawn.chart,
        prediction,
        drawn.pyramid,
        drawn.tile,
        render_pixels,
        lambda picture: moved(picture, dx, dy),
    )
    assert not check.ok
    assert "do not show what is there" in check.message


def test_an_overlay_of_another_size_by_a_hundredth_fails(
    drawn: Drawn, ensemble: Ensemble, tmp_path: Path
) -> None:
    prediction = classified(drawn.chart.path, ensemble, tmp_path).prediction

    def stretched(picture: OverlayPicture) -> OverlayPicture:
        x, y, width, height = picture.region
        return replace(picture, region=Region(x, y, width * 1.01, height))

    check = check_overlay(
        drawn.chart, prediction, drawn.pyramid, drawn.tile, render_pixels, stretched
    )
    assert not check.ok


def test_a_missing_overlay_fails(drawn: Drawn, ensemble: Ensemble, tmp_path: Path) -> None:
    prediction = classified(drawn.chart.path, ensemble, tmp_path).prediction
    check = check_overlay(
        drawn.chart,
        prediction,
        drawn.pyramid,
        drawn.tile,
        lambda viewport, pyramid, get, _: render_pixels(viewport, pyramid, get, None),
    )
    assert not check.ok


@pytest.mark.parametrize(
    "wrong",
    [
        lambda viewport: viewport.panned(3, 0),
        lambda viewport: viewport.with_rotation(viewport.rotation_deg + 1),
        lambda viewport: viewport.with_downsample(viewport.downsample * 1.01),
    ],
)
def test_a_slide_drawn_elsewhere_fails(drawn: Drawn, wrong) -> None:  # type: ignore[no-untyped-def]
    def render(
        viewport: Viewport, pyramid: Pyramid, get_tile: GetTile, overlay: OverlayPicture | None
    ) -> Pixels:
        return render_pixels(wrong(viewport), pyramid, get_tile, overlay)

    assert not check_slide(drawn.chart, drawn.pyramid, drawn.tile, render).ok


def test_a_picture_of_the_wrong_size_fails(drawn: Drawn) -> None:
    check = check_slide(
        drawn.chart,
        drawn.pyramid,
        drawn.tile,
        lambda viewport, *rest: render_pixels(viewport, *rest)[:-1],
    )
    assert "wrong size" in check.message


# -- levels ------------------------------------------------------------------------------


@pytest.mark.parametrize("mpp", [0.25, 0.45, 0.55, 1.0])
def test_a_wrong_pixel_size_fails(drawn: Drawn, ensemble: Ensemble, mpp: float) -> None:
    geometry = ensemble.bundle.geometry
    assert check_patch_level(
        drawn.reader, drawn.chart, geometry, drawn.reader.metadata.pixel_size
    ).ok
    wrong = PixelSize.typed(mpp)
    assert not check_patch_level(drawn.reader, drawn.chart, geometry, wrong).ok


def test_fields_of_the_wrong_size_fail(drawn: Drawn, ensemble: Ensemble) -> None:
    geometry = replace(ensemble.bundle.geometry, mpp=1.2)
    pixel_size = drawn.reader.metadata.pixel_size
    check = check_patch_level(drawn.reader, drawn.chart, geometry, pixel_size)
    assert not check.ok
    assert "shows another place" in check.message


def test_patches_from_a_needlessly_fine_level_fail(
    drawn: Drawn, ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bachview.slide.patches.level_for_mpp", lambda pyramid, *_: pyramid.levels[0]
    )
    pixel_size = drawn.reader.metadata.pixel_size
    check = check_patch_level(drawn.reader, drawn.chart, ensemble.bundle.geometry, pixel_size)
    assert not check.ok
    assert "level 1 is right" in check.message


def test_a_screen_that_forgets_its_pixel_ratio_fails(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_display_level(drawn.reader).ok
    from bachview.viewing.wanted import wanted_tiles

    monkeypatch.setattr(
        "bachview.selftest.level_checks.wanted_tiles",
        lambda viewport, pyramid: wanted_tiles(replace(viewport, pixel_ratio=1.0), pyramid),
    )
    assert not check_display_level(drawn.reader).ok
