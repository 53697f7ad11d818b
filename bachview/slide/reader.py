"""What every slide adapter offers, and what is known of a slide."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Pyramid
from bachview.slide.file_state import FileState

RGB = npt.NDArray[np.uint8]

#: What lies outside the scanned area, and under transparent pixels: white, as in a
#: brightfield microscope with no glass in the beam.
BACKGROUND = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class SlideMetadata:
    """Facts about an open slide.

    Attributes
    ----------
    path : the file or folder as it was opened.
    format_name : e.g. ``aperio``, ``dicom``, ``ome-tiff``, ``image``.
    vendor : as the format states it; None where it does not.
    pyramid : stored levels and bounds.
    pixel_size : um/px at level 0 and where it came from (the file, or unknown); a user's
        value lives in the session, not here.
    objective_power : the scanner's statement; text for the reader, never computed with.
    fingerprint : identifies the content: ``q1:`` and OpenSlide's quickhash-1, else ``s1:``
        and a hash of the size and samples of the file.
    icc_profile : the embedded ICC profile, None where there is none.
    associated_images : names such as ``label``, ``macro``, ``thumbnail``. Hidden until
        asked for: labels carry patient names.
    files : the slide's files as they were when it was opened; None for a slide that lies
        in no file.
    """

    path: Path
    format_name: str
    vendor: str | None
    pyramid: Pyramid
    pixel_size: PixelSize
    objective_power: float | None
    fingerprint: str
    icc_profile: bytes | None
    associated_images: tuple[str, ...]
    files: FileState | None = None


class SlideReader(Protocol):
    """An open slide. All methods: any thread, in parallel. The opener closes it."""

    @property
    def metadata(self) -> SlideMetadata:
        """Facts about the slide; they do not change while it is open."""
        ...

    def read(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
        """Pixels of a stored level, composed on `BACKGROUND`, without colour management.

        Parameters
        ----------
        level : index of the stored level.
        x_lv, y_lv : top left, px *of that level*; may be negative or past the edge.
        width, height : px of that level, >= 1.

        Returns
        -------
        (height, width, 3) uint8 RGB, a new array.

        Raises
        ------
        SlideReadError
            This part cannot be read. The reader stays usable for other parts: an
            adapter whose handle has latched an error reopens it.
        """
        ...

    def read_associated(self, name: str) -> RGB:
        """One of `SlideMetadata.associated_images`, (H, W, 3) uint8 RGB.

        Raises
        ------
        SlideReadError
            It cannot be read.
        """
        ...

    def close(self) -> None:
        """Release the file. Later reads raise `SlideReadError`. Safe to call twice."""
        ...


@runtime_checkable
class Preparing(Protocol):
    """A reader whose levels become ready after it was opened, from the top down. Any thread.

    `SlideReader.read` of what is not ready waits; these let others not wait.
    """

    def is_ready(self, level: int, bottom_lv: int) -> bool:
        """Whether `read` answers without waiting above this row, px of that level.

        The answer may be pixels or an error.
        """
        ...

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Call `callback` from the preparing thread each time that more is ready.

        Not called where all is ready already; forgotten when all is.
        """
        ...


def is_there(path: Path) -> bool:
    """Whether `path` can be seen now; False, not an OSError, where its share or drive is gone."""
    try:
        return path.exists()
    except OSError:
        return False
