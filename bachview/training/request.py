"""What a training is asked to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from bachview.errors import UsageError
from bachview.file_names import ESCAPED, printable
from bachview.models.bundle.manifest import LONGEST_NAME
from bachview.training.first_weights import Weights
from bachview.training.recipe import Recipe, read_recipe, resolve_recipe

#: Names of files have at most 255 bytes; the suffix is a part of them.
_LONGEST_NAME_BYTES = 240


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """A request to train.

    Attributes
    ----------
    dataset : folder with the labelled photos and annotated slides.
    output : folder of the run; the bundle is written into it as ``<name>.bachmodel``.
    recipe : a recipe, its TOML file, or the name of an installed one.
    folds, seed : override those of the recipe.
    imagenet : ``"fetch"`` (of each network what is installed or can be fetched), ``"scratch"``, or
        a folder with weights; a file, where the recipe has one network. See
        `bachview.training.first_weights.first_weights`.
    name : of the bundle.
    mpp, patients : see `bachview.datasets.reading.read_dataset`.
    notes : Markdown for the end of the model card; may be empty.
    tissue : slides, photos, and folders of these without labels, for a recipe with ``[teacher]``.
    resume : continue the training in `output`.
    """

    dataset: str | Path
    output: str | Path
    recipe: Recipe | str | Path = "imagenet"
    folds: int | None = None
    seed: int | None = None
    imagenet: Weights = "fetch"
    name: str = "BACH ensemble"
    mpp: float | None = None
    patients: str | Path | None = None
    notes: str = ""
    tissue: Sequence[str | Path] = ()
    resume: bool = False

    def read_recipe(self) -> Recipe:
        """The recipe with `folds` and `seed` set.

        Raises
        ------
        RecipeError
            There is none, or it is invalid.
        UsageError
            Folds or seed are against the recipe's rules.
        """
        recipe = self.recipe
        if not isinstance(recipe, Recipe):
            recipe = read_recipe(resolve_recipe(str(recipe)))
        if self.folds is not None:
            data = _replaced(recipe.data, "folds", self.folds)
            recipe = recipe.model_copy(update={"data": data})
        return recipe if self.seed is None else _replaced(recipe, "seed", self.seed)


_Model = TypeVar("_Model", bound=BaseModel)


def _replaced(model: _Model, name: str, value: int) -> _Model:
    """`model` with another value, checked as if it stood in the recipe.

    Raises
    ------
    UsageError
        The recipe's rules forbid it.
    """
    try:
        type(model).model_validate({**model.model_dump(), name: value})
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"{value} {name} is not possible: {message}.") from error
    return model.model_copy(update={name: value})


def check_name(name: str) -> None:
    """Make sure that the bundle's manifest and its file can have this name.

    Raises
    ------
    UsageError
        They cannot.
    """
    if (
        not name.strip()
        or len(name) > LONGEST_NAME
        or len(name.encode("utf-8", ESCAPED)) > _LONGEST_NAME_BYTES
        or name.startswith(".")
        or set(name) & set("/\\")
        or not printable(name).isprintable()
        or printable(name) != name
    ):
        raise UsageError(
            f"“{printable(name)[:LONGEST_NAME]}” cannot be the name of a bundle: it is the name "
            f"of a file, too. Give at most {LONGEST_NAME} characters, no slash, and no dot at the "
            "beginning."
        )
