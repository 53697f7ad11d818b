"""Whether the slide path and the photo path are the same classifier, measured on a mosaic.

A mosaic is a slide on which whole photos lie, with bare glass between them, and a JSON file
that says where: ``{"mpp": ..., "photos": [{"file", "class", "x", "y", "width", "height"}]}``
in level-0 px. The mosaic is classified as the viewer does it, each photo as ``bachview predict``
does it, and the two answers are compared, photo by photo::

    python -m tools.mosaic_agreement BUNDLE MOSAIC PHOTOS

prints the figures as JSON. The classifier is one, its fields are not quite: the grid of the
slide is not aligned with the photos. So three answers are compared with the photo path's:

majority : the class of the greatest area of the photo on the overlay, uncertain or not. This
    is the figure that counts.
mean : the class of the mean of its cells' votes by area, as photos are classified.
counted : the class of the greatest area on the photo path itself: how often the two ways of
    counting differ where the fields are the same.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bachview.core.cell_state import CellState
from bachview.core.geometry import Region
from bachview.core.predictions import Prediction
from bachview.core.probabilities import temperature_scaled
from bachview.errors import BachviewError, DatasetError
from bachview.jobs.tokens import CancelToken

_WAYS = ("majority", "mean")


class _Place(BaseModel):
    """Where a photo lies, level-0 px."""

    model_config = ConfigDict(populate_by_name=True)

    file: str = Field(min_length=1)
    class_key: str = Field(alias="class")
    x: float
    y: float
    width: float = Field(gt=0)
    height: float = Field(gt=0)


class _Truth(BaseModel):
    """The file beside a mosaic."""

    mpp: float = Field(gt=0)
    photos: tuple[_Place, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class PhotoAnswers:
    """What the two paths say of one photo; classes by their keys.

    Attributes
    ----------
    file : name of the photo.
    truth : its class.
    predicted : class of the photo path.
    counted : the photo path's class of most cells.
    slide : class of the slide path, by the names of the module; None where the slide has no
        classified cell there.
    """

    file: str
    truth: str
    predicted: str
    counted: str
    slide: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often the two paths name the same class.

    Attributes
    ----------
    photos : in the order of the mosaic.
    """

    photos: tuple[PhotoAnswers, ...]

    def agreed(self, way: str = "majority") -> int:
        """Photos of which the slide path says the same as the photo path."""
        return sum(photo.slide[way] == photo.predicted for photo in self.photos)

    @property
    def share(self) -> float:
        """Share of the photos whose majority class on the slide is the photo's class."""
        return self.agreed() / len(self.photos)

    @property
    def differing(self) -> tuple[PhotoAnswers, ...]:
        """Photos whose majority class on the slide is not the photo's class."""
        return tuple(p for p in self.photos if p.slide["majority"] != p.predicted)

    def to_json(self) -> dict[str, Any]:
        """Plain values: counts by way of counting, and the photos that differ."""
        total = len(self.photos)
        return {
            "photos": total,
            "share": self.share,
            "agreed": {way: self.agreed(way) for way in _WAYS},
            "counted_is_predicted": sum(p.counted == p.predicted for p in self.photos),
            "photo_accuracy": sum(p.truth == p.predicted for p in self.photos) / total,
            "slide_accuracy": sum(p.truth == p.slide["majority"] for p in self.photos) / total,
            "differing": [
                {"file": p.file, "class": p.truth, "predicted": p.predicted, **p.slide}
                for p in self.differing
            ],
        }


def measure_agreement(
    bundle: Path,
    mosaic_slide: Path,
    truth_json: Path,
    photos_folder: Path,
    *,
    device: str = "AUTO",
    token: CancelToken | None = None,
    on_progress: Callable[[str, int, int], object] = lambda what, done, total: None,
) -> Agreement:
    """Classify a mosaic and its photos with one bundle and compare. Blocking, minutes.

    Parameters
    ----------
    photos_folder : the photos lie in it or below it, by their names.
    on_progress : called on this thread with ``photos`` or ``patches``, how many are done, and
        their number.

    Raises
    ------
    DatasetError
        The JSON file is not what it should be, or a photo is missing.
    BundleError, EngineError, PixelSizeError, SlideOpenError, SlideReadError, Cancelled
        As the two paths raise them.
    """
    from bachview.inference.photos import predict_photos
    from bachview.inference.slides import SlideRun
    from bachview.models.loading import load_ensemble
    from bachview.slide.opening import opened_slide

    token = token or CancelToken()
    places = _read_truth(truth_json)
    files = _found(photos_folder, places.photos)
    with load_ensemble(bundle, device=device) as ensemble:
        answers = predict_photos(
            ensemble,
            [(file, places.mpp) for file in files],
            token=token,
            on_progress=lambda done, total: on_progress("photos", done, total),
        )
        with (
            opened_slide(mosaic_slide, token) as reader,
            SlideRun(reader, ensemble) as run,
        ):
            prediction = run.work(
                token,
                on_results=lambda _, progress: on_progress("cells", progress.done, progress.total),
            )
        keys = ensemble.bundle.classes.keys
    return Agreement(
        tuple(
            PhotoAnswers(
                place.file,
                place.class_key,
                keys[answer.top_class],
                keys[int(np.bincount(answer.probabilities.argmax(axis=1)).argmax())],
                {
                    way: None if c is None else keys[c]
                    for way, c in _slide_classes(prediction, place).items()
                },
            )
            for place, answer in zip(places.photos, answers, strict=True)
        )
    )


