"""The interface of slide adapters, and the metadata of a slide."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Pyramid
from bachview.core.stack import SINGLE, Stack
from bachview.slide.file_state import FileState
from bachview.slide.fingerprint import Former

RGB = npt.NDArray[np.uint8]

#: Colour outside the scanned area and under transparent pixels: white, as in a brightfield
#: microscope without a slide.
BACKGROUND = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class SlideMetadata:
    """Facts about an open slide.

    Attributes
    ----------
    path : the file or folder as it was opened.
    format_name : e.g. ``aperio``, ``dicom``, ``ome-tiff``, ``image``.
    vendor : as the format states it; None if it does not.
    pyramid : stored levels and bounds.
    pixel_size : um/px at level 0 and its origin (the file, or unknown); a value stated by the user
        is kept in the session, not here.
    objective_power : as stated by the scanner; text for the user, never used in computations.
    fingerprint : identifies the content; see `slide.fingerprint` for what it covers.
    icc_profile : the embedded ICC profile; None if there is none.
    associated_images : names such as ``label``, ``macro``, ``thumbnail``. Hidden until requested,
        as labels show patient names.
    files : the state of the slide's files when it was opened; None for a slide without files.
    former : what earlier versions called it; None for a slide without files.
    stack : which of several images, focal planes and time points in the file this is.
    center_nm : (x, y) of the centre of level 0 from the centre of the glass, nm, as Hamamatsu's
        scanners state it; None where the file does not.
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
    former: Former | None = None
    stack: Stack = SINGLE
    center_nm: tuple[float, float] | None = None


class SlideReader(Protocol):
    """An open slide. All methods: any thread, in parallel. The opener closes it."""

    @property
    def metadata(self) -> SlideMetadata:
        """Facts about the slide; they do not change while it is open."""
        ...

    @property
    def route(self) -> str:
        """Which library decodes the pixels, and how, for the user.

        E.g. ``OpenSlide; tiles of levels 0, 1 decoded directly``. Decided once for the file. May
        read the file's structure, and compare a small part of each level.
        """
        ...

    def read(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
        """Read pixels of a stored level, composed on `BACKGROUND`, without colour management.

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
        """Read one of `SlideMetadata.associated_images`, (H, W, 3) uint8 RGB.

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
    """A reader whose levels become ready only after opening, from the top down. Any thread.

    `SlideReader.read` waits for what is not ready; these methods help to avoid waiting.
    """

    def is_ready(self, level: int, bottom_lv: int) -> bool:
        """Whether `read` does not have to wait above this row, px of that level.

        It returns pixels or fails.
        """
        ...

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Call `callback` from the preparing thread each time more is ready.

        Not called if everything is already ready; forgotten once it is.
        """
        ...


def is_there(path: Path) -> bool:
    """Whether `path` exists now; False, not an OSError, if its share or drive is gone."""
    try:
        return path.exists()
    except OSError:
        return False
