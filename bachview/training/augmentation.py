"""Augmentation of colour and sharpness: a Keras layer for any backend.

It has no effect at inference, has no weights and is never stored. Keras is imported inside
functions.
"""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.files import atomic_file
from bachview.training.batches import one_hot, training_batches
from bachview.training.images import Patches, TrainingImage
from bachview.training.recipe import Augmentation, Recipe
from bachview.training.stain_jitter import STAIN_VECTORS

#: Range of JPEG qualities.
_QUALITIES: Final = (40.0, 95.0)
#: Quantisation of luminance and chrominance (ITU-T T.81, Annex K, tables K.1 and K.2).
_LUMINANCE: Final = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
_CHROMINANCE: Final = np.array(
    [
        [17, 18, 24, 47, 99, 99, 99, 99],
        [18, 21, 26, 66, 99, 99, 99, 99],
        [24, 26, 56, 99, 99, 99, 99, 99],
        [47, 66, 99, 99, 99, 99, 99, 99],
        *[[99] * 8] * 4,
    ],
    np.float32,
)
#: R, G, B to Y, Cb, Cr, both around 0 (ITU-T T.871).
_YCBCR: Final = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)

_PICTURE_SIDE: Final = 6


def augmenter(recipe: Augmentation, *, seed: int) -> Any:
    """A layer from (N, h, w, 3) uint8 or float to float32, whole numbers in 0..255.

    Drawn for each patch: stain strength and shift in optical density (Tellez et al.,
    IEEE TMI 37:2126, 2018), brightness and contrast, Gaussian blur, and JPEG's quantisation.
    Outside training it only converts the type.
    """
    import keras
    from keras import ops

    class Augmenter(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
        def __init__(self) -> None:
            # Colours need float32 whatever precision the network uses.
            super().__init__(name="augmentation", dtype="float32", autocast=False)
            self._draws = keras.random.SeedGenerator(seed)

        def call(self, patches: Any, training: bool = False) -> Any:
            values = ops.cast(patches, "float32")
            if not training:
                return values
            values = self._stained(values)
            values = self._lit(values)
            if recipe.blur:
                values = self._blurred(values)
            if recipe.jpeg:
                values = self._compressed(values)
            return ops.round(ops.clip(values, 0, 255))

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

        def _uniform(self, values: Any, *tail: int, low: float, high: float) -> Any:
            """A random number for each patch, broadcast over it."""
            shape = (ops.shape(values)[0], *tail)
            return keras.random.uniform(shape, low, high, seed=self._draws)

        def _stained(self, values: Any) -> Any:
            strength, shift = recipe.stain_strength, recipe.stain_shift
            if not (strength or shift):
                return values
            density = -ops.log((values + 1) / 256)
            amounts = ops.matmul(density, np.linalg.inv(STAIN_VECTORS).astype(np.float32))
            amounts = amounts * self._uniform(values, 1, 1, 3, low=1 - strength, high=1 + strength)
            amounts = amounts + self._uniform(values, 1, 1, 3, low=-shift, high=shift)
            return ops.clip(256 * ops.exp(-ops.matmul(amounts, STAIN_VECTORS)) - 1, 0, 255)

        def _lit(self, values: Any) -> Any:
            contrast, light = recipe.contrast, 255 * recipe.brightness
            factor = self._uniform(values, 1, 1, 1, low=1 - contrast, high=1 + contrast)
            offset = self._uniform(values, 1, 1, 1, low=-light, high=light)
            mean = ops.mean(values, axis=(1, 2, 3), keepdims=True)
            return (values - mean) * factor + mean + offset

        def _blurred(self, values: Any) -> Any:
            radius = math.ceil(2 * recipe.blur)
            sigma = self._uniform(values, 1, 1, 1, low=0.05, high=max(recipe.blur, 0.06))
            taps = [ops.exp(-((k / sigma) ** 2) / 2) for k in range(radius + 1)]
            whole = taps[0] + 2 * sum(taps[1:])
            for axis in (1, 2):
                pads = [[radius, radius] if place == axis else [0, 0] for place in range(4)]
                padded = ops.pad(values, pads, mode="reflect")
                side = values.shape[axis]
                parts = []
                for k in range(-radius, radius + 1):
                    window = [slice(None)] * 4
                    window[axis] = slice(radius + k, radius + k + side)
                    parts.append(padded[tuple(window)] * (taps[abs(k)] / whole))
                values = sum(parts)
            return values

        def _compressed(self, values: Any) -> Any:
            """Quantise 8 x 8 blocks as in JPEG; the chroma channels keep their resolution."""
            height, width = values.shape[1], values.shape[2]
            rows, columns = height // 8, width // 8
            whole = values[:, : rows * 8, : columns * 8] - 128
            blocks = ops.reshape(ops.matmul(whole, _YCBCR.T), (-1, rows, 8, columns, 8, 3))
            # (N, rows, columns, channel, 8, 8)
            blocks = ops.transpose(blocks, (0, 1, 3, 5, 2, 4))
            dct = _dct()
            spectrum = ops.matmul(ops.matmul(dct, blocks), dct.T)
            quality = self._uniform(values, 1, 1, 1, 1, 1, low=_QUALITIES[0], high=_QUALITIES[1])
            coarseness = ops.where(quality < 50, 50 / quality, (100 - quality) / 50)
            tables = np.stack([_LUMINANCE, _CHROMINANCE, _CHROMINANCE])
            # Not `*`: NumPy would try to convert a torch tensor, which fails for one on a GPU.
            step = ops.maximum(ops.multiply(coarseness, tables), 1)
            blocks = ops.matmul(ops.matmul(dct.T, ops.round(spectrum / step) * step), dct)
            plain = ops.transpose(blocks, (0, 1, 4, 2, 5, 3))
            plain = ops.reshape(plain, (-1, rows * 8, columns * 8, 3))
            coded = ops.matmul(plain, np.linalg.inv(_YCBCR).T.astype(np.float32)) + 128
            # Pixels that do not fill a block keep their values.
            rest = values[:, : rows * 8, columns * 8 :]
            coded = ops.concatenate([coded, rest], axis=2)
            coded = ops.concatenate([coded, values[:, rows * 8 :]], axis=1)
            chosen = self._uniform(values, 1, 1, 1, low=0.0, high=1.0) < recipe.jpeg
            return ops.where(chosen, coded, values)

    return Augmenter()


def _dct() -> npt.NDArray[np.float32]:
    """The orthonormal 8-point DCT-II as a matrix (ITU-T T.81, A.3.3)."""
    frequency, place = np.mgrid[0:8, 0:8]
    rows = np.cos((2 * place + 1) * frequency * np.pi / 16) / 2
    rows[0] /= np.sqrt(2)
    return np.asarray(rows, dtype=np.float32)


def augmented(patches: Patches, recipe: Augmentation, *, seed: int) -> Patches:
    """Augment patches outside a fit: (N, h, w, 3) uint8 to the same."""
    layer = augmenter(recipe, seed=seed)
    import keras

    out = [
        keras.ops.convert_to_numpy(layer(patches[at : at + 64], training=True))
        for at in range(0, len(patches), 64)
    ]
    return np.concatenate(out).astype(np.uint8)


def write_batch_picture(
    path: Path, sources: Sequence[TrainingImage], recipe: Recipe, classes: ClassSet
) -> None:
    """Draw one augmented batch as a PNG, each patch framed in the colour of its class."""
    from PIL import Image, ImageDraw

    side, count = recipe.patch.input_px, _PICTURE_SIDE**2
    patches, labels = training_batches(
        sources,
        one_hot(sources, len(classes)),
        input_px=side,
        augmentation=recipe.augmentation,
        batch=count,
        steps=1,
        seed=recipe.seed,
        epoch=0,
        shrinks=not recipe.patch.is_wide,
    )[0]
    shown = augmented(patches, recipe.augmentation, seed=recipe.seed)
    cell, band = side + 8, 18
    sheet = Image.new("RGB", (cell * _PICTURE_SIDE, (cell + band) * _PICTURE_SIDE), "white")
    pen = ImageDraw.Draw(sheet)
    for place, (pixels, label) in enumerate(zip(shown, labels.argmax(1), strict=True)):
        x, y = (place % _PICTURE_SIDE) * cell, (place // _PICTURE_SIDE) * (cell + band)
        entry = classes[int(label)]
        pen.rectangle((x + 1, y + 1, x + cell - 2, y + cell - 2), fill=entry.color)
        sheet.paste(Image.fromarray(pixels), (x + 4, y + 4))
        pen.text((x + 4, y + cell), entry.name, fill="black")
    content = io.BytesIO()
    sheet.save(content, "PNG")
    with atomic_file(path) as file:
        file.write(content.getvalue())
