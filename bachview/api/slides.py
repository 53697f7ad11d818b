"""A slide for use in notebooks: levels, pixel size, pixels, thumbnail, tissue."""

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview.api.properties import properties_of
from bachview.api.resampling import read_resampled
from bachview.core.closable import Closable
from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Level
from bachview.core.stack import Choice, Stack
from bachview.errors import PixelSizeError, UsageError
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideReader

if TYPE_CHECKING:
    from bachview.api.annotations import SlideAnnotations
    from bachview.datasets.corrections import WrittenPatches
    from bachview.marks.annotation import Annotation
    from bachview.marks.correction import Correction
    from bachview.marks.inside import InsideAnnotation
    from bachview.slide.tissue import TissueMask

RGB = npt.NDArray[np.uint8]


class Slide(Closable):
    """An open slide, created by `open_slide`; close it, or use it in a ``with``.

    All methods: any thread, in parallel. Positions are in the level-0 reference frame: px of the
    largest level, origin top left, x right, y down.

    Attributes
    ----------
    reader : the underlying adapter, for what this class does not offer.
    pixel_size : um/px at level 0 and where it came from.
    """

    def __init__(self, reader: SlideReader, pixel_size: PixelSize | None = None) -> None:
        """Take over (and later close) an open reader.

        Parameters
        ----------
        pixel_size : replaces that of the slide.
        """
        self.reader = reader
        self.pixel_size = pixel_size or reader.metadata.pixel_size
        self._closed = False

    @property
    def path(self) -> Path:
        """The file or folder as it was opened."""
        return self.reader.metadata.path

    @property
    def stack(self) -> Stack:
        """Which of several images, focal planes and time points in the file this is."""
        return self.reader.metadata.stack

    @property
    def levels(self) -> tuple[Level, ...]:
        """The stored levels, largest first: index, width, height (px), downsample."""
        return self.reader.metadata.pyramid.levels

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of level 0, px."""
        size = self.reader.metadata.pyramid.size
        return size.width, size.height

    @property
    def mpp(self) -> tuple[float, float] | None:
        """(x, y) um per level-0 px; None if unknown or not plausible."""
        return self.pixel_size.um_per_px

    @property
    def properties(self) -> Mapping[str, str]:
        """Properties of the slide, with OpenSlide's names where it has one. Read-only.

        ``openslide.*`` is what the file states, ``bachview.mpp-x`` and ``-y`` what is used. No
        label, and no text of the scanner that may name a patient.
        """
        return properties_of(self.reader.metadata, self.pixel_size)

    def read_region(
        self,
        location_l0: tuple[float, float],
        level: int | None,
        size: tuple[int, int],
        *,
        downsample: float | None = None,
        icc: bool = False,
    ) -> RGB:
        """Read pixels of a stored level, or at any downsample.

        As in OpenSlide, the location is in level-0 px whatever the level, and the size in px of the
        result.

        Parameters
        ----------
        location_l0 : (x, y) of the top left, level-0 px; may lie outside the slide.
        level : index of a stored level; None with `downsample`. The location is rounded to a px
            of that level; a downsample takes it exactly.
        size : (width, height) of the result, px.
        downsample : level-0 px per px of the result, > 0; read from the next finer level and
            averaged.
        icc : apply the slide's colour profile, if it has one.

        Returns
        -------
        (height, width, 3) uint8 RGB, a new array; white outside the slide.

        Raises
        ------
        UsageError
            Both or neither of `level` and `downsample` are given, a number makes no sense, the
            region does not fit into memory, or the slide is closed.
        SlideReadError
            It cannot be read.
        """
        self.check_open()
        width, height = size
        if width < 1 or height < 1:
            raise UsageError(f"A region of {width} x {height} px cannot be read.")
        if not all(map(math.isfinite, location_l0)):
            raise UsageError(f"A region at {location_l0} cannot be read; give numbers in px.")
        if (level is None) == (downsample is None):
            raise UsageError("Give either a level or a downsample to read a region.")
        if level is not None:
            if not 0 <= level < len(self.levels):
                raise UsageError(
                    f"{self.path.name} has no level {level}; its levels are 0 to "
                    f"{len(self.levels) - 1}."
                )
            scale = self.levels[level].downsample
            x, y = (round(value / scale) for value in location_l0)
            read = partial(self.reader.read, level, x, y, width, height)
        else:
            read = partial(
                read_resampled, self.reader, location_l0, float(downsample or 0), (width, height)
            )
        try:
            pixels = read()
        except MemoryError as error:
            raise UsageError(
                f"{width} x {height} px do not fit into memory: read smaller parts."
            ) from error
        transform = self.srgb_transform if icc else None
        return pixels if transform is None else transform(pixels)

    @property
    def srgb_transform(self) -> Callable[[RGB], RGB] | None:
        """Transform of the slide's colours to sRGB, any thread; None if none is needed."""
        from bachview.slide.colour import srgb_transform

        return srgb_transform(self.reader.metadata.icc_profile)

    def thumbnail(self, size: int = 1024, *, icc: bool = True) -> RGB:
        """The whole slide, its longer side `size` px or up to half of it; (h, w, 3) uint8 RGB.

        Parts that cannot be read are striped.

        Raises
        ------
        UsageError
            `size` is below 1, or the slide is closed.
        """
        from bachview.export.thumbnail import read_thumbnail

        self.check_open()
        if size < 1:
            raise UsageError(f"A thumbnail of {size} px makes no sense.")
        extent = self.reader.metadata.pyramid.extent
        transform = self.srgb_transform if icc else None
        return read_thumbnail(self.reader, extent, size, transform=transform).pixels

    def tissue(self) -> "TissueMask":
        """Find the tissue: a mask of (rows, columns) bool, its region and its um/px.

        Raises
        ------
        PixelSizeError
            The pixel size is unknown or not plausible.
        UsageError
            The slide is closed.
        """
        from bachview.slide.tissue import find_tissue

        self.check_open()
        if self.mpp is None:
            raise PixelSizeError(
                f"The pixel size of {self.path.name} is unknown: open it with mpp=…"
            )
        return find_tissue(self.reader, self.pixel_size)

    def annotations(
        self,
        folder: str | Path | None = None,
        *,
        notice: Callable[[str], object] = warnings.warn,
    ) -> "SlideAnnotations":
        """The annotations that are saved with the slide: to read, import, export and delete.

        Parameters
        ----------
        folder : of the results, if they are not among the user's.
        notice : called with a sentence if a part of the saved ones cannot be read.

        Raises
        ------
        LockedError
            The administrator allows another folder only.
        """
        from bachview.api.annotations import SlideAnnotations

        return SlideAnnotations(
            self.reader.metadata,
            self.pixel_size,
            None if folder is None else Path(folder),
            notice=notice,
        )

    def inside(
        self,
        annotations: "Iterable[Annotation]",
        *,
        bundle: str | Path | None = None,
        folder: str | Path | None = None,
    ) -> "dict[str, InsideAnnotation]":
        """What the saved results of a model say inside annotations, by their ids.

        Areas of the classes, of what is uncertain, outside the training material, not judged or no
        tissue, from cells that the outlines cut, and how much of each annotation was judged. Those
        without an area are left out.

        Parameters
        ----------
        bundle : whose results; None as for `load_ensemble`.
        folder : of the results, if they are not among the user's.

        Raises
        ------
        StoreError
            There are no results of this model, or they cannot be read; a `LockedError` if the
            administrator allows another folder only.
        BundleError
            There is no such bundle.
        PixelSizeError
            The pixel size is unknown: open the slide with ``mpp=``.
        """
        from bachview.api.inside import inside_annotations

        return inside_annotations(
            self.reader.metadata,
            self.pixel_size,
            annotations,
            bundle=None if bundle is None else str(bundle),
            folder=None if folder is None else Path(folder),
        )

    def corrections(self, folder: str | Path | None = None) -> "tuple[Correction, ...]":
        """What a reader has said of cells of the slide, beside what models say of them.

        Parameters
        ----------
        folder : of the results, if they are not among the user's.

        Raises
        ------
        StoreError
            They cannot be read; a `LockedError` if the administrator allows another folder only.
        """
        from bachview.api.corrections import saved_corrections

        place = None if folder is None else Path(folder)
        return saved_corrections(self.reader.metadata, place)

    def save_corrections(
        self,
        folder: str | Path,
        *,
        bundle: str | Path | None = None,
        patient: str = "",
        store: str | Path | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> "WrittenPatches":
        """Add a patch for each corrected cell to a data set, which `train` and `evaluate` read.

        Parameters
        ----------
        folder : of the data set: missing, empty, or written by this method. What it has of this
            slide is replaced.
        bundle : whose field and classes the patches have; None as for `load_ensemble`.
        patient : keeps the patches of several slides together in every split; the slide is a
            patient of its own if it is empty.
        store : folder of the results, if they are not among the user's.
        cancel : may be cancelled from another thread.
        progress : called with the number of patches written and of all.

        Raises
        ------
        DatasetError
            No cell is corrected; the folder holds something else or cannot be written to.
        PixelSizeError
            The pixel size is unknown: open the slide with ``mpp=``.
        BundleError, StoreError
            The bundle, or the corrections, cannot be read.
        UsageError
            The slide is closed.
        Cancelled
            `cancel` was cancelled.
        """
        from bachview.api.corrections import save_as_dataset

        self.check_open()
        return save_as_dataset(
            Path(folder),
            self.reader,
            self.pixel_size,
            bundle=None if bundle is None else str(bundle),
            patient=patient,
            store=None if store is None else Path(store),
            cancel=cancel,
            progress=progress,
        )

    def check_open(self) -> None:
        """Refuse to read pixels of a closed slide, which would all be marked as unreadable.

        Raises
        ------
        UsageError
            The slide is closed.
        """
        if self._closed:
            raise UsageError(f"{self.path.name} is closed; read its pixels before closing it.")

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._closed = True
        self.reader.close()

    def __repr__(self) -> str:
        width, height = self.size
        return f"<Slide {self.path.name}, {width} x {height} px, {len(self.levels)} levels>"


def open_slide(
    path: str | Path,
    *,
    mpp: float | None = None,
    image: int | None = None,
    plane: int | None = None,
    time_point: int | None = None,
) -> Slide:
    """Open a whole-slide image, a DICOM folder or a photo; close it, or use it in a ``with``.

    Parameters
    ----------
    mpp : um per level-0 px, if the file states none or a wrong one.
    image, plane, time_point : which of several images (scans or pages of one file), focal planes
        and time points, from 1; None for the main image, the first plane and the first time point.
        `Slide.stack` says how many there are.

    Raises
    ------
    SlideOpenError
        It is missing, not a slide, damaged, in an unsupported format, or cannot be opened within 20
        s.
    UsageError
        `mpp` is implausible, or there is no such image, plane or time point.
    """
    from bachview.slide.opening import open_in_time

    typed = None if mpp is None else PixelSize.stated(mpp)
    choice = Choice(image, plane, time_point)
    return Slide(open_in_time(Path(path), choice=choice), typed)


def region_of(given: Region | tuple[float, float, float, float] | None) -> Region | None:
    """Convert a region given as (x, y, width, height) in level-0 px.

    Raises
    ------
    UsageError
        It has no area, or not four numbers.
    """
    if given is None or isinstance(given, Region):
        return given
    try:
        x, y, width, height = given
        has_area = width > 0 and height > 0
    except ValueError:  # not four numbers
        has_area = False
    if not has_area:
        raise UsageError(
            "A region is (x, y, width, height) in level-0 px, with width and height above 0."
        )
    return Region(x, y, width, height)
