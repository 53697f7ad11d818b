"""The self-test bundle: six members whose constructed weights recognise four stains exactly.

``python -m bachview.models.synthetic.selftest_bundle OUTPUT.bachmodel`` builds it; the
committed one is ``resources/models/selftest.bachmodel``. It says nothing about real tissue.

Construction of the networks: the last feature map contains the colours of 8 x 8 cells, so the
pooled features are the patch's mean colour x. The class whose stain p is nearest has the largest
``2 p.x - |p|**2`` (as ``|x - p|**2 = |x|**2 - (2 p.x - |p|**2)``), which is linear in x: a head
with weights ``2 s p`` and bias ``-s |p|**2`` implements the nearest-prototype rule without
training. The three networks differ in the sharpness s and in the colour axes of their feature map;
the classifiers are fitted on the features of a fixed cloud of colours around each stain.
"""

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bachview.core.classes import BACH_CLASSES
from bachview.core.stains import STAIN_COLORS
from bachview.core.uncertainty import Thresholds
from bachview.models.architectures import CONSTRUCTED_MAP_SIDE
from bachview.models.engines.tensorflow_runtime import tensorflow
from bachview.models.synthetic.common import (
    calibrated_svm,
    described,
    fitted_classifiers,
    geometry_of,
)

#: A phantom of 4,000 x 4,000 px at 0.5 um/px has 1,000 such patches.
INPUT_PX: Final = 64

Floats = npt.NDArray[np.float64]

#: Rows are the axes of each network's feature map, in red, green and blue.
_AXES: Final = {
    "RGB network": np.eye(3),
    "Opponent network": np.array([[1, 1, 1], [1, -1, 0], [0.5, 0.5, -1], [1, 0, -1]]) / 2,
    "Mixed network": np.array(
        [[0.6, 0.4, 0.0], [0.0, 0.7, 0.3], [0.3, 0.0, 0.7], [-0.5, 0.5, 0.5]]
    ),
}
_SHARPNESS: Final = (20.0, 25.0, 30.0)

_CARD = """# Self-test bundle

Six members with constructed weights, for checking that bachview itself works: class names and
their order, the place of the overlay, resuming, one engine against the other. It names the class
whose stain colour is nearest to the mean colour of a patch. **It was not trained on anything and
says nothing of tissue.**

| Class | Stain (red, green, blue) |
|---|---|
{rows}

Built by `python -m bachview.models.synthetic.selftest_bundle OUTPUT.bachmodel`. Licence: MIT.
"""


def stains() -> Floats:
    """(4, 3) float64: the stains in the order of the BACH classes, 0..255."""
    return np.array([STAIN_COLORS[key] for key in BACH_CLASSES.keys], np.float64)


def build(output: Path, *, cells_per_side: int = 1) -> Path:
    """Write the bundle; the same releases of the libraries give the same bytes.

    Needs TensorFlow. Takes about half a minute.

    Parameters
    ----------
    output : a new folder, or a ``.bachmodel`` file (replaced).
    cells_per_side : of a patch. With several, a cell has 8 um and its networks see the mean colour
        of its window.

    Raises
    ------
    EngineError
        TensorFlow is not installed.
    ExportError
        It cannot be written.
    """
    tensorflow()
    from bachview.models.bundle.writer import Cnn, features_of, write_bundle

    cnns = [
        Cnn(name, "constructed", _network(name, axes, sharpness))
        for (name, axes), sharpness in zip(_AXES.items(), _SHARPNESS, strict=True)
    ]
    patches, labels = _cloud()
    features = features_of(cnns, patches).concatenated
    rows = "\n".join(f"| {c.name} | {STAIN_COLORS[c.key]} |" for c in BACH_CLASSES)
    golden = np.array([np.flatnonzero(labels == c)[0] for c in range(len(BACH_CLASSES))])
    return write_bundle(
        output,
        cnns=cnns,
        classifiers=_classifiers(features, labels),
        description=described(
            name="Self-test",
            version="1",
            intended_use="Checking that the program works. Not for tissue of any kind.",
            geometry=geometry_of(INPUT_PX, CONSTRUCTED_MAP_SIDE, cells_per_side),
            thresholds=Thresholds(confidence=0.5, disagreement=0.5),
            weights_origin="constructed",
            data="none: constructed from four stain colours",
            model_card=_CARD.format(rows=rows),
        ),
        golden_patches=patches[golden],
        golden_labels=labels[golden],
    )


def _network(name: str, axes: npt.NDArray[Any], sharpness: float) -> Any:
    """A constructed CNN whose feature map is `axes` times the colour in -1..1."""
    from bachview.models.architectures import build_cnn

    model = build_cnn(
        "constructed",
        input_px=INPUT_PX,
        class_count=len(BACH_CLASSES),
        name=name.split()[0].lower(),
        features=len(axes),
    )
    # Around the stains' centre the logits stay small, which keeps bf16 exact enough.
    prototypes = stains() / 127.5 - 1
    center = prototypes.mean(0)
    model.get_layer("backbone").get_layer("mix").set_weights([axes.T[None, None], -axes @ center])
    # In features f = A (x - m): the same rule with p - m, mapped back through A.
    back = np.linalg.pinv(axes)
    moved = prototypes - center
    kernel = 2 * sharpness * (moved @ back).T
    bias = -sharpness * (moved**2).sum(1)
    model.get_layer("logits").set_weights([kernel, bias])
    return model


def _cloud() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Flat patches: colours on a grid in the cube around each stain, and their nearest stains.

    Returns
    -------
    (N, INPUT_PX, INPUT_PX, 3) uint8, each of one colour, and (N,) int64. For each class the stain
    itself comes first.
    """
    steps = np.array([0, -32, -16, 16, 32])
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    colours = (stains()[:, None] + grid[None]).reshape(-1, 3).clip(0, 255)
    distances = np.linalg.norm(colours[:, None] - stains()[None], axis=2)
    labels = distances.argmin(1)
    # Colours halfway between two stains belong to no class.
    ranked = np.sort(distances, axis=1)
    clear = ranked[:, 1] - ranked[:, 0] > 4
    colours, labels = colours[clear], labels[clear]
    patches = np.broadcast_to(
        colours[:, None, None].astype(np.uint8), (len(colours), INPUT_PX, INPUT_PX, 3)
    )
    return np.ascontiguousarray(patches), labels.astype(np.int64)


def _classifiers(features: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> list[Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.svm import SVC

    return fitted_classifiers(
        {
            "random_forest": RandomForestClassifier(24, max_depth=8, random_state=0),
            "gradient_boosting": HistGradientBoostingClassifier(
                max_iter=20, max_leaf_nodes=12, early_stopping=False, random_state=0
            ),
            "svm": calibrated_svm(SVC(C=100.0, random_state=0), components=3, seed=0),
        },
        features,
        labels,
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m bachview.models.synthetic.selftest_bundle OUTPUT.bachmodel")
    build(Path(sys.argv[1]))
