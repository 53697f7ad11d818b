"""``manifest.json``: everything that must be known about a bundle. Nothing has a default.

Every key is required, no others are allowed, and no value is converted ("1" is not 1). An error is
one sentence that names the field. Version 2 of the format has one key more than version 1,
``patch.cells_per_side``; with version 1 a patch stands for one cell. Version 3 has one more,
``taught``: what a reader has taught the bundle, and which one it was made from.
"""

import json
import math
import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from bachview.core.classes import ClassSet, TissueClass
from bachview.core.patches import PatchGeometry
from bachview.core.uncertainty import Thresholds
from bachview.errors import BundleError
from bachview.models.architectures import Architecture, architecture_of, serves
from bachview.models.estimators import EstimatorKey

#: The newest version of the format; all earlier ones are read.
SCHEMA_VERSION = 3
MANIFEST_FILE = "manifest.json"
MODEL_CARD_FILE = "MODEL_CARD.md"
GOLDEN_FILE = "golden.npz"
#: Statistics of the training features (`models.seen`); earlier bundles have none.
SEEN_FILE = "seen.npz"
GRAPH_FILES = ("cnn.xml", "cnn.bin")
MANIFEST_LIMIT_BYTES = 1_000_000

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.\-]*"
#: Relative, with forward slashes, no part starting with a dot: excludes "..", hidden files and
#: drive letters.
FILE_NAME = re.compile(rf"{_PART}(/{_PART})*")

