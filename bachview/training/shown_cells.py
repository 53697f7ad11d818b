"""The patches of an image from which rows of features are made, and which of their cells.

Where a patch stands for one cell, it is one row. Where it stands for several, their windows
overlap, and neighbouring cells are much alike: every second one of a patch that is judged is taken,
and a few of an augmented view.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bachview.core.patches import PatchGeometry
from bachview.errors import NoTissueError
from bachview.inference.photo_patches import read_photo
from bachview.jobs.tokens import CancelToken
from bachview.training.augmentation import augmented
from bachview.training.images import (
    Crop,
    Patches,
    TrainingImage,
    centre_patches,
    grid_patches,
    random_crop,
)
from bachview.training.recipe import Recipe

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ShownCells:
    """Patches, and which of their cells are taken.

    Attributes
    ----------
    pixels : (P, input_px, input_px, 3) uint8 RGB.
    cells : (P, K) bool, of the K places of a patch, in the order in which the models answer.
    """

    pixels: Patches
    cells: Mask

    @classmethod
    def joined(cls, *parts: "ShownCells") -> "ShownCells":
        """Several after each other."""
        return cls(
            np.concatenate([part.pixels for part in parts]),
            np.concatenate([part.cells for part in parts]),
        )

    @property
    def count(self) -> int:
        """Number of cells, and so of rows."""
        return int(self.cells.sum())

    def patch_of(self, number: int) -> int:
        """The patch of the cell with this number."""
        return int(np.argwhere(self.cells)[number, 0])


def plain_cells(source: TrainingImage, recipe: Recipe, token: CancelToken) -> ShownCells:
    """An image's patches as they are judged; none where a photo shows too little tissue.

    Of a window, of which the class is only known in the middle: the patch there.

    Raises
    ------
    SlideOpenError, SlideReadError
        The photo can no longer be read.
    Cancelled
        `token` was cancelled.
    """
    patch = recipe.patch
    if not patch.is_wide:
        pixels, _ = grid_patches([source], patch.input_px)
        return ShownCells(pixels, np.ones((len(pixels), 1), np.bool_))
    if source.photo is None:
        return ShownCells(
            centre_patches([source], patch.input_px), _middle(patch.geometry.places_per_side)[None]
        )
    photo = source.photo
    try:
        read = read_photo(photo.path, photo.mpp, patch.geometry, token, anyway=True)
    except NoTissueError:
        return _none(recipe)
    chosen = read.counts & _checkerboard(patch.geometry.places_per_side)
    if not chosen.any():
        chosen = read.counts
    return ShownCells(read.pixels, chosen)


def view_cells(source: TrainingImage, recipe: Recipe, seed: int) -> ShownCells:
    """Augmented views of an image, with cells whose middle lies on it."""
    patch, settings, augmentation = recipe.patch, recipe.classifiers, recipe.augmentation
    if not settings.views:
        return _none(recipe)
    rng = np.random.default_rng(seed)
    # Of a wide window the class is only known in the middle.
    is_whole = source.photo is not None or not patch.is_wide
    crops = [
        random_crop(
            source.pixels,
            patch.input_px,
            augmentation.scale,
            rng,
            glass=augmentation.glass if is_whole else 0.0,
            shrinks=not (patch.is_wide and is_whole),
        )
        for _ in range(settings.views)
    ]
    pixels = augmented(np.stack([crop.pixels for crop in crops]), augmentation, seed=seed)
    if not patch.is_wide:
        return ShownCells(pixels, np.ones((len(crops), 1), np.bool_))
    if not is_whole:
        return ShownCells(pixels, np.tile(_middle(patch.geometry.places_per_side), (len(crops), 1)))
    height, width = source.pixels.shape[:2]
    on_it = np.stack([_cells_within(crop, patch.geometry, width, height) for crop in crops])
    return ShownCells(pixels, _some(on_it, settings.cells_per_view, rng))


def _none(recipe: Recipe) -> ShownCells:
    side, count = recipe.patch.input_px, recipe.patch.geometry.places_per_side
    return ShownCells(np.zeros((0, side, side, 3), np.uint8), np.zeros((0, count**2), np.bool_))


def _checkerboard(count: int) -> Mask:
    """Every second cell of a patch, the corners among them: (K,) bool."""
    return np.asarray(np.indices((count, count)).sum(axis=0).ravel() % 2 == 0)


def _middle(count: int) -> Mask:
    """The cell in the middle of a patch, or the four there: (K,) bool."""
    place = np.abs(np.arange(count) - (count - 1) / 2) < 1
    return np.asarray(np.logical_and.outer(place, place).ravel())


def _cells_within(crop: Crop, geometry: PatchGeometry, width: int, height: int) -> Mask:
    """Which cells' middles lie on an image of this size, px: (K,) bool."""
    count = geometry.places_per_side
    row, column = np.indices((count, count)).reshape(2, -1) - (count - 1) / 2
    side = geometry.stride_um / geometry.mpp
    x, y = crop.places(np.stack([column, row], axis=1) * side).T
    return np.asarray((x >= 0) & (x < width) & (y >= 0) & (y < height))


def _some(cells: Mask, most: int, rng: np.random.Generator) -> Mask:
    """At most so many cells of each patch, at random."""
    order = np.where(cells, rng.random(cells.shape), np.inf)
    rank = order.argsort(axis=1).argsort(axis=1)
    return np.asarray(cells & (rank < most))
