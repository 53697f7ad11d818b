"""A data set that is learnt in seconds, and the recipe that learns it."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from bachview.core.classes import BACH_CLASSES
from bachview.core.stains import STAIN_COLORS
from bachview.datasets.samples import Photo
from bachview.training.recipe import Augmentation, Recipe, read_recipe

#: One photo of each class for each patient; ten numbers are one patient.
PATIENTS = 20
MPP = 1.0

RECIPE = """
seed = 7
precision = "float32"
networks = ["constructed"]
[patch]
input_px = 64
mpp = 1.0
stride_um = 32.0
[data]
holdout = 0.5
folds = 2
[pretrain]
input_px = 32
epochs = 1
steps = 2
batch = 4
learning_rate = 0.01
warmup = 0.0
weight_decay = 0.0
[augmentation]
scale = 0.1
stain_strength = 0.05
stain_shift = 0.01
brightness = 0.01
contrast = 0.05
blur = 0.3
jpeg = 0.2
glass = 0.5
[classifiers]
views = 4
components = 3
forest_trees = 8
forest_leaf = 2
boosting_rounds = 8
boosting_leaves = 4
boosting_rate = 0.3
svm_c = 1.0
[ensemble]
member_weights = true
target_risk = 0.1
[slides]
windows_per_class = 0
hard_negatives = false
[bundle]
version = "1"
data = "Speckled stains"
licence = "CC0"
kernels = "fp16"
keras_weights = true
[[stages]]
name = "small"
trainable = "head"
input_px = 32
epochs = 2
steps = 4
batch = 8
learning_rate = 0.05
warmup = 0.1
weight_decay = 0.0
label_smoothing = 0.0
dropout = 0.0
patience = 0
[[stages]]
name = "all"
trainable = "all"
epochs = 6
steps = 6
batch = 16
learning_rate = 0.05
warmup = 0.0
weight_decay = 0.001
label_smoothing = 0.05
dropout = 0.1
patience = 3
"""


#: Patches as they are.
NOTHING = Augmentation(
    scale=0.0,
    stain_strength=0.0,
    stain_shift=0.0,
    brightness=0.0,
    contrast=0.0,
    blur=0.0,
    jpeg=0.0,
    glass=0.0,
)


def only(**changes: float) -> Augmentation:
    return NOTHING.model_copy(update=changes)


def write_recipe(path: Path) -> Recipe:
    path.write_text(RECIPE, encoding="utf-8")
    return read_recipe(path)


def write_photos(
    folder: Path, colors: Mapping[str, Sequence[int]], prefixes: Mapping[str, str]
) -> Path:
    """Photos of speckled stains: a class is its colour, a patient its shade."""
    rng = np.random.default_rng(1)
    for key, own in colors.items():
        place = folder / "Photos" / key
        place.mkdir(parents=True)
        for patient in range(PATIENTS):
            color = np.array(own) + rng.uniform(-8, 8, 3)
            noise = rng.normal(0, 10, (96, 128, 1)) + rng.normal(0, 3, (96, 128, 3))
            pixels = np.clip(color + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(place / f"{prefixes[key]}{patient * 10 + 1:03d}.png")
    return folder


def write_dataset(folder: Path) -> Path:
    """The four classes of BACH, numbered as there."""
    colors = {entry.key: STAIN_COLORS[entry.key] for entry in BACH_CLASSES}
    prefixes = {"Normal": "n", "Benign": "b", "InSitu": "is", "Invasive": "iv"}
    return write_photos(folder, colors, prefixes)


#: In place of `RECIPE`'s ``[pretrain]``.
TEACHER = """
[teacher]
networks = ["constructed"]
licence = "Taught freely"
input_px = 64
mpps = [1.0, 1.5]
crops = 48
targets = 8
match_maps = true
epochs = 2
steps = 3
batch = 4
learning_rate = 0.01
warmup = 0.0
weight_decay = 0.0
"""


def write_teacher_recipe(path: Path, network: str) -> Recipe:
    """A recipe by which the constructed network teaches `network`; heads, and no folds."""
    head, rest = RECIPE.split("[pretrain]")
    text = head + TEACHER + rest[rest.index("[augmentation]") : rest.index("[[stages]]")]
    text = text.replace('networks = ["constructed"]', f'networks = ["{network}"]', 1)
    text = text.replace("folds = 2", "folds = 0") + "[heads]\ncomponents = 3\nc = 1.0\n"
    path.write_text(text, encoding="utf-8")
    return read_recipe(path)


def listed_photo(folder: Path, pixels: npt.NDArray[np.uint8], name: str = "photo.png") -> Photo:
    """A photo of the first class at `MPP`, written and listed."""
    path = folder / name
    Image.fromarray(pixels).save(path)
    return Photo(path, 0, "patient", MPP, hashlib.sha256(path.read_bytes()).hexdigest())