Text = Annotated[str, Field(min_length=1, max_length=20_000)]
#: Characters of the name of a bundle, a class or a member.
LONGEST_NAME = 80
Word = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Channel = Annotated[int, Field(ge=0, le=255)]
FileName = Annotated[str, Field(max_length=200, pattern=rf"^{FILE_NAME.pattern}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class ClassEntry(_Strict):
    """One class; its index in the list is its column in the probabilities."""

    name: Word
    key: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
    letter: Annotated[str, Field(min_length=1, max_length=1)]
    color: tuple[Channel, Channel, Channel]


class PatchEntry(_Strict):
    """Patch geometry: px, um/px, um; cells along one side (not stated in version 1)."""

    input_px: Annotated[int, Field(ge=8, le=2048)]
    mpp: Annotated[float, Field(ge=0.05, le=20)]
    stride_um: Positive
    cells_per_side: Annotated[int, Field(ge=1, le=512)] = 1


class CnnMember(_Strict):
    """A member inside the fused graph. CNNs are in the order of the graph's outputs.

    `weights_file` holds the weights for the tensorflow engine; null if the bundle has none.
    """

    kind: Literal["cnn"]
    name: Word
    architecture: Architecture
    preprocessing: Word
    weight: Annotated[float, Field(ge=0)]
    features: Annotated[int, Field(ge=1, le=100_000)]
    map_size: tuple[Annotated[int, Field(ge=1, le=512)], Annotated[int, Field(ge=1, le=512)]]
    weights_file: FileName | None

    @model_validator(mode="after")
    def _preprocessing_fits(self) -> "CnnMember":
        own = architecture_of(self.architecture).preprocessing.key
        if self.preprocessing != own:
            raise ValueError(
                f"{self.architecture} requires the preprocessing {own}, not {self.preprocessing}"
            )
        return self


class SklearnMember(_Strict):
    """A classifier on the concatenated features of all CNNs, in their order."""

    kind: Literal["sklearn"]
    name: Word
    estimator: EstimatorKey
    weight: Annotated[float, Field(ge=0)]
    file: FileName


Member = Annotated[CnnMember | SklearnMember, Field(discriminator="kind")]


#: What the networks knew before they were trained: published ImageNet weights, a file of the
#: user's, what a teacher taught them, or nothing. Untrained bundles are ``random`` or
#: ``constructed``.
WeightsOrigin = Literal["imagenet", "file", "taught", "scratch", "random", "constructed"]


class ThresholdEntry(_Strict):
    """Beyond either limit, a prediction is shown as uncertain."""

    confidence: Share
    disagreement: Share


class TrainingEntry(_Strict):
    """Origin of the weights, and how the bundle was evaluated."""

    weights_origin: WeightsOrigin
    data: Text
    split: Text
    metrics: dict[Word, float]


#: What the probabilities of a taught bundle are: fitted to what was taught, or of the bundle that
#: it was made from, which says nothing of this one.
Calibration = Literal["fitted", "unknown"]


class TaughtEntry(_Strict):
    """What a reader has taught, and which bundle the manifest's was made from.

    `cells` counts them by the key of their class; `slides` are fingerprints, and `earlier_slides`
    those that taught the bundles that this one comes from; `date` is ISO 8601 UTC. `refitted` and
    `kept` are names of members.
    """

    parent_name: Word
    parent_sha256: Sha256
    date: Word
    cells: dict[Word, Annotated[int, Field(ge=0)]]
    slides: Annotated[tuple[Text, ...], Field(max_length=10_000)]
    earlier_slides: Annotated[tuple[Text, ...], Field(max_length=10_000)]
    refitted: tuple[Word, ...]
    kept: tuple[Word, ...]
    calibration: Calibration


class Manifest(_Strict):
    """The whole ``manifest.json``; see the module."""

    schema_version: Annotated[int, Field(ge=1, le=SCHEMA_VERSION)]
    name: Word
    version: Word
    licence: Text
    intended_use: Text
    classes: Annotated[tuple[ClassEntry, ...], Field(min_length=2, max_length=32)]
    patch: PatchEntry
    members: Annotated[tuple[Member, ...], Field(min_length=1, max_length=32)]
    temperature: Annotated[float, Field(gt=0, le=100)]
    photo_doubt: Annotated[float, Field(ge=0, lt=1)]
    thresholds: ThresholdEntry
    training: TrainingEntry
    taught: TaughtEntry | None = None
    versions: dict[Word, Word]
    files: Annotated[dict[FileName, Sha256], Field(max_length=256)]

    @property
    def is_for_tissue(self) -> bool:
        """Whether the weights were trained on tissue, so that the classes are meaningful."""
        return self.training.weights_origin not in ("random", "constructed")

    @property
    def measured(self) -> str:
        """One sentence for users on how often it was right; empty if nothing is stated.

        From the metrics that ``bachview train`` writes.
        """
        if self.taught is not None:
            return self.taught_text
        metrics = self.training.metrics
        accuracy, low, high = (
            metrics.get(f"cv_photo_accuracy{end}") for end in ("", "_low", "_high")
        )
        if accuracy is None:
            return ""
        interval = (
            ""
            if low is None or high is None
            else f" (95\u00a0%: {100 * low:.0f} to {100 * high:.0f}\u00a0%)"
        )
        return f"In cross-validation it was right on {100 * accuracy:.0f} % of photos{interval}."

    @property
    def taught_text(self) -> str:
        """What a reader has taught and what is not known of it, for users; empty for others."""
        if self.taught is None:
            return ""
        cells, slides = sum(self.taught.cells.values()), len(self.taught.slides)
        probabilities = (
            " Its probabilities are not calibrated." if self.taught.calibration == "unknown" else ""
        )
        return (
            f"Taught by a reader with {cells:,} {'cell' if cells == 1 else 'cells'} of "
            f"{slides} {'slide' if slides == 1 else 'slides'}; how often it is right elsewhere was "
            f"not measured.{probabilities} The limits of uncertain are those of "
            f"{self.taught.parent_name}."
        )

    @field_validator("classes")
    @classmethod
    def _classes_differ(cls, value: tuple[ClassEntry, ...]) -> tuple[ClassEntry, ...]:
        for what in ("name", "key", "letter"):
            values = [getattr(entry, what) for entry in value]
            if len(set(values)) != len(values):
                raise ValueError(f"two classes share a {what}")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> "Manifest":
        names = [member.name for member in self.members]
        if len(set(names)) != len(names):
            raise ValueError("two members share a name")
        if not self.cnns:
            raise ValueError("there is no member of kind cnn")
        if len({cnn.map_size for cnn in self.cnns}) > 1:
            raise ValueError("the CNN members have activation maps of different sizes")
        self._check_cells()
        self._check_taught()
        if sum(member.weight for member in self.members) <= 0:
            raise ValueError("the weights of all members are zero")
        if MANIFEST_FILE in self.files:
            raise ValueError(f"files must not list {MANIFEST_FILE} itself")
        for name in self.needed_files:
            if name not in self.files:
                raise ValueError(f"files has no hash of {name}")
        unused = sorted(set(self.files) - set(self.needed_files))
        if unused:
            raise ValueError(f"files lists {unused[0]}, which is not used in the manifest")
        return self

    def _check_taught(self) -> None:
        if self.schema_version < 3:
            if "taught" in self.model_fields_set:
                raise ValueError("taught: this field is unknown before format version 3")
            return
        if self.taught is None:
            raise ValueError("taught: this field is missing")
        names = [member.name for member in self.members]
        if sorted((*self.taught.refitted, *self.taught.kept)) != sorted(names):
            raise ValueError("taught: refitted and kept are not the members")
        unknown = set(self.taught.cells) - {entry.key for entry in self.classes}
        if unknown:
            raise ValueError(f"taught.cells: there is no class {sorted(unknown)[0]}")

    def _check_cells(self) -> None:
        patch, (height, width) = self.patch, self.cnns[0].map_size
        is_stated = "cells_per_side" in patch.model_fields_set
        if is_stated and self.schema_version == 1:
            raise ValueError("patch.cells_per_side: this field is unknown in format version 1")
        if not is_stated and self.schema_version > 1:
            raise ValueError("patch.cells_per_side: this field is missing")
        if patch.cells_per_side == 1:
            return
        if not serves(height, width, patch.cells_per_side):
            raise ValueError(
                f"patch.cells_per_side: an activation map of {height} x {width} cannot serve "
                f"{patch.cells_per_side} cells along a side: it must be square, and an even number "
                "of places larger"
            )
        # A cell is a place of the map.
        place_um = patch.input_px * patch.mpp / height
        if not math.isclose(patch.stride_um, place_um, rel_tol=1e-6):
            raise ValueError(
                f"patch.stride_um: {patch.stride_um:g} um, but a place of the activation map is "
                f"{place_um:g} um wide, as the cells of a patch must be"
            )

    @property
    def cnns(self) -> tuple[CnnMember, ...]:
        """The members in the fused graph, in its order."""
        return tuple(m for m in self.members if isinstance(m, CnnMember))

    @property
    def classifiers(self) -> tuple[SklearnMember, ...]:
        """The scikit-learn members, in order."""
        return tuple(m for m in self.members if isinstance(m, SklearnMember))

    @property
    def needed_files(self) -> tuple[str, ...]:
        """Every file of the bundle except the manifest."""
        weights = [m.weights_file for m in self.cnns if m.weights_file is not None]
        own = [m.file for m in self.classifiers]
        seen = [SEEN_FILE] if self.has_seen else []
        return (MODEL_CARD_FILE, *GRAPH_FILES, *own, *weights, GOLDEN_FILE, *seen)

    @property
    def has_seen(self) -> bool:
        """Whether the bundle can say what it has not seen."""
        return SEEN_FILE in self.files

    @property
    def unseen(self) -> str:
        """One sentence for users if the bundle cannot say what it has not seen; else empty."""
        return "" if self.has_seen else "This model cannot say what it has not seen."

    @property
    def class_set(self) -> ClassSet:
        return ClassSet(tuple(TissueClass(c.name, c.key, c.letter, c.color) for c in self.classes))

    @property
    def geometry(self) -> PatchGeometry:
        patch = self.patch
        return PatchGeometry(patch.input_px, patch.mpp, patch.stride_um, patch.cells_per_side)

    @property
    def uncertainty_thresholds(self) -> Thresholds:
        return Thresholds(self.thresholds.confidence, self.thresholds.disagreement)

    def to_json(self) -> bytes:
        """The file's content; equal manifests give equal bytes."""
        return (self.model_dump_json(indent=2, exclude_unset=True) + "\n").encode()


def parse_manifest(content: bytes, where: str) -> Manifest:
    """Read a manifest.

    Parameters
    ----------
    content : the file's bytes.
    where : the bundle's name for error texts.

    Raises
    ------
    BundleError
        It is not JSON, has another schema version, or a field is missing, unknown or wrong.
    """
    if len(content) > MANIFEST_LIMIT_BYTES:
        raise BundleError(f"The manifest of {where} is larger than 1 MB; it is not a manifest.")
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"The manifest of {where} is not valid JSON: {error}.") from error
    if not isinstance(document, dict):
        raise BundleError(f"The manifest of {where} is not a JSON object.")
    version = document.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BundleError(
            f"The model {where} has format version {version}, but this program reads "
            f"only {SCHEMA_VERSION} and earlier ones: update the program."
        )
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise BundleError(_sentence(error, where)) from error


def _sentence(error: ValidationError, where: str) -> str:
    first = error.errors(include_url=False)[0]
    # The name of the union's branch ("cnn") is not a key of the file.
    place = ".".join(str(part) for part in first["loc"] if part not in ("cnn", "sklearn"))
    message = first["msg"].removeprefix("Value error, ")
    text = {
        "missing": "this field is missing",
        "extra_forbidden": "this field is unknown",
    }.get(first["type"], message[:1].lower() + message[1:])
    rest = error.error_count() - 1
    more = f" (and {rest} more)" if rest else ""
    return f"The manifest of {where} is wrong at {place or 'its top'}: {text}{more}."
