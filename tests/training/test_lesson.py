"""What a reader marks on slides becomes a model of its own, without TensorFlow."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bachview
from bachview.config import user_folders
from bachview.core.cell_state import CellState
from bachview.core.classes import BACH_CLASSES
from bachview.core.geometry import Region
from bachview.core.patches import PatchGrid
from bachview.errors import Cancelled, ExportError, UsageError
from bachview.jobs.tokens import CancelToken
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.correction import Correction
from bachview.marks.working_set import added
from bachview.models.bundle.golden import read_golden
from bachview.models.bundle.opened import Bundle, open_bundle
from bachview.models.engines.base import CnnOutputs
from bachview.models.verification import verify_bundle
from bachview.phantom.writer import write_phantom
from bachview.store.of_slide import open_results
from bachview.store.schema import store_name
from bachview.training.lesson import SlideLesson, teach
from bachview.training.refit import Teachable
from bachview.training.taught_bundle import agreement_text
from bachview.training.taught_cells import taught_cells
from tests.support.bundles import edit_manifest, selftest_path, unpacked
from tests.support.cli import Cli
from tests.support.seen import with_seen

_GRID = PatchGrid(Region(0, 0, 1000, 800), 100, 100, 300, 300)
_TISSUE = np.ones((8, 10), np.bool_)


def _drawn(name: str, x: float, y: float, width: float, height: float) -> Annotation:
    frame = Frame(x + width / 2, y + height / 2, width, height)
    return Annotation.drawn(Kind.RECTANGLE, frame, AnnotationClass(name, (1, 2, 3)))


def test_cells_have_the_readers_class_where_half_of_them_is_marked() -> None:
    tissue = _TISSUE.copy()
    tissue[0, 0] = False
    marks = [
        _drawn("Benign", 0, 0, 251, 100),  # a half of the third cell, and one px
        _drawn("Invasive", 600, 600, 100, 100),
        _drawn("Normal", 600, 600, 200, 100),  # contradicts the one before in a cell
        _drawn("Necrosis", 0, 300, 500, 100),  # no class of the model's
        replace(_drawn("Benign", 0, 700, 500, 100), object_type="tile"),  # another program's
    ]
    corrections = [
        Correction.made(_GRID.cell(0, 1), "Invasive", "Benign", ""),
        Correction.made(Region(300, 500, 50, 50), "Normal", None, ""),  # a finer grid's
    ]
    found = taught_cells(_GRID, BACH_CLASSES, tissue, corrections, marks)
    places = np.argwhere(found.mask).tolist()
    names = {(row, column): BACH_CLASSES.keys[found.labels[row, column]] for row, column in places}
    assert names == {(0, 1): "Invasive", (0, 2): "Benign", (6, 7): "Normal", (5, 3): "Normal"}
    assert found.contradictory == 1
    assert found.counts(BACH_CLASSES) == {"Normal": 2, "Benign": 1, "InSitu": 0, "Invasive": 1}


def test_cells_that_are_judged_by_the_same_tissue_are_neighbours() -> None:
    corrections = [
        Correction.made(_GRID.cell(0, column), "Normal", None, "") for column in (0, 3, 9)
    ]
    found = taught_cells(_GRID, BACH_CLASSES, _TISSUE, corrections, [])
    numbers = found.neighbourhoods(_GRID)[0]
    # A field is three cells wide: those of the first two overlap.
    assert numbers[0] == numbers[3] != numbers[9]
    assert not numbers[[1, 2, 4]].any()


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lesson") / "phantom.tiff"
    write_phantom(path, width=2600, height=2000)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return with_seen(unpacked(tmp_path / "model"))


def _mark(slide: bachview.Slide, ensemble: bachview.Ensemble) -> str:
    """Call what the model calls Benign by the name of Invasive; return the fingerprint."""
    metadata = slide.reader.metadata
    found = bachview.classify(slide, ensemble).cells
    is_benign = (found.states == CellState.CLASSIFIED) & (found.top_class == 1)
    marks = [
        Correction.made(found.grid.cell(row, column), "Invasive", "Benign", "")
        for row, column in np.argwhere(is_benign).tolist()
    ]
    with closing(open_results(user_folders().results, metadata.fingerprint, None)) as store:
        store.save_marks(added("correct", marks).changes)
    return metadata.fingerprint


def test_a_taught_model_is_a_bundle_that_says_what_it_is(
    slide: Path, model: Path, tmp_path: Path, expects_log: pytest.LogCaptureFixture
) -> None:
    before = (model / "manifest.json").read_bytes()
    steps: list[tuple[int, int]] = []
    with bachview.load_ensemble(model) as ensemble:
        parent = ensemble.bundle.sha256
        with pytest.raises(UsageError, match="nothing to learn from"):
            bachview.teach([slide], ensemble, tmp_path / "none.bachmodel")
        with bachview.open_slide(slide) as opened:
            fingerprint = _mark(opened, ensemble)
        kept = bachview.teach(
            [slide],
            ensemble,
            tmp_path / "new.bachmodel",
            name="Ours",
            progress=lambda _, done, total: steps.append((done, total)),
        )
        with pytest.raises(ExportError, match="already exists"):
            bachview.teach([slide], ensemble, kept.path)
    assert steps[-1][0] == steps[-1][1]
    assert (model / "manifest.json").read_bytes() == before
    assert all(check.ok for check in verify_bundle(kept.path))
    assert kept.taught.agreement.before == 0 < kept.taught.agreement.total
    with closing(open_bundle(kept.path)) as bundle:
        taught = bundle.manifest.taught
        assert taught is not None
        assert (bundle.name, bundle.sha256) == ("Ours", kept.sha256)
        assert (taught.parent_sha256, taught.slides) == (parent, (fingerprint,))
        assert taught.cells["Invasive"] == kept.taught.agreement.total
        assert set(taught.kept) == {"Random forest", "Gradient boosting"}
        assert taught.calibration == "unknown"
        assert "not calibrated" in bundle.manifest.measured
        assert parent in bundle.model_card
        assert slide.name not in bundle.model_card
        # What was measured of the one before is no figure of this one.
        assert "cv_photo_accuracy" not in bundle.manifest.training.metrics
    with closing(sqlite3.connect(user_folders().results / store_name(fingerprint))) as raw, raw:
        raw.execute("UPDATE marks SET crc = 0 WHERE revision = 1")
    # No part of it is left that does not know these cells, so that nothing is said of others.
    with bachview.load_ensemble(kept.path) as ensemble:
        again = bachview.teach([slide], ensemble, tmp_path / "again.bachmodel")
    agreement = again.taught.agreement
    assert (agreement.after, agreement.known_slides) == (None, 1)
    assert "1 marks of a results file are damaged" in expects_log.text
    assert (again.damaged, agreement.total) == (1, kept.taught.agreement.total - 1)
    assert "1 slide of these had taught already" in agreement_text(again.taught)
    assert again.taught.calibration == "unknown"
    with closing(open_bundle(again.path)) as bundle:
        assert bundle.manifest.taught is not None
        assert bundle.manifest.taught.earlier_slides == (fingerprint,)


def test_a_slide_that_is_given_twice_teaches_once(model: Path) -> None:
    with closing(open_bundle(model)) as bundle:
        lesson = _lesson(bundle, wrong=0, name=1)
        taught = teach(bundle, [lesson, lesson], CancelToken())
    assert taught.agreement.total == len(lesson.labels)
    assert taught.agreement.neighbourhoods == 12


def _lesson(
    model: Bundle, wrong: int, name: int, *, share: float = 1.0, count: int = 240
) -> SlideLesson:
    """Cells that the reader calls by a name, with features a share of which are another class's."""
    golden = read_golden(model)
    rng = np.random.default_rng(4)
    features = tuple(
        (
            share * part[wrong]
            + (1 - share) * part[name]
            + rng.normal(0, 0.002, (count, part.shape[1]))
        ).astype(np.float32)
        for part in golden.features
    )
    outputs = CnnOutputs(
        np.full((count, 3, 4), 0.25, np.float32), features, np.zeros((0, 3, 8, 8, 4), np.float32)
    )
    places = np.repeat(np.arange(12), count // 12)
    return SlideLesson(
        "a.svs", f"c2:{wrong}{name}", outputs, np.full(count, name, np.int64), places, 0, 0
    )


def test_teaching_moves_what_was_taught_and_forgets_nothing_else(model: Path) -> None:
    def silence(document: dict[str, Any]) -> None:
        for member in document["members"]:  # the heads of this model are very sure of themselves
            member["weight"] = float(member["name"] == "Support vectors")

    with closing(open_bundle(edit_manifest(model, silence))) as bundle:
        lesson = _lesson(bundle, wrong=0, name=1, share=0.51)
        taught = teach(bundle, [lesson], CancelToken())
        known = Teachable.of(bundle)
        before = known.members.votes(bundle.manifest, lesson.outputs)[:, :, 1]
        after = taught.members.votes(bundle.manifest, lesson.outputs)[:, :, 1]
    agreement = taught.agreement
    assert agreement.before < 0.1 * agreement.total
    assert agreement.after is not None
    assert agreement.after > 0.9 * agreement.total
    assert agreement.neighbourhoods == 12
    assert (taught.golden_same, taught.golden_total) == (4, 4)
    moved = dict(zip(bundle.member_names, (after - before).min(axis=0), strict=True))
    assert all(moved[name] > 0.05 for name in taught.refitted)
    assert all(moved[name] == 0 for name in taught.kept)


def test_calibration_is_fitted_only_where_there_is_enough(model: Path) -> None:
    with closing(open_bundle(model)) as bundle:
        lessons = [_lesson(bundle, wrong=each, name=each) for each in range(4)]
        assert teach(bundle, lessons, CancelToken()).calibration == "fitted"
        assert teach(bundle, lessons[:3], CancelToken()).calibration == "unknown"


def test_a_cancelled_lesson_ends(model: Path) -> None:
    token = CancelToken()
    token.cancel()
    with closing(open_bundle(model)) as bundle, pytest.raises(Cancelled):
        teach(bundle, [_lesson(bundle, wrong=1, name=3)], token)


def test_what_cannot_be_fitted_again_is_not_taught(tmp_path: Path) -> None:
    with closing(open_bundle(selftest_path())) as whole:
        lesson = _lesson(whole, wrong=1, name=3)
    folder = unpacked(tmp_path / "model")  # without statistics its heads stay as they are

    def drop_machine(document: dict[str, Any]) -> None:
        (at,) = (n for n, m in enumerate(document["members"]) if m.get("estimator") == "svm")
        del document["files"][document["members"].pop(at)["file"]]

    edit_manifest(folder, drop_machine)
    (folder / "svm.skops").unlink()
    with closing(open_bundle(folder)) as bundle:
        assert Teachable.of(bundle).refitted == ()
        with pytest.raises(UsageError, match="cannot be taught"):
            teach(bundle, [lesson], CancelToken())


def test_the_command_says_what_came_of_it_and_needs_no_tensorflow(
    cli: Cli, slide: Path, tmp_path: Path
) -> None:
    answer = cli("teach", slide, "--bundle", "selftest", "--output", tmp_path / "x.zip")
    assert answer.code != 0
    assert "end it with .bachmodel" in answer.err
    answer = cli("teach", slide, "--bundle", "selftest", "--output", slide / "x" / "a.bachmodel")
    assert answer.code != 0
    assert "a.bachmodel cannot be written to" in " ".join(answer.err.split())
    script = (
        "import sys; import bachview.api.teaching, bachview.training.taught_bundle;"
        "import bachview.training.comparison;"
        "assert not {'tensorflow', 'keras', 'sklearn', 'PySide6'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
