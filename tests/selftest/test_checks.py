"""The self-test passes on a sound program, and fails where classes are wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.pyramid import TileKey
from bachview.errors import BundleError, Cancelled, SlideReadError, UsageError
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.installed import resolve_bundle
from bachview.models.ensemble import Ensemble
from bachview.phantom.writer import PhantomTruth
from bachview.selftest import checks as selftest
from bachview.selftest.checks import run_selftest
from bachview.selftest.class_checks import check_names, check_no_tissue, check_regions
from bachview.ui.view.selftest_rendering import render_pixels
from tests.support.bundles import Json, edit_manifest, unpacked
from tests.support.selftest_subjects import Swapped, classified

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
        "glass and ink are not tissue",
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
    assert " got " in check.message


@pytest.mark.parametrize("member", range(6))
def test_one_member_with_another_order_fails_although_it_is_outvoted(
    phantom: tuple[Path, PhantomTruth], ensemble: Ensemble, tmp_path: Path, member: int
) -> None:
    path, truth = phantom
    swapped = Swapped(ensemble, slice(member, member + 1), is_whole=False)
    check = check_regions(classified(path, swapped, tmp_path).prediction, truth)
    assert not check.ok
    assert ensemble.bundle.member_names[member] in check.message


def test_a_class_that_nothing_was_given_fails(
    phantom: tuple[Path, PhantomTruth], ensemble: Ensemble, tmp_path: Path
) -> None:
    path, truth = phantom
    prediction = classified(path, ensemble, tmp_path).prediction
    assert check_regions(prediction, truth).ok
    prediction.states[prediction.top_class == 3] = CellState.FAILED
    assert not check_regions(prediction, truth).ok


def test_classified_glass_or_ink_fails(
    phantom: tuple[Path, PhantomTruth], ensemble: Ensemble, tmp_path: Path
) -> None:
    path, truth = phantom
    prediction = classified(path, ensemble, tmp_path).prediction
    assert check_no_tissue(prediction, truth).ok
    prediction.states[0, 0] = CellState.PENDING
    check = check_no_tissue(prediction, truth)
    assert not check.ok
    assert "row 0, column 0" in check.message
