"""Teaching a model what a reader has marked on slides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bachview.config import results_folder
from bachview.errors import UsageError
from bachview.jobs.tokens import CancelToken

if TYPE_CHECKING:
    from bachview.models.ensemble import Ensemble
    from bachview.training.lesson import Taught

#: Called with what is being done, the number of steps done, and of how many.
TeachProgress = Callable[[str, int, int], object]


@dataclass(frozen=True, slots=True)
class KeptLesson:
    """A taught model that was kept as a bundle.

    Attributes
    ----------
    path : of the bundle.
    sha256 : identifies its whole content.
    taught : what it was taught, and what is known of it.
    skipped : names of the slides that have no marks with a class of the model's.
    contradictory, unread : cells left out, as annotations of several classes claim them, or as they
        could not be read.
    damaged : saved marks that cannot be read; what they would have taught is not known.
    """

    path: Path
    sha256: str
    taught: "Taught"
    skipped: tuple[str, ...]
    contradictory: int
    unread: int
    damaged: int


def teach(
    slides: Sequence[str | Path],
    ensemble: "Ensemble",
    output: str | Path,
    *,
    name: str | None = None,
    mpp: float | None = None,
    store: str | Path | None = None,
    progress: TeachProgress | None = None,
    cancel: CancelToken | None = None,
) -> KeptLesson:
    """Fit the members of a model again on the corrections and annotations saved of slides.

    The model itself is not changed: the new one is a bundle of its own, and says from which it was
    made and what it was taught. Blocking; needs no TensorFlow.

    Parameters
    ----------
    slides : files. Those without marks that have a class of the model's are skipped.
    output : a new ``.bachmodel`` file.
    name : of the new model; None: that of the file.
    mpp : um/px of all slides; None: what each file states.
    store : folder of the results; None: the user's.

    Raises
    ------
    UsageError
        No cell teaches anything, or the model cannot be taught.
    ExportError
        `output` exists, or cannot be written.
    SlideOpenError, PixelSizeError, SlideReadError, StoreError, EngineError, BundleError
        A slide, its marks or the model cannot be used; nothing is written.
    Cancelled
        `cancel` was cancelled; nothing is written.
    """
    if isinstance(slides, str | Path):
        raise UsageError("Give a list of slides, also for a single one.")
    from bachview.training.lesson import SlideLesson, lesson_of_file
    from bachview.training.lesson import teach as fit_on
    from bachview.training.taught_bundle import check_output, write_taught

    path = Path(output)
    check_output(path)
    token = cancel or CancelToken()
    tell: TeachProgress = progress or (lambda _, __, ___: None)
    folder = results_folder(None if store is None else Path(store), f"Reading marks in {store}")
    lessons: list[SlideLesson] = []
    skipped: list[str] = []
    for slide in map(Path, slides):
        lesson = lesson_of_file(
            slide,
            ensemble,
            folder,
            token,
            mpp=mpp,
            on_cells=partial(tell, f"cells of {slide.name}"),
        )
        if lesson is None:
            skipped.append(slide.name)
        else:
            lessons.append(lesson)
    taught = fit_on(ensemble.bundle, lessons, token, progress=tell)
    token.check()
    sha256 = write_taught(path, ensemble.bundle, taught, name or path.stem)
    return KeptLesson(
        path,
        sha256,
        taught,
        tuple(skipped),
        taught.left_out.contradictory,
        taught.left_out.unread,
        taught.left_out.damaged,
    )
