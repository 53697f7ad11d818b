"""The training recipe: one TOML file that, with a seed, determines a training completely."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

import tomli_w
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    create_model,
    field_validator,
    model_validator,
)

from bachview.config import resource_folder
from bachview.core.patches import PatchGeometry
from bachview.errors import RecipeError
from bachview.models.architectures import Architecture, architecture_of
from bachview.models.estimators import ESTIMATORS
from bachview.toml_file import read_toml

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Side = Annotated[int, Field(ge=32, le=1024)]
Rate = Annotated[float, Field(gt=0, le=1)]
Word = Annotated[str, Field(min_length=1, max_length=80)]

#: What a teacher's name begins with that is not an architecture but a checkpoint of timm.
TIMM_PREFIX: Final = "timm:"
#: The teacher from which networks can be solved, see `bachview.training.solved_starts`.
SOLVED_FROM: Final = "efficientnet_lite0"
#: Limit of the views that a teaching keeps on disk.
MOST_VIEW_BYTES: Final = 40 * 10**9


def _teacher_name(name: str) -> str:
    if name.startswith(TIMM_PREFIX) and name != TIMM_PREFIX:
        return name
    return architecture_of(name).key


#: An architecture, or ``timm:FILE``.
TeacherName = Annotated[str, Field(max_length=1000), AfterValidator(_teacher_name)]


class _Table(BaseModel):
    # An integer may be given for a float (1 for 1.0 in TOML); nothing else is converted.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Patch(_Table):
    """What the networks see: `input_px` px of `mpp` um/px, every `stride_um` on slides.

    A patch may stand for `cells_per_side` ** 2 cells, each judged by a window of the networks' last
    map; `stride_um`, the side of a cell, is then that of a place of the map.
    """

    input_px: Side
    mpp: Annotated[float, Field(ge=0.1, le=10)]
    stride_um: Annotated[float, Field(gt=0, le=5000)]
    cells_per_side: Annotated[int, Field(ge=1, le=32)] = 1

    @property
    def is_wide(self) -> bool:
        """Whether a patch stands for several cells, and so may be as large as a photo."""
        return self.cells_per_side > 1

    @property
    def geometry(self) -> PatchGeometry:
        return PatchGeometry(self.input_px, self.mpp, self.stride_um, self.cells_per_side)


class Data(_Table):
    """How patients are split.

    `holdout` is the share of patients held out from the CNNs, for the classifiers and the
    calibration, if there are stages; `folds` of cross-validation, 0 for none.
    """

    holdout: Annotated[float, Field(ge=0.05, le=0.5)]
    folds: Annotated[int, Field(ge=0, le=20)]

    @field_validator("folds")
    @classmethod
    def _more_than_one(cls, folds: int) -> int:
        if folds == 1:
            raise ValueError("one fold measures nothing; use 0 for none, or at least 2")
        return folds


class Unlabelled(_Table):
    """Learning without labels, before the stages or heads.

    `epochs_of` names networks that need more or fewer epochs than the others.
    """

    input_px: Side
    epochs: Count
    epochs_of: dict[Architecture, Count] = {}
    steps: Count
    batch: Count
    learning_rate: Rate
    warmup: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: Share


class Pretrain(Unlabelled):
    """Pretraining on handcrafted descriptors; only from random weights.

    An input smaller than the patch shows the same field at a coarser mpp.
    """


class Teacher(Unlabelled):
    """Teaching: the networks learn to give the features of others, on tissue without labels.

    Attributes
    ----------
    networks : the teachers, whose features are joined: architectures with published weights, or
        ``timm:FILE``, a checkpoint of a vision transformer of timm with its ``config.json``
        beside it. A relative path counts from the working directory.
    students : the networks that are taught; absent: those that start from random weights.
    licence : of the teachers' weights, for the model card.
    mpps : um/px of the views, each as often as the others.
    crops : number of views, made once; half of them from the slides of ``--tissue``, if given.
        A view takes ``3 * input_px ** 2`` bytes in the run's folder.
    targets : number of principal components of the joined features to give.
    match_maps : also give the teachers' maps at strides of 8, 16 and 32 px, where the network has
        maps of the same size, through a linear adapter that is then dropped.
    epochs : of gradients; 0: networks stay as they were solved.
    solve_with : number of views from which networks with random weights are first solved block by
        block, without gradients, where EfficientNetLite0 is a teacher and there is a way, see
        `bachview.training.solved_starts`; 0 for none.
    frozen_normalisation : networks that start from solved weights or their own keep the statistics
        of their batch normalisation. On processors with bfloat16 arithmetic the precision ``auto``
        is then mixed_bfloat16.
    """

    epochs: Annotated[int, Field(ge=0, le=1_000_000)]
    networks: Annotated[tuple[TeacherName, ...], Field(min_length=1, max_length=4)]
    students: Annotated[tuple[Architecture, ...], Field(min_length=1, max_length=8)] | None = None
    licence: Annotated[str, Field(min_length=1, max_length=2000)]
    mpps: Annotated[
        tuple[Annotated[float, Field(ge=0.1, le=10)], ...], Field(min_length=1, max_length=4)
    ]
    crops: Annotated[int, Field(ge=8, le=1_000_000)]
    targets: Annotated[int, Field(ge=1, le=4096)]
    match_maps: bool
    solve_with: Annotated[int, Field(ge=0, le=10_000)] = 0
    frozen_normalisation: bool = False

    @model_validator(mode="after")
    def _has_what_it_solves_from(self) -> Self:
        if self.solve_with and SOLVED_FROM not in self.networks:
            raise ValueError(f"solve_with needs {SOLVED_FROM} among the teacher's networks")
        return self

    @model_validator(mode="after")
    def _fits_on_disk(self) -> Self:
        if 3 * self.crops * self.input_px**2 > MOST_VIEW_BYTES:
            raise ValueError(
                f"the views would take more than {MOST_VIEW_BYTES // 10**9} GB; lower crops or "
                "input_px"
            )
        if len(set(self.networks)) != len(self.networks):
            raise ValueError("networks has a duplicate")
        return self


class Stage(_Table):
    """One stage of fitting a CNN.

    Attributes
    ----------
    trainable : the head, also the upper third of the backbone, or all.
    input_px : px of the same field; smaller than the patch's is faster. Absent: the patch's.
    steps : batches in an epoch; the state is saved after each epoch.
    warmup : share of the stage in which the learning rate rises; after that it falls like a cosine.
    patience : epochs without a better loss on held-out patients after which the stage ends with its
        best epoch; 0 runs to the end.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,24}$")]
    trainable: Literal["head", "upper", "all"]
    input_px: Side | None = None
    epochs: Count
    steps: Count
    batch: Count
    learning_rate: Rate
    warmup: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: Share
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    patience: Annotated[int, Field(ge=0, le=10_000)]


