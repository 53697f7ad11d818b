"""Keras models and fitted classifiers become a bundle. Training uses it."""

import hashlib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bachview.core.classes import ClassSet
from bachview.core.patches import PatchGeometry
from bachview.core.uncertainty import Thresholds
from bachview.errors import ExportError
from bachview.file_names import BUNDLE_SUFFIX, ESCAPED
from bachview.files import atomic_path, scratch_folder
from bachview.models.architectures import Architecture, architecture_of
from bachview.models.bundle import manifest as schema
from bachview.models.bundle.golden import Golden
from bachview.models.classifiers import Classifier, dump_classifier
from bachview.models.engines.base import CnnOutputs, Patches
from bachview.models.engines.export import export_graph, fuse
from bachview.models.engines.keras_weights import KernelFormat, dump_weights, round_kernels
from bachview.models.ensemble import members_of, vote
from bachview.models.estimators import estimator_of
from bachview.models.known_bundles import KnownBundles
from bachview.models.loading import Loading
from bachview.models.seen import SeenMaterial
from bachview.version import __version__


@dataclass(frozen=True, slots=True)
class Cnn:
    """A CNN member.

    Attributes
    ----------
    model : a Keras model of `bachview.models.architectures.build_cnn`. Writing rounds its kernels
        in place.
    """

    name: str
    architecture: Architecture
    model: Any
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class FittedClassifier:
    """A scikit-learn member, fitted on the concatenated pooled features of the CNNs.

    Attributes
    ----------
    estimator : key of its row in `bachview.models.estimators`.
    fitted : estimator or pipeline whose classes are 0 to C-1 in the order of the class set.
    """

    name: str
    estimator: str
    fitted: Any
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Description:
    """Description of a bundle; every field is written into its manifest.

    Attributes
    ----------
    model_card : Markdown: what it was trained on, how it was measured, what it is not for.
    photo_doubt : share of a photo's votes that is spread evenly over the classes; 0 changes
        nothing.
    metrics : values by name of the measure; empty if nothing was measured.
    """

    name: str
    version: str
    licence: str
    intended_use: str
    classes: ClassSet
    geometry: PatchGeometry
    temperature: float
    thresholds: Thresholds
    weights_origin: schema.WeightsOrigin
    data: str
    split: str
    model_card: str
    photo_doubt: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)


def features_of(
    cnns: Sequence[Cnn],
    patches: Patches,
    *,
    cells_per_side: int = 1,
    batch: int = 16,
    kernels: KernelFormat = "fp16",
    on_batch: Callable[[int], object] = lambda done: None,
) -> CnnOutputs:
    """Run the Keras models on patches, for the features on which to fit the classifiers.

    Kernels are rounded in place first, so that the features are those of the bundle.

    Parameters
    ----------
    patches : (N, input_px, input_px, 3) uint8 RGB, N >= 1.
    cells_per_side : of a patch; the outputs have a row for each cell.
    on_batch : called after each batch with the number of patches done; an exception ends the work.

    Raises
    ------
    ValueError
        A network's map cannot serve so many cells.
    """
    for cnn in cnns:
        round_kernels(cnn.model, kernels)
    fused = fuse([cnn.model for cnn in cnns], cells_per_side)
    parts = []
    for at in range(0, len(patches), batch):
        parts.append(fused.predict_on_batch(patches[at : at + batch]))
        on_batch(min(at + batch, len(patches)))
    return CnnOutputs.of([np.concatenate(column) for column in zip(*parts, strict=True)])


def write_bundle(
    output: Path,
    *,
    cnns: Sequence[Cnn],
    classifiers: Sequence[FittedClassifier],
    description: Description,
    golden_patches: Patches,
    golden_labels: npt.NDArray[np.int64],
    keras_weights: bool = True,
    kernels: KernelFormat = "fp16",
    seen: SeenMaterial | None = None,
) -> Path:
    """Write a bundle and return its path.

    Equal input gives equal bytes with the same releases of the libraries.

    Parameters
    ----------
    output : a new folder, or a file with the suffix ``.bachmodel`` (replaced once complete).
    cnns, classifiers : the members; they vote in this order.
    golden_patches : (P, input_px, input_px, 3) uint8 RGB, at least one of each class.
    golden_labels : (P,) int64, the class that each one stands for.
    keras_weights : whether to include the weights for the tensorflow engine.
    kernels : how the kernels are stored; int8 halves the file, and the rounded kernels are used
        everywhere.
    seen : statistics of the features of the training patches; None: the bundle cannot say what it
        has not seen.

    Raises
    ------
    ExportError
        The output exists (a folder) or cannot be written.
    ValueError
        The members do not match, or contain something that a bundle cannot contain.
    BundleError
        The written bundle does not reproduce the reference; nothing is left behind.
    """
    if output.is_dir() or (output.exists() and output.suffix != BUNDLE_SUFFIX):
        raise ExportError(f"{output.name} already exists: choose a new name for the bundle.")
    is_packed = output.suffix == BUNDLE_SUFFIX
    with scratch_folder(output) if is_packed else atomic_path(output) as folder:
        folder.mkdir(exist_ok=True)
        outputs = features_of(
            cnns,
            golden_patches,
            cells_per_side=description.geometry.cells_per_side,
            kernels=kernels,
        )
        golden = (golden_patches, golden_labels)
        _fill(folder, cnns, classifiers, description, outputs, golden, keras_weights, seen)
        if is_packed:
            with atomic_path(output) as packed:
                pack_folder(folder, packed)
    return output


