"""Classifying slides and photos with an ensemble."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from bachview.api.predictions import Prediction
from bachview.api.slides import Slide, region_of
from bachview.config import results_folder
from bachview.core.geometry import Region
from bachview.errors import BachviewError, UsageError
from bachview.inference.photos import PhotoPrediction
from bachview.jobs.tokens import CancelToken
from bachview.models.ensemble import Ensemble
from bachview.policy.in_force import in_force

#: Called with the number done and the total, on the working thread.
Progress = Callable[[int, int], object]


def load_ensemble(
    name_or_path: str | Path | None = None,
    *,
    engine: str = "openvino",
    device: str | None = None,
    precision: str = "auto",
) -> Ensemble:
    """Load a bundle and check everything in it. Close it, or use it in a ``with``.

    Parameters
    ----------
    name_or_path : a ``.bachmodel`` file or folder, or an installed bundle: ``default``,
        ``selftest``. None: ``default``, unless the administrator has set another.
    engine : ``openvino``, or ``tensorflow`` if it is installed.
    device : ``AUTO``, ``CPU``, ``GPU``, ``NPU``. None: ``AUTO``, unless the administrator has set
        another.
    precision : ``auto``, ``f32``, ``bf16``, ``f16``.

    Raises
    ------
    BundleError
        It is missing, damaged, incomplete or not what its manifest says.
    EngineError, UsageError
        Engine, device or precision is not available; a `LockedError` if the administrator allows
        another bundle or device only.
    """
    from bachview.models import loading
    from bachview.models.bundle.installed import bundle_in_use

    path = bundle_in_use(None if name_or_path is None else str(name_or_path))
    asked = None if device is None else device.upper()
    device = in_force().settled("device", asked, "AUTO", f"The device {asked}")
    return loading.load_ensemble(path, engine=engine, device=device, precision=precision)


def classify(
    slide: Slide,
    ensemble: Ensemble,
    region: Region | tuple[float, float, float, float] | None = None,
    *,
    stride_um: float | None = None,
    icc: bool = True,
    keep: bool | str | Path = False,
    retry_failed: bool = False,
    anyway: bool = False,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Prediction:
    """Classify the tissue of a slide, or of a region of it. Blocking.

    Parameters
    ----------
    region : (x, y, width, height), level-0 px; only cells that touch it are classified. None: the
        whole slide.
    stride_um : side of a cell, um; None: the ensemble's, and some have no other.
    icc : apply the slide's colour profile, if it has one.
    keep : False: the results are only in the returned object; True: every batch is also saved among
        the user's results, where the viewer finds it and an interrupted run resumes; or a folder
        for them.
    retry_failed : retry cells that could not be read in an earlier call.
    anyway : classify although the check of the slide speaks against it (not H&E, blurred, …).
    progress : called with the number of cells done and the total.
    cancel : may be cancelled from another thread; takes effect within half a second.

    Raises
    ------
    PixelSizeError
        The pixel size is unknown or not plausible: open the slide with ``mpp=``.
    UsageError
        The region does not lie on the slide, the stride makes no sense, or the slide is closed; a
        `LockedError` if the administrator allows another folder only.
    UnsuitableSlideError
        The check of the slide speaks against classifying it; `anyway` does it nevertheless.
    SlideReadError
        The slide is gone or its file has changed.
    EngineError, StoreError
        The engine failed; the results cannot be saved.
    Cancelled
        `cancel` was cancelled; finished cells are kept if `keep` is set.
    """
    from contextlib import ExitStack

    from bachview.inference.slides import SlideRun
    from bachview.store.of_slide import open_results

    slide.check_open()
    with ExitStack() as stack:
        store = None
        if keep is not False:
            asked = None if keep is True else Path(keep)
            folder = results_folder(asked, f"Keeping results in {keep}")
            metadata = slide.reader.metadata
            store = stack.enter_context(open_results(folder, metadata.fingerprint, metadata.former))
            if store.notice:
                warnings.warn(store.notice, stacklevel=2)
        run = stack.enter_context(
            SlideRun(
                slide.reader,
                ensemble,
                store,
                pixel_size=slide.pixel_size,
                region=region_of(region),
                stride_um=stride_um,
                icc=icc,
            )
        )
        cells = run.work(
            cancel,
            on_results=lambda _, found: progress and progress(found.done, found.total),
            retry_failed=retry_failed,
            anyway=anyway,
        )
        return Prediction(
            cells,
            run.plan.pixel_size,
            ensemble.bundle.thresholds,
            run.provenance,
            slide,
            ensemble.bundle.manifest.measured,
            run.warnings,
            round(run.seconds, 3),
            round(run.new / run.seconds, 2) if run.seconds > 0 else 0.0,
            run.corrections,
        )


def predict_photos(
    photos: Sequence[str | Path],
    ensemble: Ensemble,
    *,
    mpp: float | None = None,
    anyway: bool = False,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> list[PhotoPrediction | BachviewError]:
    """Classify whole photos, as ``bachview predict`` does. Blocking.

    Parameters
    ----------
    mpp : um/px of all photos; None: what each file states.
    anyway : classify photos although the check of them speaks against it (not H&E, blurred, …).

    Returns
    -------
    One prediction for each photo, in order. A photo without one has an error in its place, which is
    not raised, so that one bad file does not affect the others: `NoTissueError` if it shows no H&E
    tissue, `UnsuitableSlideError` if it is not what the models know, else why it cannot be read.
    A Python warning tells if a file states another pixel size than is used.

    Raises
    ------
    UsageError
        `mpp` is implausible, or `photos` is one path instead of several.
    EngineError, Cancelled
        The engine failed; `cancel` was cancelled.
    """
    if isinstance(photos, str | Path):
        raise UsageError("Give a list of photos, also for a single one.")
    from bachview.datasets.photo_mpp import PhotoMpp, first_contradiction, photo_mpp
    from bachview.errors import DatasetError
    from bachview.inference.photos import try_photos

    answers: dict[int, PhotoPrediction | BachviewError] = {}
    sized: list[tuple[int, Path, PhotoMpp]] = []
    for index, path in enumerate(map(Path, photos)):
        try:
            sized.append((index, path, photo_mpp(path, mpp)))
        except DatasetError as error:
            answers[index] = error
    contradiction = first_contradiction([(path, known.of_file) for _, path, known in sized], mpp)
    if contradiction is not None:
        warnings.warn(f"{contradiction[0].name}: {contradiction[1]}", stacklevel=2)
    found = try_photos(
        ensemble,
        [(path, known.value) for _, path, known in sized],
        anyway=anyway,
        token=cancel,
        on_progress=progress or (lambda done, total: None),
    )
    answers.update(zip((index for index, _, _ in sized), found, strict=True))
    return [answers[index] for index in range(len(photos))]