class Heads(_Table):
    """Instead of stages: linear heads on the features of networks with unchanged initial weights.

    Attributes
    ----------
    components : number of principal components of a network's features for its head.
    c : inverse strength of the logistic regression's L2 penalty.
    """

    components: Count
    c: Annotated[float, Field(gt=0, le=1e6)]


class Augmentation(_Table):
    """Strength of the augmentation of training patches; 0 switches one off.

    Attributes
    ----------
    scale : the field's side is multiplied by up to ``1 + scale``, or divided.
    stain_strength, stain_shift : of H&E in optical density (Tellez et al., 2018).
    brightness, contrast : share of the full range, share of the contrast.
    blur : maximum standard deviation of the Gaussian, px.
    jpeg : share of patches that are JPEG-compressed.
    glass : share of patches that may reach beyond the edge of the tissue, onto bare glass;
        none in pretraining.
    """

    scale: Annotated[float, Field(ge=0, le=1)]
    stain_strength: Annotated[float, Field(ge=0, le=1)]
    stain_shift: Annotated[float, Field(ge=0, le=1)]
    brightness: Annotated[float, Field(ge=0, le=0.5)]
    contrast: Annotated[float, Field(ge=0, le=0.9)]
    blur: Annotated[float, Field(ge=0, le=5)]
    jpeg: Share
    glass: Share


class _Classifiers(_Table):
    """The scikit-learn members; `views` augmented patches of each photo are added.

    Where a patch stands for several cells, `cells_per_view` of each are taken, as neighbouring ones
    are much alike. Beside these, the settings of each row of
    `bachview.models.estimators.ESTIMATORS`.
    """

    views: Annotated[int, Field(ge=0, le=1000)]
    cells_per_view: Annotated[int, Field(ge=1, le=1024)] = 2
    components: Count


