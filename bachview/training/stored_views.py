"""Augmented views of tissue without labels, and what teachers show of them, kept on disk.

A view is cut and augmented once, so that the teachers and every network see the same pixels, and
the teachers, which take most of the time, are asked once. There is a group of files for each photo
or slide; what is there is not made again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bachview.datasets.samples import Photo
from bachview.errors import DatasetError, SlideOpenError, SlideReadError
from bachview.files import atomic_path
from bachview.jobs.tokens import CancelToken
from bachview.training.augmentation import augmented
from bachview.training.images import Patches, load_sources, random_crop
from bachview.training.recipe import Augmentation, Teacher
from bachview.training.slide_windows import sample_tissue
from bachview.training.teachers import OpenTeacher, common_strides, shown_by
from bachview.training.whitening import Floats, Whitening

#: Views cut from one window of a slide.
_VIEWS_PER_WINDOW: Final = 2
#: Components of a map that are kept: a map of 28 x 28 cells takes 100 kB.
_MAP_COMPONENTS: Final = 64
#: Views whose maps the components are fitted to.
_MAP_VIEWS: Final = 256


@dataclass(frozen=True, slots=True)
class Origin:
    """A photo or slide that views are cut from.

    Attributes
    ----------
    source : a photo of the data set, or the path of a slide or photo of which nothing is known.
    is_held : of a held-out patient: not learnt from, only compared.
    count : number of views.
    """

    source: Photo | Path
    is_held: bool
    count: int


def shared_out(
    photos: Sequence[Photo],
    is_held: npt.NDArray[np.bool_],
    tissue: Sequence[Path],
    total: int,
) -> list[Origin]:
    """Share views out evenly over photos and over slides, half and half if there are slides.

    A photo gives at least one, so that every held-out patient has some.
    """
    of_slides = total // 2 if tissue else 0
    of_photos = max(total - of_slides, len(photos))
    return [
        *(
            Origin(photo, bool(held), count)
            for photo, held, count in zip(
                photos, is_held, _even(of_photos, len(photos)), strict=True
            )
        ),
        *(
            Origin(path, False, count)
            for path, count in zip(tissue, _even(of_slides, len(tissue)), strict=True)
        ),
    ]


def _even(total: int, parts: int) -> list[int]:
    return [int(n) for n in np.diff(np.linspace(0, total, parts + 1).astype(np.int64))]


class StoredViews:
    """The views of a run, in a folder of its own. One thread."""

    def __init__(self, folder: Path, origins: Sequence[Origin]) -> None:
        self._folder = folder
        self.origins = tuple(origins)

    def cut(
        self,
        settings: Teacher,
        augmentation: Augmentation,
        *,
        seed: int,
        token: CancelToken,
        on_origin: Callable[[int, int], object],
        on_problem: Callable[[str], object],
    ) -> None:
        """Cut the views that are not there yet.

        Parameters
        ----------
        on_origin : called with the number of photos and slides done, and the total.
        on_problem : called with a sentence for each slide that is left out.

        Raises
        ------
        DatasetError, SlideOpenError, SlideReadError
            A photo of the data set cannot be read or is too small.
        Cancelled
            `token` was cancelled; finished ones are kept.
        """
        for place, origin in enumerate(self.origins):
            token.check()
            path = self._file(place, "views")
            if not path.is_file():
                own = seed * 1_000_003 + place
                try:
                    views = _cut(origin, settings, augmentation, own, token)
                except (DatasetError, SlideOpenError, SlideReadError) as error:
                    if isinstance(origin.source, Photo):
                        raise
                    on_problem(f"{origin.source.name} is left out: {error}")
                    views = _none(settings.input_px)
                _save(path, views)
            on_origin(place + 1, len(self.origins))

    def ask(
        self,
        teachers: Sequence[OpenTeacher],
        *,
        match_maps: bool,
        token: CancelToken,
        on_origin: Callable[[int, int], object],
    ) -> None:
        """Ask the teachers about the views that they have not been asked about.

        Raises
        ------
        Cancelled
            `token` was cancelled; finished ones are kept.
        """
        strides = common_strides(teachers) if match_maps else ()
        whitenings = self._map_whitenings(teachers, strides)
        for place in range(len(self.origins)):
            token.check()
            views = self.views(place)
            if len(views) and not self._file(place, "pooled").is_file():
                shown = shown_by(teachers, np.asarray(views))
                for stride in strides:
                    white = whitenings[stride](shown.maps[stride]).astype(np.float16)
                    _save(self._file(place, f"map{stride}"), white)
                _save(self._file(place, "pooled"), shown.pooled)  # last: it says that all are there
            on_origin(place + 1, len(self.origins))

    def views(self, place: int) -> Patches:
        """(N, side, side, 3) uint8 of one origin, mapped from disk."""
        found: Patches = np.load(self._file(place, "views"), mmap_mode="r", allow_pickle=False)
        return found

    def pooled(self, place: int) -> Floats:
        """(N, F) float32: the teachers' joined features of one origin's views."""
        found: Floats = np.load(self._file(place, "pooled"), allow_pickle=False)
        return found

    def maps(self, place: int, stride: int) -> npt.NDArray[np.float16]:
        """(N, h, w, K) float16: whitened maps of one origin's views, mapped from disk."""
        path = self._file(place, f"map{stride}")
        found: npt.NDArray[np.float16] = np.load(path, mmap_mode="r", allow_pickle=False)
        return found

    def map_whitenings(self) -> Mapping[int, Whitening]:
        """The whitening of the maps at each stride that is stored."""
        found = {}
        for path in sorted(self._folder.glob("map*.npz")):
            found[int(path.stem.removeprefix("map"))] = Whitening.load(path)
        return found

    def _map_whitenings(
        self, teachers: Sequence[OpenTeacher], strides: Sequence[int]
    ) -> Mapping[int, Whitening]:
        found = self.map_whitenings()
        if set(strides) <= found.keys():
            return found
        some = self._some_views(_MAP_VIEWS)
        shown = shown_by(teachers, some)
        for stride in strides:
            values = shown.maps[stride]
            table = values.reshape(-1, values.shape[3])
            Whitening.of(table, _MAP_COMPONENTS).save(self._folder / f"map{stride}.npz")
        return self.map_whitenings()

    def _some_views(self, most: int) -> Patches:
        """Up to `most` views, of as many origins that are learnt from as possible."""
        places = [
            place
            for place, origin in enumerate(self.origins)
            if not origin.is_held and len(self.views(place))
        ]
        each = max(1, most // max(1, len(places)))
        return np.concatenate([self.views(place)[:each] for place in places[:most]])

    def _file(self, place: int, what: str) -> Path:
        return self._folder / f"{place:05d}.{what}.npy"


def _cut(
    origin: Origin,
    settings: Teacher,
    augmentation: Augmentation,
    seed: int,
    token: CancelToken,
) -> Patches:
    """Views of one origin, in turn at each of the recipe's mpps."""
    side = settings.input_px
    rng = np.random.default_rng(seed)
    crops = []
    counts = _even(origin.count, len(settings.mpps))
    for number, (mpp, count) in enumerate(zip(settings.mpps, counts, strict=True)):
        if not count:
            continue
        if isinstance(origin.source, Photo):
            images = load_sources([origin.source], mpp, least_px=side, token=token)
        else:
            images = sample_tissue(
                origin.source,
                count=-(-count // _VIEWS_PER_WINDOW),
                field_um=side * mpp,
                mpp=mpp,
                seed=seed + number,
                token=token,
            )
        if images:
            crops += [
                random_crop(images[i % len(images)].pixels, side, augmentation.scale, rng).pixels
                for i in range(count)
            ]
    if not origin.count:
        return _none(side)
    if not crops:
        field = min(settings.mpps) * side
        raise DatasetError(f"it shows no field of {field:.0f} µm that is mostly tissue.")
    return augmented(np.stack(crops), augmentation, seed=seed % 2**31)


def _none(side: int) -> Patches:
    return np.zeros((0, side, side, 3), np.uint8)


def _save(path: Path, values: npt.NDArray[np.generic]) -> None:
    with atomic_path(path, ending=".npy") as part:
        np.save(part, values, allow_pickle=False)
