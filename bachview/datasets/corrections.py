"""Corrections as a data set: a patch around each corrected cell, in the folder of its class.

A patch is what the models see around the cell, in the middle of which it lies. Patients stay
together: ``patients.csv`` names one for every patch, and `datasets.reading` finds it there.
``cells.csv`` says of each patch which slide it is of, by its fingerprint, and which cell.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bachview.core.classes import BACH_CLASSES, ClassSet
from bachview.core.geometry import Region
from bachview.core.patches import PatchGeometry
from bachview.core.pixel_size import PixelSize
from bachview.csv_lines import csv_line
from bachview.datasets.class_file import CLASSES_FILE, classes_of
from bachview.datasets.csv_text import read_rows
from bachview.datasets.reading import PATIENTS_FILE
from bachview.errors import DatasetError, PixelSizeError, SlideReadError
from bachview.files import atomic_file, write_text
from bachview.jobs.tokens import CancelToken
from bachview.marks.correction import Correction
from bachview.slide.patches import PatchReader
from bachview.slide.reader import RGB, SlideReader

#: Beside ``Photos``.
CELLS_FILE = "cells.csv"
_COLUMNS = (
    *("file", "class", "patient", "slide", "x", "y", "width", "height"),
    *("field_um", "share", "model_class", "bundle_sha256", "created"),
)
#: Of two cells of a class that are nearer than this part of a field the patches are nearly the
#: same: one of them is enough.
_NEAR = 0.25
#: Cells that are compared with all others at a time.
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class WrittenPatches:
    """What has become of the corrections of a slide.

    Attributes
    ----------
    per_class : patches by key of the class.
    similar : cells without a patch of their own, as that of a neighbour shows nearly the same.
    foreign : corrections to classes that the model does not have.
    unreadable : cells whose tissue cannot be read.
    """

    per_class: dict[str, int]
    similar: int
    foreign: int
    unreadable: int

    @property
    def count(self) -> int:
        return sum(self.per_class.values())

    @property
    def text(self) -> str:
        """E.g. ``12 patches; 30 cells nearly the same as another, 1 cannot be read``."""
        parts = [
            f"{count:,} {what}"
            for count, what in (
                (self.similar, "more cells show nearly the same"),
                (self.foreign, "corrections are of other classes"),
                (self.unreadable, "cannot be read"),
            )
            if count
        ]
        text = "1 patch" if self.count == 1 else f"{self.count:,} patches"
        return f"{text}; {', '.join(parts)}" if parts else text


def write_corrections(
    folder: Path,
    corrections: Iterable[Correction],
    reader: SlideReader,
    pixel_size: PixelSize,
    geometry: PatchGeometry,
    classes: ClassSet,
    *,
    transform: Callable[[RGB], RGB] | None = None,
    patient: str = "",
    token: CancelToken | None = None,
    progress: Callable[[int, int], object] = lambda _, __: None,
) -> WrittenPatches:
    """Add the corrected cells of a slide to a data set, which is made if there is none.

    What it had of the same slide is replaced.

    Parameters
    ----------
    folder : empty, missing, or written by this function.
    geometry, classes : of the model whose field and classes are wanted.
    patient : keeps slides of one patient together; the slide is one of its own if it is empty.
    progress : called with the number of patches done and of all.

    Raises
    ------
    DatasetError
        There is nothing to write; the folder holds something else or cannot be written to.
    PixelSizeError
        The pixel size of the slide is not known.
    Cancelled
        `token` was cancelled; the tables and the patches that they name are those from before.
    """
    if pixel_size.um_per_px is None:
        raise PixelSizeError("The pixel size is unknown: state the µm per pixel first.")
    made = list(corrections)
    mine = [each for each in made if each.class_key in classes.keys]
    if not mine:
        raise DatasetError("No cell of this slide is corrected to a class of this model.")
    fingerprint = reader.metadata.fingerprint
    rows, before = _rows_before(folder, classes, fingerprint)
    width, height = (geometry.field_um / side for side in pixel_size.um_per_px)
    shares = _shares(mine, width, height)
    kept = _apart(mine, shares, width, height)
    patches = PatchReader(reader, pixel_size, geometry, transform)
    name = fingerprint.rpartition(":")[2][:12] if fingerprint.count(":") == 1 else fingerprint
    start = "".join(c if c.isalnum() else "-" for c in name)[:40]
    per_class: dict[str, int] = {}
    unreadable = 0
    for number, index in enumerate(kept):
        if token is not None:
            token.check()
        progress(number, len(kept))
        each = mine[index]
        try:
            pixels = patches.read(Region.around(each.region.center, width, height))
        except SlideReadError:
            unreadable += 1
            continue
        cell = each.region
        file = f"Photos/{each.class_key}/{start}-{cell.x:.0f}-{cell.y:.0f}-{cell.width:.0f}.tif"
        row = (
            *(file, each.class_key, patient.strip() or f"slide {start}", fingerprint),
            *(f"{value:.2f}" for value in cell),
            *(f"{geometry.field_um:.2f}", f"{shares[index]:.3f}"),
            *(each.model_key or "", each.bundle_sha256, each.created),
        )
        _write_patch(folder / file, pixels, geometry.mpp, dict(zip(_COLUMNS, row, strict=True)))
        rows.append(row)
        per_class[each.class_key] = per_class.get(each.class_key, 0) + 1
    _write_tables(folder, rows, classes)
    _delete(folder, set(before) - {row[0] for row in rows})
    progress(len(kept), len(kept))
    return WrittenPatches(per_class, len(mine) - len(kept), len(made) - len(mine), unreadable)


def _shares(
    corrections: Sequence[Correction], width: float, height: float
) -> npt.NDArray[np.float64]:
    """(N,) share of the field around each cell in which the reader has given the same class."""
    boxes = np.array([tuple(each.region) for each in corrections])
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    x, y = (left + right) / 2, (top + bottom) / 2
    keys = np.array([each.class_key for each in corrections])
    shares = np.zeros(len(boxes))
    for start in range(0, len(boxes), _CHUNK):
        part = slice(start, start + _CHUNK)
        across = np.minimum(right, x[part, None] + width / 2)
        across -= np.maximum(left, x[part, None] - width / 2)
        down = np.minimum(bottom, y[part, None] + height / 2)
        down -= np.maximum(top, y[part, None] - height / 2)
        common = across.clip(0) * down.clip(0) * (keys == keys[part, None])
        shares[part] = common.sum(axis=1) / (width * height)
    # Corrections on two grids may lie on each other.
    return shares.clip(0, 1)


def _apart(
    corrections: Sequence[Correction],
    shares: npt.NDArray[np.float64],
    width: float,
    height: float,
) -> list[int]:
    """Numbers of those that have a patch, the fields with most of one class first."""
    near_x, near_y = _NEAR * width, _NEAR * height
    taken: dict[tuple[str, int, int], list[tuple[float, float]]] = {}
    kept = []
    for index in np.argsort(-shares, kind="stable").tolist():
        each = corrections[index]
        center, key = each.region.center, each.class_key
        column, row = int(center.x // near_x), int(center.y // near_y)
        near = (
            place
            for c in (column - 1, column, column + 1)
            for r in (row - 1, row, row + 1)
            for place in taken.get((key, c, r), ())
        )
        is_near = any(
            abs(center.x - x) < near_x - 1e-6 and abs(center.y - y) < near_y - 1e-6 for x, y in near
        )
        if not is_near:
            taken.setdefault((key, column, row), []).append((center.x, center.y))
            kept.append(index)
    return kept


def _rows_before(
    folder: Path, classes: ClassSet, fingerprint: str
) -> tuple[list[tuple[str, ...]], list[str]]:
    """What the data set in `folder` has of other slides, and its files of this one.

    Raises
    ------
    DatasetError
        It is no such data set, or has other classes.
    """
    table = folder / CELLS_FILE
    try:
        if not table.is_file():
            if folder.is_dir() and any(folder.iterdir()):
                raise DatasetError(
                    f"{folder.name} is not empty and no data set of corrections; choose another "
                    "folder."
                )
            return [], []
    except OSError as error:
        raise DatasetError(
            f"The folder {folder.name} cannot be read ({error.strerror}); check its permissions."
        ) from error
    if classes_of(folder) != classes:
        raise DatasetError(
            f"The data set in {folder.name} has other classes than this model; choose another "
            "folder."
        )
    rows = [tuple(cells) for _, cells in read_rows(table)]
    if not rows or any(len(row) != len(_COLUMNS) for row in rows) or rows[0] != _COLUMNS:
        raise DatasetError(
            f"{CELLS_FILE} in {folder.name} is not as it was written; choose another folder."
        )
    place = _COLUMNS.index("slide")
    others = [row for row in rows[1:] if row[place] != fingerprint]
    return others, [row[0] for row in rows[1:] if row[place] == fingerprint]


def _delete(folder: Path, files: Iterable[str]) -> None:
    """Patches that are no longer of the data set; the table is a file that anyone can edit."""
    for name in files:
        path = folder / name
        if path.parent.parent == folder / "Photos" and ".." not in path.parts:
            with contextlib.suppress(OSError):
                path.unlink()


def _write_patch(path: Path, pixels: RGB, mpp: float, facts: dict[str, str]) -> None:
    import tifffile

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(
            f"The folder {path.parent.name} cannot be made ({error.strerror}); check permissions."
        ) from error
    with atomic_file(path, error=DatasetError) as file:
        tifffile.imwrite(
            file,
            pixels,
            photometric="rgb",
            compression="zlib",
            predictor=True,
            description=json.dumps(facts).encode(),
            metadata=None,
            resolution=(1e4 / mpp, 1e4 / mpp),
            resolutionunit="CENTIMETER",
        )


def _write_tables(folder: Path, rows: list[tuple[str, ...]], classes: ClassSet) -> None:
    """The table of the cells last: with it the folder is one that can be added to."""
    if classes != BACH_CLASSES:
        write_text(folder / CLASSES_FILE, _toml(classes), error=DatasetError)
    rows = sorted(rows)
    patients = [(row[0].removeprefix("Photos/"), row[2]) for row in rows]
    write_text(folder / PATIENTS_FILE, _csv([("file", "patient"), *patients]), error=DatasetError)
    write_text(folder / CELLS_FILE, _csv([_COLUMNS, *rows]), error=DatasetError)


def _csv(rows: Iterable[Sequence[str]]) -> str:
    return "".join(map(csv_line, rows))


def _toml(classes: ClassSet) -> str:
    """The classes as `class_file` reads them; a JSON string is one of TOML."""
    parts = [] if classes.negative is None else [f"negative = {json.dumps(classes.negative)}\n"]
    for one in classes:
        lines = [f"{name} = {json.dumps(getattr(one, name))}" for name in ("name", "key", "letter")]
        parts.append("\n".join(["[[classes]]", *lines, f"color = {list(one.color)}", ""]))
    return "\n".join(parts)
