"""The self-test passes on a sound program, and fails on every fault that is put in here."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bachview.core.calibration import Calibration
from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.geometry import Region
from bachview.core.predictions import PatchResults, PatchState
from bachview.core.pyramid import Pyramid, TileKey
from bachview.core.stains import STAINS
from bachview.errors import BundleError, Cancelled, SlideReadError, UsageError
from bachview.inference.plan import Plan, make_plan
from bachview.jobs.tokens import CancelToken
from bachview.models.engine import EngineInfo
from bachview.models.ensemble import Ensemble, EnsembleOutput, load_ensemble
from bachview.models.installed import resolve_bundle
from bachview.results.store import ResultStore
from bachview.selftest import checks as selftest
from bachview.selftest.alignment_checks import GetTile, check_overlay, check_slide
from bachview.selftest.chart import GLASS, Chart, write_chart
from bachview.selftest.checks import run_selftest
from bachview.selftest.class_checks import check_names, check_no_tissue, check_regions
from bachview.selftest.engine_check import check_engine, compare_answers
from bachview.selftest.level_checks import check_display_level, check_patch_level
from bachview.selftest.resume_check import check_resume
from bachview.selftest.runs import Classified, classify_slide
from bachview.slide.display_tiles import read_display_tile
from bachview.slide.opening import open_slide
from bachview.slide.phantom import PhantomTruth, write_phantom
from bachview.slide.reader import SlideReader
from bachview.ui.selftest_rendering import render_pixels
from bachview.viewing.overlay import OverlayPicture
from bachview.viewing.viewport import Viewport
from tests.models.bundles import Json, edit_manifest, unpacked

Pixels = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def ensemble() -> Iterator[Ensemble]:
    with load_ensemble(resolve_bundle("selftest")) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("selftest")


@pytest.fixture(scope="module")
def chart(folder: Path, ensemble: Ensemble) -> Chart:
    return write_chart(folder / "chart.tiff", ensemble.bundle.classes, ensemble.bundle.geometry)


@pytest.fixture(scope="module")
def phantom(folder: Path) -> tuple[Path, PhantomTruth]:
    path = folder / "phantom.tiff"
    return path, write_phantom(path, width=4096, height=3072)


@dataclass
class Swapped:
    """An ensemble whose columns are in another order than its classes."""

    ensemble: Ensemble
    members: slice = field(default_factory=lambda: slice(None))
    is_whole: bool = True

    @property
    def info(self) -> EngineInfo:
        return self.ensemble.info

    @property
    def batch_size(self) -> int:
        return self.ensemble.batch_size

    def predict(self, patches: Pixels, token: CancelToken | None = None) -> EnsembleOutput:
        answer = self.ensemble.predict(patches, token)
        members, order = answer.members.copy(), [1, 0, 2, 3]
        members[:, self.members] = members[:, self.members][..., order]
        whole = answer.probabilities[:, order] if self.is_whole else answer.probabilities
        return EnsembleOutput(members, whole)


def classified(
    path: Path, judge: Ensemble | Swapped, results: Path, mpp: float | None = None
) -> Classified:
    bundle = judge.bundle if isinstance(judge, Ensemble) else judge.ensemble.bundle

    def planned(reader: SlideReader) -> Plan:
        calibration = Calibration.typed(mpp) if mpp else reader.metadata.calibration
        return make_plan(reader.metadata, calibration, bundle)

    return classify_slide(path, judge, planned, results)


class Drawn:
    """An open chart with its tiles."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.reader = open_slide(chart.path)
        self.pyramid = self.reader.metadata.pyramid
        self._tiles: dict[TileKey, Pixels] = {}

    def tile(self, key: TileKey) -> Pixels:
        if key not in self._tiles:
            self._tiles[key] = read_display_tile(self.reader, key)
        return self._tiles[key]


@pytest.fixture
def drawn(chart: Chart) -> Iterator[Drawn]:
    opened = Drawn(chart)
    yield opened
    opened.reader.close()


# -- the whole ---------------------------------------------------------------------------


def test_a_sound_program_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: object
) -> None:
    monkeypatch.setattr("bachview.selftest.engine_check.find_spec", lambda _: None)
    seen: list[tuple[int, int]] = []
    checks = run_selftest(
        tmp_path, render_pixels, progress=lambda done, total: seen.append((done, total))
    )
    assert [check.message for check in checks if not check.ok] == []
    assert [check.name for check in checks] == [
        "bundle",
        "class names and order",
        "classes of known regions",
        "glass and ink are no tissue",
        "level and size of patches",
        "level on the screen",
        "slide alignment",
        "overlay alignment",
        "resume",
        "engine against reference",
    ]
    assert checks[-1].message.startswith("Skipped: TensorFlow is not installed")
    assert seen == [(n, len(checks)) for n in range(len(checks) + 1)]


