"""Classification of whole photos, patch by patch, as on slides; see also `photo_patches`.

The class of a photo is close to the majority class of its patches, like the largest area of the
overlay: each patch is sharpened before the mean is taken. Votes are as common as sums of
probabilities (both in Araújo et al., PLoS ONE 12:e0177544, 2017), and the mean of soft
probabilities may select a class that is second best everywhere.
"""

import contextlib
import functools
import itertools
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview import audit
from bachview.core.cell_state import CellState
from bachview.core.probabilities import (
    disagreement,
    entropy,
    mixed_with_uniform,
    temperature_scaled,
)
from bachview.core.stack import USUAL, Choice
from bachview.errors import (
    BachviewError,
    NoTissueError,
    OutsideTrainingError,
    UnsuitableSlideError,
)
from bachview.inference.photo_patches import PhotoPatches, read_photo
from bachview.inference.plan import with_stride
from bachview.inference.readahead import READER_THREADS
from bachview.inference.run import predicted
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken

if TYPE_CHECKING:
    from bachview.models.ensemble import Ensemble

Floats = npt.NDArray[np.float32]
RGB = npt.NDArray[np.uint8]

#: Temperature of a patch in the mean over a photo: 1 would be the mean of the probabilities, 0 of
#: the votes. In between, a less confident patch counts less.
VOTE_TEMPERATURE = 0.15

#: Photos read and not yet classified; one takes some 5 MB of patches.
_AHEAD = 2 * READER_THREADS
_CLOSE_S = 5.0


class PhotoState(StrEnum):
    """What is known of a photo; as written to files. Only CLASSIFIED has a class.

    NO_TISSUE is said of whatever was not recognised as tissue stained with H&E, as of a cell:
    glass, pen, dust, fluorescence. UNSUITABLE is tissue that the models do not know by the check of
    the photo, OUTSIDE by what they see in it: most of its cells are outside the training
    material.
    """

    CLASSIFIED = "classified"
    NO_TISSUE = "no tissue"
    UNSUITABLE = "unsuitable"
    OUTSIDE = CellState.OUTSIDE.written
    FAILED = "failed"

    @classmethod
    def of(cls, answer: "PhotoPrediction | BachviewError") -> "PhotoState":
        """The state of a photo with this answer of `try_photos`."""
        match answer:
            case PhotoPrediction():
                return cls.CLASSIFIED
            case NoTissueError():
                return cls.NO_TISSUE
            case OutsideTrainingError():
                return cls.OUTSIDE
            case UnsuitableSlideError():
                return cls.UNSUITABLE
            case _:
                return cls.FAILED


@dataclass(frozen=True, slots=True)
class PhotoPrediction:
    """The prediction for one photo.

    Attributes
    ----------
    members : (P, M, C) float32, each member's probabilities of each cell that has a vote: a patch
        stands for one or several.
    probabilities : (P, C) float32, the ensemble's, after its temperature. P >= 1.
    uniform_share : share of the votes that is spread evenly over the classes, for calibration.
    failed : number of cells whose patch could not be read; they have no vote.
    warnings : what spoke against classifying the photo, which was done anyway.
    picture : which of several in the file was judged (`Stack.shown_text`); empty if there is one.
    outside : number of cells outside the training material; they have no vote.
    """

    members: Floats
    probabilities: Floats
    uniform_share: float = 0.0
    failed: int = 0
    warnings: tuple[str, ...] = ()
    picture: str = ""
    outside: int = 0

    @property
    def photo_members(self) -> Floats:
        """(M, C) float32: the mean of each member's votes."""
        return _voted(self.members)

    @property
    def photo_probabilities(self) -> Floats:
        """(C,) float32: the mean of the ensemble's votes, mixed with the uniform share."""
        return mixed_with_uniform(_voted(self.probabilities), self.uniform_share)

    @property
    def top_class(self) -> int:
        return int(self.photo_probabilities.argmax())

    @property
    def entropy(self) -> float:
        """Of the photo's probabilities: 0 certain, 1 uniform."""
        return float(entropy(self.photo_probabilities))

    @property
    def disagreement(self) -> float:
        """Share of pairs of members that predict different classes for the photo."""
        return float(disagreement(self.photo_members[None])[0])


def _voted(probabilities: Floats) -> Floats:
    """(P, ..., C) to (..., C) float32: the mean of the sharpened patches."""
    votes = temperature_scaled(probabilities, VOTE_TEMPERATURE)
    return np.asarray(votes.mean(axis=0, dtype=np.float64), dtype=np.float32)


