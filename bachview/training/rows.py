"""Rows: deep features of cells, on which heads and classifiers are fitted.

Where the networks learn no label, the features of a photo are the same for every fold: they are
computed once for a whole training, photo by photo, and kept on disk (`kept_rows`). Else each fold's
networks give features of their own (`rows_of`).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.files import atomic_file
from bachview.jobs.tokens import CancelToken
from bachview.models.bundle.writer import Cnn, features_of
from bachview.training.graph_features import graph_features
from bachview.training.images import TrainingImage
from bachview.training.recipe import Recipe
from bachview.training.shown_cells import ShownCells, plain_cells, view_cells

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

_BATCH: Final = 64
_ROW_ARRAYS: Final = ("features", "networks", "labels", "patients", "sources", "is_plain")


@dataclass(frozen=True, slots=True)
class Rows:
    """Deep features of cells.

    Attributes
    ----------
    features : (N, F) float32, concatenated over the CNNs.
    widths : number of features of each CNN.
    networks : (N, K, C) float32, the CNNs' own probabilities; 0 while they have no heads.
    labels : (N,) int64.
    patients : (N,) str.
    sources : (N,) int64, the image that the cell lies on, in ascending order.
    is_plain : (N,) bool: of a photo's own patches, not augmented, as at inference; first of each
        image.
    """

    features: Floats
    widths: tuple[int, ...]
    networks: Floats
    labels: Labels
    patients: npt.NDArray[np.str_]
    sources: Labels
    is_plain: npt.NDArray[np.bool_]

    def of(self, chosen: npt.NDArray[Any]) -> "Rows":
        """Some of the rows."""
        arrays = {name: getattr(self, name)[chosen] for name in _ROW_ARRAYS}
        return replace(self, **arrays)

    def of_sources(self, places: Sequence[int]) -> "Rows":
        """The rows of some images, in ascending order, which are then numbered anew."""
        part = self.of(np.isin(self.sources, places))
        return replace(part, sources=np.searchsorted(np.asarray(places, np.int64), part.sources))


def rows_of(
    cnns: Sequence[Cnn],
    sources: Sequence[TrainingImage],
    recipe: Recipe,
    *,
    seed: int,
    token: CancelToken,
    on_batch: Callable[[int, int], object],
) -> Rows:
    """Features of each image as it is judged and of augmented views of it.

    The kernels are rounded first, in place, as the bundle will store them.

    Parameters
    ----------
    on_batch : called with the number of patches done and the total.

    Raises
    ------
    SlideOpenError, SlideReadError
        A photo can no longer be read.
    Cancelled
        `token` was cancelled.
    """
    shown = [_shown(source, recipe, seed + place, token) for place, source in enumerate(sources)]
    everything = ShownCells.joined(*(cells for cells, _ in shown))

    def told(done: int) -> None:
        token.check()
        on_batch(done, len(everything.pixels))

    outputs = features_of(
        cnns,
        everything.pixels,
        cells_per_side=recipe.patch.cells_per_side,
        batch=_BATCH,
        kernels=recipe.bundle.kernels,
        on_batch=told,
    )
    taken = everything.cells.ravel()
    return _assembled(
        sources,
        [is_plain for _, is_plain in shown],
        outputs.concatenated[taken],
        tuple(values.shape[1] for values in outputs.features),
        outputs.probabilities[taken],
    )


def kept_rows(
    cnns: Sequence[Cnn],
    sources: Sequence[TrainingImage],
    recipe: Recipe,
    folder: Path,
    *,
    key: str,
    class_count: int,
    token: CancelToken,
    on_source: Callable[[int, int], object],
) -> Rows:
    """As `rows_of`, by the exported graph, with a file for each image; goes on from what there is.

    Parameters
    ----------
    folder : keeps the files, created if necessary.
    key : says what the features depend on besides an image; files of another one are not used.
    on_source : called with the number of images done and the total.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{place:05d}-{_digest(key, one)}.npz" for place, one in enumerate(sources)]
    missing = [place for place, path in enumerate(paths) if not path.is_file()]
    if missing:
        with graph_features(cnns, recipe) as features_of_patches:
            for count, place in enumerate(missing):
                on_source(len(sources) - len(missing) + count, len(sources))
                shown, plain = _shown(sources[place], recipe, recipe.seed + place, token)
                values = features_of_patches(shown.pixels, token)[shown.cells.ravel()]
                with atomic_file(paths[place]) as file:
                    np.savez(file, features=values, is_plain=plain)
    on_source(len(sources), len(sources))
    is_plain = [_stored(path, "is_plain") for path in paths]
    widths = tuple(int(cnn.model.get_layer("pooled").output.shape[1]) for cnn in cnns)
    # Filled in place: joining a list would need twice the memory.
    features = np.empty((sum(map(len, is_plain)), sum(widths)), np.float32)
    at = 0
    for path, plain in zip(paths, is_plain, strict=True):
        features[at : at + len(plain)] = _stored(path, "features")
        at += len(plain)
    networks = np.zeros((len(features), len(cnns), class_count), np.float32)
    return _assembled(sources, is_plain, features, widths, networks)


def _shown(
    source: TrainingImage, recipe: Recipe, seed: int, token: CancelToken
) -> tuple[ShownCells, npt.NDArray[np.bool_]]:
    """What is shown of an image, and of each cell taken whether it is as judged."""
    token.check()
    plain, views = plain_cells(source, recipe, token), view_cells(source, recipe, seed)
    is_plain = np.zeros(plain.count + views.count, np.bool_)
    is_plain[: plain.count] = not source.is_window
    return ShownCells.joined(plain, views), is_plain


def _assembled(
    sources: Sequence[TrainingImage],
    is_plain: Sequence[npt.NDArray[np.bool_]],
    features: Floats,
    widths: tuple[int, ...],
    networks: Floats,
) -> Rows:
    owners = np.repeat(np.arange(len(sources)), [len(values) for values in is_plain])
    return Rows(
        features,
        widths,
        networks,
        np.array([source.label for source in sources], np.int64)[owners],
        np.array([source.group for source in sources])[owners],
        owners.astype(np.int64),
        np.concatenate(is_plain),
    )


def _digest(key: str, source: TrainingImage) -> str:
    content = hashlib.sha256(key.encode())
    content.update(source.photo.sha256.encode() if source.photo else b"")
    content.update(np.ascontiguousarray(source.pixels).tobytes())
    return content.hexdigest()[:16]


def _stored(path: Path, name: str) -> npt.NDArray[Any]:
    with np.load(path, allow_pickle=False) as stored:
        return np.asarray(stored[name])
