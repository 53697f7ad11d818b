"""Splits into training and test parts by patient, never by patch or photo.

Photos of one patient share stain, slide and often the same lesion; a classifier that has seen one
of them knows the others. BACH's patients can only be guessed from blocks of numbers (see
`numbering.patient_of`), so parts are runs of neighbouring blocks: a wrong guess at the edge of a
block then only matters at the edge of a part.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.csv_lines import csv_line
from bachview.datasets.csv_text import read_rows
from bachview.datasets.numbering import natural
from bachview.datasets.samples import Photo
from bachview.errors import DatasetError
from bachview.files import write_text

#: The columns of a split file.
COLUMNS = ("file", "class", "patient", "part", "sha256")

#: Held-out runs may be this much further from the requested share than the best one, so that the
#: seed has something to choose from.
_SLACK = 0.25

_LARGEST_BYTES = 64_000_000


def folds(
    photos: Sequence[Photo], count: int, *, seed: int, classes: ClassSet
) -> npt.NDArray[np.int64]:
    """(N,) int64: the fold, 0 to `count` - 1, in which each photo is tested.

    Each class is cut into runs of patients of about equal size in the order of the numbering; the
    seed decides which runs of different classes are combined. If a list of patients shows that one
    has photos of several classes, scikit-learn's `StratifiedGroupKFold` is used instead.

    Raises
    ------
    DatasetError
        A photo has no class, or a class has fewer patients than folds.
    ValueError
        `count` is below 2.
    """
    if count < 2:
        raise ValueError(f"{count} folds are too few")
    labels = _labels(photos)
    by_class = _patients_by_class(photos, labels)
    for label, patients in by_class.items():
        if len(patients) < count:
            raise DatasetError(
                f"{classes[label].key} has {len(patients)} patients, too few for {count} folds; "
                f"ask for at most {len(patients)}."
            )
    if _is_shared(by_class):
        return _grouped_folds(photos, labels, count, seed)
    generator = np.random.default_rng(seed)
    found = np.empty(len(photos), np.int64)
    for patients in by_class.values():
        sizes = [len(indices) for indices in patients.values()]
        numbers = generator.permutation(count)
        for indices, run in zip(patients.values(), _even_runs(sizes, count), strict=True):
            found[indices] = numbers[run]
    return found


def holdout(
    photos: Sequence[Photo], share: float, *, seed: int, classes: ClassSet
) -> npt.NDArray[np.bool_]:
    """(N,) bool: True where held out.

    About `share` of the photos of each class, a run of neighbouring patients chosen by the seed; at
    least one patient is held out and at least one is not.

    Raises
    ------
    DatasetError
        A photo has no class, or a class has a single patient.
    ValueError
        `share` is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"{share} of the photos cannot be held out")
    labels = _labels(photos)
    by_class = _patients_by_class(photos, labels)
    for label, patients in by_class.items():
        if len(patients) < 2:
            raise DatasetError(
                f"{classes[label].key} has photos of only one patient, so none can be held out; "
                "add photos of others."
            )
    found = np.zeros(len(photos), np.bool_)
    if _is_shared(by_class):
        least = min(len(patients) for patients in by_class.values())
        count = max(2, min(10, least))
        parts = _grouped_folds(photos, labels, count, seed)
        return np.asarray(parts < min(count - 1, max(1, round(share * count))), np.bool_)
    generator = np.random.default_rng(seed)
    for patients in by_class.values():
        members = list(patients.values())
        sizes = [len(indices) for indices in members]
        for indices in members[_run_of_share(sizes, share, generator)]:
            found[indices] = True
    return found


def write_split(
    path: Path,
    photos: Sequence[Photo],
    parts: Sequence[str],
    *,
    classes: ClassSet,
) -> None:
    """Write the part of each photo, as CSV with the columns `COLUMNS`.

    Raises
    ------
    DatasetError
        The file cannot be written.
    """
    lines = [csv_line(COLUMNS)]
    for photo, part in zip(photos, parts, strict=True):
        key = "" if photo.label is None else classes[photo.label].key
        lines.append(csv_line((photo.path.name, key, photo.patient, part, photo.sha256)))
    write_text(path, "".join(lines), error=DatasetError)