def _fill(
    folder: Path,
    cnns: Sequence[Cnn],
    classifiers: Sequence[FittedClassifier],
    description: Description,
    outputs: CnnOutputs,
    golden_cases: tuple[Patches, npt.NDArray[np.int64]],
    keras_weights: bool,
    seen: SeenMaterial | None,
) -> None:
    patches, labels = golden_cases
    export_graph(
        [cnn.model for cnn in cnns],
        [cnn.architecture for cnn in cnns],
        folder,
        description.geometry.cells_per_side,
    )
    (folder / schema.MODEL_CARD_FILE).write_text(
        description.model_card, encoding="utf-8", errors=ESCAPED
    )
    for member in classifiers:
        (folder / estimator_of(member.estimator).file).write_bytes(dump_classifier(member.fitted))
    if keras_weights:
        (folder / "keras").mkdir()
        for cnn in cnns:
            (folder / _weights_file(cnn)).write_bytes(dump_weights(cnn.model))
    if seen is not None:
        (folder / schema.SEEN_FILE).write_bytes(seen.to_bytes())
    # The golden file needs the manifest's order and weights, and the manifest the golden file's
    # hash.
    hollow = _manifest(cnns, classifiers, description, outputs, {}, keras_weights)
    loaded = tuple(Classifier(c.fitted, len(description.classes)) for c in classifiers)
    members = members_of(hollow, outputs, loaded)
    golden = Golden(
        description.classes.keys,
        tuple(entry.name for entry in description.classes),
        labels.astype(np.int64),
        patches,
        members,
        vote(hollow, members),
        outputs.features,
    )
    (folder / schema.GOLDEN_FILE).write_bytes(golden.to_bytes())
    hashes = file_hashes(folder)
    whole = _manifest(cnns, classifiers, description, outputs, hashes, keras_weights)
    (folder / schema.MANIFEST_FILE).write_bytes(whole.to_json())
    check_written(folder)


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a bundle that is being written, for its manifest."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def check_written(folder: Path) -> None:
    """Load what was written: a bundle that would not load is not released.

    Raises
    ------
    BundleError
        It does not load.
    """
    with Loading(
        folder, engine="openvino", device="CPU", precision="f32", is_trusted=True
    ) as loading:
        loading.take_all()
        KnownBundles().add_own(loading.sha256)


def _weights_file(cnn: Cnn) -> str:
    return f"keras/{cnn.model.name}.npz"


def _manifest(
    cnns: Sequence[Cnn],
    classifiers: Sequence[FittedClassifier],
    description: Description,
    outputs: CnnOutputs,
    hashes: dict[str, str],
    keras_weights: bool,
) -> schema.Manifest:
    map_size = (int(outputs.maps.shape[2]), int(outputs.maps.shape[3]))
    networks = tuple(
        schema.CnnMember(
            kind="cnn",
            name=cnn.name,
            architecture=cnn.architecture,
            preprocessing=architecture_of(cnn.architecture).preprocessing.key,
            weight=cnn.weight,
            features=int(values.shape[1]),
            map_size=map_size,
            weights_file=_weights_file(cnn) if keras_weights else None,
        )
        for cnn, values in zip(cnns, outputs.features, strict=True)
    )
    others = tuple(
        schema.SklearnMember(
            kind="sklearn",
            name=member.name,
            estimator=member.estimator,
            weight=member.weight,
            file=estimator_of(member.estimator).file,
        )
        for member in classifiers
    )
    geometry, thresholds = description.geometry, description.thresholds
    count = geometry.cells_per_side
    values: dict[str, Any] = {
        # Earlier programs read version 1, and with one cell it says the same.
        "schema_version": 1 if count == 1 else 2,
        "name": description.name,
        "version": description.version,
        "licence": description.licence,
        "intended_use": description.intended_use,
        "classes": tuple(
            schema.ClassEntry(name=c.name, key=c.key, letter=c.letter, color=c.color)
            for c in description.classes
        ),
        "patch": schema.PatchEntry(
            input_px=geometry.input_px,
            mpp=geometry.mpp,
            stride_um=geometry.stride_um,
            **({} if count == 1 else {"cells_per_side": count}),
        ),
        "members": (*networks, *others),
        "temperature": description.temperature,
        "photo_doubt": description.photo_doubt,
        "thresholds": schema.ThresholdEntry(
            confidence=thresholds.confidence, disagreement=thresholds.disagreement
        ),
        "training": schema.TrainingEntry(
            weights_origin=description.weights_origin,
            data=description.data,
            split=description.split,
            metrics=dict(description.metrics),
        ),
        "versions": {
            "bachview": __version__,
            **{name: version(name) for name in _LIBRARIES},
        },
        "files": hashes,
    }
    # Without hashes, only used for the order and weights of the members.
    return schema.Manifest(**values) if hashes else schema.Manifest.model_construct(**values)


_LIBRARIES = ("keras", "numpy", "openvino", "scikit-learn", "skops", "tensorflow")


def pack_folder(folder: Path, output: Path) -> None:
    """Zip a folder, the manifest first; equal files give equal bytes."""
    names = sorted(
        (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()),
        key=lambda name: (name != schema.MANIFEST_FILE, name),
    )
    with zipfile.ZipFile(output, "w") as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            content = (folder / name).read_bytes()
            # Weights hardly shrink, and unpacking them would take most of the loading time.
            is_packed_or_weights = name.endswith((".bin", ".npz", ".skops"))
            method = zipfile.ZIP_STORED if is_packed_or_weights else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, method, 6)
    output.chmod(0o644)
