"""Reading TOML that a user wrote, with an error that names the place."""

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from bachview.errors import BachviewError
from bachview.text_files import decoded

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_LIMIT_BYTES = 1_000_000
#: Wrong values that a sentence names.
_MOST_TOLD = 6

_Model = TypeVar("_Model", bound=BaseModel)


def read_toml(
    path: Path,
    model: type[_Model],
    what: str,
    error: type[BachviewError],
    *,
    name: str | None = None,
) -> _Model:
    """Read a file into a strict model; unknown keys are rejected.

    Parameters
    ----------
    what : the file in error texts, e.g. ``recipe``.
    error : class of the error.
    name : of the file in error texts; None: without its folder.

    Raises
    ------
    BachviewError
        An `error`: it is not TOML, or values are missing, unknown or wrong; the text names the
        first ones.
    """
    name = path.name if name is None else name
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT_BYTES + 1)
        if len(content) > _LIMIT_BYTES:
            raise error(f"The {what} {name} is larger than 1 MB; it is not a {what}.")
        # By way of JSON, from which strict models take lists and tables; a date becomes a text.
        # A number may have more digits than can be written out.
        text = json.dumps(tomllib.loads(decoded(content)), default=str)
    except OSError as cause:
        raise error(f"The {what} {name} cannot be read: {cause.strerror or cause}.") from cause
    except ValueError as cause:
        raise error(f"The {what} {name} is not valid TOML: {cause}.") from cause
    except RecursionError as cause:
        raise error(f"{name} is not a {what}: it is nested too deeply.") from cause
    try:
        return model.model_validate_json(text)
    except ValidationError as cause:
        errors = cause.errors(include_url=False)
        found = "; at ".join(map(_told, errors[:_MOST_TOLD]))
        more = len(errors) - _MOST_TOLD
        others = f"; {more} more" if more > 0 else ""
        raise error(f"The {what} {name} is wrong at {found}{others}.") from cause


def _told(found: "ErrorDetails") -> str:
    """The place of a wrong value, and what is wrong with it."""
    place = ".".join(str(part) for part in found["loc"]) or "its top"
    known = {"missing": "it is missing", "extra_forbidden": "it is unknown"}
    return f"{place}: {known.get(found['type'], found['msg'].removeprefix('Value error, '))}"
