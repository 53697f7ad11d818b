"""A lesson: teaches a model what is marked on slides, compares both, keeps or drops the new one."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from bachview.config import user_folders
from bachview.core.cell_state import CellState
from bachview.core.predictions import PatchResults, Prediction
from bachview.errors import BachviewError, BundleError, Cancelled
from bachview.file_names import BUNDLE_SUFFIX
from bachview.jobs.tokens import CancelToken
from bachview.ui.session.bundles import BundleSummary
from bachview.ui.session.document import Document
from bachview.ui.session.ensemble_service import EnsembleChoice
from bachview.ui.session.services import Services

if TYPE_CHECKING:
    from bachview.models.ensemble import Ensemble
    from bachview.training.comparison import Moved
    from bachview.training.lesson import Taught


@dataclass(frozen=True, slots=True)
class MarkedSlide:
    """What there is on a slide to learn from.

    Attributes
    ----------
    name : of the file.
    corrections : by key of the class.
    annotations : areas, by key of the class.
    problem : why it cannot be used, a sentence; empty if it can.
    damaged : saved marks that cannot be read; what they would teach is not known.
    """

    name: str
    corrections: dict[str, int]
    annotations: dict[str, int]
    problem: str = ""
    damaged: int = 0

    @property
    def count(self) -> int:
        return sum(self.corrections.values()) + sum(self.annotations.values())


class Teaching(QObject):
    """One lesson of one slide and perhaps others. GUI thread only; the dialog owns it.

    The work is done in the inference lane, between runs. Nothing of the model in use changes.

    Attributes
    ----------
    taught : the members that were fitted; None before.
    after : what they say of the slide's cells, as far as they have judged them; None without a
        prediction to compare with.
    compared, to_compare : cells judged again, and of how many.

    Signals
    -------
    listed(tuple of MarkedSlide) : what the chosen slides offer.
    progressed(str, int, int) : what is being done, and how far it is.
    fitted : `taught` is there; `after` grows from now on.
    grew : `after` has new cells.
    compared_all : `after` is whole.
    failed(str) : it has ended without a model.
    kept(Path) : the new model's file.
    """

    listed = Signal(object)
    progressed = Signal(str, int, int)
    fitted = Signal()
    grew = Signal()
    compared_all = Signal()
    failed = Signal(str)
    kept = Signal(object)

    def __init__(
        self,
        document: Document,
        bundle: BundleSummary,
        device: str,
        services: Services,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document, self._services = document, services
        self.bundle = bundle
        self._choice = EnsembleChoice(bundle.path, bundle.sha256, device)
        self._token = CancelToken()
        self.taught: Taught | None = None
        self.before: Prediction | None = None
        self.after: Prediction | None = None
        self.compared = self.to_compare = 0

    # -- what there is to learn from -----------------------------------------------------

    @property
    def marked(self) -> MarkedSlide:
        """What is on the slide of the document now."""
        session = self._document.marks
        marks = session.working_set
        found = _marked(
            self._document.title,
            marks.corrections.values(),
            marks.annotations.values(),
            self.bundle,
        )
        return replace(found, damaged=session.damaged)

    def look(self, others: Sequence[Path]) -> None:
        """Find what other slides offer; answers with `listed`."""
        bundle = self.bundle
        own = self._document.metadata.fingerprint

        def read(token: CancelToken) -> tuple[tuple[Path, MarkedSlide], ...]:
            found = []
            for path in others:
                token.check()
                marked = _marked_on_disk(path, own, bundle, token)
                if marked is not None:
                    found.append((path, marked))
            return tuple(found)

        self._services.bridge.watch(
            self._services.io.submit(read, self._token),
            self.listed.emit,
            lambda error: self.failed.emit(str(error)),
            topic=(self, "look"),
        )

    # -- the lesson ----------------------------------------------------------------------

    def start(self, others: Sequence[Path]) -> None:
        """Teach what is marked on the slide and on others; answers with `fitted`."""
        document, bridge = self._document, self._services.bridge
        working_set = document.marks.working_set
        corrections = tuple(working_set.corrections.values())
        annotations = tuple(working_set.annotations.values())
        reader, pixel_size, results = document.reader, document.pixel_size, document.results
        token, damaged = self._token, document.marks.damaged

        def tell(what: str, done: int, total: int) -> None:
            bridge.call(self._on_progress, token, what, done, total)

        def teach(ensemble: "Ensemble", token: CancelToken) -> "Taught":
            from bachview.training.lesson import lesson_of_file, slide_lesson, teach

            own = slide_lesson(
                reader,
                pixel_size,
                ensemble,
                corrections,
                annotations,
                results.existing(),
                token,
                on_cells=lambda done, total: tell("Reading the marked cells", done, total),
            )
            lessons = [replace(own, damaged=damaged)]
            for path in others:
                lesson = lesson_of_file(
                    path,
                    ensemble,
                    user_folders().results,
                    token,
                    on_cells=lambda d, t: tell("Reading the marked cells of other slides", d, t),
                )
                if lesson is not None:
                    lessons.append(lesson)
            return teach(
                ensemble.bundle,
                lessons,
                token,
                progress=lambda _, done, total: tell("Fitting the members", done, total),
            )

        self._submit(teach, self._on_taught)

    def _submit(self, job: Any, on_done: Any) -> None:
        future = self._services.service.submit(self._choice, job, self._token, on_turn=lambda: None)
        self._document.hold_for_lesson(future, self._token)
        self._services.bridge.watch(
            future, on_done, lambda error: self.failed.emit(str(error)), topic=self
        )

    def _on_progress(self, token: CancelToken, what: str, done: int, total: int) -> None:
        if not token.is_cancelled:
            self.progressed.emit(what, done, total)

    def _on_taught(self, taught: "Taught") -> None:
        self.taught = taught
        self._begin_comparison()
        self.fitted.emit()
        if self.after is not None:
            self._compare(taught)
        else:
            self.compared_all.emit()

    @property
    def is_of_shown(self) -> bool:
        """Whether the slide still shows what the new model is compared with."""
        return self.before is not None and self._document.prediction is self.before

    def cancel(self) -> None:
        """Stop; nothing is kept."""
        self._token.cancel()
        self._services.bridge.forget(self)
        self._services.bridge.forget((self, "look"))
        self._token = CancelToken()

    # -- the comparison ------------------------------------------------------------------

    def _begin_comparison(self) -> None:
        document = self._document
        shown = document.prediction
        if shown is None or document.bundle is None or document.bundle.sha256 != self.bundle.sha256:
            return
        self.before = shown
        self.after = Prediction(shown.grid, shown.classes, shown.member_names, shown.tissue)
        found = shown.results()
        without_class = found.states != CellState.CLASSIFIED
        # Neither what cannot be read nor what lies outside is changed by teaching.
        self.after.add(found.taken(without_class))
        self.to_compare = int((shown.states == CellState.CLASSIFIED).sum())

    def _compare(self, taught: "Taught") -> None:
        document, bridge, before = self._document, self._services.bridge, self.before
        assert before is not None  # noqa: S101  # there is an `after`
        cells = np.asarray(before.states == CellState.CLASSIFIED)
        tissue = before.tissue
        reader, metadata, pixel_size = document.reader, document.metadata, document.pixel_size
        run, bundle = document.run, self.bundle
        icc = document.is_run_managed

        def compare(ensemble: "Ensemble", token: CancelToken) -> None:
            from bachview.inference.plan import make_plan
            from bachview.training.comparison import judged_again

            plan = make_plan(metadata, pixel_size, bundle, icc=icc)
            for results in judged_again(
                reader, ensemble, plan, tissue, cells, taught, token, view=lambda: run.view
            ):
                bridge.call(self._on_results, token, results)

        self._submit(compare, lambda _: self.compared_all.emit())

    def _on_results(self, token: CancelToken, results: PatchResults) -> None:
        if token.is_cancelled or self.after is None:
            return
        self.after.add(results)
        self.compared += len(results)
        self.grew.emit()

    @property
    def moved(self) -> "Moved | None":
        """Which cells change class, of those compared so far; None without a comparison."""
        if self.before is None or self.after is None:
            return None
        from bachview.training.comparison import Moved

        return Moved.between(self.before, self.after)

    # -- the end -------------------------------------------------------------------------

    def path_of(self, name: str) -> Path:
        """Where a model of this name would be kept."""
        from bachview.file_names import portable

        return user_folders().models / f"{portable(name)}{BUNDLE_SUFFIX}"

    def is_taken(self, name: str) -> bool:
        """Whether a model of this name is there, and would be chosen instead."""
        from bachview.models.bundle.installed import DEFAULT, installed_bundles

        path = self.path_of(name)
        return path.exists() or path.stem in (DEFAULT, *installed_bundles())

    def keep(self, name: str) -> None:
        """Write the model, in the io lane; answers with `kept` or `failed`."""
        taught, bundle, path = self.taught, self.bundle, self.path_of(name)
        assert taught is not None  # noqa: S101  # the button is off before

        def write(token: CancelToken) -> Path:
            from bachview.models.bundle.opened import open_bundle
            from bachview.training.taught_bundle import write_taught

            token.check()
            with closing(open_bundle(bundle.path)) as parent:
                if parent.sha256 != bundle.sha256:
                    raise BundleError(
                        f"The model {bundle.name} was replaced by another one since it was taught: "
                        "teach that one."
                    )
                write_taught(path, parent, taught, name)
            return path

        self._services.bridge.watch(
            self._services.io.submit(write),
            self.kept.emit,
            lambda error: self.failed.emit(str(error)),
            topic=(self, "keep"),
        )


def _marked(name: str, corrections: Any, annotations: Any, bundle: BundleSummary) -> MarkedSlide:
    from bachview.marks.annotation import AREAS

    keys = {named: entry.key for entry in bundle.classes for named in (entry.name, entry.key)}
    corrected = dict.fromkeys(bundle.classes.keys, 0)
    drawn = dict.fromkeys(bundle.classes.keys, 0)
    for correction in corrections:
        if correction.class_key in keys:
            corrected[keys[correction.class_key]] += 1
    for annotation in annotations:
        named = annotation.annotation_class
        if named is not None and named.name in keys and annotation.kind in AREAS:
            drawn[keys[named.name]] += 1
    return MarkedSlide(name, corrected, drawn)


def _marked_on_disk(
    path: Path, own: str, bundle: BundleSummary, token: CancelToken
) -> MarkedSlide | None:
    """What is saved of a slide; None for nothing, and for the slide with the fingerprint `own`."""
    from bachview.marks.annotation import Annotation
    from bachview.marks.correction import Correction
    from bachview.slide.opening import opened_slide
    from bachview.store.of_slide import existing_results
    from bachview.store.results import ResultStore

    folder = user_folders().results
    try:
        with opened_slide(path, token) as reader:
            metadata = reader.metadata
        if metadata.fingerprint == own:
            return None
        if not existing_results(folder, metadata.fingerprint, metadata.former):
            return None
        with closing(ResultStore.open(folder, metadata.fingerprint)) as store:
            saved = store.marks()
            marks = saved.marks
    except Cancelled:
        raise
    except BachviewError as error:
        return MarkedSlide(path.name, {}, {}, str(error))
    found = _marked(
        path.name,
        [mark for mark in marks if isinstance(mark, Correction)],
        [mark for mark in marks if isinstance(mark, Annotation)],
        bundle,
    )
    found = replace(found, damaged=saved.damaged)
    if not found.count:
        unread = "None of its marks with a class of the model can be read."
        return replace(found, problem=unread) if found.damaged else None
    if not metadata.pixel_size.is_plausible:
        return replace(found, problem="Its pixel size is not known.")
    return found
