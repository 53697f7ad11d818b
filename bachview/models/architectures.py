"""The CNN architectures that a manifest may name, built by our own code.

Every CNN has the same skeleton, which is what makes its class activation map exact:

    uint8 RGB -> preprocessing -> backbone -> last feature map -> mean over the map -> head

The head is linear, so the mean of "head applied to the feature map" over the map's places
equals the logits. Only names and shapes come from a bundle; no layer is ever deserialised.
Keras is imported inside the functions: importing TensorFlow takes about ten seconds.
"""

import math
from typing import Any, Final, Literal, get_args

Architecture = Literal["efficientnet_b0", "resnet50_v2", "densenet121", "constructed"]
Preprocessing = Literal["efficientnet", "minus_one_to_one", "imagenet_standard"]

ARCHITECTURES: Final[tuple[str, ...]] = get_args(Architecture)
#: The three of the real ensemble, in its order.
REAL_ARCHITECTURES: Final[tuple[Architecture, ...]] = (
    "efficientnet_b0",
    "resnet50_v2",
    "densenet121",
)

#: What their members are called.
MEMBER_NAMES: Final[dict[Architecture, str]] = {
    "efficientnet_b0": "EfficientNetB0",
    "resnet50_v2": "ResNet50V2",
    "densenet121": "DenseNet121",
    "constructed": "Constructed",
}

# Mean and standard deviation of ImageNet in 0..1, the constants of keras.applications.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)

_PREPROCESSING: Final[dict[str, Preprocessing]] = {
    "efficientnet_b0": "efficientnet",
    "resnet50_v2": "minus_one_to_one",
    "densenet121": "imagenet_standard",
    "constructed": "minus_one_to_one",
}


#: The constructed architecture: cells of its map along one side, features by default.
CONSTRUCTED_MAP_SIDE: Final = 8
CONSTRUCTED_FEATURES: Final = 3


def preprocessing_of(architecture: str) -> Preprocessing:
    """Name of the preprocessing that goes with an architecture's published weights."""
    return _PREPROCESSING[architecture]


def build_cnn(
    architecture: Architecture,
    *,
    input_px: int,
    class_count: int,
    name: str | None = None,
    dropout: float = 0.0,
    features: int | None = None,
) -> Any:
    """Build a Keras model with random weights.

    Parameters
    ----------
    input_px : side of the input square, px.
    dropout : share of pooled features dropped while training; nothing at inference.
    features : number of features of the ``constructed`` architecture (3 by default); the
        published ones have their own.

    Returns
    -------
    keras.Model from (N, input_px, input_px, 3) uint8 RGB to (N, C) float32 probabilities.
    Its layers ``backbone``, ``pooled`` and ``logits`` are found by these names; the backbone
    takes what the ``preprocessing`` layer gives, so published backbone weights can be loaded
    into it with ``model.get_layer("backbone").load_weights(path)``.

    Raises
    ------
    ValueError
        The architecture is not one of `ARCHITECTURES`.
    """
    import keras

    if architecture not in ARCHITECTURES:
        raise ValueError(f"unknown architecture {architecture}")
    layers = keras.layers
    pixels = layers.Input((input_px, input_px, 3), dtype="uint8", name="patches")
    scaled = preprocessing_layer(_PREPROCESSING[architecture])(pixels)
    backbone = _backbone(architecture, input_px, features or CONSTRUCTED_FEATURES)
    feature_map = backbone(scaled)
    pooled = layers.GlobalAveragePooling2D(name="pooled")(feature_map)
    if dropout:
        pooled = layers.Dropout(dropout, name="dropout")(pooled)
    # In f32 whatever the precision of the training: probabilities that sum to 1.
    logits = layers.Dense(class_count, name="logits", dtype="float32")(pooled)
    probabilities = layers.Softmax(name="probabilities", dtype="float32")(logits)
    return keras.Model(pixels, probabilities, name=name or architecture)


def preprocessing_layer(kind: Preprocessing) -> Any:
    """The Keras layer from uint8 RGB to what the published weights of a backbone expect."""
    import keras

    if kind == "minus_one_to_one":
        scale: Any = 1 / 127.5
        offset: Any = -1.0
    elif kind == "imagenet_standard":
        scale = [1 / (255 * std) for std in _STD]
        offset = [-mean / std for mean, std in zip(_MEAN, _STD, strict=True)]
    else:
        # keras.applications rescales and normalises inside EfficientNet, but divides by the
        # square root of the standard deviation once more only when it is built with
        # weights="imagenet". We build without weights and load them afterwards, so that
        # factor is applied here, around the mean that the model subtracts.
        scale = [1 / math.sqrt(std) for std in _STD]
        offset = [
            255 * mean * (1 - 1 / math.sqrt(std)) for mean, std in zip(_MEAN, _STD, strict=True)
        ]
    return keras.layers.Rescaling(scale, offset, name="preprocessing")


def _backbone(architecture: Architecture, input_px: int, features: int) -> Any:
    import keras

    shape = (input_px, input_px, 3)
    applications = keras.applications
    options = {"include_top": False, "weights": None, "input_shape": shape, "name": "backbone"}
    if architecture == "efficientnet_b0":
        return applications.EfficientNetB0(**options)
    if architecture == "resnet50_v2":
        return applications.ResNet50V2(**options)
    if architecture == "densenet121":
        return applications.DenseNet121(**options)
    side = CONSTRUCTED_MAP_SIDE
    pixels = keras.layers.Input(shape)
    cells = keras.layers.AveragePooling2D(input_px // side, name="cells")(pixels)
    mixed = keras.layers.Conv2D(features, 1, name="mix")(cells)
    return keras.Model(pixels, mixed, name="backbone")


def with_features_and_maps(model: Any, *, name: str) -> Any:
    """Wrap a model of `build_cnn` so that it gives all that the ensemble needs.

    Returns
    -------
    keras.Model from the same input to a list of three: probabilities (N, C), pooled features
    (N, F), class activation map (N, h, w, C) in units of logits; weights are shared.
    """
    import keras

    pixels = model.input
    feature_map = model.get_layer("backbone")(model.get_layer("preprocessing")(pixels))
    pooled = model.get_layer("pooled")(feature_map)
    head = model.get_layer("logits")
    probabilities = model.get_layer("probabilities")(head(pooled))
    return keras.Model(pixels, [probabilities, pooled, head(feature_map)], name=name)
