"""Batches for Keras: class-balanced, redrawn in each epoch, reproducible by seed.

Built on `keras.utils.PyDataset`, which every backend supports. Keras is imported inside functions.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.training.images import Crop, TrainingImage, random_crop
from bachview.training.recipe import Augmentation

#: Number of threads that cut patches while the network computes.
_THREADS: Final = 2

#: Maps the crops of a batch and the numbers of their images to the training targets.
Targets = Callable[[Sequence[Crop], Sequence[int]], npt.NDArray[np.float32]]


def training_batches(
    sources: Sequence[TrainingImage],
    targets: Targets,
    *,
    input_px: int,
    augmentation: Augmentation,
    batch: int,
    steps: int,
    seed: int,
    epoch: int,
    shrinks: bool = True,
) -> Any:
    """A `keras.utils.PyDataset` of one epoch.

    Every class is drawn equally often, and within a class every source.

    Parameters
    ----------
    augmentation : how the crops are drawn; colours are left to the network's own layer.
    shrinks : see `bachview.training.images.random_crop`.

    Returns
    -------
    Items are ``(patches (batch, input_px, input_px, 3) uint8, targets)``. Item i depends only on
    (seed, epoch, i). Keras ends its threads with the epoch.
    """
    import keras

    labels = np.array([source.label for source in sources])
    by_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
        def __len__(self) -> int:
            return steps

        def __getitem__(self, index: int) -> tuple[npt.NDArray[np.uint8], Any]:
            rng = np.random.default_rng((seed, epoch, index))
            drawn = [by_class[rng.integers(len(by_class))] for _ in range(batch)]
            chosen = [int(rng.choice(members)) for members in drawn]
            scale, glass = augmentation.scale, augmentation.glass
            crops = [
                random_crop(sources[i].pixels, input_px, scale, rng, glass=glass, shrinks=shrinks)
                for i in chosen
            ]
            return np.stack([crop.pixels for crop in crops]), targets(crops, chosen)

    return Batches(workers=_THREADS, use_multiprocessing=False, max_queue_size=4 * _THREADS)


def one_hot(sources: Sequence[TrainingImage], class_count: int) -> Targets:
    """Targets for classification: (batch, class_count) float32."""
    table = np.eye(class_count, dtype=np.float32)

    def targets(crops: Sequence[Crop], chosen: Sequence[int]) -> npt.NDArray[np.float32]:
        return table[[sources[i].label for i in chosen]]

    return targets
