"""From the samples of a TIFF page to RGB on the background."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.slide.formats.tiff_codecs import (
    Photometric,
    UnsupportedTiffError,
    bits_of,
)

Pixels = npt.NDArray[np.uint8]

_PREMULTIPLIED, _UNASSOCIATED = 1, 2

_REFUSED = {4: "a mask", 5: "in CMYK", 8: "in CIELab", 9: "in ICCLab", 10: "in ITULab"}


class TiffColours:
    """The colours of one page. Any thread.

    Parameters
    ----------
    key : tifffile's page.
    significant_bits : of a sample, where the file says so elsewhere; None: as in the page.
    channels : pages of one channel each that are red, green and blue; 1 for a page by itself.
    """

    def __init__(self, key: Any, significant_bits: int | None = None, channels: int = 1) -> None:
        """Check that they are known.

        Raises
        ------
        UnsupportedTiffError
            They are not.
        """
        photometric, samples, bits = int(key.photometric), int(key.samplesperpixel), bits_of(key)
        if photometric not in tuple(Photometric):
            kind = _REFUSED.get(photometric, f"in colours number {photometric}")
            raise UnsupportedTiffError(f"{kind}, a kind of colours that is not supported")
        extra = tuple(int(e) for e in key.extrasamples)
        fits: dict[int, bool] = {
            Photometric.MINISWHITE: samples == 1,
            Photometric.MINISBLACK: samples == 1 or (samples == 2 and len(extra) == 1),
            Photometric.RGB: samples in (3, 4) and bits >= 8,
            Photometric.PALETTE: samples == 1 and bits <= 8,
            Photometric.YCBCR: samples == 3 and int(key.planarconfig) == 1,
        }
        if not fits[photometric]:
            raise UnsupportedTiffError(
                f"of {samples} channels of {bits} bits, neither RGB nor grey"
            )
        self._palette = palette_of(key) if photometric == Photometric.PALETTE else None
        self._shift = max(0, (significant_bits or bits) - 8) if bits > 8 else 0
        # From 1, 2 or 4 stored bits to 8: black to white.
        self._scale = 255 // ((1 << bits) - 1) if bits < 8 else 1
        self._inverted = photometric == Photometric.MINISWHITE
        has_alpha = channels == 1 and samples in (2, 4)
        # A fourth sample that the file does not name is opacity to all readers.
        self._alpha = (extra[0] if extra else _UNASSOCIATED) if has_alpha else None

    def rgb(self, samples: npt.NDArray[Any]) -> Pixels:
        """(rows, columns, 3) uint8 of (rows, columns, samples)."""
        if self._palette is not None:
            return np.asarray(self._palette[samples[..., 0]])
        if self._shift:
            top = (256 << self._shift) - 1
            samples = np.minimum(samples, top) >> self._shift
        pixels = samples.astype(np.uint8, copy=False)
        if self._scale != 1:
            pixels = pixels * np.uint8(self._scale)
        if self._inverted:
            pixels = ~pixels
        colours = 3 if pixels.shape[2] >= 3 else 1
        rgb = np.asarray(pixels[..., :colours])
        if self._alpha in (_PREMULTIPLIED, _UNASSOCIATED):
            alpha = pixels[..., -1:].astype(np.uint16)
            premultiplied = rgb if self._alpha == _PREMULTIPLIED else (rgb * alpha + 127) // 255
            rgb = np.minimum(premultiplied + (255 - alpha), 255).astype(np.uint8)
        return rgb if colours == 3 else np.repeat(rgb, 3, axis=2)


def palette_of(key: Any) -> Pixels:
    """(entries, 3) uint8 of the page's colour map.

    Its values have 16 bits. Some writers store 8, which libtiff recognises by none being larger.

    Raises
    ------
    UnsupportedTiffError
        The map is missing or too short for the bits of a sample.
    """
    if key.colormap is None:
        raise UnsupportedTiffError("in palette colours without a palette")
    stored = np.asarray(key.colormap)
    if stored.ndim != 2 or stored.shape[0] != 3 or stored.shape[1] < 1 << bits_of(key):
        raise UnsupportedTiffError("in palette colours with part of a palette")
    colours = stored if stored.max(initial=0) < 256 else stored >> 8
    return np.ascontiguousarray(colours.astype(np.uint8).T)
