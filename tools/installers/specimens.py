"""Files that an installed program must be able to read: every kind of pixels, and real slides."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.support.dicom import Scan, write_slide
from tests.support.slides import gradient, write_pyramid
from tests.support.tiff_product import made

#: So many made TIFF files contain every compression and kind of colours more than once.
_TIFFS: Final = 150
_REAL: Final = (
    "slides/CMU-1-Small-Region.svs",
    "slides/OS-1-detail.ome.tif",
    "slides/multi_frame_jpeg_camelyon_challenge_image.dcm",
    "other-stains/test3-TRITC 2 (560).ndpi",
    "cases/dataset-formats/Photos/InSitu/is001_jpeg2000.tif",
)


def write_specimens(folder: Path) -> list[Path]:
    """Write them into `folder`, which is made; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = gradient(600, 400)
    written = [write_pyramid(folder / "pyramid.tiff", picture)]
    written += [_saved(picture, folder / f"photo.{ending}") for ending in ("png", "jpg")]
    written.append(write_slide(folder / "dicom", Scan()))
    for number in range(_TIFFS):
        path = folder / f"{number}.tif"
        path.write_bytes(made(number).data)
        written.append(path)
    return written


def real_files(folder: Path | None) -> Iterator[Path]:
    """Those of the real files in `folder` that the checks know."""
    for name in _REAL:
        if folder is not None and (folder / name).exists():
            yield folder / name


def _saved(picture: npt.NDArray[np.uint8], path: Path) -> Path:
    Image.fromarray(picture).save(path)
    return path
