"""Small data sets written for tests: folders like BACH's with pictures of one colour."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

PREFIXES = {"Normal": "n", "Benign": "b", "InSitu": "is", "Invasive": "iv"}

#: 0.5 um/px.
DENSITY = (50_800.0, 50_800.0)


def write_photo(
    path: Path,
    seed: int,
    *,
    size: tuple[int, int] = (64, 48),
    dpi: tuple[float, float] | None = DENSITY,
) -> Path:
    """A photo of stained noise, which no other seed has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(-16, 17, (6, 8, 3))
    stained = (np.array((205, 120, 170)) + noise).astype(np.uint8)
    picture = Image.fromarray(stained).resize(size)
    if dpi is None:
        picture.save(path)
    else:
        picture.save(path, dpi=dpi)
    return path


def write_photos(
    folder: Path, numbers: Iterable[int] = range(1, 4), *, ending: str = ".png"
) -> Path:
    """``Photos/<class>/<prefix><number>``, the same numbers for each class."""
    wanted = list(numbers)
    for index, (key, prefix) in enumerate(PREFIXES.items()):
        for number in wanted:
            path = folder / "Photos" / key / f"{prefix}{number:03}{ending}"
            write_photo(path, 1000 * index + number)
    return folder
