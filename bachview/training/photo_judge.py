"""What an ensemble says of whole photos: the classifier of the slides, patch by patch.

A photo is opened as a slide, its colour profile is applied by the same rule, its patches are
read by the same reader from the level nearest to the models' um/px, and cells without tissue
are passed over as on a slide. As on a slide the cells tile it, and the fields of the outermost
reach a little beyond the edge, where it is white; their step is fitted to the photo. A photo of
less than two fields along a side would be mostly edge: there the fields lie wholly on it, and if
it is smaller than a field, there is one in its middle, white around it.
"""

import contextlib
import functools
import itertools
import math
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bachview.core.calibration import Calibration
from bachview.core.geometry import Region, Size
from bachview.core.patches import PatchGeometry, PatchGrid
from bachview.core.probabilities import disagreement, entropy, tempered
from bachview.errors import BachviewError, CalibrationError
from bachview.inference.plan import LEAST_TISSUE
from bachview.inference.readahead import READER_THREADS
from bachview.inference.run import Opinions
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken

Floats = npt.NDArray[np.float32]
RGB = npt.NDArray[np.uint8]

#: Photos read and not yet judged; one is some 5 MB of patches.
_AHEAD = 2 * READER_THREADS
_CLOSE_S = 5.0
#: Fields along a side from which on a photo is tiled as a slide is.
_LEAST_FIELDS = 2 * (1 - 1e-4)
#: By how much the step may exceed the stride, as a share of it, before there is one field more:
#: um/px from whole px per inch are a little off.
_SLACK = 0.01


class _Bundle(Protocol):
    @property
    def geometry(self) -> PatchGeometry:
        """What the models were trained for."""
        ...

    @property
    def photo_temperature(self) -> float:
        """Of the mean over a photo's patches."""
        ...


class PhotoEnsemble(Protocol):
    """A `bachview.models.ensemble.Ensemble`; called by one thread."""

    @property
    def bundle(self) -> _Bundle:
        """States the geometry and the temperature of photos."""
        ...

    @property
    def batch_size(self) -> int:
        """Patches to give to `predict` at once."""
        ...

    def predict(self, patches: RGB, token: CancelToken | None = None) -> Opinions:
        """Judge (N, S, S, 3) uint8 RGB; `Cancelled` soon after the token was cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class PhotoJudgement:
    """What the ensemble says of one photo.

    Attributes
    ----------
    members : (P, M, C) float32, each member's probabilities of each patch.
    probabilities : (P, C) float32, the ensemble's, after its temperature. P >= 1.
    temperature : of the photo. A mean over patches is less sure than it may be, as their errors
        are partly independent; this makes up for it, and leaves the order of the classes.
    """

    members: Floats
    probabilities: Floats
    temperature: float = 1.0

    @property
    def photo_members(self) -> Floats:
        """(M, C) float32: each member's mean over the patches."""
        return np.asarray(self.members.mean(axis=0, dtype=np.float64), dtype=np.float32)

    @property
    def photo_probabilities(self) -> Floats:
        """(C,) float32: the ensemble's mean over the patches, after the photo's temperature."""
        mean = np.asarray(self.probabilities.mean(axis=0, dtype=np.float64), dtype=np.float32)
        return tempered(mean, self.temperature)

    @property
    def top_class(self) -> int:
        """Index of the photo's class."""
        return int(self.photo_probabilities.argmax())

    @property
    def entropy(self) -> float:
        """Of the photo's probabilities: 0 certain, 1 uniform."""
        return float(entropy(self.photo_probabilities))

    @property
    def disagreement(self) -> float:
        """Share of pairs of members that name different classes for the photo."""
        return float(disagreement(self.photo_members[None])[0])


def photo_grid(size: Size, calibration: Calibration, geometry: PatchGeometry) -> PatchGrid:
    """Cells that tile a photo, at about the bundle's stride.

    Along a side of less than two fields the fields lie wholly on the photo and reach from edge
    to edge, with the bundle's stride or a shorter one; along one that is shorter than a field
    there is one, centred.

    Raises
    ------
    ValueError
        The calibration is not plausible.
    """
    whole = PatchGrid.over(Region(0, 0, size.width, size.height), calibration, geometry)
    x, width, step_x = _spread(size.width, whole.field_x, whole.stride_x)
    y, height, step_y = _spread(size.height, whole.field_y, whole.stride_y)
    return PatchGrid(Region(x, y, width, height), step_x, step_y, whole.field_x, whole.field_y)


def _spread(side: float, field: float, stride: float) -> tuple[float, float, float]:
    """Start and length of the row of cells, and its step, level-0 px."""
    free = side - field
    if free <= 0:
        return (side - stride) / 2, stride, stride
    if side >= _LEAST_FIELDS * field:
        return 0.0, side, side / max(1, round(side / stride))
    gaps = math.ceil(free / stride - _SLACK)
    step = free / gaps if gaps else stride
    length = (gaps + 1) * step
    return (side - length) / 2, length, step