def test_a_cancel_ends_it(tmp_path: Path) -> None:
    token = CancelToken()

    def cancel(done: int, _: int) -> None:
        if done == 2:
            token.cancel()

    with pytest.raises(Cancelled):
        run_selftest(tmp_path, render_pixels, progress=cancel, token=token)


def test_there_must_be_such_a_bundle(tmp_path: Path) -> None:
    with pytest.raises((UsageError, BundleError)):
        run_selftest(tmp_path, render_pixels, bundle="nowhere")


def test_a_damaged_bundle_fails_and_nothing_is_built_on_it(tmp_path: Path) -> None:
    content = bytearray(resolve_bundle("selftest").read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged = tmp_path / "damaged.bachmodel"
    damaged.write_bytes(content)
    checks = run_selftest(tmp_path, render_pixels, bundle=str(damaged))
    assert [check.ok for check in checks] == [False, True]
    assert checks[0].name == "bundle damaged"


def test_another_bundle_is_verified_and_the_stains_judge_the_slides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest._Subject, "STEPS", ())
    other = edit_manifest(unpacked(tmp_path / "other"), lambda d: d.update(name="Of tissue"))
    checks = run_selftest(tmp_path, render_pixels, bundle=str(other))
    assert [(check.name, check.ok) for check in checks] == [
        ("bundle other", True),
        ("bundle selftest", True),
    ]


def test_a_bundle_with_swapped_classes_fails(tmp_path: Path) -> None:
    def swap(document: Json) -> None:
        classes = document["classes"]
        classes[0], classes[1] = classes[1], classes[0]

    other = edit_manifest(unpacked(tmp_path / "other"), swap)
    checks = run_selftest(tmp_path, render_pixels, bundle=str(other))
    assert not all(check.ok for check in checks)


def test_a_step_that_meets_an_error_is_a_failed_check_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise SlideReadError("This part of chart.tiff is damaged.")

    monkeypatch.setattr("bachview.selftest.engine_check.find_spec", lambda _: None)
    monkeypatch.setattr(selftest, "read_display_tile", broken)
    checks = {check.name: check for check in run_selftest(tmp_path, lambda v, p, get, o: get(KEY))}
    for name in ("slide alignment", "overlay alignment"):
        assert not checks[name].ok
        assert checks[name].message == "This part of chart.tiff is damaged."
    assert checks["resume"].ok


KEY = TileKey(0, 0, 0)


# -- classes -----------------------------------------------------------------------------


def test_other_names_or_another_order_fail() -> None:
    assert check_names(BACH_CLASSES).ok
    swapped = ClassSet((BACH_CLASSES[1], BACH_CLASSES[0], *BACH_CLASSES.classes[2:]))
    assert not check_names(swapped).ok
    renamed = ClassSet((replace(BACH_CLASSES[0], name="Healthy"), *BACH_CLASSES.classes[1:]))
    assert "Healthy" in check_names(renamed).message
    assert not check_names(renamed).ok


def test_a_swapped_class_order_fails(
    phantom: tuple[Path, PhantomTruth], ensemble: Ensemble, tmp_path: Path
) -> None:
    path, truth = phantom
    prediction = classified(path, Swapped(ensemble), tmp_path).prediction
    check = check_regions(prediction, truth)
    assert not check.ok
    assert "was given" in check.message


@pytest.mark.parametrize("member", range(6))
def test_one_member_with_another_order_fails_although_it_is_outvoted(
    phantom: tuple[Path, PhantomTruth], ensemble: Ensemble, tmp_path: Path, member: int
) -> None:
    path, truth = phantom
    judge = Swapped(ensemble, slice(member, member + 1), is_whole=False)
    check = check_regions(classified(path, judge, tmp_path).prediction, truth)
    assert not check.ok
    assert ensemble.bundle.member_names[member] in check.message


def test_a_class_that_nothing_was_given_fails(
    phantom: tuple[Path, PhantomTruth], ensemble: Ensemble, tmp_path: Path
) -> None:
    path, truth = phantom
    prediction = classified(path, ensemble, tmp_path).prediction
    assert check_regions(prediction, truth).ok
    prediction.states[prediction.top_class == 3] = PatchState.FAILED
    assert not check_regions(prediction, truth).ok


def test_classified_glass_or_ink_fails(
    phantom: tuple[Path, PhantomTruth], ensemble: Ensemble, tmp_path: Path
) -> None:
    path, truth = phantom
    prediction = classified(path, ensemble, tmp_path).prediction
    assert check_no_tissue(prediction, truth).ok
    prediction.states[0, 0] = PatchState.PENDING
    check = check_no_tissue(prediction, truth)
    assert not check.ok
    assert "row 0, column 0" in check.message


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
    assert "do not show what lies there" in check.message


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
        lambda viewport: viewport.rotated(1),
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
        drawn.reader, drawn.chart, geometry, drawn.reader.metadata.calibration
    ).ok
    wrong = Calibration.typed(mpp)
    assert not check_patch_level(drawn.reader, drawn.chart, geometry, wrong).ok


