"""Images from which patches are cut in training: photos and windows of slides, in memory.

Pillow is imported inside the functions.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from bachview.datasets.samples import Photo
from bachview.errors import DatasetError, SlideOpenError, SlideReadError
from bachview.jobs.tokens import CancelToken

Patches = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

#: Px around a crop within the support of its filter.
_FILTER_PX: Final = 2

#: Range of grey levels of bare glass in a scanned slide.
_GLASS: Final = (225, 253)


@dataclass(frozen=True, slots=True)
class TrainingImage:
    """A piece of tissue of one class.

    Attributes
    ----------
    pixels : (h, w, 3) uint8 RGB at the recipe's mpp.
    label : index into the classes.
    group : the patient or slide that it is from.
    is_window : cut from a slide, not a whole photo.
    photo : the file that it is, if it is one.
    """

    pixels: Patches
    label: int
    group: str
    is_window: bool = False
    photo: Photo | None = None


@dataclass(frozen=True, slots=True)
class Crop:
    """A patch and the square that it shows, which may reach beyond the image.

    Attributes
    ----------
    pixels : (input_px, input_px, 3) uint8 RGB.
    x, y, side : centre and side of the square, px of the image.
    turn : (2, 2) float64, from px of the patch (x, y) to px of the image.
    """

    pixels: Patches
    x: float
    y: float
    side: float
    turn: npt.NDArray[np.float64]

    def places(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(N, 2) px right of and below the patch's middle to (N, 2) px (x, y) of the image."""
        return np.asarray(points @ self.turn.T + (self.x, self.y), dtype=np.float64)


def load_sources(
    photos: Sequence[Photo], mpp: float, *, least_px: int, token: CancelToken
) -> list[TrainingImage]:
    """Read photos and resample each once to `mpp`.

    They are opened as slides are, and the colour profile and the filter are those of the patch
    reader, so that the networks learn on what they will be shown.

    Parameters
    ----------
    least_px : minimum side of a photo at `mpp`.

    Raises
    ------
    DatasetError
        A photo is smaller than a field, or has changed since it was listed.
    SlideOpenError, SlideReadError
        A photo cannot be read.
    Cancelled
        `token` was cancelled.
    """
    sources = []
    for photo in photos:
        token.check()
        try:
            pixels = _read(photo, mpp, least_px, token)
        except (SlideOpenError, SlideReadError):
            _check_listed(photo)  # says why, where that is the reason
            raise
        sources.append(TrainingImage(pixels, photo.label or 0, photo.patient, photo=photo))
    return sources


def _read(photo: Photo, mpp: float, least_px: int, token: CancelToken) -> Patches:
    """The whole photo at `mpp`, (h, w, 3) uint8 sRGB."""
    from PIL import Image

    from bachview.slide.colour import srgb_transform
    from bachview.slide.opening import opened_slide

    with opened_slide(photo.path, token) as reader:
        _check_listed(photo)
        full = reader.metadata.pyramid.size
        size = (round(full.width * photo.mpp / mpp), round(full.height * photo.mpp / mpp))
        if min(size) < least_px:
            raise DatasetError(
                f"{photo.path.name} is smaller than one field of {least_px * mpp:.0f} µm: choose "
                "a smaller patch in the recipe, or leave the photo out."
            )
        picture = Image.fromarray(reader.read(0, 0, 0, full.width, full.height))
        transform = srgb_transform(reader.metadata.icc_profile)
    pixels = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
    return pixels if transform is None else transform(pixels)


def _check_listed(photo: Photo) -> None:
    """Make sure of the file's bytes: its part and its figures belong to these and no others.

    Raises
    ------
    DatasetError
        It has changed or is gone.
    """
    try:
        content = photo.path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{photo.path.name} can no longer be read; restore the file and try again."
        ) from error
    if hashlib.sha256(content).hexdigest() != photo.sha256:
        raise DatasetError(
            f"{photo.path.name} has changed since the data set was listed; try again."
        )