def predict_photos(
    ensemble: "Ensemble",
    photos: Sequence[tuple[Path, float]],
    *,
    stride_um: float | None = None,
    anyway: bool = False,
    token: CancelToken | None = None,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> list[PhotoPrediction]:
    """Classify photos in order. Blocking; reads on two low-priority threads meanwhile.

    Parameters
    ----------
    photos : (path, um/px).
    stride_um : largest step of the grid, um; None: the bundle's.
    anyway : classify photos although the check of them speaks against it.
    token : a cancel takes effect within half a second.
    on_progress : called on this thread with the number of photos done and the total.

    Raises
    ------
    PixelSizeError, SlideOpenError, SlideReadError
        A photo cannot be read; the rest is not processed.
    NoTissueError, UnsuitableSlideError
        A photo shows no H&E tissue, or nothing that the models know (`OutsideTrainingError`: by
        what they see in it).
    EngineError
        The engine failed.
    Cancelled
        `token` was cancelled.
    """
    found = []
    # Closed at once on an error, so that the readers end within this call.
    with contextlib.closing(_answers(ensemble, photos, stride_um, anyway, token)) as answers:
        for answer in answers:
            if isinstance(answer, BachviewError):
                raise answer
            found.append(answer)
            on_progress(len(found), len(photos))
    return found


def try_photos(
    ensemble: "Ensemble",
    photos: Sequence[tuple[Path, float]],
    *,
    stride_um: float | None = None,
    anyway: bool = False,
    choice: Choice = USUAL,
    token: CancelToken | None = None,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
    on_answer: Callable[[PhotoPrediction | BachviewError], object] = lambda answer: None,
) -> list[PhotoPrediction | BachviewError]:
    """As `predict_photos`, but a photo that cannot be classified yields its error instead.

    Parameters
    ----------
    choice : which of several images, focal planes and time points in each file.
    on_answer : called on this thread with each answer, in order: what is kept after a cancel.

    Raises
    ------
    EngineError, Cancelled
        As `predict_photos`.
    """
    found = []
    with contextlib.closing(
        _answers(ensemble, photos, stride_um, anyway, token, choice)
    ) as answers:
        for answer in answers:
            found.append(answer)
            on_answer(answer)
            on_progress(len(found), len(photos))
    return found


def _answers(
    ensemble: "Ensemble",
    photos: Sequence[tuple[Path, float]],
    stride_um: float | None,
    anyway: bool,
    token: CancelToken | None,
    choice: Choice = USUAL,
) -> Generator[PhotoPrediction | BachviewError, None, None]:
    """One prediction for each photo, or the error that says why it has none."""
    geometry = with_stride(ensemble.bundle.geometry, stride_um)
    lane = Lane("photo-readers", threads=READER_THREADS, low_priority=True)
    left, judged = iter(photos), iter(photos)
    ahead: deque[Future[PhotoPatches]] = deque()
    is_for_tissue = ensemble.bundle.manifest.is_for_tissue

    def read_on(count: int) -> None:
        for path, mpp in itertools.islice(left, count):
            # Tokens of their own: closing the lane must not cancel the caller's other work.
            read = functools.partial(
                read_photo,
                path,
                mpp,
                geometry,
                anyway=anyway,
                is_for_tissue=is_for_tissue,
                choice=choice,
            )
            ahead.append(lane.submit(read))

    try:
        read_on(_AHEAD)
        while ahead:
            future = ahead.popleft()
            _wait(future, token)
            error = future.exception()
            if isinstance(error, BachviewError):
                answer: PhotoPrediction | BachviewError = error
            else:
                answer = _judge(ensemble, future.result(), token, anyway=anyway)
            audit.record(
                "classified",
                file=str(next(judged)[0].absolute()),
                bundle=ensemble.bundle.name,
                bundle_sha256=ensemble.bundle.sha256,
                outcome=PhotoState.of(answer).value,
            )
            read_on(1)
            yield answer
    finally:
        lane.close(_CLOSE_S)


def _wait(future: "Future[PhotoPatches]", token: CancelToken | None) -> None:
    """Wait until it is done, checking the token.

    Raises
    ------
    Cancelled
        The token was cancelled.
    """
    while True:
        if token is not None:
            token.check()
        if wait_for([future], 0.1 if token is not None else None).done:
            return


def _judge(
    ensemble: "Ensemble", patches: PhotoPatches, token: CancelToken | None, *, anyway: bool
) -> PhotoPrediction | OutsideTrainingError:
    members, probabilities, unseen = [], [], []
    for start in range(0, len(patches.pixels), ensemble.batch_size):
        batch = patches.pixels[start : start + ensemble.batch_size]
        counts = patches.counts[start : start + ensemble.batch_size].ravel()
        of_members, of_all, is_outside = predicted(ensemble.predict, batch, token, counts)
        members.append(of_members)
        probabilities.append(of_all)
        unseen.append(is_outside)
    votes = ~np.concatenate(unseen)
    outside, warnings = int((~votes).sum()), patches.warnings
    if 2 * outside > len(votes):
        share = f"{outside:,} of its {len(votes):,} cells"
        found = f"{share} are unlike everything that the model was trained on."
        if not anyway:
            return OutsideTrainingError((found,), "photo")
        warnings += (found,)
        votes[:], outside = True, 0
    return PhotoPrediction(
        np.concatenate(members)[votes],
        np.concatenate(probabilities)[votes],
        ensemble.bundle.uniform_share,
        patches.failed,
        warnings,
        patches.picture,
        outside,
    )