def read_split(path: Path) -> dict[str, str]:
    """The part of each photo, by the SHA-256 of its file.

    Raises
    ------
    DatasetError
        It is not such a file, or has a photo in two different parts.
    """
    rows = read_rows(path)
    header = [cell.casefold() for cell in rows[0][1]] if rows else []
    if not {"part", "sha256"} <= set(header):
        raise DatasetError(
            f"{path.name} is not a split file; its columns must be {', '.join(COLUMNS)}."
        )
    found: dict[str, str] = {}
    for number, cells in rows[1:]:
        row = dict(zip(header, cells, strict=False))
        sha256, part = row.get("sha256"), row.get("part")
        if not sha256 or not part:
            raise DatasetError(f"Line {number} of {path.name} has no part or no hash; correct it.")
        if found.setdefault(sha256, part) != part:
            raise DatasetError(
                f"Line {number} of {path.name} puts a photo into a second part; keep only one line."
            )
    return found


def _labels(photos: Sequence[Photo]) -> npt.NDArray[np.int64]:
    if not photos:
        raise DatasetError("There are no photos to split; check the data set's folder.")
    for photo in photos:
        if photo.label is None:
            raise DatasetError(
                f"{photo.path.name} has no class and cannot be split; move it into the folder of "
                "its class."
            )
    return np.array([photo.label for photo in photos], np.int64)


def _patients_by_class(
    photos: Sequence[Photo], labels: npt.NDArray[np.int64]
) -> dict[int, dict[str, list[int]]]:
    """Indices of photos by class and patient; patients in the order of the numbering."""
    order = sorted(range(len(photos)), key=lambda i: (labels[i], natural(photos[i].path.name)))
    found: dict[int, dict[str, list[int]]] = {}
    for index in order:
        patients = found.setdefault(int(labels[index]), {})
        patients.setdefault(photos[index].patient, []).append(index)
    return found


def _is_shared(by_class: dict[int, dict[str, list[int]]]) -> bool:
    """Whether some patient has photos of several classes."""
    names = [name for patients in by_class.values() for name in patients]
    return len(set(names)) < len(names)


def _grouped_folds(
    photos: Sequence[Photo], labels: npt.NDArray[np.int64], count: int, seed: int
) -> npt.NDArray[np.int64]:
    from sklearn.model_selection import StratifiedGroupKFold

    found = np.empty(len(photos), np.int64)
    patients = [photo.patient for photo in photos]
    # scikit-learn takes a seed of 32 bits.
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed % 2**32)
    for number, (_, measured) in enumerate(splitter.split(labels, labels, patients)):
        found[measured] = number
    return found


def _even_runs(sizes: Sequence[int], count: int) -> list[int]:
    """For each of `sizes`, the number of its run; the sums of runs differ as little as possible.

    Minimises the sum of squares over all ways to cut, by dynamic programming; no run is empty.
    """
    ends = np.concatenate([[0], np.cumsum(sizes)])
    most = len(sizes)
    best = np.full((count + 1, most + 1), np.inf)
    start = np.zeros((count + 1, most + 1), np.int64)
    best[0, 0] = 0
    for run in range(1, count + 1):
        for end in range(run, most + 1):
            costs = best[run - 1, :end] + (ends[end] - ends[:end]) ** 2
            start[run, end] = int(costs.argmin())
            best[run, end] = costs.min()
    runs = [0] * most
    end = most
    for run in range(count, 0, -1):
        first = int(start[run, end])
        runs[first:end] = [run - 1] * (end - first)
        end = first
    return runs


def _run_of_share(sizes: Sequence[int], share: float, generator: np.random.Generator) -> slice:
    """A run of neighbours that makes up about `share` of all, but not all."""
    ends = np.concatenate([[0], np.cumsum(sizes)])
    wanted = share * ends[-1]
    runs = []
    for first in range(len(sizes)):
        off = np.abs(ends[first + 1 :] - ends[first] - wanted)
        if first == 0:
            off = off[:-1]  # taking all would leave none to train on
        length = int(off.argmin()) + 1
        runs.append((float(off[length - 1]), first, first + length))
    limit = max(min(off for off, _, _ in runs), _SLACK * wanted)
    near = [run for run in runs if run[0] <= limit]
    _, first, end = near[int(generator.integers(len(near)))]
    return slice(first, end)