def test_fields_of_the_wrong_size_fail(drawn: Drawn, ensemble: Ensemble) -> None:
    geometry = replace(ensemble.bundle.geometry, mpp=1.2)
    calibration = drawn.reader.metadata.calibration
    check = check_patch_level(drawn.reader, drawn.chart, geometry, calibration)
    assert not check.ok
    assert "shows another place" in check.message


def test_patches_from_a_needlessly_fine_level_fail(
    drawn: Drawn, ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bachview.slide.patches.level_for_mpp", lambda pyramid, *_: pyramid.levels[0]
    )
    calibration = drawn.reader.metadata.calibration
    check = check_patch_level(drawn.reader, drawn.chart, ensemble.bundle.geometry, calibration)
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


# -- resume ------------------------------------------------------------------------------


def resumed(path: Path, ensemble: Ensemble, folder: Path, **options):  # type: ignore[no-untyped-def]
    whole = classified(path, ensemble, folder / "whole")
    if change := options.pop("change", None):
        change(whole.prediction)
    return check_resume(path, ensemble, whole.plan, whole.prediction, folder / "stopped", **options)


def test_a_store_that_forgets_fails(chart: Chart, ensemble: Ensemble, tmp_path: Path) -> None:
    assert resumed(chart.path, ensemble, tmp_path).ok
    reader = open_slide(chart.path)
    reader.close()

    def emptied(store: ResultStore) -> ResultStore:
        for record in store.runs():
            store.delete(record.run_id)
        return store

    check = resumed(chart.path, ensemble, tmp_path / "again", reopened=emptied)
    assert not check.ok
    assert "classified twice" in check.message


def test_a_lost_patch_or_another_result_fails(
    chart: Chart, ensemble: Ensemble, tmp_path: Path
) -> None:
    def one_more(prediction) -> None:  # type: ignore[no-untyped-def]
        prediction.states[0, 0] = PatchState.DONE

    def other_class(prediction) -> None:  # type: ignore[no-untyped-def]
        row, column = np.argwhere(chart.squares != GLASS)[5]
        prediction.top_class[row, column] ^= 1

    check = resumed(chart.path, ensemble, tmp_path / "a", change=one_more)
    assert "1 were lost" in check.message
    assert not check.ok
    check = resumed(chart.path, ensemble, tmp_path / "b", change=other_class)
    assert "differs" in check.message
    assert not check.ok


# -- engine ------------------------------------------------------------------------------


def answers(shift: float = 0.0, wrong: int = 0) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(0)
    members = rng.dirichlet(np.full(4, 0.3), (100, 6)).astype(np.float32)
    members[..., 0] += shift
    members[:wrong] = np.roll(members[:wrong], 1, axis=2)
    return members


NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.mark.parametrize(
    ("precision", "shift", "wrong", "is_good"),
    [
        ("f32", 0.0, 0, True),
        ("f32", 5e-4, 0, True),
        ("f32", 2e-3, 0, False),
        ("bf16", 2e-3, 0, True),
        ("bf16", 0.0, 1, False),
    ],
)
def test_an_engine_that_differs_fails(
    precision: str, shift: float, wrong: int, is_good: bool
) -> None:
    check = compare_answers("engine", precision, answers(shift, wrong), answers(), NAMES[:3], NAMES)
    assert check.ok is is_good


@pytest.mark.slow
def test_the_engine_is_compared_with_tensorflow(ensemble: Ensemble) -> None:
    rng = np.random.default_rng(1)
    side = ensemble.bundle.geometry.input_px
    # Around the stains: midway between two of them bf16 may well fall to the other side.
    stains = np.array([*STAINS.values()] * 5)
    colors = (stains + rng.integers(-12, 13, stains.shape)).astype(np.uint8)[:, None, None]
    patches = np.broadcast_to(colors, (20, side, side, 3)).copy()
    check = check_engine(ensemble, resolve_bundle("selftest"), patches)
    assert check.ok, check.message
    assert "20 patches" in check.message


def test_results_are_delivered_as_they_are_saved(
    chart: Chart, ensemble: Ensemble, tmp_path: Path
) -> None:
    run = classified(chart.path, ensemble, tmp_path)
    assert sorted(run.session.cells) == [
        (int(r), int(c)) for r, c in np.argwhere(chart.squares != GLASS)
    ]
    assert all(isinstance(batch, PatchResults) for batch in run.session.batches)
    assert os.listdir(tmp_path)  # noqa: PTH208
