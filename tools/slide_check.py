"""How many photos the check of slides refuses, as they are and spoilt in known ways.

    python -m tools.slide_check PHOTOS [--mpp 3.36] [--input-px 64]

prints a table, for photos with even and with odd numbers. Photos state their pixel size. They are
spoilt like this:

blurred : Gaussian, with a standard deviation in px of the model's mpp.
brown : hue turned so that its mean is that of DAB.
DAB : haematoxylin kept, eosin replaced by DAB (Ruifrok's vectors), as in immunohistochemistry.
DAB nuclei : haematoxylin replaced by DAB and eosin by pale haematoxylin, as with Ki67.
blue : eosin replaced by the blue of Masson's trichrome.
fluorescence : haematoxylin shines blue and eosin faintly green, on black.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Pyramid
from bachview.slide.opening import opened_slide
from bachview.slide.pixels import padded_crop
from bachview.slide.reader import RGB, SlideReader
from bachview.slide.suitability import Reason, check_slide

Floats = npt.NDArray[np.floating]

_WHITE = 246.0
_H, _E = np.array([0.65, 0.70, 0.29]), np.array([0.07, 0.99, 0.11])
_DAB, _MASSON = np.array([0.27, 0.57, 0.78]), np.array([0.80, 0.59, 0.11])
_DAB_HUE = 28 / 360


class AlteredReader:
    """A `SlideReader` of one level, over an altered copy of a photo's pixels."""

    def __init__(self, photo: SlideReader, alter: Callable[[RGB], RGB]) -> None:
        level = photo.metadata.pyramid.levels[0]
        self._pixels = alter(photo.read(0, 0, 0, level.width, level.height))
        pyramid = Pyramid((level,), photo.metadata.pyramid.bounds)
        self.metadata = replace(photo.metadata, pyramid=pyramid)
        self.route = "an altered photo"

    def read(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
        """See `SlideReader.read`."""
        return padded_crop(self._pixels, x_lv, y_lv, width, height)

    def read_associated(self, name: str) -> RGB:
        """There is none."""
        raise KeyError(name)

    def close(self) -> None:
        """Nothing to release; the photo belongs to the caller."""


def blurred(pixels: RGB, sigma_px: float) -> RGB:
    """Out of focus, by a Gaussian of `sigma_px` px of the photo."""
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(sigma_px)))


def inverted(pixels: RGB) -> RGB:
    """As a negative."""
    return np.asarray(255 - pixels, dtype=np.uint8)


def browned(pixels: RGB) -> RGB:
    """With the hue turned so that its mean, weighted by saturation, is that of DAB."""
    hsv = np.array(Image.fromarray(pixels).convert("HSV"))
    angle = hsv[..., 0] / 256 * 2 * np.pi
    mean = np.angle((np.exp(1j * angle) * hsv[..., 1]).sum()) / (2 * np.pi)
    turn = round((_DAB_HUE - float(mean)) * 256)
    hsv[..., 0] = ((hsv[..., 0].astype(int) + turn) % 256).astype(np.uint8)
    return np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"))


def restained(pixels: RGB, first: Floats, second: Floats) -> RGB:
    """With haematoxylin replaced by the stain `first` and eosin by `second`."""
    amounts = _amounts(pixels)
    density = amounts @ np.stack([first, second]).astype(np.float32)
    return np.asarray((_WHITE * 10**-density).clip(0, 255), dtype=np.uint8)


def fluorescent(pixels: RGB) -> RGB:
    """As seen in the dark: what absorbed light shines."""
    amounts = _amounts(pixels)
    shining = amounts @ np.array([[0, 0, 200], [0, 60, 0]], np.float32) + 5
    return np.asarray(shining.clip(0, 255), dtype=np.uint8)


def _amounts(pixels: RGB) -> Floats:
    """(h, w, 2) of haematoxylin and eosin (Ruifrok and Johnston)."""
    table = np.log10(_WHITE / np.arange(1, 257)).clip(0).astype(np.float32)
    unmixing = np.linalg.pinv(np.stack([_H, _E])).astype(np.float32)
    return np.asarray((table[pixels] @ unmixing).clip(0), dtype=np.float32)


def alterations(model_px: float) -> dict[str, Callable[[RGB], RGB]]:
    """The ways in which a photo is spoilt, by name; `model_px` is the model's px in the photo's."""
    return {
        "as it is": np.asarray,
        **{f"blurred, {s} px": partial(blurred, sigma_px=s * model_px) for s in (1, 2, 4, 8)},
        "inverted": inverted,
        "brown": browned,
        "DAB": partial(restained, first=_H, second=_DAB),
        "DAB nuclei": partial(restained, first=_DAB, second=_H / 2),
        "blue": partial(restained, first=_H, second=_MASSON),
        "fluorescence": fluorescent,
    }


def findings_of(path: Path, geometry: PatchGeometry) -> dict[str, list[Reason]]:
    """What the check finds on a photo, by the name of the alteration."""
    with opened_slide(path) as photo:
        size: PixelSize = photo.metadata.pixel_size
        ways = alterations(geometry.mpp / (size.mpp or geometry.mpp))
        return {
            name: [
                f.reason for f in check_slide(AlteredReader(photo, way), size, geometry).findings
            ]
            for name, way in ways.items()
        }


def table(found: dict[Path, dict[str, list[Reason]]]) -> str:
    """Counts in Markdown: refused of the even and of the odd photos, and for which reasons."""
    halves = [[f for p, f in found.items() if _number(p) % 2 == odd] for odd in (0, 1)]
    even, odd_ones = (len(half) for half in halves)
    lines = [
        f"| Photos | Refused, even ({even}) | Refused, odd ({odd_ones}) | Reasons |",
        "|---|---|---|---|",
    ]
    for name in next(iter(found.values())):
        counts = [sum(bool(f[name]) for f in half) for half in halves]
        shares = [
            f"{n} ({n / len(half):.0%})" if half else "–"
            for n, half in zip(counts, halves, strict=True)
        ]
        reasons = Counter(r.value for f in found.values() for r in f[name])
        told = ", ".join(f"{reason} {n}" for reason, n in reasons.most_common()) or "–"
        lines.append(f"| {name} | {shares[0]} | {shares[1]} | {told} |")
    return "\n".join(lines)


def _number(path: Path) -> int:
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1]) if digits else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; see the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photos", type=Path, help="folder with JPEG photos, at any depth")
    parser.add_argument("--mpp", type=float, default=3.36, help="of the model, um/px")
    parser.add_argument("--input-px", type=int, default=64, help="side of the model's input")
    given = parser.parse_args(arguments)
    geometry = PatchGeometry(given.input_px, given.mpp, given.input_px * given.mpp)
    paths = sorted(given.photos.rglob("*.jpg"))
    if not paths:
        parser.error(f"no photos in {given.photos.name}")
    with ProcessPoolExecutor() as pool:
        answers = list(pool.map(partial(findings_of, geometry=geometry), paths, chunksize=4))
    found = dict(zip(paths, answers, strict=True))
    print(table(found))
    for path, answer in found.items():
        if answer["as it is"]:
            print(f"refused as it is: {path.name}: {', '.join(answer['as it is'])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
