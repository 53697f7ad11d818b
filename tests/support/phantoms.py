"""The truth beside a phantom slide, read again."""

import json
from pathlib import Path

import numpy as np

from bachview.core.geometry import Point, Region
from bachview.phantom.truth import PhantomTruth, Shape, truth_path


def load_truth(slide: Path) -> PhantomTruth:
    document = json.loads(truth_path(slide).read_text(encoding="utf-8"))
    assert document["format"] == 1
    shapes = {
        name: tuple(
            Shape(str(s["material"]), np.array(s["outline"], np.float64).reshape(-1, 2))
            for s in document[name]
        )
        for name in ("areas", "tissue", "holes", "marks")
    }
    return PhantomTruth(
        document["width"],
        document["height"],
        document["mpp"],
        document["seed"],
        regions=tuple((str(r["class"]), Region(*r["region"])) for r in document["regions"]),
        **shapes,
    )


def class_at(truth: PhantomTruth, point: Point) -> str | None:
    """Class key of the tissue at the level-0 `point`; None off the four kinds of tissue."""
    return next((area.material for area in truth.areas if area.contains(point)), None)
