"""What the command line answers, and what its documents promise."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import jsonschema

from bachview.config import resource_folder


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        return cast("dict[str, Any]", json.loads(self.out))


Cli = Callable[..., Answer]


def check_schema(name: str, document: object) -> None:
    """Fail unless `document` is what ``resources/schemas`` promises."""
    path = resource_folder() / "schemas" / f"{name}.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
