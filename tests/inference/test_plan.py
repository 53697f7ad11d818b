"""A plan names everything that a result depends on, and refuses what cannot be planned."""

from dataclasses import replace

import pytest

from bachview.core.geometry import Region
from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import Origin, PixelSize
from bachview.errors import PixelSizeError, UsageError
from bachview.inference.plan import Plan, make_plan, scanned_part
from tests.support.fake_ensemble import Facts
from tests.support.slides import ArraySlide, gradient

METADATA = ArraySlide(gradient(640, 480), mpp=0.5).metadata


def _plan(**changes: object) -> Plan:
    return make_plan(METADATA, METADATA.pixel_size, Facts(), **changes)  # type: ignore[arg-type]


def test_the_grid_covers_the_slide_at_the_bundles_stride() -> None:
    grid = _plan().grid
    assert (grid.stride_x, grid.field_x) == (64, 64)
    assert (grid.columns, grid.rows) == (10, 8)


@pytest.mark.parametrize(
    "other",
    [
        _plan(stride_um=16.0),
        make_plan(METADATA, PixelSize.typed(0.5), Facts()),
        make_plan(METADATA, METADATA.pixel_size, Facts(sha256="0" * 64)),
        make_plan(METADATA, METADATA.pixel_size, Facts(geometry=PatchGeometry(64, 1.0, 32.0))),
        make_plan(replace(METADATA, fingerprint="s1:other"), METADATA.pixel_size, Facts()),
        make_plan(replace(METADATA, icc_profile=b"x"), METADATA.pixel_size, Facts()),
    ],
)
def test_whatever_changes_the_result_changes_the_id(other: Plan) -> None:
    assert other.id != _plan().id


def test_the_same_request_gives_the_same_id_and_survives_json() -> None:
    assert _plan().id == _plan().id
    assert Plan.from_json(_plan().to_json()) == _plan()


@pytest.mark.parametrize(
    "pixel_size",
    [PixelSize.unknown(), PixelSize(352.78, 352.78, Origin.FILE), PixelSize.typed(0.0)],
)
def test_without_a_believable_pixel_size_there_is_no_plan(pixel_size: PixelSize) -> None:
    with pytest.raises(PixelSizeError, match=r"array\.tiff"):
        make_plan(METADATA, pixel_size, Facts())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stride_um": 0.0}, "stride"),
        ({"stride_um": -3.0}, "stride"),
        ({"stride_um": 1e-3}, "larger stride"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    changes: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        _plan(**changes)


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (Region(5000, 0, 10, 10), "does not lie on"),
        (Region(float("nan"), 0, 10, 10), "numbers"),
    ],
)
def test_a_region_without_cells_is_refused_in_a_sentence(region: Region, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        scanned_part(METADATA, region)


def test_a_region_is_cut_at_the_slide() -> None:
    assert scanned_part(METADATA, Region(-100, -100, 300, 10_000)) == Region(0, 0, 200, 480)


def test_a_smaller_stride_makes_fields_overlap() -> None:
    grid = _plan(stride_um=16.0).grid
    assert (grid.stride_x, grid.field_x) == (32, 64)
    assert grid.field(0, 0) == Region(-16, -16, 64, 64)
