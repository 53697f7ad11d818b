"""What the models see of a photo: its patches, read as those of a slide.

A photo is opened as a slide, its colour profile is applied by the same rule, its patches are
read by the same reader from the same level, and cells without tissue are skipped as on a slide. As
on a slide, the cells tile it, and the fields of the outermost ones are moved inwards so that they
lie on the photo; only the stride is adjusted so that no cell reaches over the edge. A photo smaller
than a field is padded with white.

Where a patch stands for several cells, cells and fields lie as on a slide that is no larger than
the photo, patches are moved onto it by whole cells, and only cells of tissue count.

As on a slide, too, what shows no H&E tissue has no class, what the models do not know (other
stains, blur, coarse pixels) is refused, and patches that cannot be read are counted.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Region, Size
from bachview.core.patches import PatchGeometry, PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.stack import USUAL, Choice
from bachview.errors import (
    NoTissueError,
    PixelSizeError,
    SlideChangedError,
    SlideReadError,
    UnsuitableSlideError,
)
from bachview.inference.asked_cells import AskedCells
from bachview.inference.plan import LEAST_TISSUE
from bachview.jobs.tokens import CancelToken

if TYPE_CHECKING:
    from bachview.slide.reader import SlideReader
    from bachview.slide.tissue import Mask, SmallPicture, TissueMask

RGB = npt.NDArray[np.uint8]

#: Tissue has detail everywhere: the energy of the second finest octave (`slide.sharpness`) was at
#: least 6 in the photos of BACH, and is at most 0.03 in an even colour with a camera's noise.
_LEAST_DETAIL = 0.1
_EVEN = "The photo shows an even colour without any detail: it is out of focus, or no tissue."
_TOO_LITTLE = "less than a quarter of each field of the photo is H&E tissue."


@dataclass(frozen=True, slots=True)
class PhotoPatches:
    """What the models see of a photo.

    Attributes
    ----------
    pixels : (P, input_px, input_px, 3) uint8 RGB, row by row; P >= 1.
    counts : (P, K) bool, which of the K cells that a patch stands for have a vote, in the order in
        which the models answer; one or more of each patch.
    failed : number of cells whose patch could not be read; it is not in `pixels`.
    warnings : what spoke against classifying the photo, one sentence each.
    picture : which of several in the file this is; empty if there is one.
    """

    pixels: RGB
    counts: npt.NDArray[np.bool_]
    failed: int = 0
    warnings: tuple[str, ...] = ()
    picture: str = ""


def photo_grid(size: Size, pixel_size: PixelSize, geometry: PatchGeometry) -> PatchGrid:
    """Cells that tile a photo, at about the bundle's stride.

    Raises
    ------
    ValueError
        The pixel size is not plausible.
    """
    whole = Region(0, 0, size.width, size.height)
    grid = PatchGrid.over(whole, pixel_size, geometry)
    if geometry.cells_per_side > 1:
        return grid  # the models fix how large the cells of a patch are

    def fitted(length: int, stride: float, field: float, most: int) -> float:
        count = max(1, round(length / stride))
        # Fields smaller than the stride would leave parts of the photo unseen.
        return length / (count if length / count <= field * 1.01 else most)

    return replace(
        grid,
        stride_x=fitted(size.width, grid.stride_x, grid.field_x, grid.columns),
        stride_y=fitted(size.height, grid.stride_y, grid.field_y, grid.rows),
    )


def shows_tissue(
    reader: "SlideReader", pixel_size: PixelSize, token: CancelToken | None = None
) -> bool:
    """Whether a photo shows any H&E tissue: one that does not has no class. Any thread.

    Parameters
    ----------
    pixel_size : um/px, plausible.

    Raises
    ------
    Cancelled
        `token` was cancelled.
    """
    from bachview.slide.tissue import read_small

    return bool(_tissue(read_small(reader, pixel_size, token), token).mask.any())


def _tissue(small: "SmallPicture", token: CancelToken | None) -> "TissueMask":
    """The tissue of a photo, if there is any whatever its glass is compared with."""
    from bachview.slide.glass import USUAL_WHITE
    from bachview.slide.tissue import tissue_of

    # A photo shows too little glass to tell its colour from that of pale tissue; but where its own
    # white leaves no tissue, it is all glass.
    mask = tissue_of(small, token, white=USUAL_WHITE)
    if mask.mask.any() and not tissue_of(small, token).mask.any():
        return replace(mask, mask=np.zeros_like(mask.mask))
    return mask


def read_photo(
    path: Path,
    mpp: float,
    geometry: PatchGeometry,
    token: CancelToken | None = None,
    *,
    anyway: bool = False,
    is_for_tissue: bool = True,
    choice: Choice = USUAL,
) -> PhotoPatches:
    """Read a photo's patches as the models see them, row by row. Any thread.

    Cells with less than `LEAST_TISSUE` tissue are left out, as on a slide.

    Parameters
    ----------
    mpp : um/px of the photo.
    anyway : read it although the check of the photo speaks against it.
    is_for_tissue : whether the models were trained on tissue; drawn pictures have no fine detail.
    choice : which of several images, focal planes and time points in the file.

    Raises
    ------
    PixelSizeError
        `mpp` is implausible.
    NoTissueError
        The photo shows no H&E tissue.
    UnsuitableSlideError
        The check of the photo speaks against classifying it.
    SlideOpenError, SlideReadError
        The photo cannot be read, no patch of it can, or it changed meanwhile.
    Cancelled
        `token` was cancelled.
    """
    from bachview.slide.colour import srgb_transform
    from bachview.slide.opening import opened_slide
    from bachview.slide.patches import PatchReader

    pixel_size = PixelSize.typed(mpp)
    if not pixel_size.is_plausible:
        raise PixelSizeError(
            f"A pixel size of {mpp:g} µm is implausible for {path.name}; state it with --mpp."
        )
    with opened_slide(path, token, choice) as reader:
        metadata = reader.metadata
        grid = photo_grid(metadata.pyramid.size, pixel_size, geometry)
        mask, unread, warnings = _checked(
            reader, pixel_size, geometry, token, anyway=anyway, is_for_tissue=is_for_tissue
        )
        tissue = mask.tissue_cells(grid, LEAST_TISSUE, token)
        if not tissue.count:
            raise NoTissueError(warnings or (_TOO_LITTLE,))
        if warnings and not anyway:
            raise UnsuitableSlideError(warnings, "photo")
        transform = srgb_transform(metadata.icc_profile)
        patches = PatchReader(reader, pixel_size, geometry, transform)
        # Parts that cannot be read count as tissue, in blocks that are larger than the damage.
        seen = replace(mask, mask=mask.mask & ~unread).fraction(grid) >= LEAST_TISSUE
        asked = AskedCells(tissue.mask, tissue, grid)
        pixels: list[RGB] = []
        counts: list[npt.NDArray[np.bool_]] = []
        failed, failure = 0, None
        for row, column in np.argwhere(asked.patches).tolist():
            if token is not None:
                token.check()
            cells, is_asked = asked.of([(row, column)])
            try:
                patch = patches.read(asked.field(row, column))
            except SlideChangedError:
                raise
            except SlideReadError as error:
                failed, failure = failed + int(is_asked.sum()), failure or error
                continue
            for number in np.flatnonzero(is_asked):
                is_asked[number] = seen[tuple(cells[number])] or _is_tissue(
                    _cell_of(patch, geometry, int(number)), geometry.mpp
                )
            if is_asked.any():
                pixels.append(patch)
                counts.append(is_asked)
    if failure and not pixels:
        raise failure
    if not pixels:
        raise NoTissueError(warnings or (_TOO_LITTLE,))
    return PhotoPatches(
        np.stack(pixels), np.stack(counts), failed, warnings, metadata.stack.shown_text
    )


def _cell_of(patch: RGB, geometry: PatchGeometry, number: int) -> RGB:
    """What a patch shows at one of its places, counted row by row; all if it has one."""
    if geometry.cells_per_side == 1:
        return patch
    side = geometry.stride_um / geometry.mpp
    top, left = (round(place * side) for place in divmod(number, geometry.places_per_side))
    return patch[top : top + round(side), left : left + round(side)]


def _is_tissue(patch: RGB, mpp: float) -> bool:
    from bachview.slide.glass import USUAL_WHITE
    from bachview.slide.tissue import stained

    return bool(stained(patch, mpp, white=USUAL_WHITE).mean() >= LEAST_TISSUE)


def _checked(
    reader: "SlideReader",
    pixel_size: PixelSize,
    geometry: PatchGeometry,
    token: CancelToken | None,
    *,
    anyway: bool,
    is_for_tissue: bool,
) -> "tuple[TissueMask, Mask, tuple[str, ...]]":
    """The tissue of a photo, what of it is unread, and what speaks against classifying it.

    Raises
    ------
    NoTissueError
        It is bare glass.
    Cancelled
        `token` was cancelled.
    """
    from bachview.slide.suitability import Reason, check_slide
    from bachview.slide.tissue import read_small

    small = read_small(reader, pixel_size, token)
    check = check_slide(
        reader,
        pixel_size,
        geometry,
        token,
        small=small,
        what="photo",
        is_for_tissue=is_for_tissue,
    )
    found = {finding.reason: finding.sentence for finding in check.findings}
    if Reason.NO_TISSUE in found:
        raise NoTissueError((found[Reason.NO_TISSUE],))
    sharpness = check.sharpness
    if sharpness is not None and sharpness.detail < _LEAST_DETAIL:
        found[Reason.BLURRED] = _EVEN
    if anyway and not found.keys().isdisjoint({Reason.DARK_FIELD, Reason.NOT_HE}):
        mask = check.tissue
    else:
        mask = _tissue(small, token)
    return mask, small.unread, tuple(found.values())