def _read_truth(path: Path) -> _Truth:
    try:
        return _Truth.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"{path.name} cannot be read; it lies beside the mosaic and says where its photos are."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise DatasetError(
            f"{path.name} does not say where the photos of a mosaic are "
            f"({where}: {first['msg']}); make the mosaic again."
        ) from error


def _found(folder: Path, places: Sequence[_Place]) -> list[Path]:
    """The photos' files; where a name is there twice, the one in the folder of its class."""
    by_name: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        by_name.setdefault(path.name, []).append(path)
    files = []
    for place in places:
        candidates = by_name.get(place.file, [])
        own = [path for path in candidates if path.parent.name == place.class_key]
        if not candidates:
            raise DatasetError(
                f"{place.file} of the mosaic is not below {folder.name}; give the folder of the "
                "photos that it was made from."
            )
        files.append((own or candidates)[0])
    return files


def _slide_classes(prediction: Prediction, place: _Place) -> dict[str, int | None]:
    """Class of a photo's area by each way of counting; None where no cell was classified."""
    from bachview.inference.photos import VOTE_TEMPERATURE

    region = Region(place.x, place.y, place.width, place.height)
    grid = prediction.grid
    rows, columns = grid.cells_in(region)
    area = np.outer(
        _overlap(grid.region.y, grid.stride_y, rows, region.y, region.bottom),
        _overlap(grid.region.x, grid.stride_x, columns, region.x, region.right),
    )
    area[prediction.states[rows, columns] != CellState.CLASSIFIED] = 0
    if not area.any():
        return dict.fromkeys(_WAYS)
    tops = prediction.top_class[rows, columns]
    size = len(prediction.classes)
    first = np.array([rows.start, columns.start], np.int32)
    cells = np.argwhere(area > 0).astype(np.int32) + first
    each = [prediction.class_probability_at(c, cells) for c in range(size)]
    votes = temperature_scaled(np.stack(each, axis=1), VOTE_TEMPERATURE)
    return {
        "majority": int(np.bincount(tops.ravel(), area.ravel(), size).argmax()),
        "mean": int((area[area > 0] @ votes).argmax()),
    }


def _overlap(
    start: float, stride: float, cells: slice, low: float, high: float
) -> npt.NDArray[np.float64]:
    """(n,) float64: how much of each cell lies in low..high, level-0 px."""
    edges = start + np.arange(cells.start, cells.stop + 1) * stride
    inner = np.clip(edges, low, high)
    return np.asarray(np.diff(inner), dtype=np.float64)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the agreement as JSON on standard output; 3 where a file is not usable."""
    from bachview.models.bundle.installed import resolve_bundle

    parser = argparse.ArgumentParser(
        prog="python -m tools.mosaic_agreement",
        description="How often the slide path and the photo path name the same class.",
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="A bundle's path, or an installed name.")
    parser.add_argument("mosaic", metavar="MOSAIC", type=Path, help="A slide made of photos.")
    parser.add_argument("photos", metavar="PHOTOS", type=Path, help="The folder of the photos.")
    parser.add_argument("--truth", type=Path, help="JSON beside the mosaic, where not MOSAIC.json.")
    parser.add_argument("--device", default="AUTO", help="AUTO, CPU, GPU or NPU.")
    given = parser.parse_args(arguments)
    truth = given.truth or given.mosaic.with_suffix(".json")
    try:
        found = measure_agreement(
            resolve_bundle(given.bundle),
            given.mosaic,
            truth,
            given.photos,
            device=given.device.upper(),
        )
    except BachviewError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