def read_photo(
    path: Path, mpp: float, geometry: PatchGeometry, token: CancelToken | None = None
) -> RGB:
    """A photo's patches as the models see them, row by row. Any thread.

    Cells of which less than `LEAST_TISSUE` is tissue are left out, as on a slide, unless no
    cell has more: every photo gets an answer.

    Parameters
    ----------
    mpp : um/px of the photo.

    Returns
    -------
    (P, input_px, input_px, 3) uint8 RGB, P >= 1.

    Raises
    ------
    CalibrationError
        `mpp` is implausible.
    SlideOpenError, SlideReadError
        The photo cannot be read.
    Cancelled
        `token` was cancelled.
    """
    from bachview.slide.colour import srgb_transform
    from bachview.slide.opening import open_slide
    from bachview.slide.patches import PatchReader
    from bachview.slide.tissue import find_tissue

    calibration = Calibration.typed(mpp)
    if not calibration.is_plausible:
        raise CalibrationError(
            f"A pixel size of {mpp:g} µm is implausible for {path.name}; state it with --mpp."
        )
    with contextlib.closing(open_slide(path)) as reader:
        metadata = reader.metadata
        grid = photo_grid(metadata.pyramid.size, calibration, geometry)
        tissue = find_tissue(reader, calibration, token).tissue_cells(grid, LEAST_TISSUE)
        if not tissue.any():
            tissue[:] = True
        transform = srgb_transform(metadata.icc_profile)
        patches = PatchReader(reader, calibration, geometry, transform)
        pixels = []
        for row, column in np.argwhere(tissue):
            if token is not None:
                token.check()
            pixels.append(patches.read(grid.field(int(row), int(column))))
    return np.stack(pixels)


def judge_photo(
    ensemble: PhotoEnsemble, path: Path, mpp: float, *, stride_um: float | None = None
) -> PhotoJudgement:
    """Judge one photo; see `judge_photos`."""
    return judge_photos(ensemble, [(path, mpp)], stride_um=stride_um)[0]


def judge_photos(
    ensemble: PhotoEnsemble,
    photos: Sequence[tuple[Path, float]],
    *,
    stride_um: float | None = None,
    token: CancelToken | None = None,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> list[PhotoJudgement]:
    """Judge photos, in their order. Blocking; reads on two threads of low priority meanwhile.

    Parameters
    ----------
    photos : (path, um/px).
    stride_um : greatest step of the grid, um; None: the bundle's.
    token : a cancel is answered within half a second.
    on_progress : called on this thread with the photos done and their number.

    Raises
    ------
    CalibrationError, SlideOpenError, SlideReadError
        A photo cannot be read; the rest is not looked at.
    EngineError
        The engine failed.
    Cancelled
        `token` was cancelled.
    """
    found = []
    # Closed at once on an error, so that the readers end with this call.
    with contextlib.closing(_answers(ensemble, photos, stride_um, token)) as answers:
        for answer in answers:
            if isinstance(answer, BachviewError):
                raise answer
            found.append(answer)
            on_progress(len(found), len(photos))
    return found


def attempt_photos(
    ensemble: PhotoEnsemble,
    photos: Sequence[tuple[Path, float]],
    *,
    stride_um: float | None = None,
    token: CancelToken | None = None,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> list[PhotoJudgement | BachviewError]:
    """As `judge_photos`, but a photo that cannot be read yields its error in its place.

    Raises
    ------
    EngineError, Cancelled
        As `judge_photos`.
    """
    found = []
    with contextlib.closing(_answers(ensemble, photos, stride_um, token)) as answers:
        for answer in answers:
            found.append(answer)
            on_progress(len(found), len(photos))
    return found


def _answers(
    ensemble: PhotoEnsemble,
    photos: Sequence[tuple[Path, float]],
    stride_um: float | None,
    token: CancelToken | None,
) -> Generator[PhotoJudgement | BachviewError, None, None]:
    """One answer for each photo, or the error of its reading."""
    geometry = ensemble.bundle.geometry
    if stride_um is not None:
        geometry = PatchGeometry(geometry.input_px, geometry.mpp, stride_um)
    lane = Lane("photo-readers", threads=READER_THREADS, low_priority=True)
    left = iter(photos)
    ahead: deque[Future[RGB]] = deque()

    def read_on(count: int) -> None:
        for path, mpp in itertools.islice(left, count):
            # Tokens of their own: closing the lane must not cancel the caller's other work.
            ahead.append(lane.submit(functools.partial(read_photo, path, mpp, geometry)))

    try:
        read_on(_AHEAD)
        while ahead:
            future = ahead.popleft()
            _wait(future, token)
            error = future.exception()
            if isinstance(error, BachviewError):
                answer: PhotoJudgement | BachviewError = error
            else:
                answer = _judge(ensemble, future.result(), token)
            read_on(1)
            yield answer
    finally:
        lane.close(_CLOSE_S)


def _wait(future: "Future[RGB]", token: CancelToken | None) -> None:
    """Until it is done, with an eye on the token.

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


def _judge(ensemble: PhotoEnsemble, patches: RGB, token: CancelToken | None) -> PhotoJudgement:
    members, probabilities = [], []
    for start in range(0, len(patches), ensemble.batch_size):
        answer = ensemble.predict(patches[start : start + ensemble.batch_size], token)
        members.append(np.asarray(answer.members, np.float32))
        probabilities.append(np.asarray(answer.probabilities, np.float32))
    return PhotoJudgement(
        np.concatenate(members), np.concatenate(probabilities), ensemble.bundle.photo_temperature
    )
