"""The self-test: drawn slides run through the whole program and compared with the truth."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from bachview.core.cell_state import CellState
from bachview.core.pyramid import TileKey
from bachview.errors import BachviewError
from bachview.inference.plan import Plan, make_plan
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.installed import resolve_bundle
from bachview.models.bundle.opened import open_bundle
from bachview.models.ensemble import Ensemble
from bachview.models.loading import load_ensemble
from bachview.models.verification import Check, verify_bundle
from bachview.phantom.writer import PhantomTruth, write_phantom
from bachview.selftest.alignment_checks import check_overlay, check_slide
from bachview.selftest.chart import Chart, write_chart
from bachview.selftest.class_checks import check_names, check_no_tissue, check_regions
from bachview.selftest.engine_check import check_engine
from bachview.selftest.level_checks import check_display_level, check_patch_level
from bachview.selftest.renderer import Renderer
from bachview.selftest.resume_check import check_resume
from bachview.selftest.runs import Classified, classify_slide
from bachview.slide.opening import open_slide
from bachview.slide.patches import PatchReader
from bachview.slide.reader import SlideReader
from bachview.slide.tiles.display_tiles import read_display_tile

__all__ = ["Check", "Renderer", "run_selftest"]

#: Name, in its manifest, of the bundle whose classes are stains.
STAIN_BUNDLE = "Self-test"

_PHANTOM_PX = (4096, 3072)
_REFERENCE_PATCHES = 64


def run_selftest(
    folder: Path,
    render: Renderer,
    *,
    bundle: str = "selftest",
    progress: Callable[[int, int], None] | None = None,
    token: CancelToken | None = None,
) -> tuple[Check, ...]:
    """Classify slides with known classes and check everything about the result.

    Blocking, some ten seconds, thirty with TensorFlow; any thread that may render. A step that
    raises a known error is a failed check; a bug propagates.

    Parameters
    ----------
    folder : exists and is empty; the caller removes what is written there.
    render : draws like the window.
    bundle : name or path. A bundle other than the self-test bundle is verified as well; the drawn
        slides are classified with the self-test bundle, since only its classes are stains.
    progress : called with (steps done, steps in all).
    token : checked between steps and batches.

    Raises
    ------
    Cancelled
        The token was cancelled.
    UsageError, BundleError
        There is no such bundle.
    """
    token = token or CancelToken()
    asked, stains = resolve_bundle(bundle), resolve_bundle("selftest")
    paths = [asked] if asked == stains or _has_stains(asked) else [asked, stains]
    total, done = len(paths) + len(_Subject.STEPS), 0
    tell = progress or (lambda done, total: None)
    tell(done, total)
    checks: list[Check] = []
    for path in paths:
        token.check()
        checks.append(_verified("bundle" if len(paths) == 1 else f"bundle {path.stem}", path))
        done += 1
        tell(done, total)
    if not all(check.ok for check in checks):
        return tuple(checks)
    with load_ensemble(paths[-1]) as ensemble, _Subject(folder, paths[-1], ensemble, token) as it:
        for name, step in it.STEPS:
            token.check()
            try:
                checks.append(step(it, render))
            except BachviewError as error:
                checks.append(Check(name, False, str(error)))
            done += 1
            tell(done, total)
    return tuple(checks)


def _has_stains(path: Path) -> bool:
    try:
        bundle = open_bundle(path)
    except BachviewError:
        return False  # verifying it will report why
    with bundle:
        return bundle.manifest.name == STAIN_BUNDLE


def _verified(name: str, path: Path) -> Check:
    found = verify_bundle(path)
    failed = next((check for check in found if not check.ok), None)
    if failed is not None:
        return Check(name, False, f"{failed.name}: {failed.message}")
    return Check(name, True, f"All {len(found)} checks passed; {found[-1].message}.")


class _Subject:
    """The drawn slides, created when a step first needs them. One thread."""

    def __init__(self, folder: Path, bundle: Path, ensemble: Ensemble, token: CancelToken) -> None:
        self._folder = folder
        self._bundle = bundle
        self._ensemble = ensemble
        self._token = token
        self._readers = ExitStack()

    def __enter__(self) -> "_Subject":
        return self

    def __exit__(self, *exception: object) -> None:
        self._readers.close()

    def _plan(self, reader: SlideReader) -> Plan:
        return make_plan(reader.metadata, reader.metadata.pixel_size, self._ensemble.bundle)

    def _classify(self, path: Path) -> Classified:
        results = self._folder / "results"
        return classify_slide(path, self._ensemble, self._plan, results, self._token)

    @cached_property
    def _phantom(self) -> tuple[Path, PhantomTruth]:
        path = self._folder / "phantom.tiff"
        width, height = _PHANTOM_PX
        return path, write_phantom(path, width=width, height=height, token=self._token)

    @cached_property
    def _phantom_run(self) -> Classified:
        return self._classify(self._phantom[0])

    @cached_property
    def _chart(self) -> Chart:
        bundle = self._ensemble.bundle
        return write_chart(self._folder / "chart.tiff", bundle.classes, bundle.geometry)

    @cached_property
    def _chart_reader(self) -> SlideReader:
        reader = open_slide(self._chart.path)
        self._readers.callback(reader.close)
        return reader

    @cached_property
    def _tiles(self) -> dict[TileKey, npt.NDArray[np.uint8]]:
        return {}

    def _tile(self, key: TileKey) -> npt.NDArray[np.uint8]:
        if key not in self._tiles:
            self._tiles[key] = read_display_tile(self._chart_reader, key)
        return self._tiles[key]

    def names(self, _: Renderer) -> Check:
        return check_names(self._ensemble.bundle.classes)

    def regions(self, _: Renderer) -> Check:
        return check_regions(self._phantom_run.prediction, self._phantom[1])

    def no_tissue(self, _: Renderer) -> Check:
        return check_no_tissue(self._phantom_run.prediction, self._phantom[1])

    def patch_level(self, _: Renderer) -> Check:
        reader = self._chart_reader
        geometry = self._ensemble.bundle.geometry
        return check_patch_level(reader, self._chart, geometry, reader.metadata.pixel_size)

    def display_level(self, _: Renderer) -> Check:
        return check_display_level(self._chart_reader)

    def slide_place(self, render: Renderer) -> Check:
        pyramid = self._chart_reader.metadata.pyramid
        return check_slide(self._chart, pyramid, self._tile, render)

    def overlay_place(self, render: Renderer) -> Check:
        prediction = self._classify(self._chart.path).prediction
        pyramid = self._chart_reader.metadata.pyramid
        return check_overlay(self._chart, prediction, pyramid, self._tile, render)

    def resume(self, _: Renderer) -> Check:
        whole = self._phantom_run
        return check_resume(
            whole.path,
            self._ensemble,
            whole.plan,
            whole.prediction,
            self._folder / "stopped",
            self._token,
        )

    def engine(self, _: Renderer) -> Check:
        whole = self._phantom_run
        reader = open_slide(whole.path)
        try:
            patches = PatchReader(reader, whole.plan.pixel_size, whole.plan.geometry)
            cells = np.argwhere(whole.prediction.states == CellState.CLASSIFIED)
            some = cells[:: max(1, len(cells) // _REFERENCE_PATCHES)]
            pixels = [
                patches.read(whole.prediction.field(int(row), int(column))) for row, column in some
            ]
        finally:
            reader.close()
        return check_engine(self._ensemble, self._bundle, np.stack(pixels))

    STEPS: ClassVar[tuple[tuple[str, Callable[["_Subject", Renderer], Check]], ...]] = (
        ("class names and order", names),
        ("classes of known regions", regions),
        ("glass and ink are not tissue", no_tissue),
        ("level and size of patches", patch_level),
        ("level on the screen", display_level),
        ("slide alignment", slide_place),
        ("overlay alignment", overlay_place),
        ("resume", resume),
        ("engine against reference", engine),
    )
