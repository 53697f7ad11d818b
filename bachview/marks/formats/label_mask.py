"""A picture in which each px has the number of its class: an indexed PNG or TIFF, with a table."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bachview.csv_lines import csv_line
from bachview.errors import ExportError
from bachview.file_names import printable
from bachview.files import atomic_file, atomic_path, file_group
from bachview.marks.annotation import AREAS, Annotation, AnnotationClass
from bachview.marks.formats.found import UNWATCHED, Note, Remarks, Watch
from bachview.marks.formats.frame_of_slide import SlideFrame

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: What follows the name of the picture in that of its table.
TABLE = "-classes.csv"
#: Of annotations without a class.
NO_CLASS = AnnotationClass("no class", (128, 128, 128))
_MOST_CLASSES = 255
_MOST_PX = 300_000_000
#: The longer side of a mask for which no resolution is asked, px.
_USUAL_PX = 4096


def write_mask(
    path: Path,
    annotations: Sequence[Annotation],
    slide: SlideFrame,
    watch: Watch = UNWATCHED,
    *,
    mpp: float | None = None,
) -> tuple[str, ...]:
    """Write the mask of the whole slide, and beside it a table of its numbers. Any thread.

    0 is no annotation. A px is of what its centre lies in; of several that lie there the smallest
    counts, so that what was drawn inside of something keeps its class. Resolution and classes also
    stand in the picture itself.

    Parameters
    ----------
    mpp : um per px of the mask; None: as fine as 4096 px for the longer side allow.

    Raises
    ------
    ExportError
        It cannot be written, is too large, has too many classes, or `mpp` is asked for and that of
        the slide is not known.
    Cancelled
        The watch's token was cancelled; existing files are untouched.
    """
    remarks = Remarks()
    areas = [one for one in annotations if one.kind in AREAS]
    if len(areas) < len(annotations):
        remarks.note(Note.NOT_WRITTEN, len(annotations) - len(areas))
    # By name: files of other programs may give a class another colour.
    named: dict[str, AnnotationClass] = {}
    for own in map(_class_of, areas):
        named.setdefault(own.name, own)
    classes = list(named.values())
    numbers = {one.name: number for number, one in enumerate(classes, 1)}
    if len(classes) > _MOST_CLASSES:
        raise ExportError(
            f"{path.name} would have {len(classes)} classes; a mask has at most {_MOST_CLASSES}."
        )
    step_x, step_y = _steps(path, slide, mpp)
    width, height = math.ceil(slide.width / step_x), math.ceil(slide.height / step_y)
    if width * height > _MOST_PX:
        raise ExportError(
            f"{path.name} would have {width:,} by {height:,} px; choose a coarser resolution."
        )
    mask = np.zeros((height, width), np.uint8)
    for done, annotation in enumerate(sorted(areas, key=lambda one: -one.geometry.area), 1):
        label = numbers[_class_of(annotation).name]
        _draw(mask, annotation.geometry, step_x, step_y, label)
        watch.step(done, len(areas))
    sides = None if slide.mpp is None else (slide.mpp[0] * step_x, slide.mpp[1] * step_y)
    _write(path, mask, classes, sides)
    return remarks.sentences


def _class_of(annotation: Annotation) -> AnnotationClass:
    return annotation.annotation_class or NO_CLASS


def _steps(path: Path, slide: SlideFrame, mpp: float | None) -> tuple[float, float]:
    """Level-0 px of a px of the mask, in x and y."""
    if mpp is not None:
        if slide.mpp is None:
            raise ExportError(
                f"{path.name} cannot have {mpp:g} µm per px: the pixel size of {slide.name} is not "
                "known."
            )
        if not (math.isfinite(mpp) and mpp > 0):
            raise ExportError(f"{mpp:g} µm per px make no sense; give a number above 0.")
        return mpp / slide.mpp[0], mpp / slide.mpp[1]
    step = max(1.0, max(slide.width, slide.height) / _USUAL_PX)
    if slide.mpp is None:
        return step, step
    coarsest = step * max(slide.mpp)  # square px, as most programs expect
    return coarsest / slide.mpp[0], coarsest / slide.mpp[1]


def _draw(
    mask: npt.NDArray[np.uint8], shape: "BaseGeometry", step_x: float, step_y: float, label: int
) -> None:
    """Give `label` to the px whose centres lie in a shape, its holes left out."""
    import shapely

    for polygon in shapely.get_parts(shape):
        rings = [polygon.exterior, *polygon.interiors]
        edges = [_edges(np.asarray(ring.coords), step_x, step_y) for ring in rings]
        x0, y0, x1, y1 = np.concatenate(edges, axis=1)
        left = max(0, math.floor(x0.min()))
        right = min(mask.shape[1], math.ceil(x0.max()) + 1)
        top = max(0, math.floor(y0.min()))
        bottom = min(mask.shape[0], math.ceil(y0.max()) + 1)
        if right <= left or bottom <= top:
            continue
        # Rows whose centre an edge crosses, from the upper end, which counts, to the lower.
        first = np.ceil(np.minimum(y0, y1) - 0.5).astype(np.int64).clip(top, bottom)
        last = np.ceil(np.maximum(y0, y1) - 0.5).astype(np.int64).clip(top, bottom)
        counts = last - first
        edge = np.repeat(np.arange(len(counts)), counts)
        row = (
            np.repeat(first, counts)
            + np.arange(counts.sum())
            - np.repeat(counts.cumsum() - counts, counts)
        )
        share = (row + 0.5 - y0[edge]) / (y1[edge] - y0[edge])
        x = x0[edge] + share * (x1[edge] - x0[edge])
        column = np.ceil(x - 0.5).astype(np.int64).clip(left, right)
        # Right of an odd number of crossings lies the inside.
        crossings = np.zeros((bottom - top, right - left + 1), np.int32)
        np.add.at(crossings, (row - top, column - left), 1)
        inside = (crossings.cumsum(axis=1)[:, :-1] & 1).astype(bool)
        mask[top:bottom, left:right][inside] = label


def _edges(
    points: npt.NDArray[np.float64], step_x: float, step_y: float
) -> npt.NDArray[np.float64]:
    """(4, n) x0, y0, x1, y1 of the edges of a ring, px of the mask."""
    scaled = points[:, :2] / (step_x, step_y)
    return np.concatenate([scaled[:-1], scaled[1:]], axis=1).T


def _write(
    path: Path,
    mask: npt.NDArray[np.uint8],
    classes: Sequence[AnnotationClass],
    sides: tuple[float, float] | None,
) -> None:
    counts = np.bincount(mask.ravel(), minlength=len(classes) + 1)
    rows = [
        (number, printable(one.name), *one.color, int(counts[number]))
        for number, one in enumerate(classes, 1)
    ]
    lines = [csv_line(("value", "class", "red", "green", "blue", "pixels"))]
    lines += [csv_line(row) for row in rows]
    told = {
        "classes": {str(number): name for number, name, *_ in rows},
        "mpp": None if sides is None else [round(side, 6) for side in sides],
    }
    beside = path.with_name(path.name + TABLE)
    with file_group(beside) as group:
        with atomic_path(path, group=group, ending=path.suffix) as part:
            _write_picture(part, mask, classes, sides, json.dumps(told))
        with atomic_file(beside, group=group) as file:
            file.write("".join(lines).encode())


def _write_picture(
    part: Path,
    mask: npt.NDArray[np.uint8],
    classes: Sequence[AnnotationClass],
    sides: tuple[float, float] | None,
    text: str,
) -> None:
    colors = [(0, 0, 0), *(one.color for one in classes)]
    if part.suffix.lower() in (".tif", ".tiff"):
        import tifffile

        palette = np.zeros((3, 256), np.uint16)
        palette[:, : len(colors)] = 257 * np.array(colors, np.uint16).T
        resolution = None if sides is None else tuple(1e4 / side for side in sides)
        tifffile.imwrite(
            part,
            mask,
            photometric="palette",
            colormap=palette,
            compression="zlib",
            description=text,
            metadata=None,
            resolution=resolution,
            resolutionunit=None if sides is None else "CENTIMETER",
            software="bachview",
        )
        return
    from PIL import Image, PngImagePlugin

    picture = Image.fromarray(mask)  # of grey; with a palette its values are indices
    picture.putpalette([part for color in colors for part in color])
    info = PngImagePlugin.PngInfo()
    info.add_text("Description", text)
    if sides is not None:
        picture.info["dpi"] = tuple(25_400 / side for side in sides)
    picture.save(part, pnginfo=info, dpi=picture.info.get("dpi"))