def reduced(sources: Sequence[TrainingImage], factor: float) -> list[TrainingImage]:
    """The images with `factor` times as many px along each side; 1 returns them unchanged."""
    from PIL import Image

    if factor == 1:
        return list(sources)
    out = []
    for source in sources:
        height, width = (max(1, round(side * factor)) for side in source.pixels.shape[:2])
        image = Image.fromarray(source.pixels)
        resized = image.resize((width, height), Image.Resampling.BILINEAR)
        out.append(replace(source, pixels=np.asarray(resized)))
    return out


def random_crop(
    pixels: Patches,
    input_px: int,
    scale: float,
    rng: np.random.Generator,
    *,
    glass: float = 0.0,
    shrinks: bool = True,
) -> Crop:
    """Cut a patch at a random place, rotated by any angle, mirrored or not, slightly scaled.

    Parameters
    ----------
    scale : the field's side is up to ``1 + scale`` times larger or smaller than `input_px`,
        log-uniform.
    glass : share of the crops whose centre may be anywhere on the image. Their parts beyond its
        edge are bare glass, as beyond the edge of tissue; all others lie within the image.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    angle = rng.uniform(0, 2 * math.pi)
    # Half of the rotated square's extent, as a share of its side.
    reach = (abs(math.cos(angle)) + abs(math.sin(angle))) / 2
    limit = math.log(1 + scale)
    side = input_px * math.exp(rng.uniform(-limit, limit))
    if shrinks:
        side = min(side, (min(height, width) - 1) / (2 * reach))
    margin = side * reach
    # Drawn only if needed: without glass, the crops are the same as with earlier recipes.
    inset = 0.0 if glass and rng.random() < glass else margin
    bare = int(rng.integers(*_GLASS)) if glass or not shrinks else 0
    inset_x, inset_y = (min(inset, length / 2) for length in (width, height))
    x = rng.uniform(inset_x, width - inset_x)
    y = rng.uniform(inset_y, height - inset_y)
    left, top = (max(0, math.floor(place - margin) - _FILTER_PX) for place in (x, y))
    right, bottom = (math.ceil(place + margin) + _FILTER_PX for place in (x, y))
    step = side / input_px
    mirror = rng.choice((-1.0, 1.0))
    across = (step * math.cos(angle) * mirror, -step * math.sin(angle))
    down = (step * math.sin(angle) * mirror, step * math.cos(angle))
    half = input_px / 2
    coefficients = (
        *across,
        x - left - half * (across[0] + across[1]),
        *down,
        y - top - half * (down[0] + down[1]),
    )
    # Bilinear would remove a fifth of the fine detail that upright patches have.
    turned = Image.fromarray(pixels[top:bottom, left:right]).transform(
        (input_px, input_px),
        Image.Transform.AFFINE,
        coefficients,
        Image.Resampling.BICUBIC,
        fillcolor=(bare, bare, bare),
    )
    return Crop(np.asarray(turned), x, y, side, np.array([across, down]))


def grid_patches(sources: Sequence[TrainingImage], input_px: int) -> tuple[Patches, Labels]:
    """Patches that cover each image with about half overlap, unchanged.

    Returns
    -------
    (N, input_px, input_px, 3) uint8 and (N,) int64.
    """
    patches, labels = [], []
    for source in sources:
        height, width = source.pixels.shape[:2]
        for y in _places(height, input_px):
            for x in _places(width, input_px):
                patches.append(source.pixels[y : y + input_px, x : x + input_px])
                labels.append(source.label)
    return np.stack(patches), np.array(labels, np.int64)


def centre_patches(sources: Sequence[TrainingImage], input_px: int) -> Patches:
    """(N, input_px, input_px, 3) uint8: the centre of each image, unchanged."""
    patches = []
    for source in sources:
        y, x = ((side - input_px) // 2 for side in source.pixels.shape[:2])
        patches.append(source.pixels[y : y + input_px, x : x + input_px])
    return np.stack(patches)


def _places(length: int, side: int) -> list[int]:
    room = length - side
    count = math.ceil(2 * room / side) + 1
    return [round(place) for place in np.linspace(0, room, count)]