# A type checker cannot see settings that come out of a table.
if TYPE_CHECKING:
    ClassifierRecipe = _Classifiers
else:
    ClassifierRecipe = create_model(
        "ClassifierRecipe",
        __base__=_Classifiers,
        **{key: (kind, ...) for row in ESTIMATORS for key, kind in row.settings.items()},
    )


class EnsembleRecipe(_Table):
    """The vote: equal weights unless `member_weights`; `target_risk` of what is not uncertain."""

    member_weights: bool
    target_risk: Annotated[float, Field(gt=0, lt=1)]


class Slides(_Table):
    """Windows of each class cut from annotated slides.

    With `hard_negatives` the last stage leaves out the negative windows that a network finds easy.
    """

    windows_per_class: Annotated[int, Field(ge=0, le=100_000)]
    hard_negatives: bool


class BundleRecipe(_Table):
    """Description of the written bundle, and how it stores the networks.

    `data` names the data set and its source; `licence` is that of the weights.
    """

    version: Word
    data: Annotated[str, Field(min_length=1, max_length=2000)]
    licence: Annotated[str, Field(min_length=1, max_length=2000)]
    kernels: Literal["fp16", "int8"]
    keras_weights: bool


class Recipe(_Table):
    """A whole recipe file."""

    seed: Annotated[int, Field(ge=0, le=2**31)]
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
    networks: Annotated[tuple[Architecture, ...], Field(min_length=1, max_length=8)]
    patch: Patch
    data: Data
    pretrain: Pretrain | None = None
    teacher: Teacher | None = None
    heads: Heads | None = None
    stages: Annotated[tuple[Stage, ...], Field(max_length=12)] = ()
    augmentation: Augmentation
    classifiers: ClassifierRecipe
    ensemble: EnsembleRecipe
    slides: Slides
    bundle: BundleRecipe

    @model_validator(mode="after")
    def _stages_differ(self) -> Self:
        names = [stage.name for stage in self.stages]
        if len(set(names)) != len(names):
            raise ValueError("two stages have the same name")
        if len(set(self.networks)) != len(self.networks):
            raise ValueError("networks has a duplicate")
        return self

    @model_validator(mode="after")
    def _heads_or_stages(self) -> Self:
        if (self.heads is None) == (not self.stages):
            raise ValueError("it needs either [heads] or [[stages]], and not both")
        return self

    @model_validator(mode="after")
    def _teacher_or_descriptors(self) -> Self:
        if self.teacher is not None and self.pretrain is not None:
            raise ValueError("it may have [teacher] or [pretrain], not both")
        if self.teacher is not None and self.teacher.students is not None:
            for name in self.teacher.students:
                if name not in self.networks or name in self.teacher.networks:
                    raise ValueError(f"{name} is no network of the recipe that could be a student")
        return self

    @model_validator(mode="after")
    def _inputs_fit(self) -> Self:
        parts: list[Stage | Pretrain] = list(self.stages)
        if self.pretrain is not None:
            parts.append(self.pretrain)
        if any((part.input_px or 0) > self.patch.input_px for part in parts):
            raise ValueError("an input_px is larger than that of the patch")
        return self

    def to_toml(self) -> str:
        """The recipe as a file from which `read_recipe` reads the same values."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    RecipeError
        It is not TOML, or a value is missing, unknown or wrong; the text names it.
    """
    return read_toml(path, Recipe, "recipe", RecipeError)


def installed_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with the program."""
    return tuple(sorted(path.stem for path in (resource_folder() / "recipes").glob("*.toml")))


def resolve_recipe(name_or_path: str) -> Path:
    """The file of an installed recipe, or the path itself.

    Raises
    ------
    RecipeError
        There is no such recipe.
    """
    if name_or_path in installed_recipes():
        return resource_folder() / "recipes" / f"{name_or_path}.toml"
    path = Path(name_or_path)
    if path.is_file():
        return path
    raise RecipeError(
        f"There is no recipe {path.name}: give a TOML file, or one of "
        f"{', '.join(installed_recipes())}."
    )
